"""Outils des tests cachés du TP1 : une erreur n'est payée qu'une fois.

Une réponse est juste si elle est celle de la référence. À défaut, elle l'est encore si elle est
exactement ce que donnent les réponses antérieures de l'étudiant, pourvu que celles-ci soient
*plausibles* : fausses, mais d'un ordre de grandeur raisonnable et variant avec les données. Une
fonction constante, nulle, ou qui ignore les données ne rend donc jamais juste ce qui la suit.

Les fonctions own_* renvoient ces autres réponses justes, ou une liste vide. Celles de l'étudiant
s'appellent d'ici comme des fonctions ordinaires ; ce qu'elles renvoient est un nombre, un tableau,
ou n'importe quoi d'autre.
"""

# Phi, Sigma, X, M : les lettres du cours.
# ruff: noqa: N803, N806

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbjudge.errors import HiddenTestError
from nbjudge.testing import CheckFailed, assert_close, probe, rng, sendable

Array = NDArray[np.float64]
Own = Callable[[], Iterable[Any]]
Theirs = Callable[..., Any]
"""Fonction de l'étudiant."""
Fit = Callable[[Array, Array], Theirs]
"""fit(X, y) : le modèle que closed_form de l'étudiant ajuste sur X (N,) et y (N,)."""

SPREAD = 1e5
"""Plus grand rapport d'échelle d'une erreur plausible.

Oublier beta, le diviser par deux, inverser alpha ou renvoyer la précision au lieu de la covariance
change l'échelle d'un facteur inférieur à 5e3 pour les problèmes des tests. Au-delà de 1e5, un
résultat ne se distinguerait plus de zéro aux tolérances des tests.
"""


# --- Juste, ou conséquence exacte de ce qui précède -------------------------------------------


def check_or_own(check: Callable[[Any], None], expected: Any, own: Own) -> None:
    """Vérifie check(expected) ou, à défaut, check de l'un des résultats que own() calcule.

    own n'est appelée que si elle sert ; en cas d'échec, la phrase de l'étudiant parle de expected.
    """
    try:
        check(expected)
    except CheckFailed:
        for candidate in attempt(own):
            with suppress(CheckFailed):
                return check(candidate)
        raise


def assert_close_or_own(actual: Any, expected: Any, own: Own, **how: Any) -> None:
    """Vérifie que actual est expected ou, à défaut, l'un des résultats que own() calcule."""
    check_or_own(lambda wanted: assert_close(actual, wanted, **how), expected, own)


def assert_predictions(actual: Any, expected: tuple[Array, Array], own: Own, *, what: str) -> None:
    """Vérifie que (mean, std) viennent d'un même modèle : la référence, ou celui de l'étudiant."""
    mean, std = actual

    def check(wanted: tuple[Array, Array]) -> None:
        assert_close(mean, wanted[0], what=f"la moyenne {what}", shape="column")
        assert_close(std, wanted[1], what=f"l'écart-type {what}", shape="column")

    check_or_own(check, expected, own)


def assert_other_shapes(theirs: Theirs, right: Theirs, x: Array, *, what: str) -> None:
    """Vérifie qu'une fonction de base traite une colonne (N, 1) et un scalaire comme x (N,).

    Une erreur dans les valeurs est déjà payée : on compare aussi à leur résultat pour x, si toutes
    ses lignes sont finies et différentes.
    """

    def check(shown: str, other: Any, rows: slice) -> None:
        def own() -> list[Array]:
            Phi = np.asarray(theirs(x), dtype=float)
            distinct = len(np.unique(Phi, axis=0)) == len(Phi) == x.size
            return [Phi[rows]] if distinct and np.isfinite(Phi).all() else []

        what_other = f"le résultat de {what}, pour {shown}"
        assert_close_or_own(theirs(other), right(other), own, what=what_other)

    check("une entrée (N, 1)", x.reshape(-1, 1), slice(None))
    check("un scalaire", float(x[2]), slice(2, 3))


def attempt(own: Own) -> list[Any]:
    """Résultats de own(), jusqu'au premier que les fonctions de l'étudiant empêchent."""
    found: list[Any] = []
    try:
        for candidate in own():
            found.append(candidate)
    except HiddenTestError:  # une faute de ce test, pas de l'étudiant
        raise
    except Exception:  # leur code peut lever n'importe quoi, et renvoyer n'importe quoi
        return found
    return found


def per_input(values: Any, n: int) -> Array:
    """Un nombre par entrée, (n,) : ceux de values, ou sa diagonale si np.diag a été oublié."""
    array = np.asarray(values, dtype=float)
    return np.diagonal(array) if array.shape == (n, n) else array.reshape(n)


# --- Ce qui suit de posterior -----------------------------------------------------------------


def own_laws(
    theirs: Theirs, right: Theirs, Phi: Array, y: Array, alpha: float, beta: float
) -> list[tuple[Array, Array]]:
    """[(mu, Sigma)] de la fonction posterior de l'étudiant, si c'est une loi normale plausible.

    theirs, right : posterior de l'étudiant et de la référence ; Phi : (N, M) ; y : (N,).
    """
    M = Phi.shape[1]
    mu, Sigma = _law(theirs(Phi, y, alpha, beta), M)
    mu_moved, _ = _law(theirs(Phi, y + 1, alpha, beta), M)
    _, Sigma_moved = _law(theirs(1.5 * Phi, y, alpha, beta), M)
    right_mu, right_Sigma = right(Phi, y, alpha, beta)
    right_mu_moved, _ = right(Phi, y + 1, alpha, beta)
    plausible = (
        _same_scale(np.trace(Sigma), np.trace(right_Sigma))
        and _same_scale(_size(mu_moved - mu), _size(right_mu_moved - right_mu))
        and not np.allclose(Sigma, Sigma_moved, atol=0)
    )
    return [(mu, Sigma)] if plausible else []


def own_priors(
    theirs: Theirs, right: Theirs, Phi: Array, y: Array, alpha: float, beta: float
) -> list[Array]:
    """[Sigma] que donne posterior de l'étudiant pour une mesure nulle, qui n'apprend rien."""
    M = Phi.shape[1]
    laws = own_laws(theirs, right, Phi, y, alpha, beta)
    return [_law(theirs(np.zeros((1, M)), np.zeros(1), alpha, beta), M)[1] for _ in laws]


def own_evidences(
    theirs: Theirs, right: Theirs, Phi: Array, y: Array, alpha: float, beta: float
) -> list[float]:
    """Log-évidences que donne la formule de l'énoncé avec la loi a posteriori de l'étudiant.

    La matrice A peut y être celle de l'énoncé, ou l'inverse de leur Sigma.
    """
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
    laws = own_laws(theirs, right, Phi, y, alpha, beta)
    matrices = [(mu, matrix) for mu, Sigma in laws for matrix in (np.linalg.inv(Sigma), A)]
    return [_evidence(mu, matrix, Phi, y, alpha, beta) for mu, matrix in matrices]


# --- Ce qui suit de closed_form ---------------------------------------------------------------


def own_predictions(fit: Fit, X: Array, y: Array, x: Array) -> list[tuple[Array, Array]]:
    """[(mean, std)] en x (n,) du modèle de l'étudiant, tels quels, s'il est plausible.

    Sa moyenne doit dépendre de X et de y, et varier avec les données (corrélation, même négative,
    de plus de 0,3 : un signe ou un facteur faux la laissent au-dessus) ; son écart-type doit être
    positif aux données. Le couple peut être interverti.
    """
    here, at_X, *others = (
        list(fit(*data)(at))
        for *data, at in ((X, y, x), (X, y, X), (X, y[::-1].copy(), x), (X / 2, y, x))
    )
    for mean, std in ((0, 1), (1, 0)):
        means = [per_input(parts[mean], x.size) for parts in (here, *others)]
        mean_X, std_X = (per_input(at_X[k], X.size) for k in (mean, std))
        plausible = (
            np.isfinite(means).all()
            and not any(np.allclose(means[0], other) for other in means[1:])
            and np.isfinite(std_X).all()
            and (std_X > 0).all()
            and np.ptp(mean_X) > 0
            and abs(np.corrcoef(mean_X, y)[0, 1]) > 0.3
        )
        if plausible:
            first, second = (np.asarray(part, dtype=float) for part in here)
            return [(first, second)]
    return []


def own_parts(
    variance_parts: Theirs, closed_form: Theirs, right: Theirs, x: Array
) -> list[tuple[Any, tuple[Array, Array]]]:
    """[(parts, parts justes)] en x d'un modèle de l'étudiant, si l'écart-type en est faux.

    right : closed_form de la référence. Les fonctions de base, les données et beta ne sont pas
    celles du notebook : des parts qui ne viennent pas de leurs arguments ne sont jamais justes.
    """
    problem = features, np.arange(4.0), np.array([1.0, 0.0, 2.0, 3.0]), 1.3, 6.25
    theirs, (_, std) = closed_form(*problem), right(*problem)(x)
    try:
        assert_close(theirs(x)[1], std, what="l'écart-type", shape="column")
    except CheckFailed:
        noise = np.full(x.size, 1 / 6.25)
        return [(variance_parts(theirs, x, 6.25), (noise, std**2 - noise))]
    return []


def own_minima(fit: Fit, X: Array, y: Array, x: Array, fitted: Theirs | None = None) -> list[float]:
    """Points de la grille x (n,) où l'écart-type du modèle de l'étudiant est le plus petit.

    Aucun si cet écart-type ne dépend pas de X ou, quand fitted est donné, si ce modèle n'est pas
    fitted. Le minimum peut avoir été cherché dans un tableau (n, n).
    """
    found: list[float] = []
    for _, std in own_predictions(fit, X, y, x):
        values, moved = per_input(std, x.size), per_input(fit(X + 3, y)(x)[1], x.size)
        same = fitted is None or np.allclose(
            per_input(fitted(x)[1], x.size), values, equal_nan=True
        )
        if same and not np.allclose(values, moved, equal_nan=True):
            found += [x[k] for k in (np.argmin(values), np.argmin(std)) if k < x.size]
    return found


def own_variances(
    closed_form: Theirs, phi_linear: Theirs, right: Theirs, X: Array, x: Array
) -> list[Array]:
    """[variance] que closed_form de l'étudiant donne en x pour alpha = 0 et beta = 1, si plausible.

    right : variance_alpha0 de la référence. La variance doit varier comme la vraie (corrélation de
    plus de 1/2), et encore quand on translate les données.
    """

    def variance(inputs: Array) -> Array:
        std = closed_form(phi_linear, inputs, np.zeros_like(inputs), 0.0, 1.0)(x)[1]
        return np.asarray(std, dtype=float) ** 2

    def follows(values: Array, expected: Array) -> bool:
        alike = _same_scale(np.ptp(values), np.ptp(expected))
        return alike and np.corrcoef(values, expected)[0, 1] > 0.5

    moved = per_input(variance(X - 6), x.size)
    values = per_input(variance(X), x.size)
    plausible = (
        follows(values, right(x, X))
        and follows(moved, right(x, X - 6))
        and not np.allclose(values, moved)
    )
    return [variance(X)] if plausible else []


# --- Ce qui suit des autres réponses ----------------------------------------------------------


def own_gaussians(theirs: Theirs, right: Theirs, x: Array, M: int) -> list[Array]:
    """[Phi] (N, M) dont les colonnes sont la première fonction de l'étudiant, translatée.

    Seulement si elles sont déjà fausses pour M = 9, et si leur largeur change avec M.
    """
    gaps = x[:, None] - np.linspace(0, 1, M)
    first, of_nine = (np.asarray(theirs(gaps.ravel(), m))[:, 0] for m in (M, 9))
    wrong = np.shape(theirs(x)) != (x.size, 9) or not np.allclose(theirs(x), right(x))
    plausible = wrong and np.ptp(first) > 0 and not np.allclose(first, of_nine)
    return [first.reshape(gaps.shape)] if plausible else []


def own_best(
    log_evidence: Any, right: Array, Phi: Array, y: Array, alphas: Array, beta: float
) -> list[tuple[float, float]]:
    """[(alpha, log-évidence)] du maximum, sur la grille, de log_evidence de l'étudiant.

    right (K,) : les log-évidences justes ; si les leurs en sont l'opposé, le minimum convient
    aussi. Aucun si elles sont constantes (il n'y aurait rien eu à chercher), si elles ignorent y,
    ou si une même valeur de alpha n'a pas deux fois la même.
    """
    order = rng("ordre").permutation(alphas.size)
    values = evidences(log_evidence, Phi, y, alphas, beta)
    again = evidences(log_evidence, Phi, y, alphas[order], beta)
    other = evidences(log_evidence, Phi, 2 * y, alphas, beta)
    found = (
        np.isfinite(values).all()
        and np.ptp(values) > 1e-6
        and np.allclose(again, values[order], atol=1e-9)
        and not np.allclose(other, values)
    )
    if not found:
        return []
    opposite = np.corrcoef(values, right)[0, 1] < -0.99
    best = [np.argmax(values), np.argmin(values)] if opposite else [np.argmax(values)]
    return [(float(alphas[k]), float(values[k])) for k in best]


# --- Ce qui est envoyé à côté des réponses de l'étudiant, et ne contient pas de réponse --------


@probe
def evidences(log_evidence, Phi, y, alphas, beta):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Log-évidences de l'étudiant sur une grille (K,), en un seul échange."""
    import numpy as np

    return np.array([np.ravel(log_evidence(Phi, y, a, beta))[0] for a in alphas], dtype=float)


@sendable
def affine(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Fonctions de base 1 et x."""
    import numpy as np

    x = np.reshape(np.asarray(x, dtype=float), (-1, 1))
    return np.hstack([np.ones_like(x), x])


@sendable
def features(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Trois fonctions de base qui ne sont celles d'aucune question."""
    import numpy as np

    x = np.reshape(np.asarray(x, dtype=float), (-1, 1))
    return np.hstack([np.ones_like(x), np.sin(x), x / 3])


@sendable
def model(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Un modèle de prédiction : x (n,) -> (mean, std)."""
    import numpy as np

    x = np.reshape(np.asarray(x, dtype=float), -1)
    return 1 - x, 0.4 + 0.1 * np.abs(x)


# --- À l'usage de ce module -------------------------------------------------------------------


def _law(result: Any, M: int) -> tuple[Array, Array]:
    mu, Sigma = result
    mu, Sigma = np.asarray(mu, dtype=float).reshape(-1), np.asarray(Sigma, dtype=float)
    if mu.shape != (M,) or Sigma.shape != (M, M) or not np.isfinite(mu).all():
        raise ValueError("pas une loi")
    if not np.allclose(Sigma, Sigma.T) or np.linalg.eigvalsh(Sigma).min() <= 0:
        raise ValueError("pas une covariance")
    return mu, Sigma


def _evidence(mu: Array, A: Array, Phi: Array, y: Array, alpha: float, beta: float) -> float:
    terms = mu.size * np.log(alpha) + y.size * np.log(beta / (2 * np.pi)) - np.linalg.slogdet(A)[1]
    return float(0.5 * (terms - beta * np.sum((y - Phi @ mu) ** 2) - alpha * mu @ mu))


def _same_scale(value: float, right: float) -> bool:
    return bool(right / SPREAD < value < right * SPREAD)


def _size(vector: Array) -> float:
    return float(np.linalg.norm(vector))
