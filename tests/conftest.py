"""How the tests are divided among processes (`make test`: pytest -n ...)."""

import re

import pytest

FIRST = (
    "test_same_marks",
    "test_sample_class",
    "test_moodle_jury",
    "test_compatibility",
    "test_other_courses",
    "test_attacks",
    "test_nbgrader",
    "test_kernel",
    "test_grade",
    "test_browser",
)
"""Files that take longest: begun first, so that no process waits for another at the end."""


def unit_of(nodeid):
    """Return what a test is in one process with: its file, whose fixtures are made once.

    The sample class of every TP, each way of grading it, and each part of nbgrader's own tests is
    a unit of its own.
    """
    path, _, test = nodeid.partition("::")
    if path.endswith("test_sample_class.py") and (tp := re.search(r"\[(\w+?)[-\]]", test)):
        return f"the class of {tp[1]}"
    return nodeid if path.endswith(("test_compatibility.py", "test_same_marks.py")) else path


def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return unit_of(nodeid)

    config.option.loadscopereorder = False  # the number of tests says little of their time
    return ByUnit(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        last = len(FIRST)
        place = {name: number for number, name in enumerate(FIRST)}
        items.sort(key=lambda item: place.get(item.path.stem, last))
