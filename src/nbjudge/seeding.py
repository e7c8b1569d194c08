"""Global generators of a kernel: seeded when it starts, as libraries are loaded, for each question.

Part of the agent (:mod:`nbjudge.agent`): its source travels into the kernel.
"""

import importlib
import operator
import random  # noqa: F401 - loaded, so that it is seeded with the others
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_BaseException = BaseException
_modules = sys.modules

_SEEDS = {"random": "seed", "numpy": "random.seed", "torch": "manual_seed"}
# numpy.random is loaded when it is first used.
_LOADED = {"numpy.random": "seed", "torch": "manual_seed"}


def seed_generators(seed: int) -> None:
    """Seed the global generators of random, numpy and torch, where they are loaded."""
    for library in _SEEDS:
        if library in _modules:
            try:
                seed_library(library, seed)
            except _BaseException:  # a student's random.py has no seed(): their affair
                continue


def seed_library(library: str, seed: Any) -> None:
    """Seed the global generator of one library."""
    operator.attrgetter(_SEEDS[library])(importlib.import_module(library))(seed)


class SeedingFinder:
    """Lets what draws before the first question draw replayably, too.

    Libraries draw their first seed from the machine when they are loaded; right then they get
    ours.

    Parameters
    ----------
    seed
        For each of them.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a library is, with a loader that seeds it; None for all others."""
        if name not in _LOADED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_seed(module: ModuleType) -> None:
            load(module)
            getattr(module, _LOADED[name])(self._seed)

        # Of this one object: what else a loader offers (resources, sources) stays as it is.
        vars(spec.loader)["exec_module"] = load_and_seed
        return spec


def begin(seed: int) -> None:
    """Seed what is loaded, and from now on what will be."""
    seed_generators(seed)
    sys.meta_path.insert(0, SeedingFinder(seed))
