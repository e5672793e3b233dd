"""Matchers: what turns texts into vectors, each in a file of its own, behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError

Settings = dict[str, Any]
Vectors = NDArray[np.float32]

TYPES = {
    "nv-embed": "earmark.mmau.matchers.nv_embed",
    "embeddings": "earmark.mmau.matchers.embeddings",
    "demo": "earmark.mmau.matchers.demo",
}
"""A matcher's module by the ``type`` that the config gives; each has `identity` and `running`."""


class Embed(Protocol):
    """A matcher that is ready: it embeds a batch of texts."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed some texts.

        Returns:
            A vector a text, shape ``(len(texts), dimension)``, of any length.
        """


class Matcher(Protocol):
    """What a matcher's module offers."""

    def identity(self, settings: Settings) -> Settings:
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
    module: Any = import_module(TYPES[kind])
    return module  # type: ignore[no-any-return]
