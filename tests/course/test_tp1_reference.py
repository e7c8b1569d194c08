"""TP1's reference solutions against independent oracles, and every claim of its text by number."""

import inspect
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.metrics.pairwise import rbf_kernel

from nbjudge.testing import CheckFailed


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def epistemic(tp1, phi, x_train, alpha, beta, x):
    """The definition, written out: phi(x)' (alpha I + beta Phi' Phi)^-1 phi(x)."""
    Phi, rows = phi(x_train), phi(x)
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
    return np.array([row @ np.linalg.solve(A, row) for row in rows])


# --- The functions, against oracles ---------------------------------------------------------


@pytest.mark.parametrize(("N", "M"), [(11, 3), (4, 7), (1, 1)])
def test_the_posterior_is_the_conditional_of_the_joint_normal_law(tp1, rng, N, M):
    Phi, y, alpha, beta = rng.normal(size=(N, M)), rng.normal(size=N), 1.7, 6.3
    marginal = np.eye(N) / beta + Phi @ Phi.T / alpha
    gain = np.linalg.solve(marginal, Phi).T / alpha
    mu, Sigma = tp1.posterior(Phi, y, alpha, beta)
    assert_allclose(mu, gain @ y, rtol=1e-9)
    assert_allclose(Sigma, np.eye(M) / alpha - gain @ Phi / alpha, rtol=1e-9, atol=1e-12)


def test_the_posterior_mean_is_ridge_regression(tp1, rng):
    Phi, y = rng.normal(size=(13, 5)), rng.normal(size=13)
    ridge = Ridge(alpha=1.7 / 6.3, fit_intercept=False).fit(Phi, y)
    assert_allclose(tp1.posterior(Phi, y, 1.7, 6.3)[0], ridge.coef_, rtol=1e-9)


def test_without_data_the_posterior_is_the_prior(tp1):
    mu, Sigma = tp1.posterior(np.empty((0, 4)), np.empty(0), 2.5, 6.3)
    assert_allclose(mu, np.zeros(4))
    assert_allclose(Sigma, np.eye(4) / 2.5)


def test_law_prediction_and_evidence_are_those_of_bayesian_ridge(tp1, rng):
    Phi = rng.normal(size=(17, 3))
    y = Phi @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=17)
    flat = dict.fromkeys(["alpha_1", "alpha_2", "lambda_1", "lambda_2"], 0.0)
    theirs = BayesianRidge(fit_intercept=False, compute_score=True, tol=1e-12, **flat).fit(Phi, y)
    alpha, beta = theirs.lambda_, theirs.alpha_  # scikit-learn's names are the other way round
    mu, Sigma = tp1.posterior(Phi, y, alpha, beta)
    assert_allclose(mu, theirs.coef_, rtol=1e-7)
    assert_allclose(Sigma, theirs.sigma_, rtol=1e-7, atol=1e-12)
    assert_allclose(tp1.log_evidence(Phi, y, alpha, beta), theirs.scores_[-1], rtol=1e-7)
    new = rng.normal(size=(5, 3))
    mean, std = tp1.closed_form(lambda x: x, Phi, y, alpha, beta)(new)
    expected_mean, expected_std = theirs.predict(new, return_std=True)
    assert_allclose(mean, expected_mean, rtol=1e-7)
    assert_allclose(std, expected_std, rtol=1e-7)


def test_the_affine_model_is_a_gaussian_process(tp1, rng):
    x, alpha, beta = np.linspace(-8, 9, 7), tp1.alpha, tp1.beta
    kernel = ConstantKernel(1 / alpha, "fixed") * DotProduct(1.0, "fixed")
    process = GaussianProcessRegressor(kernel, alpha=1 / beta, optimizer=None)
    process.fit(tp1.x_train[:, None], tp1.y_train)
    expected_mean, expected_std = process.predict(x[:, None], return_std=True)
    mean, std = tp1.f_pred(x)
    assert_allclose(mean, expected_mean, rtol=1e-7)
    # The process predicts the function, the model its noisy measurement.
    assert_allclose(std**2, expected_std**2 + 1 / beta, rtol=1e-7)
    evidence = tp1.log_evidence(tp1.phi_linear(tp1.x_train), tp1.y_train, alpha, beta)
    assert_allclose(evidence, process.log_marginal_likelihood_value_, rtol=1e-9)


@pytest.mark.parametrize("name", ["phi_linear", "phi_polynomial", "phi_gaussian"])
def test_predictions_are_the_conditional_law_of_a_future_measurement(tp1, rng, name):
    phi, alpha, beta = getattr(tp1, name), 0.3, 5.2
    X, y, x = rng.uniform(0, 1, 9), rng.normal(size=9), rng.uniform(-0.5, 1.5, 5)
    Phi, rows = phi(X), phi(x)
    K = Phi @ Phi.T / alpha + np.eye(9) / beta
    cross = rows @ Phi.T / alpha
    prior = np.sum(rows**2, axis=1) / alpha + 1 / beta
    mean, std = tp1.closed_form(phi, X, y, alpha, beta)(x)
    assert_allclose(mean, cross @ np.linalg.solve(K, y), rtol=1e-6)
    variance = prior - np.sum(cross * np.linalg.solve(K, cross.T).T, axis=1)
    assert_allclose(std**2, variance, rtol=1e-6)


@pytest.mark.parametrize(
    ("predict", "phi", "x", "y", "alpha"),
    [
        ("f_pred", "phi_linear", "x_train", "y_train", "alpha"),
        ("f_pred_hole", "phi_linear", "x_train_hole", "y_train_hole", "alpha"),
        ("f_pred_poly", "phi_polynomial", "x_train_sin", "y_train_sin", "alpha_sin"),
        ("f_pred_gauss", "phi_gaussian", "x_train_sin", "y_train_sin", "alpha_sin"),
    ],
)
def test_each_prediction_is_fitted_on_its_own_data(tp1, predict, phi, x, y, alpha):
    phi, x, y, alpha = (getattr(tp1, name) for name in (phi, x, y, alpha))
    new = np.linspace(-1, 2, 7)
    ridge = Ridge(alpha=alpha / tp1.beta, fit_intercept=False, solver="svd").fit(phi(x), y)
    mean, std = getattr(tp1, predict)(new)
    assert_allclose(mean, ridge.predict(phi(new)), rtol=1e-6)
    expected = 1 / tp1.beta + epistemic(tp1, phi, x, alpha, tp1.beta, new)
    assert_allclose(std**2, expected, rtol=1e-6)


@pytest.mark.parametrize(("N", "M"), [(11, 4), (3, 5), (1, 1)])
def test_the_evidence_is_the_density_of_the_outputs(tp1, rng, N, M):
    Phi, y, alpha, beta = rng.normal(size=(N, M)), rng.normal(size=N), 0.7, 6.3
    law = multivariate_normal(np.zeros(N), np.eye(N) / beta + Phi @ Phi.T / alpha)
    assert_allclose(tp1.log_evidence(Phi, y, alpha, beta), law.logpdf(y), rtol=1e-9)


@pytest.mark.parametrize("name", ["phi_polynomial", "phi_gaussian"])
def test_the_best_alpha_is_the_grid_point_nearest_to_the_continuous_maximum(tp1, name):
    Phi, y = getattr(tp1, name)(tp1.x_train_sin), tp1.y_train_sin
    grid = np.logspace(-4, 3, 701)
    best, value = tp1.best_alpha(Phi, y, np.random.default_rng(0).permutation(grid), tp1.beta)
    found = minimize_scalar(
        lambda t: -tp1.log_evidence(Phi, y, 10**t, tp1.beta), bounds=(-4, 3), method="bounded"
    )
    assert abs(np.log10(best) - found.x) < 0.01
    assert_allclose(value, -found.fun, rtol=1e-3)


def test_the_exact_variance_is_that_of_the_inverted_matrix(tp1, rng):
    X, x = rng.uniform(-1, 4, 7), rng.uniform(-9, 9, 5)
    Phi, rows = np.stack([X**0, X], axis=1), np.stack([x**0, x], axis=1)
    expected = 1 + np.sum((rows @ np.linalg.inv(Phi.T @ Phi)) * rows, axis=1)
    assert_allclose(tp1.variance_alpha0(x, X), expected, rtol=1e-9)


def test_the_two_parts_add_up_and_the_first_is_the_noise(tp1):
    x = np.linspace(-6, 8, 7)
    aleatoric, parts = tp1.variance_parts(tp1.f_pred, x, tp1.beta)
    assert_allclose(aleatoric, np.full(7, tp1.sigma**2))
    args = (tp1.phi_linear, tp1.x_train, tp1.alpha, tp1.beta, x)
    assert_allclose(parts, epistemic(tp1, *args), rtol=1e-6)


def test_features_are_those_of_numpy_and_scikit_learn(tp1, rng):
    x = rng.uniform(-1, 2, 9)
    assert_allclose(tp1.phi_linear(x), np.polynomial.polynomial.polyvander(x, 1))
    for degree in (0, 1, 4, 9):
        expected = np.polynomial.polynomial.polyvander(x, degree)
        assert_allclose(tp1.phi_polynomial(x, degree), expected, rtol=1e-12)
    for M in (2, 5, 9, 49):
        centers = np.arange(M)[:, None] / (M - 1)
        expected = rbf_kernel(x[:, None], centers, gamma=M**2 / 2)
        assert_allclose(tp1.phi_gaussian(x, M), expected, rtol=1e-9, atol=1e-300)
    assert tp1.phi_polynomial(x).shape == (9, 10)
    assert tp1.phi_gaussian(x).shape == (9, 9)


def test_powers_of_integers_do_not_overflow(tp1):
    assert_allclose(tp1.phi_polynomial(np.array([10_000]))[0, 9], 1e36)


@pytest.mark.parametrize("name", ["phi_linear", "phi_polynomial", "phi_gaussian"])
def test_columns_and_scalars_are_inputs_too(tp1, name):
    phi, x = getattr(tp1, name), np.array([0.2, 0.5, 0.9])
    assert_allclose(phi(x[:, None]), phi(x))
    assert_allclose(phi(0.5), phi(x)[1:2])
    model = tp1.closed_form(phi, x[:, None], np.array([1.0, 0.0, 2.0]), 1.0, 4.0)
    for row, column in zip(model(x), model(x[:, None]), strict=True):
        assert row.shape == (3,)
        assert_allclose(column, row)
    assert [part.shape for part in model(0.5)] == [(1,), (1,)]
    assert_allclose(tp1.variance_alpha0(x[:, None], x[:, None]), tp1.variance_alpha0(x, x))
    assert tp1.variance_alpha0(0.5, x).shape == (1,)


HAND_VALUES = (
    *("0.0565046", "0.0328515", "0.0346036", "0.049277", "1.385239"),
    *("13.90166", "1.33596", "13.80311", "4.253894", "0.1365046", "0.1054052", "2.939834"),
    "4.922862",
)


def test_hand_values_of_the_hidden_tests_are_exact(tp1):
    """X = (0, 1, 2), y = (0, 1, 3), alpha = 2, beta = 25/2, in rational numbers."""
    alpha, beta = Fraction(2), Fraction(25, 2)
    a, b, d = alpha + 3 * beta, 3 * beta, alpha + 5 * beta
    det = a * d - b * b
    S00, S01, S11 = d / det, -b / det, a / det
    mu0, mu1 = (beta * (s * 4 + t * 7) for s, t in ((S00, S01), (S01, S11)))
    covariance = [float(v) for v in (S00, S01, S11)]
    assert_allclose(covariance, [0.0565046, -0.0328515, 0.0346036], atol=1e-7)
    assert_allclose([float(mu0), float(mu1)], [-0.049277, 1.385239], atol=1e-6)
    x = [-10, 0, 1, 10]
    means = [float(mu0 + mu1 * v) for v in x]
    variances = [float(1 / beta + S00 + 2 * S01 * v + S11 * v * v) for v in x]
    assert_allclose(means, [-13.90166, -0.04928, 1.33596, 13.80311], atol=6e-6)
    assert_allclose(variances, [4.253894, 0.1365046, 0.1054052, 2.939834], atol=1e-6)
    residual = sum((v - mu0 - mu1 * k) ** 2 for k, v in enumerate((0, 1, 3)))
    fit = beta * residual + alpha * (mu0**2 + mu1**2)
    logs = 2 * np.log(2) + 3 * np.log(12.5) - np.log(float(det)) - 3 * np.log(2 * np.pi)
    assert 0.5 * (logs - float(fit)) == pytest.approx(-4.922862, abs=1e-6)
    Phi, y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([0.0, 1.0, 3.0])
    assert tp1.log_evidence(Phi, y, 2.0, 12.5) == pytest.approx(-4.922862, abs=1e-6)
    hidden = tp1.texts["test_q1_2"] + tp1.texts["test_q1_3"] + tp1.texts["test_q2_6a"]
    for number in HAND_VALUES:
        assert number in hidden


# --- Every statement that students call true or false ----------------------------------------


def far(values):
    return float(values[0])


def claim_1_5_a(tp1):
    X, x = np.array([0.0, 1.0, 1.5, 3.0]), np.array([-2.0, 9.0])
    stds = [tp1.closed_form(tp1.phi_linear, X, y, 0.0, 1.0)(x)[1] for y in (0 * X, X**2)]
    return not np.allclose(*stds)


def claim_1_5_b(tp1):
    X, x = np.array([-4.0, -3.0, 5.0, 6.0]), np.linspace(-10, 10, 2001)
    variance = tp1.variance_alpha0(x, X)
    return abs(x[np.argmin(variance)] - X.mean()) < 1e-9


def claim_1_5_c(tp1):
    v = tp1.variance_alpha0(np.array([1e5, 1e6]), np.array([0.0, 1.0, 4.0]))
    return v[1] / v[0] == pytest.approx(10, rel=0.1)


def claim_1_5_d(tp1):
    X = np.array([0.0, 1.0, 4.0])
    return far(tp1.variance_alpha0(50.0, np.tile(X, 10**6))) == pytest.approx(1, abs=1e-3)


def claim_1_5_e(tp1):
    X = np.array([0.0, 1.0, 4.0])
    tight = X.mean() + (X - X.mean()) / 2
    return far(tp1.variance_alpha0(20.0, tight)) < far(tp1.variance_alpha0(20.0, X))


def hole(tp1, x, phi=None, X=None):
    X = tp1.x_train_hole if X is None else X
    return epistemic(tp1, phi or tp1.phi_linear, X, tp1.alpha, tp1.beta, np.asarray(x, float))


def claim_1_6_a(tp1):
    middle, *hearts = hole(tp1, [0.0, -2.0, 2.0])
    assert not min(hearts) < middle < max(hearts)
    return middle > max(hearts)


def claim_1_6_b(tp1):
    X, other = tp1.x_train_hole, np.random.default_rng(3).normal(size=20)
    other = X.mean() + (other - other.mean()) * X.std() / other.std()
    x = np.linspace(-12, 12, 9)
    return np.allclose(hole(tp1, x), hole(tp1, x, X=other))


def claim_1_6_c(tp1):
    found = minimize_scalar(lambda x: hole(tp1, [x])[0], bounds=(-3, 3), method="bounded")
    return abs(found.x) < 1e-3


def claim_1_6_d(tp1):
    near, away = hole(tp1, [0.0, 50.0], phi=seven_gaussians)
    return away > near


def seven_gaussians(x):
    return np.exp(-((np.reshape(x, (-1, 1)) - np.arange(-3.0, 4.0)) ** 2) / 2)


def claim_1_6_e(tp1):
    middle, *hearts = hole(tp1, [0.0, -2.0, 2.0], phi=seven_gaussians)
    return middle > max(hearts)


UNIT = np.linspace(0, 1, 1001)


def claim_2_2_a(tp1):
    ratio = tp1.f_pred_poly(UNIT)[1] / tp1.sigma
    return ratio.min() > 0.5 and ratio.max() < 2


def claim_2_2_b(tp1):
    v = tp1.f_pred_poly(np.array([1e3, 1e4]))[1] ** 2 - 1 / tp1.beta
    power = np.log10(v[1] / v[0])
    assert power == pytest.approx(18, abs=0.1)
    return power == pytest.approx(9, abs=0.1)


def claim_2_2_c(tp1):
    args = tp1.alpha_sin, tp1.beta
    other = tp1.closed_form(tp1.phi_polynomial, tp1.x_train_sin, np.cos(tp1.x_train_sin), *args)
    return np.allclose(other(tp1.x_test_sin)[1], tp1.f_pred_poly(tp1.x_test_sin)[1])


def claim_2_2_d(tp1):
    aleatoric, _ = tp1.variance_parts(tp1.f_pred_poly, tp1.x_test_sin, tp1.beta)
    return np.ptp(aleatoric) > 1e-12


def claim_2_2_e(tp1):
    mean, std = tp1.f_pred_poly(tp1.x_test_sin)
    return bool(np.all(np.abs(tp1.y_test_sin - mean) <= 3 * std))


def gauss(tp1, x, alpha=None, **features):
    def phi(x):
        return tp1.phi_gaussian(x, **features)

    alpha = tp1.alpha_sin if alpha is None else alpha
    model = tp1.closed_form(phi, tp1.x_train_sin, tp1.y_train_sin, alpha, tp1.beta)
    return model(x)[1] ** 2


def claim_2_5_a(tp1):
    return far(tp1.f_pred_gauss(10.0)[1]) < tp1.f_pred_gauss(UNIT)[1].min()


def claim_2_5_b(tp1):
    return any(far(gauss(tp1, 10.0, M=M)) > gauss(tp1, UNIT, M=M).min() for M in range(2, 60, 3))


def claim_2_5_c(tp1):
    alphas = np.logspace(-8, 1, 10)
    return any(far(gauss(tp1, 10.0, a)) > gauss(tp1, UNIT, a).min() for a in alphas)


def with_constant(tp1):
    def phi(x):
        return np.hstack([np.ones((np.size(x), 1)), tp1.phi_gaussian(x)])

    return tp1.closed_form(phi, tp1.x_train_sin, tp1.y_train_sin, tp1.alpha_sin, tp1.beta)


def claim_2_5_d(tp1):
    return far(with_constant(tp1)(1e3)[1]) > far(tp1.f_pred_gauss(1e3)[1]) + 1e-3


def claim_2_5_e(tp1):
    return far(tp1.f_pred_gauss(10.0)[1]) > tp1.f_pred_gauss(UNIT)[1].max()


def evidence_curves(tp1):
    phis = tp1.phi_polynomial(tp1.x_train_sin), tp1.phi_gaussian(tp1.x_train_sin)
    alphas = np.logspace(-4, 3, 71)
    y = tp1.y_train_sin
    return alphas, [np.array([tp1.log_evidence(P, y, a, tp1.beta) for a in alphas]) for P in phis]


def claim_2_6_a(tp1):
    variances = [np.sum(phi(UNIT) ** 2, 1) / 0.05 for phi in (tp1.phi_polynomial, tp1.phi_gaussian)]
    return np.allclose(*variances, rtol=0.1)


def claim_2_6_b(tp1):
    _, curves = evidence_curves(tp1)
    return all((np.diff(curve) < 0).all() for curve in curves)


def claim_2_6_c(tp1):
    _, (polynomial, gaussian) = evidence_curves(tp1)
    return gaussian.max() > polynomial.max()


def claim_2_6_d(tp1):
    """Without one held-out point, the evidence is already the product of honest predictions."""
    x, y, total = tp1.x_train_sin, tp1.y_train_sin, 0.0
    for n in range(len(x)):
        model = tp1.closed_form(tp1.phi_gaussian, x[:n], y[:n], tp1.alpha_sin, tp1.beta)
        mean, std = (part[0] for part in model(x[n : n + 1]))
        total -= 0.5 * ((y[n] - mean) / std) ** 2 + np.log(std * np.sqrt(2 * np.pi))
    return total != pytest.approx(
        tp1.log_evidence(tp1.phi_gaussian(x), y, tp1.alpha_sin, tp1.beta), rel=1e-9
    )


def claim_2_6_e(tp1):
    alphas, (polynomial, gaussian) = evidence_curves(tp1)
    return alphas[np.argmax(gaussian)] > alphas[np.argmax(polynomial)]


QUESTIONS = ("1_5", "1_6", "2_2", "2_5", "2_6")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("letter", "abcde")
def test_each_statement_is_as_true_as_the_reference_says(tp1, question, letter):
    answers = getattr(tp1, f"reponses_{question}")
    assert set(answers) == set("abcde")
    assert bool(globals()[f"claim_{question}_{letter}"](tp1)) is answers[letter]


@pytest.mark.parametrize("question", QUESTIONS)
def test_neither_all_true_nor_all_false_is_right(tp1, question):
    assert set(getattr(tp1, f"reponses_{question}").values()) == {True, False}


# --- Every number of the text -----------------------------------------------------------------


def french(number, digits):
    return f"{number:.{digits}f}".replace(".", ",")


def test_the_hole_is_where_and_as_deep_as_the_text_says(tp1):
    N, centre = tp1.x_train_hole.size, tp1.x_train_hole.mean()
    exact = tp1.beta * N * centre / (tp1.alpha + tp1.beta * N)
    found = minimize_scalar(lambda x: hole(tp1, [x])[0], bounds=(-3, 3), method="bounded")
    assert found.x == pytest.approx(exact, abs=1e-4)
    # The best grid point is accepted, its neighbours and zero are not: the answer is no guess.
    step = tp1.x_test_hole[1] - tp1.x_test_hole[0]
    assert step / 2 < 0.13
    assert abs(tp1.x_min_hole - exact) < 0.13 < min(abs(exact), step - abs(tp1.x_min_hole - exact))
    at = {x: far(tp1.f_pred_hole(float(x))[1]) ** 2 for x in (0, -2, 2, -12, 12)}
    text = tp1.texts["texte_1_6"]
    assert f"{french(at[0], 4)} en 0" in text
    assert f"{french(at[-2], 4)} en $-2$ et {french(at[2], 4)} en 2" in text
    assert f"{french(at[-12], 3)} en $-12$ et {french(at[12], 3)} en 12" in text


def test_over_many_draws_the_barycentre_spreads_as_the_text_says(tp1):
    # Each input is uniform on an interval of length 2, and the mean is over 20.
    assert french(np.sqrt(2**2 / 12 / 20), 2) in tp1.texts["texte_1_6"]


def test_limits_of_the_gaussian_model_are_those_of_the_answer(tp1):
    mean, std = tp1.f_pred_gauss(np.array([-30.0, 30.0]))
    assert_allclose(mean, tp1.limites_2_5["moyenne"], atol=1e-12)
    assert_allclose(std**2, tp1.limites_2_5["variance"], rtol=1e-12)
    assert french(far(with_constant(tp1)(1e3)[1]) ** 2, 1) in tp1.texts["texte_2_5"]


def test_the_truth_leaves_the_polynomial_band_as_the_text_says(tp1):
    mean, std = tp1.f_pred_poly(tp1.x_test_sin)
    outside = np.abs(tp1.y_test_sin - mean) > 3 * std
    assert outside.any()
    assert not outside[(tp1.x_test_sin >= 0) & (tp1.x_test_sin <= 1)].any()


def test_best_alphas_are_those_of_the_text(tp1):
    alphas, (polynomial, gaussian) = evidence_curves(tp1)
    assert alphas[np.argmax(polynomial)] == pytest.approx(0.01, rel=0.3)
    assert alphas[np.argmax(gaussian)] == pytest.approx(3, rel=0.3)
    assert r"\alpha \approx 0{,}01" in tp1.texts["texte_2_6"]
    assert r"\alpha \approx 3" in tp1.texts["texte_2_6"]


def test_verdicts_over_draws_are_those_of_the_text(tp1):
    """« trois tirages sur quatre » and « dans tous », on the draws of the notebook."""
    assert "100" in tp1.texts["given_draws_2_6"]
    common, best = tp1.wins / 100
    assert 1 - common == pytest.approx(0.75, abs=0.05)
    assert best == 1
    assert "trois tirages sur quatre" in tp1.texts["texte_2_6"]


def test_on_the_data_the_verdict_changes_with_alpha(tp1):
    Phi_p, Phi_g = tp1.phi_polynomial(tp1.x_train_sin), tp1.phi_gaussian(tp1.x_train_sin)
    y, beta = tp1.y_train_sin, tp1.beta
    at_common = [tp1.log_evidence(Phi, y, tp1.alpha_sin, beta) for Phi in (Phi_p, Phi_g)]
    at_best = [tp1.best_alpha(Phi, y, np.logspace(-4, 3, 71), beta)[1] for Phi in (Phi_p, Phi_g)]
    assert at_common[0] > at_common[1]
    assert at_best[0] < at_best[1]


# --- Judged relative to earlier answers ------------------------------------------------------


def wrong_posteriors():
    def solved(Phi, y, alpha, beta):
        A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
        return A, np.linalg.inv(A)

    def beta_forgotten(Phi, y, alpha, beta):
        _, Sigma = solved(Phi, y, alpha, beta)
        return Sigma @ Phi.T @ y, Sigma

    def precision_returned(Phi, y, alpha, beta):
        A, Sigma = solved(Phi, y, alpha, beta)
        return beta * Sigma @ Phi.T @ y, A

    def prior_inverted(Phi, y, alpha, beta):
        _, Sigma = solved(Phi, y, 1 / alpha, beta)
        return (beta * Sigma @ Phi.T @ y)[:, None], Sigma

    def beta_halved(Phi, y, alpha, beta):
        _, Sigma = solved(Phi, y, alpha, beta / 2)
        return beta / 2 * Sigma @ Phi.T @ y, Sigma

    return [beta_forgotten, precision_returned, prior_inverted, beta_halved]


def ones(M):
    return np.ones(M), np.eye(M)


NONSENSE = {
    "constant": lambda Phi, y, a, b: ones(Phi.shape[1]),
    "tiny": lambda Phi, y, a, b: tuple(1e-300 * part for part in ones(Phi.shape[1])),
    "huge": lambda Phi, y, a, b: (1e9 * Phi.T @ y, 1e9 * (np.eye(Phi.shape[1]) + Phi.T @ Phi)),
    "ignores_the_outputs": lambda Phi, y, a, b: (Phi.T @ Phi[:, 0], np.eye(3) + Phi.T @ Phi),
    "ignores_the_inputs": lambda Phi, y, a, b: (y[: Phi.shape[1]], np.eye(Phi.shape[1])),
    "not_positive": lambda Phi, y, a, b: (Phi.T @ y, -Phi.T @ Phi),
    "not_numbers": lambda Phi, y, a, b: ("mu", None),
    "nothing": lambda Phi, y, a, b: None,
    "nan": lambda Phi, y, a, b: (np.full(Phi.shape[1], np.nan), Phi.T @ Phi),
}


@pytest.fixture
def problem(rng):
    return rng.normal(size=(7, 3)), rng.normal(size=7), 1.7, 6.25


@pytest.mark.parametrize("theirs", wrong_posteriors(), ids=lambda f: f.__name__)
def test_a_plausible_wrong_posterior_is_what_later_answers_may_start_from(
    tp1, checks, problem, theirs
):
    ((mu, Sigma),) = checks.own_laws(theirs, tp1.posterior, *problem)
    assert_allclose(mu, np.ravel(theirs(*problem)[0]))
    assert_allclose(Sigma, theirs(*problem)[1])
    assert len(checks.own_evidences(theirs, tp1.posterior, *problem)) == 2


@pytest.mark.parametrize("name", NONSENSE)
def test_nothing_later_may_start_from_a_nonsensical_posterior(tp1, checks, problem, name):
    def own():
        return checks.own_laws(NONSENSE[name], tp1.posterior, *problem)

    assert checks.attempt(own) == []


def test_a_zero_measurement_teaches_nothing(tp1, checks, problem):
    (right,) = checks.own_priors(tp1.posterior, tp1.posterior, *problem)
    assert_allclose(right, np.eye(3) / 1.7)
    _, precision_returned, prior_inverted, _ = wrong_posteriors()
    for theirs in (precision_returned, prior_inverted):
        (own,) = checks.own_priors(theirs, tp1.posterior, *problem)
        assert_allclose(own, np.eye(3) * 1.7)


@pytest.mark.parametrize("name", NONSENSE)
def test_a_nonsensical_posterior_has_no_prior_of_its_own(tp1, checks, problem, name):
    own = lambda: checks.own_priors(NONSENSE[name], tp1.posterior, *problem)  # noqa: E731
    assert checks.attempt(own) == []


def fitted(tp1, change):
    def fit(X, y):
        model = tp1.closed_form(tp1.phi_linear, X, y, tp1.alpha, tp1.beta)
        return lambda x: change(*model(x))

    return fit


def matrix(std):
    """What a forgotten np.diag gives: the right values on the diagonal, NaN elsewhere."""
    return np.where(np.eye(len(std)), std, np.nan)


@pytest.mark.parametrize(
    "change",
    [
        lambda mean, std: (mean, std**2),
        lambda mean, std: (-mean, std),
        lambda mean, std: (mean / 25, np.sqrt(std**2 + 25)),
        lambda mean, std: (mean[:, None], np.full(mean.shape, 0.2)),
        lambda mean, std: (mean[None, :], list(std)),
        lambda mean, std: (std, mean),
        lambda mean, std: (mean, np.where(std < 0.3, std, np.nan)),
        lambda mean, std: (mean, matrix(std)),
    ],
    ids=[
        "variance",
        "signe",
        "beta",
        "bruit_seul",
        "ligne",
        "interverti",
        "nan_au_loin",
        "diagonale_oubliee",
    ],
)
def test_a_plausible_wrong_model_is_what_later_answers_may_start_from(tp1, checks, change):
    x = np.linspace(-8, 8, 5)
    fit = fitted(tp1, change)
    ((mean, std),) = checks.own_predictions(fit, tp1.x_train, tp1.y_train, x)
    expected_mean, expected_std = fit(tp1.x_train, tp1.y_train)(x)
    assert_allclose(mean, expected_mean)  # as they are, their shape too
    assert mean.shape == np.shape(expected_mean)
    assert_allclose(std, expected_std)
    assert std.shape == np.shape(expected_std)


@pytest.mark.parametrize(
    "model",
    [
        lambda X, y: lambda x: (np.full(x.size, y.mean()), np.full(x.size, y.std())),
        lambda X, y: lambda x: (0.5 * x - 0.3, 1 + np.abs(x)),
        lambda X, y: lambda x: (0 * x, 0 * x),
        lambda X, y: lambda x: (x + y[0], np.ones(x.size)),
        lambda X, y: lambda x: (np.nan * x, x),
        lambda X, y: lambda x: (y[0] + x * X[0], np.full((x.size, x.size), np.nan)),
        lambda X, y: lambda x: (y[0] + x * X[0], np.ones(x.size + 1)),
        lambda X, y: lambda x: (y[0] + x * X[0], -np.ones(x.size)),
        lambda X, y: lambda x: x,
        lambda X, y: None,
    ],
    ids=[
        "moyenne_de_y",
        "ignore_y",
        "zero",
        "ignore_x_train",
        "nan",
        "matrice_nan",
        "un_de_trop",
        "negatif",
        "pas_un_couple",
        "rien",
    ],
)
def test_nothing_later_may_start_from_a_nonsensical_model(tp1, checks, model):
    x = np.linspace(-8, 8, 5)
    own = lambda: checks.own_predictions(model, tp1.x_train, tp1.y_train, x)  # noqa: E731
    assert checks.attempt(own) == []


def test_an_own_minimum_is_that_of_a_deviation_that_depends_on_the_inputs(tp1, checks):
    data = tp1.x_train_hole, tp1.y_train_hole, tp1.x_test_hole
    nearest = tp1.x_test_hole[np.argmin(np.abs(tp1.x_test_hole - tp1.x_min_hole))]
    squared = fitted(tp1, lambda mean, std: (mean, std**2))
    assert set(checks.own_minima(squared, *data)) == {nearest}
    constant = fitted(tp1, lambda mean, std: (mean, 0 * std + 0.2))
    assert checks.own_minima(constant, *data) == []
    guessed = fitted(tp1, lambda mean, std: (mean, 1 + np.linspace(-1, 1, len(std)) ** 2))
    assert checks.own_minima(guessed, *data) == []


def test_the_minimum_of_another_model_counts_only_if_it_is_the_fitted_one(tp1, checks):
    fit, x = fitted(tp1, lambda mean, std: (mean, std)), tp1.x_test_hole
    first = tp1.x_train, tp1.y_train, x
    found = checks.own_minima(fit, *first, fitted=tp1.f_pred)
    assert set(found) == {x[np.argmin(tp1.f_pred(x)[1])]}
    assert found[0] - tp1.x_min_hole > 0.5
    assert checks.own_minima(fit, *first, fitted=tp1.f_pred_hole) == []


def test_own_parts_are_asked_only_of_a_model_with_a_wrong_deviation(tp1, checks):
    x = np.linspace(-4, 4, 7)

    def of_squares(func, X, y, alpha, beta):
        model = tp1.closed_form(func, X, y, alpha, beta)
        return lambda x: (model(x)[0], model(x)[1] ** 2)

    def parts(f_model, x, beta):
        return np.full(x.size, 1 / beta), f_model(x)[1] - 1 / beta

    right = tp1.closed_form
    assert checks.own_parts(parts, right, right, x) == []
    ((own, expected),) = checks.own_parts(parts, of_squares, right, x)
    assert_allclose(own, expected)
    ((own, expected),) = checks.own_parts(
        lambda f_model, x, beta: parts(of_squares(*args_of_f_pred(tp1)), x, beta),
        of_squares,
        right,
        x,
    )
    assert_allclose(own[0], expected[0])
    assert not np.allclose(own[1], expected[1])


def args_of_f_pred(tp1):
    return tp1.phi_linear, tp1.x_train, tp1.y_train, tp1.alpha, tp1.beta


def test_an_own_variance_must_grow_as_the_right_one_and_follow_the_inputs(tp1, checks):
    X, x = np.array([0.0, 1.0, 4.0, 2.5]), np.array([-9.0, -3.0, 1.0, 6.0, 8.0])
    expected = tp1.variance_alpha0(x, X)

    def own(std_of):
        fit = lambda _f, X, *_: lambda x: (0 * x, std_of(x, X))  # noqa: E731
        return checks.attempt(
            lambda: checks.own_variances(fit, tp1.phi_linear, tp1.variance_alpha0, X, x)
        )

    noiseless = lambda x, X: np.sqrt(tp1.variance_alpha0(x, X) - 1)  # noqa: E731
    (variance,) = own(noiseless)
    assert_allclose(variance, expected - 1)
    (variance,) = own(lambda x, X: matrix(noiseless(x, X)))
    assert_allclose(np.diag(variance), expected - 1)
    assert own(lambda x, X: np.ones(5)) == []
    assert own(lambda x, X: np.sqrt(900 - tp1.variance_alpha0(x, X) / 10)) == []
    assert own(lambda x, X: np.abs(x - 1.875)) == []  # right for these inputs, whatever they are


def gaussians(x, M=9, width=lambda M: 1 / M, first=0):
    centers = np.linspace(first, 1, M)
    return np.exp(-((np.reshape(x, (-1, 1)) - centers) ** 2) / (2 * width(M)) ** 2)


def test_functions_wrong_for_nine_are_judged_by_their_number_centres_and_width(tp1, checks):
    x = np.array([-0.4, 0.1, 0.35, 0.8, 1.3])

    def own(theirs, M):
        return checks.attempt(lambda: checks.own_gaussians(theirs, tp1.phi_gaussian, x, M))

    for M in (2, 5, 49):
        (Phi,) = own(gaussians, M)
        assert_allclose(Phi, gaussians(x, M), atol=1e-12)
        assert own(tp1.phi_gaussian, M) == []  # right for nine: nothing is paid yet
        assert own(lambda x, M=9: gaussians(x, M, width=lambda M: 0.2), M) == []
        assert own(lambda x, M=9: np.ones((np.size(x), M)), M) == []
    (Phi,) = own(lambda x, M=9: gaussians(x, M, first=0.3), 5)
    assert not np.allclose(Phi, gaussians(x, 5, first=0.3))


SHAPES = {
    "constant": lambda x: np.ones((np.size(x), 2)),
    "numbered": lambda x: np.arange(2.0 * np.size(x)).reshape(-1, 2),
    "nan": lambda x: np.full((np.size(x), 2), np.nan),
    "only_vectors": lambda x: np.c_[np.ones(len(x)), x[:]],
    "nothing": lambda x: None,
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_earn_nothing_when_they_are_treated_otherwise(tp1, checks, name):
    x = np.linspace(-1, 2, 7)
    with pytest.raises((CheckFailed, TypeError)):
        checks.assert_other_shapes(SHAPES[name], tp1.phi_linear, x, what="phi_linear")


def test_other_shapes_are_right_even_with_wrong_values(tp1, checks):
    x = np.linspace(-1, 2, 7)
    swapped = lambda x: tp1.phi_linear(x)[:, ::-1]  # noqa: E731
    checks.assert_other_shapes(swapped, tp1.phi_linear, x, what="phi_linear")
    checks.assert_other_shapes(tp1.phi_linear, tp1.phi_linear, x, what="phi_linear")


def test_an_own_evidence_has_a_maximum_to_find_if_it_is_a_function_of_alpha_and_data(
    checks, problem
):
    Phi, y, _, beta = problem
    alphas, calls = np.logspace(-3, 3, 13), []

    def counts(Phi, y, alpha, beta):
        calls.append(alpha)
        return float(len(calls)) + y[0]

    def parabola(Phi, y, alpha, beta):
        return np.array([[y @ y - np.log(alpha) ** 2]])

    right = np.linspace(0, 1, 13) ** 2
    own = lambda theirs: checks.own_best(theirs, right, Phi, y, alphas, beta)  # noqa: E731
    assert own(parabola) == [(1.0, pytest.approx(y @ y))]
    right = np.array([-float(parabola(Phi, y, alpha, beta)[0, 0]) for alpha in alphas])
    assert own(parabola)[0] == (1.0, pytest.approx(y @ y))
    assert own(parabola)[1][1] == pytest.approx(-right.max())
    assert own(counts) == []
    assert len(calls) > alphas.size
    assert own(lambda Phi, y, alpha, beta: y[0]) == []
    assert own(lambda Phi, y, alpha, beta: -alpha) == []
    assert (
        own(lambda Phi, y, alpha, beta: y[0] + np.log(alpha - 1e-3 if alpha > 1 else np.nan)) == []
    )


def test_own_results_before_the_first_failure_are_kept(checks):
    def own():
        yield 5.0
        raise ZeroDivisionError

    assert checks.attempt(own) == [5.0]


def test_the_sentence_speaks_of_the_right_value_and_own_is_computed_only_if_needed(checks):
    calls = []

    def own():
        calls.append(1)
        return [5.0]

    checks.assert_close_or_own(3.0, 3.0, own, what="le nombre")
    assert not calls
    checks.assert_close_or_own(5.0, 3.0, own, what="le nombre")
    with pytest.raises(CheckFailed, match=r"^Le nombre") as failure:
        checks.assert_close_or_own(4.0, 3.0, own, what="le nombre")
    assert "expected 3.0" in failure.value.detail
    assert len(calls) == 2


def test_a_prediction_is_right_only_as_a_whole(tp1, checks):
    right, theirs = (np.ones(3), np.full(3, 2.0)), (np.full(3, 5.0), np.full(3, 7.0))
    own = lambda: [theirs]  # noqa: E731
    checks.assert_predictions(right, right, own, what="de f")
    checks.assert_predictions(theirs, right, own, what="de f")
    with pytest.raises(CheckFailed):  # their mean with the reference's standard deviation
        checks.assert_predictions((theirs[0], right[1]), right, own, what="de f")


@pytest.mark.parametrize("name", ["affine", "features", "model"])
def test_what_is_sent_to_students_holds_no_answer(checks, name):
    source = inspect.getsource(getattr(checks, name))
    assert not {"inv", "solve", "alpha", "beta"} & set(source.replace("(", " ").split())
