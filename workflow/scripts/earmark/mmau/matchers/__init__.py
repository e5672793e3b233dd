"""Matchers: what turns texts into vectors, each in a file of its own, behind one interface."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError

Settings = Mapping[str, Any]
Vectors = NDArray[np.float32]

Embed = Callable[[Sequence[str]], Vectors]
"""A matcher that is ready: of a batch of texts, a vector a text, of any length."""

TYPES = {"nv-embed": "nv_embed", "embeddings": "embeddings", "demo": "demo"}
"""A matcher's module by the ``type`` that the config gives."""


class Matcher(Protocol):
    """What a matcher's module offers."""

    def identity(self, settings: Settings) -> dict[str, Any]:
        """What determines the vectors, and nothing operational."""

    def running(self, settings: Settings) -> AbstractContextManager[Embed]:
        """Load the model, or reach the endpoint, for as long as the block lasts."""


def matcher_type(settings: Settings) -> Matcher:
    """The module that a matcher's settings name.

    Raises:
        EarmarkError: when ``type`` names none.
    """
    kind = settings.get("type")
    if kind not in TYPES:
        raise EarmarkError(
            f"matcher.type: {kind!r} is not a matcher; use one of {', '.join(TYPES)}"
        )
    module: Any = import_module(f"{__name__}.{TYPES[kind]}")
    return module  # type: ignore[no-any-return]
