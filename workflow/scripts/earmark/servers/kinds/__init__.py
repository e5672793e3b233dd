"""The types of model servers: a module each, found by its name, so that a file adds a type."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from earmark.servers.base import ServerType


def _kinds() -> dict[str, ServerType]:
    """Each type by what ``server:`` says: its module's name, with ``-`` for ``_``."""
    found: dict[str, ServerType] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for kind in vars(import_module(module.name)).values():
            ours = isinstance(kind, type) and kind.__module__ == module.name
            if ours and issubclass(kind, ServerType):
                found[kind.name] = kind()
    return found


TYPES = _kinds()
