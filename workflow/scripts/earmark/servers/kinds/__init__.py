"""The types of model servers: a module each, found by its name, so that a file adds a type."""

import pkgutil
from importlib import import_module

from earmark.servers.base import ServerType

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

TYPES = {kind.name: kind() for kind in ServerType.__subclasses__()}
"""Each type by what ``server:`` says: its module's name, with ``-`` for ``_``."""
