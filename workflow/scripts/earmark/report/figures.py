"""Where a metrics record keeps its figures: rates, their intervals, protocols; and their print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Metrics = Mapping[str, Any]


def figure(metrics: Metrics | None, key: str) -> float | None:
    """A number of a metrics record; None where it is missing or is no number."""
    value = (metrics or {}).get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value)


def interval(metrics: Metrics | None, key: str) -> tuple[float, float] | None:
    """The 95 % interval of a rate, where one was computed."""
    found = (metrics or {}).get(f"{key}_ci")
    if not isinstance(found, list | tuple) or len(found) != 2:
        return None
    low, high = found
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low), float(high)
    return None


def protocols(metrics: Metrics | None) -> dict[str, Metrics]:
    """What each scoring protocol counted, by its name, the primary one first."""
    return dict((metrics or {}).get("protocols") or {})


def printed(value: float | None, digits: int = 2) -> str:
    """A number as tables print it, ``–`` where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"
