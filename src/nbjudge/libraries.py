"""Libraries in the judge: what a test calls here acts on the kernel too, as in one notebook."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbjudge.channel import Channel
from nbjudge.remote import Remote
from nbjudge.world import World

_SEEDS = (("random", "seed"), ("numpy.random", "seed"), ("torch", "manual_seed"))
_READ = (("inspect", "getsource"), ("inspect", "signature"))


class Bridged:
    """Functions of libraries that a test calls here and that act on the kernel in a notebook.

    A test that seeds a global generator seeds the kernel's too, for there it is one; source and
    signature of a student's function are asked for where it is.

    Parameters
    ----------
    channel
        To the kernel.
    world
        Whose given cells seed for themselves: they ran in the kernel before.
    """

    def __init__(self, channel: Channel, world: World) -> None:
        self._channel = channel
        self._world = world
        self._undo: dict[tuple[str, str], tuple[ModuleType, Any]] = {}
        self._asking = False

    def watch(self) -> None:
        """Begin, for the libraries that are loaded now."""
        for path, name in (*_SEEDS, *_READ):
            module = sys.modules.get(path)
            if module is not None and (path, name) not in self._undo:
                original = getattr(module, name)
                self._undo[path, name] = module, original
                make = self._seed if (path, name) in _SEEDS else self._read
                setattr(module, name, make(path, name, original))

    def _seed(self, path: str, _name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def seed(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            number = next(iter((*args, *kwargs.values())), None)
            if number is not None and not self._world.is_executing and not self._asking:
                self._asking = True  # where the kernel is this process, it comes back here
                try:
                    self._channel.seed_library(path.partition(".")[0], number)
                finally:
                    self._asking = False
            return result

        return seed

    def _read(self, _path: str, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        ask = self._channel.source if name == "getsource" else self._channel.signature

        def read(value: Any, **kwargs: Any) -> Any:
            return ask(value) if isinstance(value, Remote) else original(value, **kwargs)

        return read

    def stop(self) -> None:
        """Leave the libraries as they were."""
        for (_path, name), (module, original) in self._undo.items():
            setattr(module, name, original)
        self._undo.clear()


def seed_here(number: int, source: str) -> None:
    """Seed the judge's own global generators: a test that uses them is replayable too."""
    import random

    import numpy as np

    random.seed(number)
    np.random.seed(number)
    if "torch" in sys.modules or "torch" in source:
        with contextlib.suppress(ImportError):
            import torch

            torch.manual_seed(number)
