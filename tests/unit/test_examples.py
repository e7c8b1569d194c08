"""Examples in the documentation of functions give what they say."""

import doctest
import importlib
import pkgutil
import warnings

import pytest

import nbjudge

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(nbjudge.__path__, "nbjudge.")
    if not found.ispkg and not found.name.endswith("__main__")
)


def load(name):
    with warnings.catch_warnings():
        # Of otter's own code, where it is imported.
        warnings.filterwarnings("ignore", "Traits should be given as instances", DeprecationWarning)
        return importlib.import_module(name)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_give_what_they_say(name):
    results = doctest.testmod(load(name))
    assert results.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [t for name in MODULES for t in finder.find(load(name))]
    assert sum(len(test.examples) for test in tests) > 1
