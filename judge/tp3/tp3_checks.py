"""Outils des tests cachés du TP3.

Les fonctions de l'étudiant s'appellent d'ici comme des fonctions ordinaires ; ce qui doit tourner
à côté de leurs réseaux (paramètres, modes, gradients) est une sonde, ``@probe`` : seul son corps
leur est envoyé, il ne contient rien de la référence et renvoie des mesures. Les valeurs attendues
sont calculées ici, par d'autres formules que celles des réponses de référence.

Une erreur n'est payée qu'une fois : une réponse est juste si elle est celle de la référence ou, à
défaut, exactement ce que donnent les réponses antérieures de l'étudiant, quand celles-ci sont
fausses mais *plausibles*.
"""

# X, N, K, T : les lettres du cours ; LeNet, MC_sampling : des noms imposés aux étudiants.
# ruff: noqa: N803, D401

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbjudge.errors import HiddenTestError
from nbjudge.testing import CheckFailed, assert_close, assert_true, probe, sendable

Array = NDArray[np.float64]
Own = Callable[[], Iterable[Any]]

HAND_PASSES = [[[0.9, 0.1, 0.0]], [[0.5, 0.5, 0.0]], [[0.4, 0.3, 0.3]], [[0.8, 0.2, 0.0]]]
"""Vecteur de contrôle, (4, 1, 3) : ratio 0, entropie 0,829300, information mutuelle 0,177416."""


HAND_VOTES = [[[0.5, 0.4, 0.1]], [[0.6, 0.4, 0.0]], [[0.5, 0.45, 0.05]], [[0, 1, 0]], [[0, 1, 0]]]
"""Trois votes contre deux, (5, 1, 3) : ratio 2/5, bien que la moyenne préfère la minorité."""


def assert_close_or_own(actual: Any, expected: Any, own: Own, **how: Any) -> None:
    """Vérifie que actual est expected ou, à défaut, l'un des résultats que own() calcule.

    own n'est appelée que si elle sert ; en cas d'échec, la phrase de l'étudiant parle de expected.
    """
    try:
        assert_close(actual, expected, **how)
    except CheckFailed:
        for candidate in attempt(own):
            try:
                return assert_close(actual, candidate, **how)
            except CheckFailed:
                continue
        raise


def attempt(own: Own) -> list[Any]:
    """Résultats de own(), ou aucun si les fonctions de l'étudiant n'y suffisent pas."""
    try:
        return list(own())
    except HiddenTestError:  # une faute de ce test, pas de l'étudiant
        raise
    except Exception:  # leur code peut lever n'importe quoi, et renvoyer n'importe quoi
        return []


def softmax(logits: Array) -> Array:
    """Softmax sur le dernier axe, en double précision."""
    z = np.asarray(logits, dtype=float)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def dirichlet(generator: np.random.Generator, shape: Sequence[int], alpha: float) -> Array:
    """Probabilités au hasard sur le dernier axe ; alpha petit : des prédictions tranchées."""
    return generator.dirichlet([alpha] * shape[-1], size=tuple(shape[:-1]))


# --- Question 1.1 ----------------------------------------------------------------------------


@probe
def lenet_logits(LeNet, inputs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Logits du réseau de l'étudiant, en mode eval, avec les paramètres fournis."""
    import torch
    from tp3_utils import load_state

    net = LeNet()
    net.load_state_dict(load_state("lenet.pt"))
    net.eval()
    with torch.no_grad():
        return [net(x) for x in inputs]


def reference_logits(LeNet: Any, inputs: Sequence[Any]) -> list[Any]:
    """Les mêmes, de la référence."""
    import torch
    from tp3_utils import load_state

    net = LeNet()
    net.load_state_dict(load_state("lenet.pt"))
    net.eval()
    with torch.no_grad():
        return [net(x) for x in inputs]


def count_kept(LeNet: Any, second_only: bool) -> Array:
    """Nombre d'unités gardées parmi dix, pour 80 images et dix sorties, (80, 10).

    Des paramètres choisis rendent le hasard lisible. ``second_only`` : les 100 unités cachées
    valent 1, chaque sortie somme dix d'entre elles. Sinon, chaque unité cachée recopie l'un des 512
    nombres, qui valent 1 : elle n'est gardée que si les deux dropouts la gardent.
    """
    scale = 0.75 if second_only else 0.375
    outputs = train_outputs(LeNet, second_only, 80)
    counts = np.asarray(outputs, dtype=float) * scale
    if counts.shape != (80, 10) or not np.isfinite(counts).all():
        raise CheckFailed(
            "Dropout : les logits en mode train n'ont pas la forme (N, 10), ou ne sont pas finis."
        )
    return counts


@probe
def train_outputs(LeNet, second_only, n):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Sorties en mode train, avec des paramètres choisis, rangés d'après leurs formes."""
    import torch

    conv1, conv2 = torch.zeros(16, 1, 5, 5), torch.zeros(32, 16, 5, 5)
    conv2[:, 0, 2, 2] = 1
    fc1, fc2 = torch.zeros(100, 512), torch.zeros(10, 100)
    for k in range(100):
        fc2[k // 10, k] = 1
        if not second_only:
            fc1[k, k] = 1
    biases = [torch.ones(16), torch.zeros(32), torch.ones(100) * bool(second_only), torch.zeros(10)]
    chosen = {tuple(p.shape): p for p in (conv1, conv2, fc1, fc2, *biases)}
    net = LeNet()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(chosen[tuple(parameter.shape)])
        net.train()
        return net(torch.zeros(n, 1, 28, 28))


# --- Question 1.2 ----------------------------------------------------------------------------
# Une forme plus ancienne de l'énoncé donnait aussi y, inutile, en deuxième argument : admise.


@probe
def plain_passes(MC_sampling, X, weight, bias, cases):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Passes d'un réseau linéaire, sans dropout, pour plusieurs (N, tbatch, samples)."""
    import inspect

    import torch
    from torch import nn

    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).eval()
    with torch.no_grad():
        net[1].weight.copy_(torch.as_tensor(weight))
        net[1].bias.copy_(torch.as_tensor(bias))
    parameters = inspect.signature(MC_sampling).parameters.values()
    older = sum(p.default is p.empty and p.kind in (0, 1) for p in parameters) > 2
    passes = []
    for n, tbatch, samples in cases:
        images = torch.as_tensor(X[:n])
        given = (images, torch.zeros(n).long(), net) if older else (images, net)
        passes.append(torch.as_tensor(MC_sampling(*given, tbatch=tbatch, samples=samples)).detach())
    return passes


@probe
def bernoulli_passes(MC_sampling, n, weight, bias, p, tbatch, samples):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Passes d'un réseau dont une seule unité, égale à 1, passe par un dropout."""
    import inspect

    import torch
    from torch import nn

    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 1), nn.Dropout(p), nn.Linear(1, 10)).eval()
    with torch.no_grad():
        net[1].weight.zero_()
        net[1].bias.fill_(1)
        net[3].weight.copy_(torch.as_tensor(weight).reshape(10, 1))
        net[3].bias.copy_(torch.as_tensor(bias))
    parameters = inspect.signature(MC_sampling).parameters.values()
    older = sum(p.default is p.empty and p.kind in (0, 1) for p in parameters) > 2
    images = torch.zeros(n, 1, 28, 28)
    given = (images, torch.zeros(n).long(), net) if older else (images, net)
    return torch.as_tensor(MC_sampling(*given, tbatch=tbatch, samples=samples)).detach()


@probe
def modes_after(MC_sampling, training):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """(modes, passes) : modes 0 ou 1 d'un réseau et de ses quatre couches après l'appel.

    Les passes sont celles de deux réseaux, de paramètres différents.
    """
    import inspect

    import torch
    from torch import nn

    parameters = inspect.signature(MC_sampling).parameters.values()
    older = sum(p.default is p.empty and p.kind in (0, 1) for p in parameters) > 2
    images, modes, passes = torch.zeros(3, 1, 28, 28), [], []
    for scale in (1.0, -1.0):
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.Dropout(0.5), nn.Linear(4, 10))
        with torch.no_grad():
            net[3].bias.copy_(scale * torch.arange(10))
        net.train(bool(training))
        given = (images, torch.zeros(3).long(), net) if older else (images, net)
        passes.append(torch.as_tensor(MC_sampling(*given, tbatch=2, samples=2)).detach())
        modes += [int(module.training) for module in net.modules()]
    return modes, passes


# --- Question 1.3 ----------------------------------------------------------------------------


def own_information(predictive_entropy: Any, probs: Any) -> list[Array]:
    """[information mutuelle] qu'une entropie prédictive fausse mais plausible donnerait.

    Plausible : finie, de la bonne forme, et qui distingue les images s'il y en a plusieurs.
    """
    p = np.asarray(probs, dtype=float)
    entropy = np.asarray(predictive_entropy(probs), dtype=float).reshape(-1)
    logs = np.log(np.where(p > 0, p, 1))
    expected = -(p * logs).sum(axis=2).mean(axis=0)
    plausible = (
        entropy.shape == expected.shape
        and np.isfinite(entropy).all()
        and (entropy.size == 1 or np.ptp(entropy) > 0)
    )
    return [entropy - expected] if plausible else []


# --- Question 1.4 ----------------------------------------------------------------------------


def labelled(
    generator: np.random.Generator, N: int, K: int, alpha: float
) -> tuple[Array, NDArray[np.int64]]:
    """Probabilités (N, K), classes (N,) : tour à tour trop et trop peu de confiance.

    Les exemples, par confiance croissante, sont justes puis faux par douzièmes : les écarts n'ont
    pas tous le même signe, même dans une seule classe de confiance, et leur somme en valeur absolue
    dépend du découpage.
    """
    probs = dirichlet(generator, (N, K), alpha)
    rank = probs.max(axis=1).argsort().argsort()
    right = (rank // max(1, N // 12) % 2 == 0) ^ (generator.random(N) < 0.1)
    other = (probs.argmax(axis=1) + generator.integers(1, K, N)) % K
    return probs, np.where(right, probs.argmax(axis=1), other)


def edge_cases(generator: np.random.Generator) -> list[tuple[Array, NDArray[np.int64]]]:
    """Problèmes à quatre classes de confiance, dont des confiances valent 1/2, 3/4 ou 1."""
    cases = []
    for confidences in ([0.5, 0.625, 0.75, 0.875], [0.75, 1.0, 0.5625], [0.5, 0.4375, 1.0]):
        n = 6 * len(confidences)
        confidence = np.repeat(confidences, 6)
        rest = (1 - confidence) / 3
        probs = np.stack([confidence, rest, rest, rest], axis=1)
        # Chaque confiance a sa propre part de justes : un exemple mal rangé se voit.
        right = np.concatenate(
            [np.arange(6) < 6 - k - generator.integers(0, 2) for k in range(len(confidences))]
        )
        order = generator.permutation(n)
        cases.append((probs[order], np.where(right, 0, 1)[order]))
    return cases


def overconfident(
    generator: np.random.Generator, N: int, K: int, spread: float, T: float
) -> tuple[Array, NDArray[np.int64]]:
    """Logits (N, K), et classes tirées selon softmax(logits / T)."""
    logits = spread * generator.normal(size=(N, K))
    labels = [generator.choice(K, p=p) for p in softmax(logits / T)]
    return logits, np.array(labels)


def best_temperature(logits: Array, labels: NDArray[np.int64]) -> float:
    """Température de plus petite NLL, par scipy : la NLL est convexe en 1 / T."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    rows = np.arange(len(labels))
    found = minimize_scalar(
        lambda b: np.mean(logsumexp(b * logits, axis=1) - b * logits[rows, labels]),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return 1 / float(found.x)


# --- Question 2.2 ----------------------------------------------------------------------------


@probe
def confidnet_run(LeNet, LeNetConfidNet, x, by_shape):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Mesures sur le modèle de l'étudiant, avec les paramètres fournis.

    by_shape : les paramètres sont rangés d'après leurs formes, non d'après leurs noms ; l'entrée de
    la dernière couche du tronc est alors relevée, ainsi que les logits de LeNet rempli de même.
    """
    import torch
    from tp3_utils import load_state

    state = {**load_state("lenet.pt"), **load_state("confidnet.pt")}

    def fill(module, values):  # noqa: ANN001, ANN202
        left = list(values)
        with torch.no_grad():
            for parameter in module.parameters():
                k = next(i for i, value in enumerate(left) if value.shape == parameter.shape)
                parameter.copy_(left.pop(k))

    model, measured = LeNetConfidNet(), {}
    measured["trunk_names"] = sorted(
        name for name in model.state_dict() if not name.startswith("uncertainty")
    )
    if by_shape:
        fill(model, state.values())
        net = LeNet()
        measured["lenet_names"] = sorted(net.state_dict())
        fill(net, load_state("lenet.pt").values())
        with torch.no_grad():
            measured["lenet"] = net.eval()(x)
        seen = []
        for module in model.modules():
            if getattr(module, "out_features", 0) == 10:
                module.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    else:
        model.load_state_dict(state)
    model.eval()
    logits, c = model(x)
    measured["logits"], measured["c"] = logits.detach(), c.detach()
    try:
        measured["c_one"] = model(x[:1])[1].detach()
    except Exception:  # un forward qui ne sait traiter que plusieurs images
        measured["c_one"] = c.detach()[:0]
    if by_shape:
        measured["hidden"] = seen[0].detach()
    model.train()
    logits, c = model(x)
    measured["logits_train"] = logits.detach()
    for parameter in model.parameters():
        parameter.grad = None
    if c.requires_grad:
        c.sum().backward()
    flows = {"trunk_gradient": 0.0, "head_gradient": 0.0}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            place = "head_gradient" if name.startswith("uncertainty") else "trunk_gradient"
            flows[place] = max(flows[place], float(parameter.grad.abs().max()))
    measured.update(flows)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        logits, c = model(x)
        if c.requires_grad:
            c.sum().backward()
        optimizer.step()
    model.eval()
    measured["logits_after"] = model(x)[0].detach()
    return measured


def reference_confidnet(LeNetConfidNet: Any, x: Any) -> dict[str, Any]:
    """Logits et c de la référence, en mode eval."""
    import torch
    from tp3_utils import load_state

    model = LeNetConfidNet()
    model.load_state_dict({**load_state("lenet.pt"), **load_state("confidnet.pt")})
    model.eval()
    with torch.no_grad():
        logits, c = model(x)
    return {"logits": logits, "c": c}


def confidnet_measures(
    LeNet: Any, LeNetConfidNet: Any, right_LeNet: Any, right_model: Any, x: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(mesures, attendu) du modèle de l'étudiant.

    Si leur LeNet est faux (payé à la question 1.1), un tronc qui lui est égal convient : rempli
    d'après les formes de ses paramètres, avec la tête de la référence sur les sorties de fc1. Ses
    paramètres ont alors les noms de l'énoncé, ou ceux de leur LeNet.
    """
    expected = reference_confidnet(right_model, x)
    try:
        measured = confidnet_run(LeNet, LeNetConfidNet, x, False)
        failure = None
        if _same(measured["logits"], expected["logits"]):
            return measured, expected
    except HiddenTestError:
        raise
    except Exception as error:  # un chargement qui échoue, un forward qui lève
        measured, failure = {}, error
    own = attempt(lambda: [_like_their_lenet(LeNet, LeNetConfidNet, right_LeNet, x, expected)])
    if own and own[0] is not None:
        return own[0]  # type: ignore[no-any-return]
    if failure is not None:
        raise failure
    return measured, expected


def _like_their_lenet(
    LeNet: Any, LeNetConfidNet: Any, right_LeNet: Any, x: Any, expected: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    (right,) = reference_logits(right_LeNet, [x])
    try:
        (theirs,) = lenet_logits(LeNet, [x])
        wrong = not _same(theirs, right)
    except HiddenTestError:
        raise
    except Exception:
        wrong = True
    if not wrong:
        return None
    from tp3_utils import load_state

    measured = confidnet_run(LeNet, LeNetConfidNet, x, True)
    if measured["trunk_names"] not in (measured["lenet_names"], sorted(load_state("lenet.pt"))):
        return None
    if _same(measured["logits"], expected["logits"]):  # seuls les noms étaient faux
        return measured, expected
    varies = float(np.ptp(np.asarray(measured["lenet"]), axis=0).min()) > 0
    if not varies or not _same(measured["logits"], measured["lenet"]):
        return None
    return measured, {"logits": measured["lenet"], "c": _head(measured["hidden"])}


def _head(hidden: Any) -> Array:
    """La tête fournie, appliquée à (N, 100), en double précision."""
    from tp3_utils import load_state

    state = {
        name: np.asarray(value, dtype=float) for name, value in load_state("confidnet.pt").items()
    }
    h = np.asarray(hidden, dtype=float)
    for k in range(1, 6):
        h = h @ state[f"uncertainty{k}.weight"].T + state[f"uncertainty{k}.bias"]
        h = h if k == 5 else np.maximum(h, 0)
    return h[:, 0]


def _same(actual: Any, expected: Any) -> bool:
    try:
        assert_close(actual, expected, what="", rtol=1e-3, atol=1e-3)
    except CheckFailed:
        return False
    return True


@probe
def loss_and_gradients(confidnet_loss, logits, c, labels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """(coût, gradient par rapport à c, gradient par rapport aux logits ou des zéros)."""
    import torch

    logits = torch.tensor(logits, requires_grad=True)
    c = torch.tensor(c, requires_grad=True)
    loss = confidnet_loss(logits, c, torch.tensor(labels))
    value = float(loss.detach())
    if loss.requires_grad:
        loss.backward()
    zeros = (torch.zeros_like(tensor) for tensor in (c, logits))
    found = (tensor.grad for tensor in (c, logits))
    return value, *(zero if grad is None else grad for zero, grad in zip(zeros, found))  # noqa: B905


def expected_loss(logits: Array, c: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """(coût, gradient par rapport à c), par les formules."""
    return _loss_to(softmax(logits)[np.arange(len(labels)), labels], c)


def _loss_to(target: Array, c: Array) -> tuple[float, Array]:
    sigma = 1 / (1 + np.exp(-c))
    return float(np.mean((sigma - target) ** 2)), 2 / c.size * (sigma - target) * sigma * (
        1 - sigma
    )


@probe
def loss_to_given_target(confidnet_loss, logits, c, labels, first, second):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Coût quand le nom confidences, dans le notebook, donne le couple (first, second)."""
    import torch

    names = confidnet_loss.__globals__
    theirs = names["confidences"]
    names["confidences"] = lambda *given: (torch.tensor(first), torch.tensor(second))
    try:
        return float(confidnet_loss(*(torch.tensor(value) for value in (logits, c, labels))))
    finally:
        names["confidences"] = theirs


def own_loss(
    confidnet_loss: Any, confidences: Any, logits: Array, c: Array, labels: NDArray[np.int64]
) -> list[tuple[float, Array]]:
    """[(coût, gradient)] avec la TCP que donne confidences de l'étudiant, si elle est plausible.

    Plausible : entre 0 et 1, qui varie, et que le coût prend bien pour cible : prendre la MCP sans
    passer par confidences est une faute de cette question-ci.
    """
    import torch

    def theirs(y: NDArray[np.int64]) -> Array:
        given = torch.from_numpy(softmax(logits)), torch.from_numpy(y)
        return np.asarray(confidences(*given)[1], dtype=float).reshape(-1)

    tcp = theirs(labels)
    plausible = (
        tcp.shape == c.shape
        and bool(((tcp >= 0) & (tcp <= 1)).all())
        and float(np.ptp(tcp)) > 0
        and _follows(confidnet_loss, logits, c, labels)
    )
    return [_loss_to(tcp, c)] if plausible else []


def _follows(confidnet_loss: Any, logits: Array, c: Array, labels: NDArray[np.int64]) -> bool:
    """Dit si le coût est l'erreur quadratique à ce que confidences donne en second."""
    first, second = np.linspace(0.1, 0.4, c.size), np.linspace(0.9, 0.2, c.size)
    found = loss_to_given_target(confidnet_loss, logits, c, labels, first, second)
    return bool(abs(float(found) - _loss_to(second, c)[0]) < 1e-6)


# --- Question 2.3 ----------------------------------------------------------------------------


def detection_cases(generator: np.random.Generator) -> list[tuple[Array, NDArray[np.bool_], str]]:
    """Scores (N,), positifs (N,) : distincts, avec des égaux, avec un seul positif."""
    cases = []
    for n, share, kind in ((203, 0.3, "scores distincts"), (151, 0.2, "scores à égalité")):
        positives = generator.random(n) < share
        positives[:2] = True, False
        scores = generator.normal(size=n) + 0.8 * positives
        cases.append((np.round(2 * scores) / 2 if "égalité" in kind else scores, positives, kind))
    positives = np.arange(37) == generator.integers(0, 37)
    cases.append((generator.permutation(37) / 8 - 2.0, positives, "un seul positif"))
    return cases


def fpr95_cases(generator: np.random.Generator) -> list[tuple[Array, NDArray[np.bool_]]]:
    """Problèmes où aucun positif ne tombe près du seuil : toute interpolation convient."""
    cases = []
    for negatives, positives in ((200, 41), (137, 30), (63, 25)):
        low = np.sort(generator.normal(size=negatives))
        near = low[int(np.floor(0.93 * negatives)) - 2], low[int(np.ceil(0.97 * negatives))]
        high = generator.normal(1.0, 1.2, size=20 * positives)
        high = high[(high < near[0]) | (high > near[1])][:positives]
        scores, kinds = np.concatenate([low, high]), np.arange(low.size + high.size) >= low.size
        order = generator.permutation(scores.size)
        cases.append((scores[order], kinds[order]))
    return cases


def separated(generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """(probs, mc_mean, c) : 23 exemples que chaque score sépare de plus de 1e-3, des 0 exacts.

    De l'un à l'autre, les probabilités sont plus ou moins étalées : l'ordre des entropies n'est pas
    celui des plus grandes probabilités.
    """
    n = 23
    found: list[Array] = []
    while len(found) < 2:
        spread = generator.uniform(0.1, 1.5, n)
        rows = [generator.dirichlet([a] * 10) for a in spread]
        probs = np.array([np.eye(10)[generator.integers(10)], *rows[1:]])
        logs = np.log(np.where(probs > 0, probs, 1))
        for score in (probs.max(axis=1), -(probs * logs).sum(axis=1)):
            if np.diff(np.sort(score)).min() < 1e-3:
                break
        else:
            found.append(probs)
    return found[0], found[1], generator.permutation(np.linspace(-3, 6, n))


def ranks(scores: Any) -> Array:
    """Rang de chaque exemple, le moins suspect d'abord."""
    values = np.asarray(scores, dtype=float).reshape(-1)
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)


@sendable
def mean_gap(scores, positives):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Une mesure : le score moyen des positifs moins celui des négatifs."""
    import numpy as np

    positives = np.asarray(positives, dtype=bool)
    return float(np.mean(scores[positives]) - np.mean(scores[~positives]))


@sendable
def distinct_scores(scores, positives):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Une mesure : le nombre de scores différents."""
    import numpy as np

    return float(np.unique(np.asarray(scores)).size)


@sendable
def total_of_positives(scores, positives):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Une mesure : la somme des scores des positifs."""
    import numpy as np

    return float(np.sum(np.asarray(scores)[np.asarray(positives, dtype=bool)]))


def paired_scores(generator: np.random.Generator) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Deux scores très corrélés, (90,), et les positifs."""
    positives = np.arange(90) < 36
    common = generator.normal(size=90) + positives
    a = common + 0.3 * generator.normal(size=90) + 0.3 * positives
    b = common + 0.3 * generator.normal(size=90)
    return a, b, positives


def bootstrap_levels(
    generator: np.random.Generator,
    a: Array,
    b: Array,
    positives: NDArray[np.bool_],
    low: Any,
    high: Any,
    n_boot: int,
) -> tuple[list[float], list[tuple[float, float]]]:
    """(niveaux des deux bords, bornes de chacun).

    Niveau : la part, sur 40 000 rééchantillons, des différences plus petites que le bord. La k-ième
    de n_boot différences a un niveau de loi Beta(k, n_boot + 1 - k) ; les définitions d'un quantile
    font varier k de deux au plus. Bornes à 1e-7 pour l'étudiant et 1e-7 pour notre fonction de
    répartition, à chaque bord et de chaque côté : 8e-7 en tout.
    """
    from scipy.stats import beta, norm

    draws, gap, n = 40_000, a - b, len(a)
    below = np.zeros(2)
    ends = [float(np.ravel(end)[0]) for end in (low, high)]
    for _ in range(10):
        rows = generator.integers(0, n, size=(draws // 10, n))
        inside = positives[rows]
        found = inside.sum(axis=1)
        gaps = gap[rows]
        total = np.sum(gaps * inside, axis=1)
        values = total / found - (gaps.sum(axis=1) - total) / (n - found)
        below += [np.sum(values < end) for end in ends]
    levels = [float(share) for share in below / draws]
    bounds = []
    for level in (0.025, 0.975):
        k = level * n_boot
        noise = float(norm.isf(1e-7)) * np.sqrt(0.025 * 0.975 / draws) * 1.3
        least = beta.ppf(1e-7, k - 2, n_boot + 3 - k) - noise
        most = beta.isf(1e-7, k + 3, n_boot - 2 - k) + noise
        bounds.append((float(least), float(most)))
    return levels, bounds


# --- Questions 3.1 et 3.2 --------------------------------------------------------------------


def toy_network(generator: np.random.Generator) -> tuple[dict[str, Array], Array]:
    """(poids, images) d'un petit réseau lisse : 784 -> 12 (tanh) -> 10, en simple précision."""
    weights = {
        "first": generator.normal(size=(12, 784)) / 28,
        "last": 2.5 * generator.normal(size=(10, 12)),
    }
    weights = {name: value.astype("float32") for name, value in weights.items()}
    images = generator.normal(size=(400, 1, 28, 28)).astype("float32")
    # Ni saturation (la simple précision y perdrait le gradient), ni deux classes presque à égalité.
    second, first = np.sort(softmax(toy_logits(weights, images)), axis=1)[:, -2:].T
    return weights, images[(first < 0.9) & (first - second > 0.1)][:11]


@probe
def odin_steps(odin_preprocessing, weights, cases):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """(images perturbées, la dernière entrée après l'appel, requires_grad des sorties)."""
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 12, bias=False), nn.Tanh(), nn.Linear(12, 10, bias=False)
    )
    with torch.no_grad():
        net[1].weight.copy_(torch.as_tensor(weights["first"]))
        net[3].weight.copy_(torch.as_tensor(weights["last"]))
    net.eval()
    moved, grads = [], []
    for images, epsilon, temperature in cases:
        x = torch.tensor(images)
        step = odin_preprocessing(net, x, epsilon, temperature)
        grads.append(int(step.requires_grad))
        moved.append(step.detach())
    return moved, x.detach(), grads


@probe
def odin_scores(odin_score, odin_preprocessing, weights, cases):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """(scores, images perturbées par leur fonction, ou les images si elle lève)."""
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 12, bias=False), nn.Tanh(), nn.Linear(12, 10, bias=False)
    )
    with torch.no_grad():
        net[1].weight.copy_(torch.as_tensor(weights["first"]))
        net[3].weight.copy_(torch.as_tensor(weights["last"]))
    net.eval()
    scores, moved = [], []
    for images, epsilon, temperature in cases:
        score = odin_score(net, torch.tensor(images), epsilon, temperature)
        scores.append(score.detach() if isinstance(score, torch.Tensor) else score)
        try:
            moved.append(
                odin_preprocessing(net, torch.tensor(images), epsilon, temperature).detach()
            )
        except Exception:
            moved.append(torch.tensor(images))
    return scores, moved


def toy_logits(weights: dict[str, Array], x: Any) -> Array:
    """Logits (N, 10) du petit réseau, en double précision."""
    flat = np.asarray(x, dtype=float).reshape(-1, 784)
    return np.tanh(flat @ weights["first"].T.astype(float)) @ weights["last"].T.astype(float)


def toy_gradient(weights: dict[str, Array], x: Any, temperature: float) -> Array:
    """Gradient par rapport à x du coût de la classe prédite, par les formules."""
    flat = np.asarray(x, dtype=float).reshape(-1, 784)
    first, last = weights["first"].astype(float), weights["last"].astype(float)
    hidden = np.tanh(flat @ first.T)
    logits = hidden @ last.T
    delta = softmax(logits / temperature)
    delta[np.arange(len(flat)), logits.argmax(axis=1)] -= 1
    return ((delta / temperature @ last) * (1 - hidden**2) @ first).reshape(np.shape(x))


def assert_steps(
    moved: Any,
    weights: dict[str, Array],
    x: Array,
    epsilon: float,
    temperature: float,
    *,
    what: str,
    sign: int = 1,
) -> None:
    """Vérifie que l'image a bougé de epsilon contre le signe du gradient (sign -1 : selon)."""
    step = (np.asarray(moved, dtype=float).reshape(np.shape(x)) - x) / epsilon
    gradient = toy_gradient(weights, x, temperature)
    clear = np.abs(gradient) > 1e-2 * np.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
    assert_close(step[clear], -sign * np.sign(gradient[clear]), what=what, rtol=0, atol=1e-3)


def sign_of_steps(
    moved: Sequence[Any], weights: dict[str, Array], cases: Sequence[tuple[Array, float, float]]
) -> int:
    """-1 si tous les pas vont selon le gradient : un signe oublié, payé à part ; sinon 1."""
    try:
        for step, case in zip(moved, cases, strict=True):
            assert_steps(step, weights, *case, what="", sign=-1)
    except (CheckFailed, ValueError):  # ValueError : pas de cette forme
        return 1
    return -1


def scores_of(
    weights: dict[str, Array], x: Any, temperature: float, *, epsilon: float = 0.0
) -> Array:
    """1 - max softmax du petit réseau, en double précision, après le pas d'ODIN."""
    moved = np.asarray(x, dtype=float)
    if epsilon:
        moved = moved - epsilon * np.sign(toy_gradient(weights, x, temperature))
    z = toy_logits(weights, moved) / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    others = e.sum(axis=1) - e.max(axis=1)
    return np.asarray(others / e.sum(axis=1))


def assert_double(values: Any) -> None:
    """Vérifie qu'un résultat est en double précision."""
    name = str(getattr(values, "dtype", type(values).__name__))
    assert_true("float64" in name, f"Score : attendu le type float64, obtenu {name}.")
