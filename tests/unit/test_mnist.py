"""What TP3's data and the results beside the papers are computed with."""

import functools
import gzip
import hashlib
import importlib.util
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from rich.progress import Progress
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from mnist import experiments, measures, originals, scores, training  # noqa: E402
from mnist.networks import MLP, ConfidenceHead, LeNet, SmallConvNet  # noqa: E402

full_data = originals.full_data_module
Unavailable = originals.DataUnavailable


@pytest.fixture
def silent():
    with Progress(disable=True) as progress:
        yield progress


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def random_images(count, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(count, 1, 28, 28)).astype(np.float32))


# --- Originals -------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple), st.integers(0, 2**32 - 1))
def test_an_idx_file_is_read_as_it_was_written(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    read = full_data.read_idx(idx(array))

    assert read.dtype == np.uint8
    assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "rien"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "00 00 0d"),
        (b"\x00\x00\x08\x00", "00 00 08 00"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "attendu 18 octets, obtenu 17"),
        (idx(np.zeros((2, 3), np.uint8)) + b"x", "attendu 18 octets, obtenu 19"),
        (idx(np.zeros((2, 3), np.uint8))[:9], "12 octets attendu, obtenu 9"),
        (b"\x00\x00\x08\x03" + 12 * b"\xff", "attendu 79228162458924105385300197391 octets"),
    ],
    ids=["empty", "other type", "no dimension", "cut", "too long", "cut in the header", "huge"],
)
def test_what_is_not_an_idx_file_of_bytes_is_refused_with_a_reason(content, said):
    with pytest.raises(Unavailable, match=said):
        full_data.read_idx(content)


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """Four small files in a folder, taken for the originals of MNIST."""
    arrays = [np.full((3, 28, 28), 7, np.uint8), np.arange(3, dtype=np.uint8)] * 2
    sums = []
    for file, array in zip(full_data.FILES.values(), arrays, strict=True):
        (tmp_path / f"{file}.gz").write_bytes(gzip.compress(idx(array)))
        sums.append(hashlib.sha256(idx(array)).hexdigest())
    monkeypatch.setitem(full_data.SHA256_IDX, "mnist", tuple(sums))
    return tmp_path


def test_a_file_counts_by_its_content_compressed_or_not(small_set):
    packed = small_set / "t10k-labels-idx1-ubyte.gz"
    before = full_data.full_part("mnist", "test_labels", small_set)
    (small_set / "t10k-labels-idx1-ubyte").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()

    assert_array_equal(full_data.full_part("mnist", "test_labels", small_set), before)


def test_a_file_that_is_not_the_original_is_refused(small_set):
    other = gzip.compress(idx(np.zeros(3, np.uint8)))
    (small_set / "t10k-labels-idx1-ubyte.gz").write_bytes(other)

    with pytest.raises(Unavailable, match="n'est pas l'original de mnist"):
        full_data.full_part("mnist", "test_labels", small_set)


def test_a_truncated_download_is_refused(small_set):
    path = small_set / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(Unavailable, match="gzip complet"):
        full_data.full_part("mnist", "train_images", small_set)


def test_a_set_of_another_size_is_refused(small_set):
    with pytest.raises(Unavailable, match="attendu 60000 images"):
        full_data.full_data("mnist", small_set)


def test_without_network_every_mirror_is_tried_and_the_way_out_is_said(tmp_path, monkeypatch):
    import pooch

    asked = []

    def retrieve(url, **_):
        asked.append(url)
        raise ConnectionError("no route")

    monkeypatch.setattr(pooch, "retrieve", retrieve)

    with pytest.raises(Unavailable, match="Êtes-vous connecté à Internet") as raised:
        full_data.full_data("mnist", tmp_path / "empty")
    assert [url.rsplit("/", 1)[0] + "/" for url in asked] == list(full_data.MIRRORS["mnist"])
    assert "folder=" in str(raised.value)


@pytest.fixture
def server(small_set):
    """Serves the small set on this machine."""
    handler = functools.partial(SilentHandler, directory=str(small_set))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_pooch_takes_the_first_mirror_that_has_the_published_file(
    server, small_set, tmp_path, monkeypatch
):
    published = [small_set / f"{file}.gz" for file in full_data.FILES.values()]
    sums = tuple(
        hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in published
    )
    monkeypatch.setitem(full_data.MD5_GZIP, "mnist", sums)
    monkeypatch.setitem(full_data.MIRRORS, "mnist", (f"{server}missing/", server))
    kept = tmp_path / "kept"

    labels = full_data.full_part("mnist", "train_labels", kept)

    assert_array_equal(labels, [0, 1, 2])
    assert [path.name for path in kept.iterdir()] == ["train-labels-idx1-ubyte.gz"]


def test_pooch_refuses_a_file_that_is_not_the_published_one(server, tmp_path, monkeypatch):
    monkeypatch.setitem(full_data.MIRRORS, "mnist", (server,))

    with pytest.raises(Unavailable, match="ValueError"):
        full_data.full_part("mnist", "train_labels", tmp_path / "kept")
    assert not list((tmp_path / "kept").glob("*.gz"))


def test_without_pooch_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)

    with pytest.raises(Unavailable, match="pip install pooch"):
        full_data.full_data("kmnist", tmp_path)


def test_a_downloaded_file_is_checked_like_any_other(small_set, tmp_path, monkeypatch):
    import pooch

    wrong = tmp_path / "wrong.gz"
    wrong.write_bytes(gzip.compress(idx(np.zeros(4, np.uint8))))
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(wrong))

    with pytest.raises(Unavailable, match="SHA-256"):
        full_data.full_part("mnist", "test_labels", tmp_path / "elsewhere")


def test_an_unknown_set_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="'mnist', 'fashion', 'kmnist'"):
        full_data.full_data("cifar")


def test_the_students_module_needs_pooch_only_when_it_downloads():
    code = "import sys; sys.modules['pooch'] = None; import tp3_full_data"

    subprocess.run([sys.executable, "-B", "-c", code], cwd=originals.TP3, check=True)


def test_the_draw_is_the_same_every_time_and_never_twice_the_same_digit():
    drawn = originals.drawn(12_000, 60_000)

    assert_array_equal(drawn, originals.drawn(12_000, 60_000))
    assert len(np.unique(drawn)) == 12_000
    # The first of the draw that made the shipped archives: a numpy that draws otherwise is seen.
    assert drawn[:4].tolist() == [18838, 12989, 34783, 29377]


def test_no_network_is_fitted_on_a_validation_digit(monkeypatch):
    numbered = np.arange(60_000, dtype=np.uint32).view(np.uint8).reshape(60_000, 4)
    train = numbered, np.zeros(60_000, np.uint8)
    monkeypatch.setattr(full_data, "full_data", lambda *_: (train, train))

    digits = originals.digits()

    names = {
        part: {row.tobytes() for row in getattr(digits, part).images}
        for part in ("fitted", "shipped", "validation")
    }
    assert {part: len(found) for part, found in names.items()} == {
        "fitted": 58_000,
        "shipped": 10_000,
        "validation": 2_000,
    }
    assert not names["fitted"] & names["validation"]
    assert names["shipped"] < names["fitted"]


def test_networks_take_standardised_images():
    images = np.array([[[0, 255]]], np.uint8)

    x, y = originals.Images(images, np.array([3], np.uint8)).tensors()

    assert_allclose(x.numpy(), [[[[-0.1307 / 0.3081, (1 - 0.1307) / 0.3081]]]], rtol=1e-6)
    assert (x.dtype, y.dtype, y.tolist()) == (torch.float32, torch.int64, [3])


# --- Networks and training -------------------------------------------------------------------


@pytest.mark.parametrize("make", [LeNet, MLP, SmallConvNet])
def test_a_network_cut_at_its_first_dropout_is_the_same_network(make):
    network, x = make().train(), random_images(5)

    with training.seeded(0):
        whole = network(x)
    with training.seeded(0):
        cut = network.above(network.trunk(x))

    assert whole.shape == (5, 10)
    assert torch.equal(whole, cut)
    assert network.hidden(network.trunk(x)).shape == (5, network.width)
    assert_array_equal(network.trunk(x).detach(), network.trunk(x).detach())


def test_without_dropout_a_training_pass_draws_nothing():
    network, x = LeNet(dropout=False).train(), random_images(3)

    assert torch.equal(network(x), network(x))


def test_the_shipped_keys_are_those_that_the_text_announces():
    assert list(LeNet().state_dict()) == [
        f"{layer}.{part}"
        for layer in ("conv1", "conv2", "fc1", "fc2")
        for part in ("weight", "bias")
    ]
    assert list(ConfidenceHead(100, 7).state_dict()) == [
        f"uncertainty{i}.{part}" for i in range(1, 6) for part in ("weight", "bias")
    ]


@pytest.mark.parametrize(
    "recipe", [training.Recipe(2, 1e-3), training.Recipe(2, 1e-2, "sgd", decays=False)]
)
def test_a_training_is_reproduced_by_its_seed_and_leaves_torchs_generator_alone(recipe, silent):
    x, y = random_images(300), torch.arange(300) % 10
    before = torch.random.get_rng_state()

    first, again, other = (
        training.fit_classifier(MLP, x, y, recipe, seed, silent) for seed in (5, 5, 6)
    )

    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.fc1.weight, again.fc1.weight)
    assert not torch.equal(first.fc1.weight, other.fc1.weight)
    assert not first.training


def test_the_head_is_of_the_best_epoch_and_the_backbone_stays_as_it_was(silent):
    x, y = random_images(300), torch.arange(300) % 10
    network = training.fit_classifier(LeNet, x, y, training.Recipe(3, 1e-3), 1, silent)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fit = {"width": 8, "rate": 1e-2, "seed": 1, "progress": silent}

    found = training.fit_head(network, (x, y), (x[:50], y[:50]), epochs=6, **fit)

    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    shorter = [
        training.fit_head(network, (x, y), (x[:50], y[:50]), epochs=n, **fit).validation_error
        for n in range(1, 7)
    ]
    assert found.validation_error == min(shorter)
    hidden, target = training.frozen(network, x[:50], y[:50])
    with torch.no_grad():
        error = (found.head(hidden).sigmoid() - target).square().mean().item()
    assert error == pytest.approx(found.validation_error, rel=1e-6)


# --- Scores ----------------------------------------------------------------------------------


class Passes(torch.nn.Module):
    """Gives the passes of a list, one a call, whatever the images."""

    def __init__(self, passes):
        super().__init__()
        self.passes = iter(passes)

    def trunk(self, x):
        return x

    def above(self, trunk):
        # Zero stands for itself: the logarithm is −∞.
        return torch.log(torch.tensor([next(self.passes)], dtype=torch.float64))


def test_mc_dropout_measures_the_passes_known_by_hand(silent):
    passes = [(0.9, 0.1, 0), (0.5, 0.5, 0), (0.4, 0.3, 0.3), (0.8, 0.2, 0)]
    padded = [(*p, *[0] * 7) for p in passes]

    said = scores.mc_dropout(Passes(padded), torch.zeros(1, 1), samples=4, seed=0, progress=silent)

    assert_allclose(said.mean[0, :3], [0.65, 0.275, 0.075])
    assert_allclose(said.entropy, [0.829300], atol=1e-6)
    assert_allclose(said.mutual_information, [0.177416], atol=1e-6)
    assert_allclose(said.variation_ratio, [0.0])


def test_means_of_probabilities_and_of_logits_are_of_the_same_passes(silent):
    network, x = LeNet(), random_images(7)

    said = scores.mc_dropout(network, x, samples=5, seed=1, progress=silent)
    mean, logits = scores.mc_means(network, x, samples=5, seed=1, progress=silent)

    assert_array_equal(mean, said.mean)
    assert not network.training
    assert logits.shape == (7, 10)
    # The same only where the passes agree: here they do not.
    assert np.abs(softmax(logits, axis=1) - mean).max() > 1e-4
    pair = [[-1.0, 0.0, 3.0], [-2.0, 0.0, 0.0]]
    padded = [np.exp([*z, *[-50.0] * 7]).tolist() for z in pair]
    _, logits = scores.mc_means(Passes(padded), x[:1, 0, :1, 0], samples=2, seed=0, progress=silent)
    assert_allclose(logits[0, :3], np.mean(pair, axis=0))


def test_mc_dropout_draws_by_its_seed_and_leaves_eval_mode(silent):
    network, x = LeNet(), random_images(7)

    first, again, other = (
        scores.mc_dropout(network, x, samples=5, seed=seed, progress=silent) for seed in (1, 1, 2)
    )

    assert not network.training
    assert_array_equal(first.mean, again.mean)
    assert np.abs(first.mean - other.mean).max() > 0
    assert (first.mutual_information <= first.entropy).all()


@pytest.mark.parametrize("temperature", [1.0, 1000.0])
def test_odin_without_a_step_is_the_softmax_at_its_temperature(temperature):
    network, x = LeNet().eval(), random_images(6)
    with torch.no_grad():
        expected = 1 - softmax(network(x).double().numpy() / temperature, axis=1).max(1)

    found = scores.odin(network, x, epsilon=0.0, temperature=temperature)

    assert_allclose(found, expected, rtol=1e-9)


def test_odins_step_lowers_the_score_as_its_gradient_says():
    network, x = MLP().eval(), random_images(40)
    before = scores.odin(network, x, epsilon=0.0, temperature=10.0)

    after = scores.odin(network, x, epsilon=1e-3, temperature=10.0)

    assert (after < before).all()


def test_the_temperature_minimises_the_cross_entropy_on_a_fine_grid():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    logits = 4 * rng.normal(size=(500, 10))
    logits[np.arange(500), labels] += 3

    found = scores.fit_temperature(logits, labels)

    grid = np.exp(np.linspace(np.log(1), np.log(15), 4001))
    losses = [scores.negative_log_likelihood(logits, labels, t) for t in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=2e-3)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_the_reliability_diagram_is_that_of_scikit_learn(seed, bins):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(10, 0.3), 400)
    labels = rng.integers(0, 10, 400)

    found = scores.reliability(p, labels, bins)

    confidence, right = p.max(1), p.argmax(1) == labels
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    assert_allclose(found.accuracy, accuracy)
    assert_allclose(found.confidence, mean)
    assert found.count.sum() == 400


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    p = np.array([[0.5, 0.5], [0.75, 0.25]])

    found = scores.reliability(p, np.array([0, 0]), bins=2)

    assert_array_equal(found.count, [1, 1])
    assert found.error == pytest.approx(0.5 * 0.5 + 0.5 * 0.25)


# --- Measures --------------------------------------------------------------------------------


def _some_scores(seed, ties):
    rng = np.random.default_rng(seed)
    positive = rng.random(300) < 0.2
    score = rng.normal(size=300) + positive
    return positive, np.round(score, 1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_fpr95_is_read_off_scikit_learns_roc_curve(seed, ties):
    positive, score = _some_scores(seed, ties)

    # Accepting the others is detecting them by small scores.
    false, true, _ = roc_curve(~positive, -score, drop_intermediate=False)
    expected = false[np.argmax(true >= 0.95)]

    assert measures.fpr95(positive, score) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_takes_errors_as_positives_and_groups_equal_scores(seed):
    positive, score = _some_scores(seed, ties=True)

    precision, recall, _ = precision_recall_curve(positive, score)
    expected = float(np.sum(-np.diff(recall) * precision[:-1]))

    assert measures.aupr_positive(positive, score) == pytest.approx(expected)
    assert measures.aupr_negative(~positive, -score) == pytest.approx(expected)


def test_a_perfect_score_is_perfect_by_every_measure():
    positive = np.array([False] * 90 + [True] * 10)
    perfect = {"FPR95": 0.0, "AUPR-Error": 1.0, "AUPR-Success": 1.0, "AUROC": 1.0}

    found = {n: m(positive, np.arange(100.0)) for n, m in measures.FAILURE.items()}

    assert found == pytest.approx(perfect)


def test_the_paired_interval_sees_what_separate_intervals_do_not(silent):
    rng = np.random.default_rng(0)
    positive = rng.random(400) < 0.25
    base = rng.normal(size=400) + positive
    better = base + 0.25 * positive
    runs = [measures.Run(positive, {"base": base, "better": better})] * 2

    found = measures.compare(
        runs, {"AUROC": measures.auroc}, seed=1, resamples=200, progress=silent
    )

    first, second = found.value["base", "AUROC"], found.value["better", "AUROC"]
    assert second.low < first.high
    gain = found.gain["better", "AUROC"]
    assert gain.sign == 1
    assert gain.value == pytest.approx(second.value - first.value)
    assert found.gain["base", "AUROC"] == measures.Estimate(0.0, 0.0, 0.0)


def test_equal_scores_have_no_gain_and_the_same_seed_gives_the_same_interval(silent):
    positive, score = _some_scores(3, ties=False)
    runs = [measures.Run(positive, {"a": score, "b": score.copy()})]
    options = {"resamples": 50, "progress": silent}

    first, again = (measures.compare(runs, measures.FAILURE, seed=2, **options) for _ in range(2))

    assert first == again
    assert all(one.sign == 0 for one in first.gain.values())
    assert all(one.low <= one.value <= one.high for one in first.value.values())


# --- Runs ------------------------------------------------------------------------------------


def _small_material():
    def images(count, seed):
        rng = np.random.default_rng(seed)
        return originals.Images(
            rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            rng.integers(0, 10, count).astype(np.uint8),
        )

    digits = originals.Digits(images(256, 0), images(20, 1), images(30, 2), images(40, 3))
    return experiments.Material(digits, images(520, 4))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(experiments, "HEAD_EPOCHS", 1)
    monkeypatch.setattr(experiments, "HEAD_WIDTH", 4)
    monkeypatch.setattr(experiments, "SAMPLES", 2)
    monkeypatch.setattr(experiments, "EPSILONS", (0.0, 0.01))
    return experiments.Experiment("MLP", MLP, training.Recipe(1, 1e-3), failure=True, outside=True)


def test_a_stopped_computation_goes_on_where_it_was(quick, tmp_path, silent, monkeypatch):
    material = _small_material()
    fit_head = experiments.fit_head
    monkeypatch.setattr(experiments, "fit_head", _stop)
    with pytest.raises(KeyboardInterrupt):
        experiments.scored(quick, 1, material, tmp_path, silent)
    monkeypatch.setattr(experiments, "fit_head", fit_head)
    # The classifier is trained already: training it again would stop here.
    monkeypatch.setattr(experiments, "fit_classifier", _stop)

    first = experiments.scored(quick, 1, material, tmp_path, silent)

    monkeypatch.setattr(experiments, "mc_dropout", _stop)
    again = experiments.scored(quick, 1, material, tmp_path, silent)
    assert first.keys() == again.keys()
    for name in first:
        assert_array_equal(first[name], again[name])
    assert first["test_confidence"].shape == (40,)
    assert first["clothes_odin"].shape == (20,)


def test_another_recipe_or_seed_is_another_run(quick, tmp_path, silent, monkeypatch):
    experiments.scored(quick, 1, _small_material(), tmp_path, silent)
    monkeypatch.setattr(experiments, "fit_classifier", _stop)
    other = experiments.Experiment("MLP", MLP, training.Recipe(2, 1e-3), failure=True)

    for experiment, seed in ((other, 1), (quick, 2)):
        with pytest.raises(KeyboardInterrupt):
            experiments.scored(experiment, seed, _small_material(), tmp_path, silent)


def _stop(*_, **__):
    raise KeyboardInterrupt


def test_without_originals_the_commands_end_on_a_sentence(tmp_path):
    (tmp_path / "mnist").mkdir()
    code = (
        "import sys, pooch, mnist_data\n"
        "def retrieve(*_, **__): raise ConnectionError\n"
        "pooch.retrieve = retrieve\n"
        f"sys.argv = ['mnist_data.py', '--originals', {str(tmp_path)!r}]\n"
        "mnist_data.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=ROOT / "tools",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Êtes-vous connecté à Internet" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_module_that_students_receive_is_the_one_tested_here():
    assert Path(importlib.util.find_spec("mnist").origin).is_relative_to(ROOT / "tools")
    assert Path(full_data.__file__) == ROOT / "source" / "tp3" / "tp3_full_data.py"
