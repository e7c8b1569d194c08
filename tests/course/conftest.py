"""What the tests of the TPs share. A test file's TP is in its name: ``test_tp1_content.py``."""

import importlib
import re
import sys

import matplotlib as mpl
import pytest
import torch
from notebook_rules import ROOT, executed

from nbjudge.course import load_course
from nbjudge.world import World


class Reference:
    """Names of the instructor's notebook, as its last cell sees them; trainings are not run."""

    def __init__(self, notebook):
        self.world = World(notebook.cells, notebook.name)
        self.texts = {c.grade_id: c.source for c in notebook.cells}

    def __getattr__(self, name):
        return self.world.lookup(name, len(self.world.cells))


def reference(name):
    """Return the fixture that is called after a TP: its reference, beside its helper module."""

    @pytest.fixture(scope="module", name=name)
    def made():
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(ROOT / "source" / name))
            (notebook,) = load_course(ROOT).compile(name).notebooks
            yield Reference(notebook)

    return made


tp1, tp2, tp3 = reference("tp1"), reference("tp2"), reference("tp3")


@pytest.fixture(scope="module")
def tp(request):
    """The name of the file's TP."""
    return re.match(r"test_(tp\d)_", request.path.name)[1]


@pytest.fixture(scope="module")
def checks(tp, request):
    """The helpers of the TP's hidden tests; they may use the TP's own helper module."""
    request.getfixturevalue(tp)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "judge" / tp))
        yield importlib.import_module(f"{tp}_checks")


@pytest.fixture(scope="module")
def run(tp):
    """The TP's solutions, executed from top to bottom on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield executed(tp)
    torch.set_num_threads(threads)


@pytest.fixture
def helper(tp, monkeypatch):
    """The TP's helper module as students import it; what it shows is drawn and closed."""
    name = f"{tp}_utils"
    monkeypatch.syspath_prepend(str(ROOT / "source" / tp))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.delitem(sys.modules, name, raising=False)
    mpl.use("agg", force=True)
    module = importlib.import_module(name)
    monkeypatch.setattr(module.plt, "show", lambda: module.plt.gcf().canvas.draw())
    yield module
    module.plt.close("all")
    sys.modules.pop(name, None)


@pytest.fixture
def quick_helper(helper, monkeypatch):
    """The same module as a graded notebook imports it."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    del sys.modules[helper.__name__]
    return importlib.import_module(helper.__name__)
