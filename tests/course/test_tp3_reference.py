"""TP3's reference solutions against independent oracles, and every claim of its text by number."""

import ast
import inspect
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import entropy, rankdata
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from torch import nn
from torch.distributions import Categorical


@pytest.fixture(scope="module")
def utils(tp3):
    import tp3_utils

    return tp3_utils


@pytest.fixture
def rng():
    return np.random.default_rng(30)


def passes(rng, *shape):
    """Random probabilities, some of them exactly 0."""
    p = rng.dirichlet([0.4] * shape[-1], size=shape[:-1])
    p[..., 0] = np.where(rng.random(shape[:-1]) < 0.2, 0, p[..., 0])
    return p / p.sum(axis=-1, keepdims=True)


# --- The networks -----------------------------------------------------------------------------


def lenet_by_hand(state, x):
    """LeNet's logits in numpy, from its definition: windows, sums and maxima."""

    def convolve(x, weight, bias):
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(2, 3))
        return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]

    def halve(x):
        n, c, h, w = x.shape
        return np.maximum(x, 0).reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))

    p = {name: value.double().numpy() for name, value in state.items()}
    x = halve(convolve(x.double().numpy(), p["conv1.weight"], p["conv1.bias"]))
    x = halve(convolve(x, p["conv2.weight"], p["conv2.bias"])).reshape(len(x), -1)
    hidden = np.maximum(x @ p["fc1.weight"].T + p["fc1.bias"], 0)
    return hidden, hidden @ p["fc2.weight"].T + p["fc2.bias"]


def test_lenet_is_its_definition_in_numpy(tp3, utils, rng):
    net = tp3.LeNet().eval()
    net.load_state_dict(utils.load_state("lenet.pt"))
    x = torch.from_numpy(rng.normal(size=(3, 1, 28, 28)).astype("float32"))
    _, logits = lenet_by_hand(net.state_dict(), x)
    assert_allclose(net(x).detach(), logits, rtol=1e-3, atol=1e-3)


def test_the_shipped_lenet_makes_few_errors(tp3, utils):
    net = tp3.LeNet().eval()
    net.load_state_dict(utils.load_state("lenet.pt"))
    X, y = utils.load_mnist_test()
    with torch.no_grad():
        wrong = (net(X[::10]).argmax(1) != y[::10]).float().mean()
    assert wrong < 0.02


def test_confidnet_shares_the_trunk_and_adds_the_shipped_head(tp3, utils, rng):
    state = {**utils.load_state("lenet.pt"), **utils.load_state("confidnet.pt")}
    model = tp3.LeNetConfidNet()
    model.load_state_dict(state)
    x = torch.from_numpy(rng.normal(size=(4, 1, 28, 28)).astype("float32"))
    hidden, expected = lenet_by_hand(state, x)
    layers = []
    for k in range(1, 6):
        layers += [nn.Linear(*state[f"uncertainty{k}.weight"].shape[::-1]), nn.ReLU()]
        layers[-2].weight.data = state[f"uncertainty{k}.weight"]
        layers[-2].bias.data = state[f"uncertainty{k}.bias"]
    head = nn.Sequential(*layers[:-1]).double()
    for mode in (True, False):
        logits, c = model.train(mode)(x)
        assert_allclose(logits.detach(), expected, rtol=1e-3, atol=1e-3)
        with torch.no_grad():
            assert_allclose(c.detach(), head(torch.from_numpy(hidden))[:, 0], rtol=1e-3, atol=1e-3)


def test_only_the_head_of_confidnet_learns(tp3):
    model = tp3.LeNetConfidNet()
    x, y = torch.randn(6, 1, 28, 28), torch.arange(6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    tp3.confidnet_loss(*model(x), y).backward()
    optimizer.step()
    moved = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert moved
    assert all(name.startswith("uncertainty") for name in moved)


def test_the_loss_of_confidnet_is_the_mean_square_to_the_true_class_probability(tp3, rng):
    z, c, y = rng.normal(size=(9, 5)), rng.normal(size=9), rng.integers(0, 5, 9)
    tcp = softmax(z, axis=1)[np.arange(9), y]
    loss = tp3.confidnet_loss(*(torch.tensor(v) for v in (z, c, y)))
    assert_allclose(loss, np.mean((1 / (1 + np.exp(-c)) - tcp) ** 2), rtol=1e-9)


def test_the_gradient_of_the_loss_is_that_of_finite_differences(tp3, rng):
    z = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    c = torch.tensor(rng.normal(size=4), requires_grad=True)
    y = torch.tensor([0, 2, 1, 1])
    assert torch.autograd.gradcheck(lambda c: tp3.confidnet_loss(z.detach(), c, y), (c,))
    tp3.confidnet_loss(z, c, y).backward()
    assert z.grad is None


# --- MC dropout -------------------------------------------------------------------------------


def test_passes_are_softmax_outputs_of_a_network_that_drops(tp3):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 6), nn.Dropout(0.4), nn.Linear(6, 10)).eval()
    X = torch.randn(7, 1, 28, 28)
    probs = tp3.MC_sampling(X, net, tbatch=3, samples=3000)
    assert probs.shape == (3000, 7, 10)
    # The mean over masks, all 64 of them weighed by their probability.
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)
    weights = 0.6 ** masks.sum(1) * 0.4 ** (6 - masks.sum(1))
    hidden = net[1](X.flatten(1))
    every = net[3](hidden[:, None] * masks / 0.6).softmax(-1)
    expected = (every * weights[:, None]).sum(1)
    # 70 means of numbers in [0, 1]: Hoeffding's bound for a false alarm of 1e-6.
    bound = np.sqrt(np.log(2 * 70 / 1e-6) / (2 * 3000))
    assert (probs.mean(0) - expected).abs().max() < bound
    assert not net.training
    assert tp3.MC_sampling(X, net.train(), samples=1).shape == (1, 7, 10)
    assert net.training


# --- Measures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 11, 4), (1, 3, 10), (50, 5, 2)])
def test_measures_are_those_of_scipy_and_of_torch_distributions(tp3, rng, shape):
    p = passes(rng, *shape)
    t = torch.from_numpy(p)
    assert_allclose(tp3.predictive_entropy(t), entropy(p.mean(0), axis=1), rtol=1e-9)
    expected = entropy(p.mean(0), axis=1) - entropy(p, axis=2).mean(0)
    assert_allclose(tp3.mutual_information(t), expected, rtol=1e-9, atol=1e-12)
    law = Categorical(probs=t + 1e-15)
    assert_allclose(
        tp3.mutual_information(t),
        Categorical(probs=t.mean(0)).entropy() - law.entropy().mean(0),
        atol=1e-6,
    )
    votes = p.argmax(2)
    ratio = [1 - np.bincount(votes[:, n]).max() / shape[0] for n in range(shape[1])]
    assert_allclose(tp3.variation_ratio(t), ratio, atol=1e-6)


def test_the_hand_vector_has_the_values_that_hidden_tests_quote(tp3, checks):
    probs = torch.tensor(checks.HAND_PASSES, dtype=torch.float64)
    mean = np.array([0.65, 0.275, 0.075])
    assert_allclose(probs.mean(0)[0], mean)
    total = -np.sum(mean * np.log(mean))
    each = [entropy(row[0]) for row in checks.HAND_PASSES]
    assert total == pytest.approx(0.829300, abs=5e-7)
    assert np.mean(each) == pytest.approx(0.651883, abs=5e-7)
    assert_allclose(tp3.predictive_entropy(probs), [0.829300], atol=1e-6)
    assert_allclose(tp3.mutual_information(probs), [0.177416], atol=1e-6)
    assert_allclose(tp3.variation_ratio(probs), [0.0])
    assert "0.829300" in tp3.texts["test_q1_3b"]
    assert "0.177416" in tp3.texts["test_q1_3c"]


def test_the_most_suspect_come_first(tp3, rng):
    scores = rng.normal(size=9)
    expected = np.argsort(scores)[::-1][:4]
    assert tp3.most_suspect(torch.from_numpy(scores), 4).tolist() == expected.tolist()


# --- Calibration ------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [4, 10, 15])
def test_ece_is_that_of_the_calibration_curve(tp3, rng, bins):
    """Scikit-learn's curve of whether the prediction is right, by its confidence."""
    p = rng.dirichlet([0.3] * 6, size=400)
    y = rng.integers(0, 6, 400)
    confidence, right = p.max(1), p.argmax(1) == y
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    counts = np.histogram(confidence, bins=np.linspace(0, 1, bins + 1))[0]
    counts = counts[counts > 0]
    expected = np.sum(counts / 400 * np.abs(accuracy - mean))
    assert_allclose(tp3.ece(torch.from_numpy(p), torch.from_numpy(y), bins), expected, rtol=1e-9)


def test_a_confidence_on_an_edge_belongs_to_the_bin_on_its_left(tp3):
    # 0.5 alone in ]1/4, 1/2], 0.75 alone in ]1/2, 3/4]: gaps of -0.5 and +0.25, never netted.
    probs = torch.tensor([[0.5, 0.3, 0.2], [0.75, 0.15, 0.1]])
    labels = torch.tensor([0, 1])
    assert tp3.ece(probs, labels, 4) == pytest.approx((0.5 + 0.75) / 2)
    assert tp3.ece(torch.tensor([[0.5, 0.5], [0.75, 0.25]]), torch.tensor([1, 0]), 2) == (
        pytest.approx((0.5 + 0.25) / 2)
    )


@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_the_temperature_is_the_minimum_that_scipy_finds(tp3, rng, true):
    z = 3 * rng.normal(size=(500, 7))
    y = np.array([rng.choice(7, p=p) for p in softmax(z / true, axis=1)])
    found = minimize_scalar(
        lambda T: -log_softmax(z / T, axis=1)[np.arange(500), y].mean(),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-10},
    )
    fitted = tp3.fit_temperature(torch.from_numpy(z), torch.from_numpy(y))
    assert fitted == pytest.approx(found.x, rel=1e-4)


# --- Detection --------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_detection_measures_are_those_of_scikit_learn(tp3, rng, digits):
    positives = rng.random(211) < 0.2
    scores = np.round(rng.normal(size=211) + positives, digits)
    assert_allclose(tp3.auroc(scores, positives), roc_auc_score(positives, scores))
    assert_allclose(tp3.aupr(scores, positives), average_precision_score(positives, scores))
    # Negatives accepted as "true positives" of the opposite score.
    fpr, tpr, _ = roc_curve(~positives, -scores, drop_intermediate=False)
    assert_allclose(tp3.fpr95(scores, positives), fpr[np.argmax(tpr >= 0.95)])


def test_scores_are_uncertainties(tp3, rng):
    probs, mean, c = (
        rng.dirichlet([0.3] * 10, 31),
        rng.dirichlet([0.3] * 10, 31),
        rng.normal(size=31),
    )
    mean[0] = np.eye(10)[3]
    scores = tp3.failure_scores(probs, mean, c)
    assert rankdata(scores["MCP"]).tolist() == rankdata(-probs.max(1)).tolist()
    assert rankdata(scores["MC dropout"]).tolist() == rankdata(entropy(mean, axis=1)).tolist()
    assert rankdata(scores["ConfidNet"]).tolist() == rankdata(-c).tolist()


def test_the_paired_bootstrap_is_that_of_scipy(tp3, rng):
    from scipy.stats import bootstrap

    positives = np.arange(120) < 50
    common = rng.normal(size=120) + positives
    a, b = common + 0.2 * rng.normal(size=120), common + 0.2 * rng.normal(size=120)

    def gap(scores, kinds):
        kinds = np.asarray(kinds, dtype=bool)
        return scores[kinds].mean() - scores[~kinds].mean()

    low, high = tp3.paired_bootstrap(gap, a, b, positives, n_boot=4000, seed=1)
    theirs = bootstrap(
        (a, b, positives.astype(float)),
        lambda x, y, k: gap(x, k > 0) - gap(y, k > 0),
        paired=True, vectorized=False, n_resamples=4000, method="percentile", rng=rng,
    )  # fmt: skip
    # Quantiles of 4 000 draws: five standard deviations of their difference.
    sd = theirs.standard_error * np.sqrt(2 * 0.025 * 0.975 / 4000) / 0.0584
    assert low == pytest.approx(theirs.confidence_interval.low, abs=5 * sd)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=5 * sd)


# --- ODIN -------------------------------------------------------------------------------------


def small_network():
    torch.manual_seed(3)
    layers = nn.Flatten(), nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 5)
    return nn.Sequential(*layers).double().eval()


@pytest.mark.parametrize("temperature", [1.0, 1000.0])
def test_the_step_of_odin_goes_against_finite_differences(tp3, temperature):
    net, x = small_network(), torch.randn(1, 1, 28, 28, dtype=torch.float64)
    predicted = int(net(x).argmax())

    def loss(x):
        return -log_softmax(net(x).detach().numpy() / temperature, axis=1)[0, predicted]

    moved = tp3.odin_preprocessing(net, x, 0.1, temperature)
    for row, column in ((3, 4), (14, 14), (20, 9), (27, 27)):
        nudge = torch.zeros_like(x)
        nudge[0, 0, row, column] = 1e-4
        slope = loss(x + nudge) - loss(x - nudge)
        step = float((moved - x)[0, 0, row, column])
        assert step == pytest.approx(-0.1 * np.sign(slope))


def test_the_score_of_odin_is_what_scipy_makes_of_the_moved_image(tp3):
    net, x = small_network(), torch.randn(6, 1, 28, 28, dtype=torch.float64)
    for epsilon, temperature in ((0.0, 1000.0), (0.05, 10.0)):
        score = tp3.odin_score(net, x, epsilon, temperature)
        moved = tp3.odin_preprocessing(net, x, epsilon, temperature)
        expected = 1 - softmax(net(moved).detach().numpy() / temperature, axis=1).max(1)
        assert score.dtype == torch.float64
        assert_allclose(score, expected, rtol=1e-12)


def test_simple_precision_would_not_pass_where_double_is_asked(checks):
    """The threshold of the hidden test lies between the two."""
    weights, x = checks.toy_network(np.random.default_rng(0))
    flat = {**weights, "last": weights["last"] / 1000}
    logits = torch.from_numpy(checks.toy_logits(flat, x)).float()
    expected = checks.scores_of(flat, x, 1000.0)
    double = 1 - (logits.double() / 1000).softmax(1).max(1).values
    single = (1 - (logits / 1000).softmax(1).max(1).values).double()
    late = 1 - (logits / 1000).softmax(1).max(1).values.double()
    assert np.abs(double.numpy() - expected).max() < 5e-11
    assert np.abs(single.numpy() - expected).max() > 5e-9
    assert np.abs(late.numpy() - expected).max() > 1e-9


def test_the_temperature_changes_the_step_of_the_hidden_tests_network(checks):
    for seed in range(5):
        weights, x = checks.toy_network(np.random.default_rng(seed))
        signs = [np.sign(checks.toy_gradient(weights, x, T)) for T in (1.0, 30.0)]
        assert 0.05 < np.mean(signs[0] != signs[1]) < 0.5
        assert len(x) == 11


def test_the_gradient_of_the_hidden_tests_is_that_of_autograd(checks):
    weights, x = checks.toy_network(np.random.default_rng(1))
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    first, last = (torch.tensor(weights[k], dtype=torch.float64) for k in ("first", "last"))
    logits = torch.tanh(t.flatten(1) @ first.T) @ last.T / 3
    torch.nn.functional.cross_entropy(logits, logits.argmax(1), reduction="sum").backward()
    assert_allclose(checks.toy_gradient(weights, x, 3.0), t.grad, rtol=1e-9, atol=1e-15)


# --- What the hidden tests draw ---------------------------------------------------------------


def test_no_positive_lies_near_the_threshold_of_fpr95(checks):
    methods = ("linear", "lower", "higher", "nearest", "median_unbiased", "weibull")
    for seed in range(100):
        for scores, positives in checks.fpr95_cases(np.random.default_rng(seed)):
            negatives = np.sort(scores[~positives])
            cuts = [np.quantile(negatives, 0.95, method=m) for m in methods]
            cuts.append(negatives[int(np.ceil(0.95 * negatives.size)) - 1])
            assert len({np.mean(scores[positives] <= cut) for cut in cuts}) == 1


def test_ranks_of_the_three_scores_leave_no_room_for_rounding(checks):
    for seed in range(20):
        probs, mean, c = checks.separated(np.random.default_rng(seed))
        for score in (probs.max(1), entropy(mean, axis=1), c):
            assert np.diff(np.sort(score)).min() >= 1e-3
        assert (probs == 0).any()
        assert (mean == 0).any()
        # The entropy does not rank as the largest probability does.
        assert rankdata(-mean.max(1)).tolist() != rankdata(entropy(mean, axis=1)).tolist()


def test_gaps_of_calibration_have_both_signs(checks):
    probs, labels = checks.labelled(np.random.default_rng(2), 311, 10, 0.3)
    accuracy, mean = calibration_curve(probs.argmax(1) == labels, probs.max(1), n_bins=15)
    assert (accuracy - mean).min() < -0.2
    assert (accuracy - mean).max() > 0.2


def cases_of(text):
    """Return N, K, bins and alpha of the problems of question 1.4a."""
    return ast.literal_eval(re.search(r"for N, K, bins, alpha in (\(\(.*?\)\)):", text)[1])


def test_the_value_depends_on_the_number_of_bins_on_every_problem(tp3, checks):
    cases = cases_of(tp3.texts["test_q1_4a"])
    others = [lambda _bins: 15, lambda bins: bins + 1, lambda bins: bins - 1, lambda _bins: 1]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        problems = [
            (*map(torch.from_numpy, checks.labelled(rng, *c[:2], c[3])), c[2]) for c in cases
        ]
        for other in others:
            seen = max(
                abs(tp3.ece(probs, labels, bins) - tp3.ece(probs, labels, other(bins)))
                for probs, labels, bins in problems
            )
            assert seen > 1e-3  # of which 1e-5 is accepted


def test_levels_of_a_right_interval_are_within_their_bounds(tp3, checks):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, b, positives = checks.paired_scores(rng)
        gap = checks.mean_gap
        ends = tp3.paired_bootstrap(gap, a, b, positives, n_boot=4000, seed=seed)
        levels, bounds = checks.bootstrap_levels(rng, a, b, positives, *ends, 4000)
        for level, (least, most) in zip(levels, bounds, strict=True):
            assert least < level < most
        # Resampling each score apart gives a wider interval, found out at both ends.
        rows = rng.integers(0, 90, (2, 2000, 90))
        apart = [
            gap(a[i], positives[i]) - gap(b[j], positives[j]) for i, j in zip(*rows, strict=True)
        ]
        wide = np.quantile(apart, [0.025, 0.975])
        levels, _ = checks.bootstrap_levels(rng, a, b, positives, *wide, 4000)
        assert levels[0] < bounds[0][0]
        assert levels[1] > bounds[1][1]


# --- Every statement that students call true or false -----------------------------------------


def claim_1_3_a(tp3):
    same = torch.tensor([[[0.25, 0.25, 0.25, 0.25]]]).repeat(9, 1, 1)
    assert float(tp3.predictive_entropy(same)) > 1
    return abs(float(tp3.mutual_information(same))) < 1e-6


def claim_1_3_b(tp3):
    mc = tp3.load_arrays("mc_scores.npz")
    unanimous = mc["test_variation_ratio"] == 0
    return bool((mc["test_mutual_information"][unanimous] < 1e-6).all())


def claim_1_3_c(tp3):
    p = torch.from_numpy(passes(np.random.default_rng(0), 9, 5, 4))
    return np.allclose(tp3.predictive_entropy(p), entropy(p.numpy(), axis=2).mean(0))


def claim_1_3_d(tp3):
    p = torch.from_numpy(passes(np.random.default_rng(0), 9, 500, 10))
    uniform = torch.full((2, 1, 10), 0.1, dtype=torch.float64)
    assert float(tp3.predictive_entropy(uniform)) == pytest.approx(np.log(10))
    return bool((tp3.predictive_entropy(p) <= np.log(10)).all())


def claim_1_3_e(tp3):
    unanimous = tp3.load_arrays("mc_scores.npz")["test_variation_ratio"].numpy() == 0
    return not tp3.errors[unanimous].any()


def claim_1_4_a(tp3):
    z = tp3.test_logits
    return all(torch.equal((z / T).argmax(1), z.argmax(1)) for T in (0.3, 2.0, 50.0))


def claim_1_4_b(tp3):
    z = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 6)))
    return all(
        bool(((z / T).softmax(1).max(1).values < z.softmax(1).max(1).values).all())
        for T in (1.01, 2.0, 50.0)
    )


def claim_1_4_c(tp3):
    probs = torch.full((1000, 10), 0.1)
    probs[:, 0] += 1e-4
    labels = torch.arange(1000) % 10
    assert tp3.ece(probs, labels) < 1e-3
    accuracy = float((probs.argmax(1) == labels).float().mean())
    return accuracy > 0.5


def claim_1_4_d(tp3):
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([0.3] * 10, 10_000)
    labels = [rng.choice(10, p=p) for p in probs]
    return tp3.ece(torch.from_numpy(probs), torch.tensor(labels)) == 0


def claim_1_4_e(tp3):
    z, y = tp3.val_logits.double(), tp3.val_labels
    best = tp3.fit_temperature(z, y)
    at_best = tp3.ece((z / best).softmax(1), y)
    return all(tp3.ece((z / T).softmax(1), y) >= at_best for T in np.linspace(0.5, 4, 71))


def random_predictions():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([0.5] * 5, 4000)
    labels = np.array([rng.choice(5, p=0.5 * p + 0.1) for p in probs])
    return probs, labels


def sides(tp3):
    probs, labels = random_predictions()
    mcp, tcp = tp3.confidences(torch.from_numpy(probs), torch.from_numpy(labels))
    return mcp.numpy(), tcp.numpy(), probs.argmax(1) == labels


def claim_2_1_a(tp3):
    _, tcp, right = sides(tp3)
    return right[tcp > 0.5].all()


def claim_2_1_b(tp3):
    _, tcp, right = sides(tp3)
    return not right[tcp < 1 / 5].any()


def claim_2_1_c(tp3):
    _, tcp, right = sides(tp3)
    return not right[tcp < 0.5].any()


def claim_2_1_d(tp3):
    mcp, _, right = sides(tp3)
    return right[mcp > 0.5].all()


def claim_2_1_e(tp3):
    mcp, tcp, right = sides(tp3)
    return np.array_equal(mcp[right], tcp[right])


def claim_2_3_a(tp3):
    rng = np.random.default_rng(0)
    positives = np.arange(10_000) < 300
    values = [tp3.aupr(rng.random(10_000), positives) for _ in range(30)]
    return np.mean(values) == pytest.approx(0.03, abs=0.005)


def claim_2_3_b(tp3):
    rng = np.random.default_rng(0)
    scores, positives = rng.normal(size=500), rng.random(500) < 0.2
    return all(
        measure(scores, positives) == measure(np.exp(scores), positives)
        for measure in (tp3.auroc, tp3.aupr, tp3.fpr95)
    )


def claim_2_3_c(tp3):
    score, errors = tp3.scores_failure["MCP"], tp3.errors
    assert tp3.auroc(score, errors) > 0.95
    return errors[np.argsort(-score)[: errors.sum()]].mean() > 0.75


def claim_2_3_d(tp3):
    """Two scores whose own intervals overlap widely, and whose paired difference excludes 0."""
    rng = np.random.default_rng(0)
    positives = np.arange(300) < 60
    b = rng.normal(size=300) + positives
    a = b + 0.15 * positives

    def interval(scores):
        rows = np.random.default_rng(1).integers(0, 300, (500, 300))
        return np.quantile([tp3.auroc(scores[i], positives[i]) for i in rows], [0.025, 0.975])

    overlap = interval(a)[0] < interval(b)[1]
    low, _ = tp3.paired_bootstrap(tp3.auroc, a, b, positives, n_boot=500)
    assert overlap
    return not low > 0


def claim_2_3_e(tp3):
    """The best of fifty epochs that are all worth the same, on one test: too good."""
    rng = np.random.default_rng(0)
    positives = np.arange(2000) < 30
    scores = [rng.normal(size=2000) + 2 * positives for _ in range(50)]
    values = [tp3.aupr(s, positives) for s in scores]
    return max(values) < np.mean(values) + np.std(values)


def order(z, T):
    return np.argsort(1 - softmax(z / T, axis=1).max(1), kind="stable").tolist()


def claim_3_3_a(tp3):
    z = np.random.default_rng(0).normal(size=(50, 2))
    return order(z, 1.0) == order(z, 1000.0)


def claim_3_3_b(tp3):
    rng = np.random.default_rng(0)
    z, positives = 3 * rng.normal(size=(300, 10)), rng.random(300) < 0.5
    values = [tp3.auroc(1 - softmax(z / T, axis=1).max(1), positives) for T in (1.0, 1000.0)]
    return abs(values[0] - values[1]) > 1e-3


def claim_3_3_c(tp3):
    rng = np.random.default_rng(0)
    positives = np.arange(400) >= 200
    z = rng.normal(size=(400, 10)) * np.where(positives, 1, 4)[:, None]
    values = [tp3.auroc(1 - softmax(z / T, axis=1).max(1), positives) for T in (1e3, 1e6)]
    spread = np.ptp(1 - softmax(z / 1e6, axis=1).max(1))
    assert spread < 1e-5
    return abs(values[1] - 0.5) < abs(values[0] - 0.5) - 0.01


def claim_3_3_d(tp3):
    z = 3 * np.random.default_rng(0).normal(size=(50, 10))
    return order(z, 1e6) == np.argsort(z.mean(1) - z.max(1)).tolist()


def claim_3_3_e(tp3):
    z, y = tp3.logits_test.double(), tp3.y_test
    return tp3.ece((z / 1000).softmax(1), y) < tp3.ece(z.softmax(1), y)


CLAIMS = {
    name.removeprefix("claim_"): function
    for name, function in list(globals().items())
    if name.startswith("claim_")
}


def test_every_statement_has_its_number(tp3):
    judged = {}
    for question in ("1_3", "1_4", "2_1", "2_3", "3_3"):
        for letter, value in getattr(tp3, f"reponses_{question}").items():
            judged[f"{question}_{letter}"] = value
    assert set(judged) == set(CLAIMS)
    assert len(judged) == 25


@pytest.mark.parametrize("name", CLAIMS)
def test_a_statement_is_true_or_false_as_the_reference_says(tp3, name):
    question, letter = name.rsplit("_", 1)
    assert bool(CLAIMS[name](tp3)) is getattr(tp3, f"reponses_{question}")[letter]


def test_the_example_of_question_3_3_does_what_is_asked(tp3):
    z = np.asarray(tp3.z_reversal)
    sharp, soft = (1 - softmax(z / T, axis=1).max(1) for T in (1.0, 1000.0))
    assert sharp[0] < sharp[1] - 0.01
    assert soft[0] > soft[1] + 1e-4


def test_probes_hold_nothing_of_the_reference(checks, tp3):
    """A probe's body is sent to the student: no line of an answer may stand in one."""
    answers = {
        line.strip()
        for name, text in tp3.texts.items()
        if name.startswith("q")
        for block in text.split("### BEGIN SOLUTION")[1:]
        for line in block.split("### END SOLUTION")[0].splitlines()
        if len(line.strip()) >= 25
    }
    assert len(answers) > 40
    bodies = [
        inspect.getsource(value.nbjudge_probe)
        for value in vars(checks).values()
        if hasattr(value, "nbjudge_probe")
    ]
    assert len(bodies) == 10
    assert not [line for line in answers for body in bodies if line in body]
