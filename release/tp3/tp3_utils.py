"""Données et figures du TP3 (incertitude en pratique, sur MNIST).

À garder dans le même dossier que le notebook, avec le dossier data/. Il n'y a rien à compléter
ici. Demande numpy, torch, et matplotlib 3.7 ou plus récent.

Formes, partout : N images, K = 10 classes, S passes. Les images sont des tenseurs float32
(N, 1, 28, 28) ; un score est un tableau (N,), d'autant plus grand que l'exemple est suspect.
"""

import inspect
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

# Palette d'Okabe et Ito, lisible aussi par les personnes daltoniennes.
BLEU, CIEL, ORANGE, VERT, ROUGE = "#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00"
ROSE, GRIS, NOIR = "#cc79a7", "#999999", "#000000"
COULEURS = (GRIS, ORANGE, BLEU, VERT, ROSE)
SIGNE = LinearSegmentedColormap.from_list("signe", [ORANGE, "#ffffff", BLEU])

# À la correction, les figures sont tracées avec moins de pixels (jamais avec d'autres données).
RESOLUTION = 50 if os.environ.get("NBGRADER_EXECUTION") else 100

DATA = Path(__file__).resolve().parent / "data"
MEAN, STD = 0.1307, 0.3081


# --- Données ---------------------------------------------------------------------------------


def load_mnist_train():
    """Renvoie X (12000, 1, 28, 28) et y (12000,) : 10 000 chiffres d'apprentissage, puis 2 000 de validation."""
    return _images("mnist_train.npz")


def load_mnist_test():
    """Renvoie X (10000, 1, 28, 28) et y (10000,), les chiffres de test de MNIST, tous."""
    return _images("mnist_test.npz")


def load_fashion_test():
    """Renvoie X (2000, 1, 28, 28), des vêtements : les 500 premiers pour régler, les 1 500 autres pour évaluer."""
    return _images("fashion_test.npz")[0]


def load_state(name):
    """Renvoie les paramètres enregistrés dans data/name (dictionnaire nom -> tenseur)."""
    return torch.load(_chemin(name), map_location="cpu", weights_only=True)


def load_arrays(name):
    """Renvoie les tableaux de data/name (dictionnaire nom -> tenseur)."""
    with np.load(_chemin(name)) as archive:
        return {cle: _tenseur(archive[cle]) for cle in archive.files}


def normalize(images):
    """Images uint8 (N, 28, 28) -> tenseur float32 (N, 1, 28, 28), (x / 255 - 0,1307) / 0,3081."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).float()
    return (pixels / 255 - MEAN) / STD


def in_batches(function, X, size=500):
    """Applique function à X par paquets de size exemples, et recolle les résultats.

    function : X (n, ...) -> tenseur (n, ...), ou plusieurs. Les résultats sont détachés du graphe.
    """
    parts = []
    for start in range(0, len(X), size):
        result = function(X[start : start + size])
        group = result if isinstance(result, tuple) else (result,)
        parts.append([torch.as_tensor(part).detach() for part in group])
    joined = tuple(torch.cat(group) for group in zip(*parts))
    return joined if isinstance(result, tuple) else joined[0]


def run_passes(MC_sampling, X, net, **options):
    """Appelle MC_sampling(X, net, **options), ou sa forme plus ancienne MC_sampling(X, y, net, **options)."""
    parameters = inspect.signature(MC_sampling).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind in (0, 1)]
    given = (X, torch.zeros(len(X), dtype=torch.long), net) if len(required) > 2 else (X, net)
    return MC_sampling(*given, **options)


def _images(nom):
    with np.load(_chemin(nom)) as archive:
        labels = torch.from_numpy(archive["labels"].astype(np.int64))
        return normalize(archive["images"]), labels


def _tenseur(tableau):
    tenseur = torch.from_numpy(tableau)
    return tenseur if tenseur.is_floating_point() else tenseur.long()


def _chemin(nom):
    chemin = DATA / nom
    if not chemin.is_file():
        raise FileNotFoundError(
            f"Le fichier {nom} est introuvable dans {DATA}. Gardez le dossier data/ à côté de "
            "tp3_utils.py (sur Colab : importez tp3.zip, puis exécutez à nouveau les cellules depuis le début)."
        )
    return chemin


# --- Figures ---------------------------------------------------------------------------------


def plot_loss(losses, title, ylabel):
    """Trace un coût (steps,) au fil des pas, et sa moyenne glissante sur 20 pas."""
    losses = _plat(losses)
    fig, ax = _figure(1, 1, (6.5, 3.4))
    ax.plot(losses, color=GRIS, linewidth=1, label="un mini-lot")
    largeur = min(20, len(losses))
    lisse = np.convolve(losses, np.ones(largeur) / largeur, mode="valid")
    ax.plot(np.arange(largeur - 1, len(losses)), lisse, color=BLEU, linewidth=2, label="moyenne des 20 derniers")
    ax.set(title=title, xlabel="pas", ylabel=ylabel)
    ax.set_ylim(bottom=0)
    fig.legend(loc="outside lower center", ncols=2, frameon=False)
    plt.show()


def plot_passes(X, labels, probs, chosen, titles):
    """Montre des images, leurs probabilités à chaque passe et les votes des passes.

    X : (N, 1, 28, 28) ; labels : (N,) ; probs : (S, N, 10) ; chosen : numéros des images ; titles : un par image.
    """
    probs = np.asarray(torch.as_tensor(probs).detach(), dtype=float)
    S, K = probs.shape[0], probs.shape[2]
    fig, axes = _figure(3, len(chosen), (2.1 * len(chosen), 6.8), sharex="row", sharey="row")
    axes = np.reshape(axes, (3, len(chosen)))
    for colonne, i, titre in zip(axes.T, chosen, titles):
        haut, milieu, bas = colonne
        image = np.asarray(X[i, 0]) * STD + MEAN
        haut.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        haut.set(title=titre, xticks=[], yticks=[], xlabel=f"classe {int(labels[i])}")
        for k in range(K):
            milieu.plot(np.full(S, k), probs[:, i, k], "o", color=BLEU, markersize=3, alpha=0.25)
        milieu.plot(np.arange(K), probs[:, i].mean(axis=0), "_", color=ROUGE, markersize=9, markeredgewidth=2)
        votes = np.bincount(probs[:, i].argmax(axis=1), minlength=K)
        bas.bar(np.arange(K), votes, color=BLEU)
        milieu.set(ylim=(-0.05, 1.05), xlabel="classe")
        bas.set(xlabel="classe", ylim=(0, 1.05 * S))
        for ax in (milieu, bas):
            ax.set_xticks(range(0, K, 3))
    axes[0, 0].set_ylabel("image")
    axes[1, 0].set_ylabel("probabilité")
    axes[2, 0].set_ylabel("votes")
    poignees = [
        Line2D([], [], marker="o", color=BLEU, linestyle="none", markersize=4),
        Line2D([], [], marker="_", color=ROUGE, linestyle="none", markersize=9, markeredgewidth=2),
        Patch(color=BLEU),
    ]
    noms = ["une passe", "moyenne des passes", "nombre de passes où la classe l'emporte"]
    fig.legend(poignees, noms, loc="outside lower center", ncols=3, frameon=False)
    plt.show()


def plot_reliability(panels, labels, n_bins=15):
    """Trace des diagrammes de fiabilité, un par panneau.

    panels : dictionnaire {titre : probs (N, K)} ; labels : (N,). L'aire d'un disque croît avec l'effectif de sa classe.
    """
    labels = np.asarray(labels)
    fig, axes = _figure(1, len(panels), (4.2 * len(panels), 5.2), sharex=True, sharey=True)
    for ax, (titre, probs) in zip(np.ravel(axes), panels.items()):
        probs = np.asarray(torch.as_tensor(probs).detach(), dtype=float)
        confiance, juste = probs.max(axis=1), probs.argmax(axis=1) == labels
        classe = np.clip(np.ceil(confiance * n_bins) - 1, 0, n_bins - 1).astype(int)
        ax.plot([0, 1], [0, 1], color=NOIR, linestyle="--", linewidth=1)
        for m in np.unique(classe):
            dedans = classe == m
            n, moyenne, taux = dedans.sum(), confiance[dedans].mean(), juste[dedans].mean()
            tirages = np.random.default_rng(m).binomial(n, moyenne, 4000) / n
            ax.plot([moyenne] * 2, np.quantile(tirages, [0.025, 0.975]), color=CIEL, linewidth=4, alpha=0.7)
            ax.plot(moyenne, taux, "o", color=ROUGE, markersize=4 + 2 * np.log10(n))
        ax.set(title=titre, xlabel="confiance moyenne", xlim=(0, 1.03), ylim=(-0.03, 1.03), box_aspect=1)
    np.ravel(axes)[0].set_ylabel("exactitude")
    poignees = [
        Line2D([], [], color=NOIR, linestyle="--", linewidth=1),
        Line2D([], [], marker="o", color=ROUGE, linestyle="none", markersize=7),
        Line2D([], [], color=CIEL, linewidth=4, alpha=0.7),
    ]
    noms = ["calibration parfaite", "une classe de confiance", "95 % des tirages d'un modèle calibré"]
    fig.legend(poignees, noms, loc="outside lower center", ncols=3, frameon=False)
    plt.show()


def plot_temperature(temperatures, curves, best):
    """Trace la log-vraisemblance négative moyenne contre la température.

    temperatures : (n,) ; curves : dictionnaire {nom : valeurs (n,)} ; best : température retenue.
    """
    fig, ax = _figure(1, 1, (6.5, 4.2))
    for (nom, valeurs), couleur, style in zip(curves.items(), (BLEU, ORANGE), ("-", "--")):
        ax.plot(_plat(temperatures), _plat(valeurs), color=couleur, linestyle=style, linewidth=2, label=nom)
    texte = f"température retenue, {best:.2f}".replace(".", ",")
    ax.axvline(best, color=NOIR, linestyle=":", linewidth=2, label=texte)
    ax.set(title="Choix de la température", xlabel="température $T$", ylabel="NLL moyenne (nats)", ylim=(0, None))
    fig.legend(loc="outside lower center", ncols=3, frameon=False)
    plt.show()


def plot_confidence_and_truth(mcp, tcp, right, n_classes=10):
    """Trace la TCP de chaque exemple contre sa MCP. mcp, tcp : (N,) ; right : booléens (N,)."""
    mcp, tcp, right = _plat(mcp), _plat(tcp), np.asarray(right, dtype=bool).reshape(-1)
    fig, (gauche, droite) = _figure(1, 2, (11, 4.6))
    for ax in (gauche, droite):
        ax.axvspan(0, 1 / n_classes, color=ROUGE, alpha=0.15, linewidth=0)
        ax.axvspan(0.5, 1, color=BLEU, alpha=0.12, linewidth=0)
    gauche.plot(tcp[right], mcp[right], "o", color=BLEU, markersize=3, alpha=0.4)
    gauche.plot(tcp[~right], mcp[~right], "x", color=ROUGE, markersize=6, markeredgewidth=1.5)
    gauche.set(title="MCP contre TCP", xlabel="TCP", ylabel="MCP", xlim=(0, 1), ylim=(0, 1.02))
    bords = np.linspace(0, 1, 41)
    droite.hist(tcp[right], bords, color=BLEU, histtype="step", linewidth=2)
    droite.hist(tcp[~right], bords, color=ROUGE, histtype="step", linewidth=2, hatch="//")
    droite.set(title="Répartition de la TCP", xlabel="TCP", ylabel="nombre de chiffres", yscale="log", xlim=(0, 1))
    droite.yaxis.set_major_formatter(_ENTIER)
    poignees = [
        Line2D([], [], marker="o", color=BLEU, linestyle="none", markersize=4),
        Line2D([], [], marker="x", color=ROUGE, linestyle="none", markersize=6, markeredgewidth=1.5),
        Patch(color=ROUGE, alpha=0.15),
        Patch(color=BLEU, alpha=0.12),
    ]
    noms = ["bien classés", "erreurs", f"TCP < 1/{n_classes}", "TCP > 1/2"]
    fig.legend(poignees, noms, loc="outside lower center", ncols=4, frameon=False)
    plt.show()


def plot_precision_recall(scores, positives, title):
    """Trace les courbes précision-rappel de plusieurs scores, les erreurs étant les positifs.

    scores : dictionnaire {nom : (N,)} ; positives : booléens (N,).
    """
    positives = np.asarray(positives, dtype=bool).reshape(-1)
    fig, ax = _figure(1, 1, (6.5, 4.8))
    for (nom, score), couleur, style in zip(scores.items(), COULEURS, ("-", "--", "-.", ":")):
        rappel, precision = _precision_rappel(_plat(score), positives)
        ax.step(rappel, precision, where="post", color=couleur, linestyle=style, linewidth=2, label=nom)
    taux = positives.mean()
    texte = f"score tiré au sort ({100 * taux:.2f} %)".replace(".", ",")
    ax.axhline(taux, color=NOIR, linestyle=":", linewidth=1.5, label=texte)
    ax.set(
        title=title, xlim=(0, 1.02), ylim=(0, 1.05),
        xlabel="rappel : part des erreurs qui sont signalées", ylabel="précision (VPP) : part d'erreurs parmi les signalés",
    )  # fmt: skip
    fig.legend(loc="outside lower center", ncols=2, frameon=False)
    plt.show()


def plot_intervals(rows, title, xlabel):
    """Trace des différences et leurs intervalles, avec un trait en 0.

    rows : dictionnaire {nom : (différence, bas, haut)}.
    """
    fig, ax = _figure(1, 1, (7.5, 1.2 + 0.55 * len(rows)))
    for rang, (valeur, bas, haut) in enumerate(rows.values()):
        ax.plot([bas, haut], [rang, rang], color=BLEU, linewidth=3, solid_capstyle="butt")
        ax.plot(valeur, rang, "o", color=ROUGE, markersize=7)
    ax.axvline(0, color=NOIR, linestyle="--", linewidth=1)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.set(title=title, xlabel=xlabel, ylabel="comparaison", ylim=(len(rows) - 0.5, -0.5))
    poignees = [
        Line2D([], [], marker="o", color=ROUGE, linestyle="none", markersize=7),
        Line2D([], [], color=BLEU, linewidth=3),
    ]
    noms = ["différence observée", "intervalle à 95 %"]
    fig.legend(poignees, noms, loc="outside lower center", ncols=2, frameon=False)
    plt.show()


def plot_odin(x, x_moved, epsilon, title):
    """Montre une image, la perturbation d'ODIN, et l'image perturbée. x, x_moved : (1, 28, 28)."""
    avant, apres = (np.asarray(torch.as_tensor(im).detach(), dtype=float).reshape(28, 28) for im in (x, x_moved))
    fig, axes = _figure(1, 3, (10, 4.0))
    haut = (1 - MEAN) / STD
    for ax, image, nom in ((axes[0], avant, title), (axes[2], apres, "image perturbée")):
        ax.imshow(image, cmap="gray_r", vmin=-MEAN / STD - 0.5, vmax=haut + 0.5)
        ax.set_title(nom)
    ecart = apres - avant
    echelle = epsilon or 1
    axes[1].imshow(ecart / echelle, cmap=SIGNE, vmin=-1, vmax=1)
    axes[1].set_title("perturbation")
    for ax in axes:
        ax.set(xticks=[], yticks=[], xlabel="colonne")
    axes[0].set_ylabel("ligne")
    couleurs = SIGNE([0.0, 0.5, 1.0])
    valeur = f"{epsilon:g}".replace(".", ",")
    poignees = [Patch(facecolor=couleur, edgecolor=GRIS) for couleur in couleurs]
    fig.legend(poignees, [f"− {valeur}", "0", f"+ {valeur}"], loc="outside lower center", ncols=3, frameon=False)
    plt.show()


def plot_grid(epsilons, curves, chosen):
    """Trace l'AUROC contre epsilon pour plusieurs températures.

    epsilons : (n,), le premier nul ; curves : dictionnaire {température : (n,)} ; chosen : epsilon retenu.
    """
    rangs = np.arange(len(epsilons))
    fig, ax = _figure(1, 1, (7, 4.2))
    for (nom, valeurs), couleur, symbole in zip(curves.items(), (GRIS, ORANGE, BLEU, VERT), "osD^"):
        valeur = f"{nom:g}".replace(".", ",")
        ax.plot(rangs, _plat(valeurs), color=couleur, marker=symbole, linewidth=2, label=f"$T$ = {valeur}")
    rang = int(np.argmin(np.abs(_plat(epsilons) - chosen)))
    ax.axvline(rang, color=NOIR, linestyle=":", linewidth=2, label=f"ε retenu, {chosen:g}".replace(".", ","))
    ax.set_xticks(rangs, [f"{e:g}".replace(".", ",") for e in _plat(epsilons)])
    ax.set(title="Choix de ε", xlabel="ε (unités des pixels normalisés)", ylabel="AUROC, images de réglage")
    fig.legend(loc="outside lower center", ncols=4, frameon=False)
    plt.show()


def plot_in_and_out(scores, n_in):
    """Trace la répartition de plusieurs scores, chiffres d'un côté et vêtements de l'autre.

    scores : dictionnaire {nom : (n_in + n_out,)}, les chiffres d'abord ; chaque score est remplacé par son rang.
    """
    fig, axes = _figure(1, len(scores), (3.7 * len(scores), 4.0), sharey=True)
    for ax, (nom, score) in zip(np.ravel(axes), scores.items()):
        score = _plat(score)
        rangs = (np.searchsorted(np.sort(score), score, side="left") + np.searchsorted(np.sort(score), score, side="right")) / 2
        rangs = 100 * rangs / len(score)
        bords = np.linspace(0, 100, 26)
        ax.hist(rangs[:n_in], bords, color=BLEU, histtype="step", linewidth=2)
        ax.hist(rangs[n_in:], bords, color=ROUGE, histtype="step", linewidth=2, hatch="//")
        ax.set(title=nom, xlabel="rang du score (%)", xlim=(0, 100))
    np.ravel(axes)[0].set_ylabel("nombre d'images")
    poignees = [Patch(facecolor="none", edgecolor=BLEU, linewidth=2), Patch(facecolor="none", edgecolor=ROUGE, hatch="//")]
    fig.legend(poignees, ["chiffres", "vêtements"], loc="outside lower center", ncols=2, frameon=False)
    plt.show()


# --- Outils ----------------------------------------------------------------------------------


def _plat(tableau):
    if isinstance(tableau, torch.Tensor):
        tableau = tableau.detach().cpu().numpy()
    return np.asarray(tableau, dtype=float).reshape(-1)


class _Virgule(ScalarFormatter):
    """Graduations à virgule décimale."""

    def __call__(self, valeur, rang=None):
        return super().__call__(valeur, rang).replace(".", ",")


_ENTIER = FuncFormatter(lambda valeur, rang: f"{valeur:g}")


def _figure(lignes, colonnes, taille, **partage):
    fig, axes = plt.subplots(
        lignes, colonnes, figsize=taille, dpi=RESOLUTION, layout="constrained", **partage
    )
    for ax in np.ravel(axes):
        ax.xaxis.set_major_formatter(_Virgule())
        ax.yaxis.set_major_formatter(_Virgule())
    return fig, axes


def _precision_rappel(score, positives):
    """Rappel et précision quand le seuil descend ; les scores égaux sont pris ensemble."""
    ordre = np.argsort(-score, kind="stable")
    fin = np.flatnonzero(np.append(np.diff(score[ordre]) != 0, True))
    vrais = np.cumsum(positives[ordre])[fin]
    precision = vrais / (fin + 1)
    rappel = vrais / max(positives.sum(), 1)
    return np.concatenate([[0], rappel]), np.concatenate([[precision[0]], precision])
