"""Where a metrics record keeps its figures: rates, intervals, protocols; and how they are printed.

The one place of the report that knows how metrics spell a key.
"""

import math
from collections.abc import Mapping
from typing import Any

Metrics = Mapping[str, Any]

_DOUBTS = (
    ("letter_answers", 0.05, "{share:.0%} of the answers are a letter alone, read as a choice"),
    ("num_truncated", 0.01, "{share:.0%} of the answers were cut short by max_tokens"),
)
"""Counts that put a rate in doubt: the key, the share that may pass, and what is said."""


def figure(metrics: Metrics | None, key: str) -> float | None:
    """A number of a metrics record; None where it is missing."""
    value = (metrics or {}).get(key)
    return None if value is None else float(value)


def interval(metrics: Metrics | None, key: str) -> tuple[float | None, float | None]:
    """The ends of a rate's 95 % interval; None where none was computed."""
    low, high = (metrics or {}).get(f"{key}_ci") or (None, None)
    return low, high


def rate(metrics: Metrics | None, key: str) -> dict[str, float | None]:
    """A rate as tables and charts have it: ``value``, ``low`` and ``high``, and ``entries``.

    ``entries`` is how many samples it is of: those scored where that is known, else all.
    """
    low, high = interval(metrics, key)
    value = figure(metrics, key)
    counts = [figure(metrics, name) for name in ("scored", "num_scored", "num_entries")]
    known = [count for count in counts if count is not None and value is not None]
    return {"value": value, "low": low, "high": high, "entries": known[0] if known else None}


def protocols(metrics: Metrics | None) -> dict[str, Metrics]:
    """What each scoring protocol counted, by its name, the primary one first."""
    return dict((metrics or {}).get("protocols") or {})


def doubts(metrics: Metrics | None) -> list[str]:
    """What a reader must know before trusting a set's rates; mostly nothing."""
    total = figure(metrics, "num_entries") or math.inf
    return [
        text.format(share=share)
        for key, allowed, text in _DOUBTS
        if (share := (figure(metrics, key) or 0) / total) > allowed
    ]


def printed(value: float | None, digits: int = 2) -> str:
    """A number as tables print it, ``–`` where there is none."""
    return "–" if value is None or value != value else f"{value:,.{digits}f}"
