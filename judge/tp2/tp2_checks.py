"""Outils des tests cachés du TP2 : mesurer un modèle dans le noyau, décider ici.

Ce qui est mesuré (par les fonctions marquées ``@probe``, dont seul le corps est envoyé) est un
nombre ou un tenseur : la sortie d'un modèle dont le test a fixé les paramètres, un gradient, des
tirages. Les valeurs attendues sont calculées ici, en double précision, à partir de ces paramètres ;
aucune ne va dans le noyau.

Une erreur n'est payée qu'une fois. Celui qui s'est trompé sur la relation entre ``rho`` et l'écart-
type (``exp`` pour ``softplus``...) perd la loi de ``sampling`` ; la suite est jugée avec son
écart-type, reconnu parmi les conventions plausibles (:data:`CONVENTIONS`). Les modèles qui
reposent sur ``LinearVariational`` sont jugés avec des écarts-types presque nuls, contre les
couches de l'étudiant ou, à défaut, avec des couches données. ``elbo_loss`` et
``mc_dropout_predict`` sont jugées avec des modèles du test.
"""

# X, W, Sigma, H, N : les lettres du cours.
# ruff: noqa: N803, N806

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from nbjudge.compare import as_array
from nbjudge.errors import HiddenTestError
from nbjudge.i18n import capital
from nbjudge.statistical import bernoulli_divergence, gaussian_variance_bounds
from nbjudge.testing import (
    CheckFailed,
    assert_close,
    assert_equal,
    assert_finite,
    assert_mean,
    assert_proportion,
    assert_shape,
    assert_true,
    assert_variance,
    probe,
)

Array = NDArray[np.float64]
Sigma = Callable[[Array], Array]
Problem = Mapping[str, Tensor]

FALSE_ALARM = 1e-6
"""Probabilité, au plus, qu'une vérification statistique refuse une réponse juste."""

NARROW = -11.0
"""Valeur de rho qui donne un écart-type de 2e-5 : les tirages sont les moyennes à 1e-3 près."""


# --- Problèmes tirés au sort -----------------------------------------------------------------


def float32(values: Any) -> Tensor:
    """Tenseur en simple précision, comme ceux du notebook."""
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)


def double(value: Any) -> Array:
    """Tableau en double précision d'un tenseur ou d'un tableau, d'où qu'il vienne."""
    array = as_array(value)
    if array is None or array.dtype.kind == "c":
        raise CheckFailed("Le résultat n'est pas un tenseur de nombres réels.", repr(type(value)))
    return array.astype(np.float64)


def linear_model(rng: np.random.Generator, n: int, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Entrées (n, d), poids (d,) et biais (1,) d'un modèle linéaire."""
    return tuple(float32(rng.normal(size=size)) for size in ((n, d), d, 1))


def overlapping(rng: np.random.Generator, n: int) -> tuple[Tensor, Tensor]:
    """X (n, 2) et y (n, 1) de deux classes qui se recouvrent, toutes deux présentes."""
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 2)) + np.outer(2 * y - 1, [0.8, 0.6])
    return float32(X), float32(y[:, None])


def separated(rng: np.random.Generator, n: int) -> tuple[Tensor, Tensor]:
    """X (n, 2) et y (n, 1) de deux classes bien séparées, comme celles du notebook.

    La courbure de U n'y est pas plus grande, pour qu'un pas de descente qui convient au notebook
    convienne ici. Les données sont décentrées : le biais du MAP est loin de 0, l'oublier se voit.
    """
    y = np.arange(n) % 2
    X = 0.6 * rng.normal(size=(n, 2)) + np.outer(2 * y - 1, [1.5, 1.3]) + [0.6, 0.5]
    return float32(X), float32(y[:, None])


def predictive_problem(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Array]:
    """X (5, 2), w (3,), Sigma (3, 3) et les probabilités exactes (5,).

    Les deux coefficients sont fortement corrélés, le biais est incertain : oublier une covariance,
    la colonne du biais, ou prendre Sigma pour un écart-type se voit. Ses valeurs propres sont loin
    de 1 : avec 8000 tirages, Sigma à la place de sa racine donne une moyenne à plus de 15
    écarts-types de ce qui serait accepté.
    """
    c = rng.uniform(4.8, 5.4)
    Sigma = np.array([[6.0, -c, 0.9], [-c, 6.0, 0.3], [0.9, 0.3, 4.5]]) * rng.uniform(0.9, 1.1)
    w = np.array([1.3, 1.1, -0.6]) + 0.1 * rng.normal(size=3)
    X = np.array([[2.0, 2.0], [3.0, -1.0], [-2.0, 3.5], [0.1, 0.2], [-3.0, -3.0]])
    X = X + 0.1 * rng.normal(size=X.shape)
    X, w, Sigma = (part.astype(np.float32).astype(np.float64) for part in (X, w, Sigma))
    X1 = np.hstack([X, np.ones((5, 1))])
    variance = np.sum((X1 @ Sigma) * X1, axis=1)
    return float32(X), float32(w), float32(Sigma), mean_of_sigmoid(X1 @ w, variance)


def mean_of_sigmoid(mean: Array, variance: Array) -> Array:
    """Espérance de la sigmoïde d'une variable normale, par la règle des trapèzes.

    Sur 12 écarts-types de part et d'autre ; elle converge exponentiellement pour une fonction
    analytique : l'erreur est inférieure à 1e-9 ici.
    """
    z = np.linspace(-12, 12, 2001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    a = mean[:, None] + np.sqrt(variance)[:, None] * z
    return np.asarray(np.sum(density / (1 + np.exp(-a)), axis=1))


def layer_problem(rng: np.random.Generator, d: int, k: int) -> dict[str, Tensor]:
    """Paramètres d'une couche à d entrées et k sorties : poids (k, d), biais (k,)."""
    sizes = {"w_mu": (k, d), "w_rho": (k, d), "b_mu": k, "b_rho": k}
    return {name: float32(rng.uniform(-1.5, 1.5, size=size)) for name, size in sizes.items()}


def model_problem(rng: np.random.Generator, sizes: Sequence[tuple[int, int]]) -> list[Problem]:
    """Paramètres de plusieurs couches, de dimensions (entrées, sorties)."""
    return [layer_problem(rng, d, k) for d, k in sizes]


def predictions(rng: np.random.Generator, nsamples: int, n: int) -> tuple[Tensor, Tensor]:
    """Tirages de probabilités (nsamples, n), et étiquettes (n, 1).

    Aucune moyenne n'est près de 1/2 ; deux points sont mal classés.
    """
    side = np.where(np.arange(n) % 3 == 0, 0.7, 0.25) + rng.uniform(-0.03, 0.03, size=n)
    probs = np.clip(side + rng.uniform(-0.22, 0.22, size=(nsamples, n)), 0.01, 0.99)
    y = (side > 0.5).astype(float)
    y[[1, n - 2]] = 1 - y[[1, n - 2]]
    return float32(probs), float32(y[:, None])


# --- Une erreur n'est payée qu'une fois ------------------------------------------------------


def assert_close_or_own(
    actual: Any, expected: Any, own: Callable[[], Iterable[Any]], **how: Any
) -> None:
    """Vérifie que actual est expected ou, à défaut, l'un des résultats que own() calcule."""
    first(lambda: assert_close(actual, expected, **how), lambda: _any_close(actual, own, how))


def first(*attempts: Callable[[], None]) -> None:
    """Vérifie que l'un des essais réussit ; la phrase de l'étudiant est celle du premier."""
    failure: Exception | None = None
    for attempt in attempts:
        try:
            return attempt()
        except HiddenTestError:  # une faute de ce test, pas de l'étudiant
            raise
        except Exception as error:  # leur code peut lever n'importe quoi
            failure = failure or error
    if failure is not None:
        raise failure
    return None


def _any_close(actual: Any, own: Callable[[], Iterable[Any]], how: Mapping[str, Any]) -> None:
    for candidate in own():
        try:
            return assert_close(actual, candidate, **how)
        except CheckFailed:
            continue
    raise CheckFailed("aucun")


def own_covariance(hessian: Any, right: Array, *problem: Any) -> list[Array]:
    """[inverse] de la matrice hessienne de l'étudiant, si elle est plausible.

    Symétrique, définie positive, d'un ordre de grandeur proche de la bonne, et qui varie avec w. De
    forme (2, 2) si elle oublie le biais : c'est déjà payé.
    """
    X, y, w, lam = problem
    H, moved = double(hessian(X, y, w, lam)), double(hessian(X, y, w + 1, lam))
    if (
        H.shape not in ((3, 3), (2, 2))
        or not np.isfinite(H).all()
        or not np.allclose(H, H.T, rtol=1e-3)
    ):
        return []
    inverse = np.linalg.inv(H)
    scale = np.trace(inverse) / np.trace(right)
    is_law = np.linalg.eigvalsh(H).min() > 0 and 1e-3 < scale < 1e3
    return [inverse] if is_law and not np.allclose(H, moved, rtol=1e-3) else []


# --- Question 1.1 ----------------------------------------------------------------------------


@probe
def logits_of(cls: Any, X: Any, weight: Any, bias: Any) -> Any:
    """Logits (n, 1) du modèle dont la couche fc a ces poids (d,) et ce biais (1,)."""
    import torch

    model = cls(X.shape[1])
    with torch.no_grad():
        model.fc.weight.copy_(weight.reshape(1, -1))
        model.fc.bias.copy_(bias)
        return model(X)


def learned_weights(fit_map: Any, cls: Any, X: Tensor, y: Tensor, lam: float) -> Array:
    """Poids (3,) que fit_map donne au modèle de l'étudiant (cls), ou à un réseau donné (None)."""
    weight, bias = fitted(fit_map, cls, X, y, lam)
    assert_shape(weight, (1, 2), what="le tenseur fc.weight")
    assert_shape(bias, (1,), what="le tenseur fc.bias")
    w = np.append(double(weight), double(bias))
    assert_finite(w, what="les poids appris")
    return w


def with_ones(X: Tensor) -> Array:
    """X (N, 2) et une colonne de 1, en double précision."""
    return np.hstack([double(X), np.ones((len(X), 1))])


def potential(w: Array, X: Tensor, y: Tensor, lam: float) -> float:
    """U(w), en double précision."""
    z = with_ones(X) @ w
    return float((np.logaddexp(0, z) - double(y)[:, 0] * z).sum() + lam / 2 * w @ w)


def likelihood_gradient(w: Array, X: Tensor, y: Tensor) -> Array:
    """Gradient (3,) de la somme des entropies croisées, en double précision."""
    X1 = with_ones(X)
    return np.asarray(X1.T @ (expit(X1 @ w) - double(y)[:, 0]))


def double_sigmoid_gradient(w: Array, X: Tensor, y: Tensor) -> Array:
    """Celui que l'on suit quand une probabilité est prise pour un logit."""
    X1 = with_ones(X)
    p = expit(X1 @ w)
    return np.asarray(X1.T @ ((expit(p) - double(y)[:, 0]) * p * (1 - p)))


def smallest_potential(X: Tensor, y: Tensor, lam: float) -> float:
    """Le minimum de U : à partir de 0 la méthode de Newton y converge, pour lam >= 1 ici."""
    X1, w = with_ones(X), np.zeros(3)
    for _ in range(50):
        p = expit(X1 @ w)
        curvature = (X1 * (p * (1 - p))[:, None]).T @ X1 + lam * np.eye(3)
        w = w - np.linalg.solve(curvature, likelihood_gradient(w, X, y) + lam * w)
    return potential(w, X, y, lam)


ROUNDING = 1e-5
"""Ce dont U(w) peut dépasser min U, rapporté à min U, pour que w soit encore pris pour le MAP.

Une recherche linéaire compare des valeurs de U : en simple précision (u = 2^-24), elle ne distingue
pas deux points où U diffère de moins de deux erreurs d'arrondi, et peut s'arrêter là. Dans le pire
cas, quel que soit l'ordre des opérations, l'erreur relative d'une somme de N = 31 termes positifs
et de la loi a priori est de 34 u ; celle de chaque terme, de 4 u, et de 4 u S par les logits, S
étant le maximum de sum_j |x_j w_j| (un terme varie moins que son logit, et sum |p - y| <= U). Sur
4 000 problèmes tirés comme dans le test, S <= 10,5, d'où deux erreurs <= 9,6e-6 : la borne ne
suppose rien de la queue des arrêts. Le plus grand dépassement observé, 1 000 problèmes pour chacun
de dix optimiseurs, est de 4,0e-7 ; une erreur sur U laisse 2e-2 (test_tp2_bounds.py).

Ce que l'énoncé demande suffit largement : U est lam-fortement convexe, donc
U - min U <= ||gradient||² / (2 lam) <= 3 (1e-4)² / 2 = 1,5e-8, pour min U >= 2,5.
"""


def excess(w: Array, X: Tensor, y: Tensor, lam: float) -> float:
    """Ce dont U(w) dépasse son minimum, rapporté à celui-ci."""
    smallest = smallest_potential(X, y, lam)
    return (potential(w, X, y, lam) - smallest) / smallest


def assert_is_map(fit_map: Any, cls: Any, X: Tensor, y: Tensor, lam: float) -> None:
    """Vérifie que fit_map minimise U, pour le modèle de l'étudiant ou un réseau donné.

    Un Sequential dont la couche s'appelle fc est un autre modèle que celui de l'étudiant : une
    erreur dans la classe est déjà payée.
    """

    def check(which: Any) -> None:
        assert_true(
            excess(learned_weights(fit_map, which, X, y, lam), X, y, lam) < ROUNDING,
            "Poids appris : U n'y est pas minimal, à l'arrondi près. Vérifiez U (somme, loi a "
            "priori sur le biais aussi, pas de weight_decay), puis le critère d'arrêt.",
        )

    first(lambda: check(cls), lambda: check(None))


def assert_follows_lam(fit_map: Any, cls: Any, X: Tensor, y: Tensor, lam: float) -> None:
    """Vérifie que la loi a priori pèse lam fois ce qu'elle pèse pour lam = 1.

    Là où le gradient de U est nul, le poids de la loi a priori sur w_j est la dérivée de la
    vraisemblance divisée par -w_j : une erreur sur U (un biais oublié, une moyenne, une double
    sigmoïde) est déjà payée.
    """

    def own(gradient: Callable[[Array, Tensor, Tensor], Array]) -> None:
        w_one, w = (learned_weights(fit_map, None, X, y, scale) for scale in (1.0, lam))
        one, many = (-gradient(v, X, y) / v for v in (w_one, w))
        weighs = np.minimum(np.abs(w_one), np.abs(w)) > 0.01
        assert_true(
            bool(weighs[:2].all() and (one[:2] > 0.1).all()), "Poids appris : ce n'est pas un MAP."
        )
        what = "le poids de la loi a priori, rapporté à celui qu'elle a pour lam = 1,"
        assert_close(many[weighs], lam * one[weighs], what=what, rtol=2e-2, atol=1e-2)

    first(
        lambda: assert_is_map(fit_map, cls, X, y, lam),
        lambda: own(likelihood_gradient),
        lambda: own(double_sigmoid_gradient),
    )


@probe
def fitted(fit_map: Any, cls: Any, X: Any, y: Any, lam: Any) -> Any:
    """Poids (1, 2) et biais (1,) après l'apprentissage ; cls : la classe du modèle, ou None."""
    from collections import OrderedDict

    from torch import nn

    model = cls(2) if cls is not None else nn.Sequential(OrderedDict(fc=nn.Linear(2, 1)))
    fit_map(model, X, y, lam)
    return model.fc.weight.detach(), model.fc.bias.detach()


# --- Question 1.2 ----------------------------------------------------------------------------


def assert_prior_part(part: Any, lam: float) -> None:
    """Vérifie la part de la loi a priori dans la hessienne, lam I.

    Qui a oublié le biais, et renvoie (2, 2), l'a payé avec la part de la vraisemblance.
    """
    d = 2 if double(part).shape == (2, 2) else 3
    what = f"la hessienne pour lam = {lam:g}, moins celle pour lam = 0,"
    assert_close(part, lam * np.eye(d), what=what, rtol=1e-4, atol=1e-4)


def assert_monte_carlo(actual: Any, exact: Array, nsamples: int, *, what: str) -> None:
    """Vérifie qu'actual (n,) est la moyenne de nsamples variables de [0, 1], d'espérances exact.

    P(KL(moyenne || espérance) >= t) <= 2 exp(-nsamples t), pour chaque point (Chernoff) ; les
    points peuvent partager leurs tirages, la fausse alarme est divisée par leur nombre.
    """
    array = as_array(actual)
    if array is None or array.shape not in ((exact.size,), (exact.size, 1)):
        assert_shape(actual, exact.shape, what=what)
        return
    assert_finite(array, what=what)
    means = array.astype(float).reshape(-1)
    inside = bool(((means >= 0) & (means <= 1)).all())
    assert_true(inside, f"{capital(what)} : attendu des probabilités, entre 0 et 1.")
    limit = math.log(2 * exact.size / FALSE_ALARM) / nsamples
    far = [
        bernoulli_divergence(float(p), float(q)) > limit for p, q in zip(means, exact, strict=True)
    ]
    if any(far):
        raise CheckFailed(
            f"{capital(what)} : {sum(far)} probabilité(s) sur {exact.size} trop loin de "
            f"l'intégrale, pour une moyenne sur {nsamples} tirages.",
            f"expected {exact!r}\ngot      {means!r}",
        )


# --- Question 1.4 : la couche variationnelle -------------------------------------------------


def _softplus(rho: Array) -> Array:
    return np.logaddexp(0.0, rho)


def _sigmoid(rho: Array) -> Array:
    return 1 / (1 + np.exp(-rho))


@dataclass(frozen=True)
class Convention:
    """Une relation entre rho et l'écart-type, et sa dérivée."""

    sigma: Sigma
    slope: Sigma


RIGHT = Convention(_softplus, _sigmoid)
CONVENTIONS = (
    RIGHT,
    Convention(np.exp, np.exp),
    Convention(lambda r: np.exp(r / 2), lambda r: np.exp(r / 2) / 2),
    Convention(
        lambda r: np.sqrt(_softplus(r)), lambda r: _sigmoid(r) / (2 * np.sqrt(_softplus(r)))
    ),
    Convention(lambda r: _softplus(r) ** 2, lambda r: 2 * _softplus(r) * _sigmoid(r)),
    Convention(np.abs, np.sign),
    Convention(_sigmoid, lambda r: _sigmoid(r) * (1 - _sigmoid(r))),
)
"""La bonne, puis celles que l'on prend pour elle."""


@probe
def draw(cls: Any, mu: Any, rho: Any) -> Any:
    """Un tirage de la méthode sampling."""
    import torch

    with torch.no_grad():
        return cls(3, 2, 1.0).sampling(mu, rho)


def sampling_draws(cls: Any, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """(mu, sigma, tirages), trois tableaux (n,), de la méthode sampling appelée une fois."""
    mu, rho = (float32(rng.uniform(-2, 2, size=n)) for _ in range(2))
    drawn = draw(cls, mu, rho)
    assert_shape(drawn, (n,), what="le résultat de sampling(mu, rho)")
    assert_finite(drawn, what="le résultat de sampling(mu, rho)")
    return double(mu), _softplus(double(rho)), double(drawn)


def conventions(cls: Any, rng: np.random.Generator) -> list[Convention]:
    """La bonne convention, puis celle que suit sampling de l'étudiant si c'est une autre."""
    n = 4000
    mu, rho = (float32(rng.uniform(-2, 2, size=n)) for _ in range(2))
    try:
        drawn = double(draw(cls, mu, rho)).reshape(n)
    except HiddenTestError:
        raise
    except Exception:  # leur code peut lever n'importe quoi : l'échec sera dit plus loin
        return [RIGHT]
    low, high = gaussian_variance_bounds(n // 4, FALSE_ALARM)
    found = []
    for convention in CONVENTIONS[1:]:
        noise = (drawn - double(mu)) / np.maximum(convention.sigma(double(rho)), 1e-12)
        quarters = np.array_split(noise[np.argsort(double(rho))], 4)
        squares = [float(np.mean(quarter**2)) for quarter in quarters]
        if all(low <= square <= high for square in squares):
            found.append(convention)
    return [RIGHT, *found[:1]]


@probe
def parameters_of(cls: Any, sizes: Any) -> Any:
    """Paramètres enregistrés d'une couche ou d'un modèle, par leur nom."""
    return dict(cls(*sizes).named_parameters())


@probe
def attributes_of(cls: Any, names: Any) -> Any:
    """Ceux de ces noms que porte une couche."""
    layer = cls(3, 2, 1.0)
    return [name for name in names if hasattr(layer, name)]


def present(cls: Any, values: Problem) -> dict[str, Tensor]:
    """Les paramètres du problème que la couche a, enregistrés ou non.

    Qui a oublié un biais, ou nn.Parameter, l'a payé avec les paramètres.
    """
    names = attributes_of(cls, list(values))
    found = {name: value for name, value in values.items() if name in names}
    usable = all(f"w_{part}" in found for part in ("mu", "rho"))
    assert_true(usable, "Couche variationnelle : il n'y a pas de paramètres w_mu et w_rho.")
    return found


@probe
def differentiated(cls: Any, mu: Any, rho: Any, weights: Any) -> Any:
    """Un tirage, et les gradients de sa somme pondérée par rapport à mu et à rho."""
    import torch

    mu, rho = mu.clone().requires_grad_(), rho.clone().requires_grad_()
    drawn = cls(3, 2, 1.0).sampling(mu, rho)
    if not drawn.requires_grad:
        return drawn, None, None
    gradients = torch.autograd.grad((drawn * weights).sum(), [mu, rho], allow_unused=True)
    return drawn.detach(), *gradients


def _assert_given(gradients: Mapping[str, Any], what: str) -> None:
    missing = [name for name, gradient in gradients.items() if gradient is None]
    assert_true(
        not missing,
        f"{what} : aucun gradient par rapport à {', '.join(missing)}. Le calcul doit rester dans "
        "les tenseurs, et le tirage être reparamétrisé.",
    )


def assert_sampling_gradients(
    cls: Any, rng: np.random.Generator, sigmas: Sequence[Convention]
) -> None:
    """Vérifie les gradients d'un tirage z = mu + sigma(rho) eps : 1, et eps sigma'(rho)."""
    mu, rho, weights = (float32(rng.uniform(-2, 2, size=(7, 3))) for _ in range(3))
    drawn, by_mu, by_rho = differentiated(cls, mu, rho, weights)
    _assert_given({"mu": by_mu, "rho": by_rho}, "Tirage de sampling")
    how = {"rtol": 1e-3, "atol": 1e-3}
    assert_close(by_mu, weights, what="le gradient d'un tirage par rapport à mu", **how)
    noise, r = double(drawn) - double(mu), double(rho)

    def check(convention: Convention) -> None:
        expected = double(weights) * noise * convention.slope(r) / convention.sigma(r)
        assert_close(by_rho, expected, what="le gradient d'un tirage par rapport à rho", **how)

    first(*(lambda c=c: check(c) for c in sigmas))


@probe
def measured_kl(cls: Any, sizes: Any, prior_var: Any, values: Any, step: Any) -> Any:
    """Divergence d'une couche dont on a fixé les paramètres, son gradient, et ses accroissements.

    values, step : {nom : tenseur}, les poids de forme (sorties, entrées).
    """
    import torch

    def fitting(value, parameter):  # noqa: ANN001, ANN202
        value = value.T if value.ndim == 2 and value.shape != parameter.shape else value
        return value.reshape(parameter.shape).to(parameter.dtype)

    def put(layer, h):  # noqa: ANN001, ANN202
        with torch.no_grad():
            for name, value in values.items():
                parameter = getattr(layer, name)
                moved = value.double() + h * step[name].double()
                parameter.copy_(fitting(moved, parameter))
        # Les mêmes tirages à chaque fois : qui a estimé la divergence l'a payé avec sa valeur.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return layer.kl_divergence()

    value = put(cls(*sizes, prior_var), 0.0)
    layer, slope, h = cls(*sizes, prior_var).double(), None, 1e-3
    kl = put(layer, 0.0)
    if isinstance(kl, torch.Tensor) and kl.requires_grad:
        parameters = [getattr(layer, name) for name in values]
        gradients = torch.autograd.grad(kl.sum(), parameters, allow_unused=True)
        slope = sum(
            float((gradient * fitting(step[name], parameter)).sum())
            for name, parameter, gradient in zip(values, parameters, gradients, strict=True)
            if gradient is not None
        )
    ahead, behind = (float(torch.as_tensor(put(layer, shift)).detach()) for shift in (h, -h))
    value = value.detach() if isinstance(value, torch.Tensor) else value
    return value, slope, (ahead - behind) / (2 * h)


def expected_kl(values: Problem, prior_var: float, convention: Convention) -> float:
    """Divergence de tous les poids d'une couche, en double précision."""
    total = 0.0
    for part in ("w", "b"):
        if f"{part}_rho" not in values:
            continue
        mu, sigma = double(values[f"{part}_mu"]), convention.sigma(double(values[f"{part}_rho"]))
        terms = math.log(prior_var) / 2 - np.log(sigma) + (sigma**2 + mu**2) / (2 * prior_var) - 0.5
        total += float(terms.sum())
    return total


@dataclass(frozen=True)
class MeasuredKL:
    """La divergence d'une couche, comme mesurée dans le noyau."""

    values: Problem
    prior_var: float
    kl: Any
    slope: Any
    increase: Any

    def assert_value(self, sigmas: Sequence[Convention]) -> None:
        """Vérifie la valeur, avec l'écart-type de l'énoncé ou celui de l'étudiant."""
        what = f"la divergence d'une couche, prior_var = {self.prior_var:g}".replace(".", ",")

        def check(convention: Convention) -> None:
            expected = expected_kl(self.values, self.prior_var, convention)
            assert_close(self.kl, expected, what=what, rtol=1e-4, atol=1e-3, shape="any")

        first(*(lambda c=c: check(c) for c in sigmas))

    def assert_gradient(self) -> None:
        """Vérifie que le gradient est celui de la valeur : une erreur sur celle-ci est déjà payée.

        Tous deux en double précision ; différence centrée de pas 1e-3 : erreur de 1e-6.
        """
        assert_true(
            self.slope is not None,
            "Divergence : le résultat n'est pas dérivable par rapport aux paramètres.",
        )
        assert_close(
            self.slope, self.increase, what="le gradient de la divergence", rtol=1e-3, atol=1e-3
        )
        varies = abs(float(double(self.increase))) > 1e-2
        assert_true(varies, "Divergence : elle ne varie pas avec les paramètres.")


def kl_of_layer(cls: Any, values: Problem, prior_var: float) -> MeasuredKL:
    """Mesure la divergence d'une couche dont on fixe les paramètres."""
    k, d = values["w_mu"].shape
    values = present(cls, values)
    # Une direction où aucune composante n'est petite : la pente y dépend de tous les paramètres.
    step = {name: torch.ones_like(value) + 0.3 * torch.sin(value) for name, value in values.items()}
    kl, slope, increase = measured_kl(cls, (d, k), prior_var, dict(values), step)
    return MeasuredKL(values, prior_var, kl, slope, increase)


@probe
def outputs(cls: Any, sizes: Any, values: Any, x: Any, n: Any, mode: Any) -> Any:
    """Sorties (n, sorties) de n appels d'une couche pour une même entrée x (1, entrées).

    Puis trois sorties, et ce que donnent avec les mêmes graines les tirages de sa méthode sampling.
    """
    import torch

    layer = cls(*sizes, 1.0)
    with torch.no_grad():
        for name, value in values.items():
            parameter = getattr(layer, name)
            turned = value.T if value.ndim == 2 and value.shape != parameter.shape else value
            parameter.copy_(turned.reshape(parameter.shape))
        layer.train(mode == "train")
        drawn, again, replayed = torch.cat([layer(x) for _ in range(n)]), [], []
        for seed in range(3):
            torch.manual_seed(seed)
            again.append(layer(x))
            torch.manual_seed(seed)
            w = layer.sampling(layer.w_mu, layer.w_rho)
            w = w if w.shape[0] == drawn.shape[1] else w.T
            b = layer.sampling(layer.b_mu, layer.b_rho) if hasattr(layer, "b_rho") else 0
            replayed.append(x @ w.T + b)
    return drawn, torch.cat(again), torch.cat(replayed)


def assert_output_law(
    cls: Any, values: Problem, rng: np.random.Generator, mode: str, sigmas: Sequence[Convention]
) -> None:
    """Vérifie la loi de la sortie : normale, N(W x + b, sigma_W² x² + sigma_b²)."""
    k, d = values["w_mu"].shape
    n, x = 1000, float32(rng.uniform(0.5, 1.5, size=(1, d)) * rng.choice([-1, 1], size=(1, d)))
    values, zero = present(cls, values), torch.zeros(k)
    drawn, again, replayed = outputs(cls, (d, k), values, x, n, mode)
    what = f"la sortie de la couche en mode {mode}()"
    assert_shape(drawn, (n, k), what=f"{what}, pour {n} appels")
    mean = double(values["w_mu"]) @ double(x)[0] + double(values.get("b_mu", zero))

    def check(convention: Convention) -> None:
        variance = convention.sigma(double(values["w_rho"])) ** 2 @ double(x)[0] ** 2
        if "b_rho" in values:
            variance = variance + convention.sigma(double(values["b_rho"])) ** 2
        half = FALSE_ALARM / 2
        assert_variance(drawn, variance, mean=mean, what=what, n=n, false_alarm=half)
        assert_mean(drawn, mean, sd=np.sqrt(variance), what=what, n=n, false_alarm=half)

    def own() -> None:
        """Ce que donne sampling de l'étudiant, dont la loi est déjà payée si elle est fausse."""
        assert_close(again, replayed, what=what, rtol=1e-3, atol=1e-3)
        assert_true(bool(np.ptp(double(drawn), axis=0).min() > 1e-3), what)

    first(*(lambda c=c: check(c) for c in sigmas), own)


@probe
def output_gradients(cls: Any, sizes: Any, values: Any, x: Any, weights: Any) -> Any:
    """Une sortie, et les gradients de sa somme pondérée, les poids de forme (sorties, entrées)."""
    import torch

    layer = cls(*sizes, 1.0)
    turned = set()
    with torch.no_grad():
        for name, value in values.items():
            parameter = getattr(layer, name)
            if value.ndim == 2 and value.shape != parameter.shape:
                turned.add(name)
            fitting = value.T if name in turned else value
            parameter.copy_(fitting.reshape(parameter.shape))
    zeros, drawn = torch.zeros(2), torch.zeros(2, requires_grad=True)
    differentiable = {
        "mu": bool(layer.sampling(drawn, zeros).requires_grad),
        "rho": bool(layer.sampling(zeros, drawn).requires_grad),
    }
    y = layer(x)
    if not y.requires_grad:
        return y, None, differentiable
    parameters = [getattr(layer, name) for name in values]
    gradients = torch.autograd.grad((y * weights).sum(), parameters, allow_unused=True)
    named = {
        name: g.T if g is not None and name in turned else g
        for name, g in zip(values, gradients, strict=True)
    }
    return y.detach(), named, differentiable


def assert_output_gradients(
    cls: Any, values: Problem, rng: np.random.Generator, sigmas: Sequence[Convention]
) -> None:
    """Vérifie les gradients de la sortie, que les poids soient tirés ou directement les sorties.

    À bruit fixé, l'écart de la sortie à sa moyenne est homogène de degré 1 en les écarts-types : la
    somme des dérivées par rapport à chaque sigma, fois sigma, redonne cet écart (Euler). Qui a déjà
    perdu les gradients de sampling (tirage non dérivable) ne les perd pas une seconde fois.
    """
    k, d = values["w_mu"].shape
    x = float32(rng.uniform(-1.5, 1.5, size=(4, d)))
    weights = float32(rng.uniform(0.5, 1.5, size=(4, k)))
    values, zero = present(cls, values), torch.zeros(k)
    y, gradients, differentiable = output_gradients(cls, (d, k), values, x, weights)
    assert_shape(y, (4, k), what="la sortie de la couche")
    paid = {part for part in ("mu", "rho") if differentiable[part] is False}
    if paid:
        # Déjà payé, pourvu que la sortie soit bien celle de ces tirages.
        assert_output_law(cls, values, rng, "train", sigmas)
    if gradients is None and paid == {"mu", "rho"}:
        return
    what = "sortie de la couche"
    assert_true(gradients is not None, f"{capital(what)} : aucun gradient.")
    due = {name: value for name, value in gradients.items() if name.split("_")[1] not in paid}
    _assert_given(due, capital(what))
    how: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-3}
    c, inputs = double(weights), double(x)
    what = f"le gradient de la {what} par rapport à"
    if "b_mu" in due:
        expected = c.sum(axis=0)
        assert_close(gradients["b_mu"], expected, what=f"{what} b_mu", shape="flat", **how)
    mean = inputs @ double(values["w_mu"]).T + double(values.get("b_mu", zero))
    gap = float((c * (double(y) - mean)).sum())

    def check(convention: Convention) -> None:
        total = 0.0
        for name in {"w_rho", "b_rho"} & set(due):
            rho = double(values[name])
            slope = double(gradients[name]).reshape(rho.shape)
            total += float((slope * convention.sigma(rho) / convention.slope(rho)).sum())
        assert_close(total, gap, what=f"{what} w_rho et b_rho", **how)

    if "rho" not in paid:
        first(*(lambda c=c: check(c) for c in sigmas))
    if "mu" not in paid:
        assert_close(gradients["w_mu"], c.T @ inputs, what=f"{what} w_mu", **how)


# --- Questions 1.5 et 2.1 : modèles variationnels --------------------------------------------
#
# Un modèle est d'abord jugé avec les couches de l'étudiant puis, si cela échoue, avec des couches
# données, sans aléa : une erreur dans LinearVariational, ou une question 1.4 sans réponse, ne coûte
# rien ici. Une couche ordinaire à la place d'une variationnelle est payée avec les couches : ses
# poids sont fixés aussi, et les logits et la divergence sont ceux de ce modèle-là.

VARIATIONAL, ORDINARY, MISSING = "variationnelle", "ordinaire", "absente"


@probe
def measured_model(cls: Any, sizes: Any, prior_var: Any, problem: Any, rho: Any, x: Any) -> Any:
    """Sorties et divergence d'un modèle dont on fixe les paramètres, et la sorte de chaque couche.

    Les couches sont reconnues à la forme de leurs poids. rho : valeur commune, ou None.
    """
    import torch
    from torch import nn

    model = cls(*sizes, prior_var)
    layers = [m for m in model.modules() if hasattr(m, "w_mu")]
    kinds = []
    with torch.no_grad():
        for values in problem:
            k, d = values["w_mu"].shape
            fitting = [m for m in layers if tuple(m.w_mu.shape) in ((k, d), (d, k))]
            found = [
                (name, getattr(m, name)) for m in fitting for name in values if hasattr(m, name)
            ]
            for name, parameter in found:
                value = values[name]
                turned = value.T if value.ndim == 2 and value.shape != parameter.shape else value
                parameter.copy_(turned.reshape(parameter.shape))
                if rho is not None and name.endswith("rho"):
                    parameter.fill_(rho)
            plain = [m for m in model.modules() if isinstance(m, nn.Linear)]
            plain = [m for m in plain if tuple(m.weight.shape) == (k, d) and not fitting]
            for m in plain:
                m.weight.copy_(values["w_mu"])
                m.bias.copy_(values["b_mu"])
            kinds.append("variationnelle" if fitting else "ordinaire" if plain else "absente")
        return [model(x) for _ in range(3)], model.kl_divergence(), kinds


@probe
def measured_layer(cls: Any, sizes: Any, prior_var: Any, values: Any, x: Any) -> Any:
    """Deux sorties et la divergence d'une couche de l'étudiant dont on fixe les paramètres."""
    import torch

    layer = cls(*sizes, prior_var)
    with torch.no_grad():
        for name in [name for name in values if hasattr(layer, name)]:
            value, parameter = values[name], getattr(layer, name)
            turned = value.T if value.ndim == 2 and value.shape != parameter.shape else value
            parameter.copy_(turned.reshape(parameter.shape))
        return [layer(x) for _ in range(2)], layer.kl_divergence()


@probe
def measured_with_given_layers(
    cls: Any, sizes: Any, prior_var: Any, problem: Any, divergences: Any, x: Any
) -> Any:
    """Sortie et divergence d'un modèle dont les couches sont données, et ce qu'il a construit.

    Pour chaque couche : (entrées, sorties, variance a priori, est-elle enregistrée).
    """
    import torch
    from torch import nn

    made = []

    class Given(nn.Module):
        def __init__(self, input_size, output_size, prior_var):  # noqa: ANN001, ANN204
            super().__init__()
            made.append((self, input_size, output_size, float(prior_var)))
            shape = (output_size, input_size)
            of_this_size = [tuple(values["w_mu"].shape) == shape for values in problem]
            self.rank = of_this_size.index(True)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):  # noqa: ANN001, ANN202
            values = problem[self.rank]
            return self.scale * (x @ values["w_mu"].T + values["b_mu"])

        def kl_divergence(self):  # noqa: ANN202
            return self.scale.sum() * divergences[self.rank]

    names = cls.__init__.__globals__
    had, before = "LinearVariational" in names, names.get("LinearVariational")
    names["LinearVariational"] = Given
    try:
        model = cls(*sizes, prior_var)
        y, kl = model(x), model.kl_divergence()
    finally:
        del names["LinearVariational"]
        if had:
            names["LinearVariational"] = before
    modules = list(model.modules())
    registered = [any(m is layer for m in modules) for layer, *_ in made]
    built = [(*size, given) for (_, *size), given in zip(made, registered, strict=True)]
    return y.detach(), torch.as_tensor(kl).detach(), built


@probe
def weight_sizes_of(cls: Any, sizes: Any) -> Any:
    """Formes des tenseurs w_mu d'un modèle."""
    return [list(m.w_mu.shape) for m in cls(*sizes, 1.0).modules() if hasattr(m, "w_mu")]


Layer = Callable[[], Any]
"""La classe LinearVariational de l'étudiant ; l'appeler échoue s'il n'y en a pas."""


def _with_given_layers(
    cls: Any, sizes: tuple[int, ...], prior_var: float, problem: Sequence[Problem], x: Tensor
) -> tuple[Any, Any, float, list[Any]]:
    """(sortie, divergence, la somme des divergences des couches construites, ces couches)."""
    divergences = [1.75 + 3 * rank for rank in range(len(problem))]
    y, kl, built = measured_with_given_layers(cls, sizes, prior_var, list(problem), divergences, x)
    assert_true(len(built) > 0, "Modèle : il ne contient aucune couche LinearVariational.")
    dimensions = [tuple(values["w_mu"].shape) for values in problem]
    total = sum(divergences[dimensions.index((k, d))] for d, k, *_ in built)
    return y, kl, total, built


def assert_layers(cls: Any, sizes: tuple[int, ...], problem: Sequence[Problem]) -> None:
    """Vérifie les dimensions des couches variationnelles, enregistrées dans le modèle."""
    expected = sorted(tuple(sorted(values["w_mu"].shape)) for values in problem)
    what = "les dimensions des poids des couches variationnelles"

    def own() -> None:
        found = [tuple(sorted(shape)) for shape in weight_sizes_of(cls, sizes)]
        assert_equal(sorted(found), expected, what=what)

    def given() -> None:
        x = float32(np.zeros((1, sizes[0])))
        *_, built = _with_given_layers(cls, sizes, 1.0, problem, x)
        found = [tuple(sorted((d, k))) for d, k, _, registered in built if registered]
        assert_equal(sorted(found), expected, what=what)

    first(own, given)


def network(problem: Sequence[Problem], x: Tensor) -> Array:
    """Logits (n, 1) du réseau ReLU dont les poids sont les moyennes, en double précision."""
    hidden = double(x)
    for rank, values in enumerate(problem):
        hidden = hidden if rank == 0 else np.maximum(hidden, 0)
        hidden = hidden @ double(values["w_mu"]).T + double(values["b_mu"])
    return hidden


def assert_network_output(
    cls: Any,
    layer: Layer,
    sizes: tuple[int, ...],
    problem: Sequence[Problem],
    rng: np.random.Generator,
) -> None:
    """Vérifie les logits d'un modèle variationnel, avec des écarts-types presque nuls.

    Et, avec d'autres, qu'ils changent à chaque appel, si les sorties d'une couche changent.
    """
    x = float32(rng.uniform(-2, 2, size=(6, sizes[0])))
    expected = network(problem, x)

    def own() -> None:
        found, _, kinds = measured_model(cls, sizes, 1.0, list(problem), NARROW, x)
        there = VARIATIONAL in kinds
        assert_true(there, "Modèle : il ne contient aucune couche LinearVariational.")
        what = "les logits du modèle, écarts-types presque nuls,"
        for logits in found:
            assert_close(logits, expected, what=what, rtol=2e-3, atol=2e-3)
        drawn, *_ = measured_model(cls, sizes, 1.0, list(problem), None, x)
        if not _vary(drawn):
            k, d = problem[0]["w_mu"].shape
            of_layer, _ = measured_layer(layer(), (d, k), 1.0, dict(problem[0]), x)
            said = "Logits du modèle : deux appels donnent le même résultat, sans nouveau tirage."
            assert_true(not _vary(of_layer), said)

    def given() -> None:
        y, *_ = _with_given_layers(cls, sizes, 1.0, problem, x)
        assert_close(y, expected, what="les logits du modèle", rtol=1e-4, atol=1e-4)

    first(own, given)


def _vary(outputs: Sequence[Any]) -> bool:
    return any(not np.array_equal(double(outputs[0]), double(other)) for other in outputs[1:])


def assert_model_kl(
    cls: Any,
    layer: Layer,
    sizes: tuple[int, ...],
    problem: Sequence[Problem],
    rng: np.random.Generator,
) -> None:
    """Vérifie la divergence d'un modèle : celle de ses couches variationnelles.

    Celle de l'énoncé ; à défaut, celle que donnent les couches de l'étudiant, ou des couches
    données, construites avec la même variance a priori.
    """
    x, prior_var = float32(np.zeros((1, sizes[0]))), 2.5
    what = "la divergence du modèle"
    how: dict[str, Any] = {"what": what, "rtol": 1e-4, "atol": 1e-3, "shape": "any"}

    def own() -> None:
        _, kl, kinds = measured_model(cls, sizes, prior_var, list(problem), None, x)
        complete = MISSING not in kinds and VARIATIONAL in kinds
        assert_true(complete, "Modèle : il y manque des couches LinearVariational.")
        drawn = [v for v, kind in zip(problem, kinds, strict=True) if kind == VARIATIONAL]

        def right(convention: Convention) -> None:
            expected = sum(expected_kl(values, prior_var, convention) for values in drawn)
            assert_close(kl, expected, **how)

        def theirs() -> None:
            parts = []
            for values in drawn:
                k, d = values["w_mu"].shape
                inputs = float32(np.zeros((1, d)))
                _, part = measured_layer(layer(), (d, k), prior_var, dict(values), inputs)
                parts.append(float(double(part).reshape(())))
            assert_true(min(map(abs, parts)) > 1e-2, what)
            assert_close(kl, sum(parts), **how)

        known = conventions(layer(), rng)
        first(*(lambda c=c: right(c) for c in known), theirs)

    def given() -> None:
        _, kl, total, built = _with_given_layers(cls, sizes, prior_var, problem, x)
        assert_close(kl, total, **how)
        priors = [prior for _, _, prior, _ in built]
        what = "les variances a priori des couches"
        assert_close(priors, [prior_var] * len(built), what=what, rtol=1e-4, atol=0)

    first(own, given)


@probe
def measured_loss(loss: Any, x: Any, y: Any, n_total: Any, weight: Any, bias: Any, kl: Any) -> Any:
    """Valeur de la fonction de coût et ses gradients, pour un modèle linéaire sans aléa.

    Renvoie (valeur, gradient de la divergence, gradient des poids (d,), gradient du biais).
    """
    import torch
    from torch import nn

    class Deterministic(nn.Module):
        def __init__(self):  # noqa: ANN204
            super().__init__()
            self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
            self.kl = nn.Parameter(torch.tensor(float(kl)))

        def forward(self, x):  # noqa: ANN001, ANN202
            return x @ self.weight[:, None] + self.bias

        def kl_divergence(self):  # noqa: ANN202
            return 1.0 * self.kl

    model = Deterministic()
    value = loss(model, x, y, n_total)
    parameters = [model.kl, model.weight, model.bias]
    gradients = torch.autograd.grad(value.sum(), parameters, allow_unused=True)
    return [value.detach(), *gradients]


@dataclass(frozen=True)
class Cost:
    """Ce que elbo_loss mesure d'un modèle sans aléa, et ce qu'il faut."""

    value: Any
    by_kl: Any
    gradient: Array
    """Par rapport aux poids et au biais, (4,)."""
    kl: float
    nll: float
    nll_gradient: Array

    @property
    def scale(self) -> float:
        """Facteur devant la somme, sur le lot, des entropies croisées."""
        return float(self.gradient @ self.nll_gradient / (self.nll_gradient @ self.nll_gradient))


def cost(loss: Any, rng: np.random.Generator, batch: int, n_total: int) -> Cost:
    """Mesure elbo_loss sur un lot tiré au sort."""
    X, weight, bias = linear_model(rng, batch, 3)
    y, kl = float32((np.arange(batch) % 2)[:, None]), float(rng.uniform(1, 30))
    value, by_kl, *others = measured_loss(loss, X, y, n_total, weight, bias, kl)
    _assert_given(dict(zip(("aux poids", "au biais"), others, strict=True)), "Fonction de coût")
    gradient = np.concatenate([double(part).reshape(-1) for part in others])
    assert_true(gradient.shape == (4,), "Fonction de coût : un gradient n'a pas la bonne forme.")
    z, t = double(X) @ double(weight)[:, None] + double(bias), double(y)
    error = 1 / (1 + np.exp(-z)) - t
    nll = float((np.logaddexp(0, z) - t * z).sum())
    expected = np.append((error * double(X)).sum(axis=0), error.sum())
    return Cost(value, by_kl, gradient, kl, nll, expected)


def assert_likelihood(loss: Any, rng: np.random.Generator, batch: int, n_total: int) -> None:
    """Vérifie que le gradient est, à un facteur positif près, celui des entropies croisées."""
    found = cost(loss, rng, batch, n_total)
    factor = found.scale
    assert_true(
        math.isfinite(factor) and factor > 0,
        "Fonction de coût : elle ne diminue pas quand les logits s'accordent mieux aux étiquettes.",
    )
    what = f"le gradient de la fonction de coût, B = {batch} et N = {n_total}, à un facteur près,"
    assert_close(found.gradient / factor, found.nll_gradient, what=what, rtol=1e-3, atol=1e-3)


def assert_relative_weight(loss: Any, rng: np.random.Generator, batch: int, n_total: int) -> None:
    """Vérifie que la vraisemblance du lot pèse N / B fois la divergence, et la valeur du coût.

    Qui s'est trompé sur la vraisemblance (une double sigmoïde) l'a déjà payé : le poids relatif est
    alors comparé à celui du même lot pris pour toutes les données.
    """
    state = rng.bit_generator.state
    found = cost(loss, rng, batch, n_total)
    weight = _weight_of_kl(found)
    what = f"le poids de la vraisemblance rapporté à la divergence, B = {batch} et N = {n_total},"
    how: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-3}

    def right() -> None:
        assert_close(found.scale / weight, n_total / batch, what=what, **how)
        total = n_total / batch * found.nll + found.kl
        of_value = "la fonction de coût, rapportée au poids de la divergence,"
        assert_close(double(found.value) / weight, total, what=of_value, shape="any", **how)

    def own() -> None:
        residue = found.gradient - found.scale * found.nll_gradient
        is_other = float(np.abs(residue).max()) > 1e-2 * float(np.abs(found.gradient).max())
        assert_true(is_other, what)
        rng.bit_generator.state = state
        whole = cost(loss, rng, batch, batch)
        expected = n_total / batch * whole.gradient / _weight_of_kl(whole)
        assert_close(found.gradient / weight, expected, what=what, **how)

    first(right, own)


def _weight_of_kl(found: Cost) -> float:
    assert_true(
        found.by_kl is not None,
        "Fonction de coût : aucun gradient par rapport à la divergence, qui n'y entre pas.",
    )
    weight = float(double(found.by_kl).reshape(()))
    positive = math.isfinite(weight) and weight > 0
    assert_true(
        positive, "Fonction de coût : la divergence n'y entre pas, ou avec un signe négatif."
    )
    return weight


# --- Question 2.2 : MC dropout ---------------------------------------------------------------


@probe
def mlp_outputs(cls: Any, sizes: Any, weights: Any, x: Any, mode: Any) -> Any:
    """Deux sorties d'un perceptron dont on fixe les paramètres, reconnus à leur forme."""
    import torch

    model = cls(*sizes)
    with torch.no_grad():
        left = list(model.parameters())
        for value in weights:
            parameter = next(p for p in left if p.shape == value.shape)
            left = [p for p in left if p is not parameter]
            parameter.copy_(value)
        model.train(mode == "train")
        return [model(x) for _ in range(2)]


def assert_mlp_output(cls: Any, rng: np.random.Generator, sizes: tuple[int, int]) -> None:
    """Vérifie les logits en mode eval(), deux fois les mêmes."""
    d, h = sizes
    W1, b1, W2, b2 = (float32(rng.normal(size=size)) for size in ((h, d), h, (1, h), 1))
    x = float32(rng.normal(size=(7, d)))
    hidden = np.maximum(double(x) @ double(W1).T + double(b1), 0)
    expected = hidden @ double(W2).T + double(b2)
    for found in mlp_outputs(cls, sizes, [W1, b1, W2, b2], x, "eval"):
        assert_close(found, expected, what="les logits en mode eval()", rtol=1e-4, atol=1e-4)


ONE_UNIT = [[[1.5, 1.0]], [0.25], [[1.0]], [0.25]]
"""Poids d'un perceptron à une unité cachée, toujours active pour des entrées positives.

Les deux biais, de même forme, sont égaux : l'ordre des couches dans la classe n'importe pas. Les
logits restent sous 7, dropout compris : on les retrouve à 1e-4 près d'une probabilité en simple
précision, qui est à moins de 1e-7 de la vraie et à plus de 9e-4 de 1.
"""


def one_unit(rng: np.random.Generator, n: int) -> tuple[list[Tensor], Tensor, Array]:
    """Poids d'un perceptron à une unité, entrées positives (n, 2), contribution de l'unité (n,)."""
    weights = [float32(value) for value in ONE_UNIT]
    x = float32(rng.uniform(0.5, 1.5, size=(n, 2)))
    W1, b1, W2, _ = (double(value) for value in weights)
    return weights, x, ((double(x) @ W1.T + b1) * W2)[:, 0]


def assert_dropout(cls: Any, rng: np.random.Generator, p: float) -> None:
    """Vérifie, en mode train(), que l'unité manque avec la probabilité p, pour chaque entrée."""
    n = 2000
    weights, x, contribution = one_unit(rng, n)
    found, again = mlp_outputs(cls, (2, 1), weights, x, "train")
    assert_shape(found, (n, 1), what="les logits en mode train()")
    bias, what = float(weights[3]), "les logits en mode train()"

    def check(one: Array) -> None:
        _assert_two_values((one[:, 0] - bias) / contribution, p, what)

    def own(one: Array) -> None:
        """Des probabilités à la place des logits : c'est déjà payé."""
        assert_true(bool(((one > 0) & (one < 1)).all()), what)
        check(np.log(one / (1 - one)))

    for one in (double(found), double(again)):
        first(lambda one=one: check(one), lambda one=one: own(one))
    same = bool(np.array_equal(double(found), double(again)))
    assert_true(not same, "Logits en mode train() : deux appels donnent le même résultat.")


def _assert_two_values(ratio: Array, p: float, what: str) -> None:
    """Vérifie que des contributions valent 0 avec la probabilité p, et 1 / (1 - p) sinon."""
    dropped = np.abs(ratio) < 1e-3
    kept = np.abs(ratio - 1 / (1 - p)) < 1e-3
    said = f"{capital(what)} : une unité cachée y est absente, ou multipliée par 1 / (1 - p)"
    assert_true(bool((dropped | kept).all()), f"{said} ; ce n'est pas ce que l'on observe.")
    assert_proportion(
        int(dropped.sum()), ratio.size, p, what=f"la part des unités absentes dans {what}"
    )


@probe
def mc_draws(predict: Any, cls: Any, p: Any, weights: Any, x: Any, n: Any) -> Any:
    """Tirages de predict pour un modèle en mode eval(), puis deux sorties après model.eval().

    cls : la classe du perceptron, ou None pour un réseau donné, de dropout p.
    """
    import torch
    from torch import nn

    if cls is None:
        model = nn.Sequential(nn.Linear(2, 1), nn.ReLU(), nn.Dropout(p), nn.Linear(1, 1))
    else:
        model = cls(2, 1)
    with torch.no_grad():
        left = list(model.parameters())
        for value in weights:
            parameter = next(q for q in left if q.shape == value.shape)
            left = [q for q in left if q is not parameter]
            parameter.copy_(value)
    model.eval()
    drawn = predict(model, x, n)
    model.eval()
    with torch.no_grad():
        return drawn.detach(), [model(x) for _ in range(2)]


def _judged_model(cls: Any, rng: np.random.Generator) -> tuple[Any, float]:
    """Le perceptron de l'étudiant s'il est juste, de dropout 0,2 ; sinon un réseau donné (None)."""
    try:
        assert_dropout(cls, rng, 0.2)
        assert_mlp_output(cls, rng, (3, 5))
    except HiddenTestError:
        raise
    except Exception:  # leur code peut lever n'importe quoi : c'est payé à la question 2.2a
        return None, 0.35
    return cls, 0.2


def assert_mc_dropout(predict: Any, cls: Any, rng: np.random.Generator) -> None:
    """Vérifie les tirages : des probabilités (n, N), où l'unité manque avec la probabilité p."""
    n, N = 601, 3
    weights, x, contribution = one_unit(rng, N)
    bias, what = float(weights[3]), "le résultat de mc_dropout_predict"
    which, p = _judged_model(cls, rng)
    drawn, _ = mc_draws(predict, which, p, weights, x, n)
    assert_shape(drawn, (n, N), what=what)
    probs = double(drawn)
    assert_finite(probs, what=what)
    inside = bool(((probs > 0) & (probs < 1)).all())
    assert_true(inside, "Résultat de mc_dropout_predict : attendu des probabilités, entre 0 et 1.")
    varies = bool((probs != probs[0]).any())
    assert_true(
        varies, "Tirages de mc_dropout_predict : tous les mêmes, le dropout n'est pas actif."
    )
    logits = np.log(probs / (1 - probs))
    _assert_two_values(((logits - bias) / contribution).reshape(-1), p, "les tirages")
    # Des masques indépendants d'un tirage à l'autre.
    alone = np.abs(logits[:, 0] - bias) < 1e-3
    pairs = int((alone[0:-1:2] & alone[1::2]).sum())
    assert_proportion(pairs, n // 2, p * p, what="la part des unités absentes deux fois de suite")


def assert_deterministic_afterwards(predict: Any, cls: Any, rng: np.random.Generator) -> None:
    """Vérifie qu'après mc_dropout_predict puis model.eval(), deux sorties s'accordent."""
    n, N = 50, 20
    weights, x, contribution = one_unit(rng, N)
    expected = (contribution + float(weights[3]))[:, None]
    which, p = _judged_model(cls, rng)
    drawn, after = mc_draws(predict, which, p, weights, x, n)
    # La forme, une moyenne, un dropout inactif, une sigmoïde oubliée sont déjà payés ; une
    # constante, non.
    values = double(drawn)
    depends = values.size in (n * N, N) and bool(np.ptp(values) > 1e-3)
    assert_true(depends, "Résultat de mc_dropout_predict : il ne dépend pas des entrées.")
    for found in after:
        what = "les logits en mode eval(), après mc_dropout_predict,"
        assert_close(found, expected, what=what, rtol=1e-4, atol=1e-4)
