"""Outils des tests cachés du TP1 : une erreur n'est payée qu'une fois.

Une réponse est juste si elle est celle de la référence. À défaut, elle l'est encore si elle est
exactement ce que donnent les réponses antérieures de l'étudiant, pourvu que celles-ci soient
*plausibles* : fausses, mais d'un ordre de grandeur raisonnable et variant avec les données. Une
fonction constante, nulle, ou qui ignore les données ne rend donc jamais juste ce qui la suit.

Les fonctions de l'étudiant s'appellent d'ici comme des fonctions ordinaires ; ce qu'elles
renvoient est un nombre, un tableau, ou n'importe quoi d'autre.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from nbjudge.errors import HiddenTestError
from nbjudge.testing import CheckFailed, assert_close, probe, sendable
from numpy.typing import NDArray

Array = NDArray[np.float64]
Own = Callable[[], Iterable[Any]]

SPREAD = 1e5
"""Plus grand rapport d'échelle d'une erreur plausible.

Oublier beta, le diviser par deux, inverser alpha ou renvoyer la précision au lieu de la covariance
change l'échelle d'un facteur inférieur à 5e3 pour les problèmes des tests. Au-delà de 1e5, un
résultat ne se distinguerait plus de zéro aux tolérances des tests.
"""


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


def own_laws(
    theirs: Callable[..., Any],
    right: Callable[..., Any],
    Phi: Array,
    y: Array,
    alpha: float,
    beta: float,
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


def own_predictions(
    fit: Callable[[Array], Callable[[Array], Any]], X: Array, y: Array, x: Array
) -> list[tuple[Array, Array]]:
    """[(mean, std)] en x du modèle de l'étudiant, s'il est plausible.

    fit(y) : le modèle que closed_form de l'étudiant ajuste sur X (N,) et des sorties y (N,) ;
    x : (n,). Sa moyenne doit dépendre de y, et varier avec les données (corrélation, même
    négative, de plus de 1/2 : un signe ou un facteur faux la laissent au-dessus).
    """
    model = fit(y)
    mean, std = _vectors(model(x), x.size)
    mean_X, _ = _vectors(model(X), X.size)
    mean_turned, _ = _vectors(fit(y[::-1].copy())(x), x.size)
    plausible = (
        (std > 0).all()
        and np.ptp(mean_X) > 0
        and abs(np.corrcoef(mean_X, y)[0, 1]) > 0.5
        and not np.allclose(mean, mean_turned)
    )
    return [(mean, std)] if plausible else []


def assert_predictions(
    actual: Any,
    expected: tuple[Array, Array],
    own: Callable[[], Iterable[tuple[Array, Array]]],
    *,
    what: str,
) -> None:
    """Vérifie que (mean, std) viennent d'un même modèle : la référence, ou celui de l'étudiant."""
    mean, std = actual

    def check(wanted: tuple[Array, Array]) -> None:
        assert_close(mean, wanted[0], what=f"la moyenne {what}", shape="column")
        assert_close(std, wanted[1], what=f"l'écart-type {what}", shape="column")

    try:
        check(expected)
    except CheckFailed:
        for candidate in attempt(own):
            try:
                return check(candidate)
            except CheckFailed:
                continue
        raise


def own_variances(
    closed_form: Callable[..., Any], phi_linear: Any, X: Array, x: Array, expected: Array
) -> list[Array]:
    """[variance] que closed_form de l'étudiant donne en x pour alpha = 0 et beta = 1, si plausible."""
    _, std = _vectors(closed_form(phi_linear, X, np.zeros_like(X), 0.0, 1.0)(x), x.size)
    variance = std**2
    plausible = (
        _same_scale(np.ptp(variance), np.ptp(expected))
        and np.corrcoef(variance, expected)[0, 1] > 0.9
    )
    return [variance] if plausible else []


def own_evidences(
    theirs: Callable[..., Any],
    right: Callable[..., Any],
    Phi: Array,
    y: Array,
    alpha: float,
    beta: float,
) -> list[float]:
    """Log-évidences que donne la formule de l'énoncé avec la loi a posteriori de l'étudiant.

    La matrice A peut y être celle de l'énoncé, ou l'inverse de leur Sigma.
    """
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
    laws = own_laws(theirs, right, Phi, y, alpha, beta)
    matrices = [(mu, matrix) for mu, Sigma in laws for matrix in (np.linalg.inv(Sigma), A)]
    return [_evidence(mu, matrix, Phi, y, alpha, beta) for mu, matrix in matrices]


def own_best(
    log_evidence: Any, Phi: Array, y: Array, alphas: Array, beta: float
) -> list[tuple[float, float]]:
    """[(alpha, log-évidence)] du maximum, sur la grille, de log_evidence de l'étudiant.

    Aucun si elle est constante : il n'y aurait rien eu à chercher.
    """
    values = np.asarray(evidences(log_evidence, Phi, y, alphas, beta), dtype=float)
    best = int(np.argmax(values))
    found = np.isfinite(values).all() and np.ptp(values) > 0
    return [(float(alphas[best]), float(values[best]))] if found else []


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


def _law(result: Any, M: int) -> tuple[Array, Array]:
    mu, Sigma = result
    mu, Sigma = np.asarray(mu, dtype=float).reshape(-1), np.asarray(Sigma, dtype=float)
    if mu.shape != (M,) or Sigma.shape != (M, M) or not np.isfinite(mu).all():
        raise ValueError("pas une loi")
    if not np.allclose(Sigma, Sigma.T) or np.linalg.eigvalsh(Sigma).min() <= 0:
        raise ValueError("pas une covariance")
    return mu, Sigma


def _vectors(result: Any, n: int) -> Sequence[Array]:
    mean, std = result
    vectors = [np.asarray(part, dtype=float).reshape(-1) for part in (mean, std)]
    if any(vector.shape != (n,) or not np.isfinite(vector).all() for vector in vectors):
        raise ValueError("pas une prédiction")
    return vectors


def _evidence(mu: Array, A: Array, Phi: Array, y: Array, alpha: float, beta: float) -> float:
    terms = mu.size * np.log(alpha) + y.size * np.log(beta / (2 * np.pi)) - np.linalg.slogdet(A)[1]
    return float(0.5 * (terms - beta * np.sum((y - Phi @ mu) ** 2) - alpha * mu @ mu))


def _same_scale(value: float, right: float) -> bool:
    return bool(right / SPREAD < value < right * SPREAD)


def _size(vector: Array) -> float:
    return float(np.linalg.norm(vector))
