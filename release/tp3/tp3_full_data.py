"""Jeux complets pour aller plus loin que le TP3 : MNIST, Fashion-MNIST et KMNIST.

Le TP se fait sans ce module : ce qu'il demande est dans data/. Il sert à qui veut entraîner sur
les 60 000 chiffres, ou essayer un autre jeu hors distribution :

    from tp3_full_data import full_data
    (train_images, train_labels), (test_images, test_labels) = full_data("fashion")

La première fois, les quatre fichiers du jeu (12 à 31 Mo) sont téléchargés avec pooch
(`pip install pooch`), vérifiés, puis gardés sur le disque. Sans réseau, on peut les placer
soi-même dans un dossier : full_data("mnist", folder="mon_dossier").

Vérifications. Pour MNIST et Fashion-MNIST, la somme SHA-256 du contenu décompressé est comparée
à celle des originaux ; peu importe donc d'où viennent les fichiers, et comment ils ont été
compressés. Pour KMNIST, seules les sommes MD5 publiées avec torchvision sont vérifiées, au
téléchargement : son contenu n'a pas été contrôlé pour ce cours.

Licences : MNIST, CC BY-SA 3.0 (Y. LeCun, C. Cortes ; avec C. Burges) ; Fashion-MNIST, MIT
(Zalando SE) ; KMNIST, CC BY-SA 4.0 (ROIS-CODH).
"""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    "kmnist": ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
}

# Des fichiers .gz tels qu'ils sont publiés, dans l'ordre de FILES.
MD5_GZIP = {
    "mnist": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "kmnist": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}

# Du contenu décompressé, dans l'ordre de FILES ; None : non contrôlé.
SHA256_IDX = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    "kmnist": (None, None, None, None),
}


class DataUnavailable(RuntimeError):
    """Un fichier manque et n'a pas pu être téléchargé, ou n'est pas celui qu'on attend."""


def full_data(name="mnist", folder=None):
    """Renvoie un jeu complet, téléchargé une fois puis relu sur le disque.

    name : "mnist", "fashion" ou "kmnist" ; folder : dossier où les fichiers sont cherchés, puis
    gardés (par défaut, le cache de pooch). Ils y sont acceptés compressés (.gz) ou non.
    Renvoie ((train_images, train_labels), (test_images, test_labels)) : images uint8
    (60000, 28, 28) et (10000, 28, 28), étiquettes uint8 (60000,) et (10000,).
    Lève DataUnavailable, avec ce qu'il faut faire, si un fichier manque ou n'est pas le bon.
    """
    if name not in MIRRORS:
        raise ValueError(f"Jeu inconnu : {name!r}. Attendu : {', '.join(map(repr, MIRRORS))}.")
    arrays = {part: full_part(name, part, folder) for part in FILES}
    train, test = (
        (arrays[f"{half}_images"], arrays[f"{half}_labels"]) for half in ("train", "test")
    )
    for (images, labels), count in ((train, 60_000), (test, 10_000)):
        if images.shape != (count, 28, 28) or labels.shape != (count,):
            raise DataUnavailable(
                f"{name} : attendu {count} images de 28 × 28 et autant d'étiquettes, "
                f"obtenu {images.shape} et {labels.shape}."
            )
    return train, test


def full_part(name, part, folder=None):
    """Renvoie un seul des quatre tableaux d'un jeu : part est une clé de FILES."""
    place = list(FILES).index(part)
    path = _on_disk(Path(folder), FILES[part]) if folder is not None else None
    if path is None:
        path = _download(name, FILES[part], MD5_GZIP[name][place], folder)
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataUnavailable(
                f"{path} n'est pas un fichier gzip complet ({error}). "
                "Supprimez-le, puis recommencez."
            ) from error
    expected = SHA256_IDX[name][place]
    found = hashlib.sha256(content).hexdigest()
    if expected is not None and found != expected:
        raise DataUnavailable(
            f"{path} n'est pas l'original de {name} : SHA-256 attendue {expected[:12]}…, "
            f"obtenue {found[:12]}… Supprimez-le, puis recommencez."
        )
    return read_idx(content, str(path))


def read_idx(content, origin="fichier IDX"):
    """Lit le format IDX de MNIST, limité aux octets non signés (type 0x08).

    content : octets décompressés ; origin : ce que nomment les messages d'erreur.
    En-tête : deux octets nuls, le type, le nombre de dimensions, puis chaque dimension sur quatre
    octets (gros-boutiste). Renvoie un tableau uint8 qui peut être modifié.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or content[3] == 0:
        raise DataUnavailable(
            f"{origin} n'est pas au format IDX à octets non signés : "
            f"début attendu 00 00 08, obtenu {content[:4].hex(' ') or 'rien'}."
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataUnavailable(
            f"{origin} est incomplet : en-tête de {start} octets attendu, obtenu {len(content)}."
        )
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
    # En entiers de Python : un en-tête faux peut annoncer plus que 64 bits.
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise DataUnavailable(
            f"{origin} est incomplet ou trop long : pour la forme {shape}, "
            f"attendu {expected} octets, obtenu {len(content)}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _on_disk(folder, file):
    for path in (folder / f"{file}.gz", folder / file):
        if path.is_file():
            return path
    return None


def _download(name, file, md5, folder):
    try:
        import pooch
    except ImportError as error:
        raise DataUnavailable(
            f"Pour télécharger {file}.gz ({name}), il faut pooch : pip install pooch. Ou placez "
            "les quatre fichiers dans un dossier, et donnez-le : folder=…"
        ) from error
    target = Path(folder) if folder is not None else Path(pooch.os_cache("tp3")) / name
    reasons = []
    for mirror in MIRRORS[name]:
        try:
            return Path(
                pooch.retrieve(
                    f"{mirror}{file}.gz", known_hash=f"md5:{md5}", fname=f"{file}.gz", path=target
                )
            )
        except (OSError, ValueError) as error:  # pas de réseau, serveur absent, somme fausse
            reasons.append(f"{mirror} : {type(error).__name__}")
    raise DataUnavailable(
        f"{file}.gz ({name}) n'a pu être téléchargé nulle part ({' ; '.join(reasons)}). "
        "Êtes-vous connecté à Internet ? Dans le noyau isolé du cours, il n'y a pas de réseau : "
        "lancez la même ligne hors de lui, ou placez les quatre fichiers dans un dossier, et "
        "donnez-le : folder=…"
    )
