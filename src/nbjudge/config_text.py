"""A configuration as text: what was made under one is known again by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from traitlets.config.loader import LazyConfigValue


def canonical(config: Any) -> str:
    """Return a configuration as text: equal ones give the same, in every process."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(one) for key, one in value.items()}
        if isinstance(value, LazyConfigValue):  # what is added to a default
            return plain(value.to_dict())
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        if isinstance(value, set | frozenset):
            return sorted(str(plain(one)) for one in value)
        name = getattr(value, "__qualname__", None)  # a class, a function
        return f"{value.__module__}.{name}" if name else value

    return json.dumps(plain(config), default=repr, sort_keys=True)
