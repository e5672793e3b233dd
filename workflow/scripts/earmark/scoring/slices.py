"""Rates of slices: for every value of a column of the manifest, and between the best and the worst.

A column is `group_by`'s: a name, or a name with bounds, which cut its numbers into ranges. The
duration of a sample, in seconds, is cut without being asked to.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.intervals import Interval, Units, gap, ratio, share

if TYPE_CHECKING:
    import pandas as pd

By = Sequence[str | Mapping[str, Sequence[float]]]
DURATION = "duration"
_SECONDS = (2, 5, 10, 20, 30)


def columns(by: By) -> dict[str, Sequence[float] | None]:
    """The columns of a ``group_by`` with the bounds of their ranges; None where each value counts.

    Raises:
        EarmarkError: when a column is named twice, or bounds do not rise.
    """
    found: dict[str, Sequence[float] | None] = {}
    for one in by:
        named = {one: _SECONDS if one == DURATION else None} if isinstance(one, str) else dict(one)
        for name, bounds in named.items():
            if name in found:
                raise EarmarkError(f"group_by: {name!r} is named twice")
            if bounds is not None and list(bounds) != sorted(set(bounds)):
                raise EarmarkError(
                    f"group_by: {name}: bounds that rise were expected, such as [2, 5, 10], "
                    f"found {list(bounds)}"
                )
            found[name] = bounds
    return found


def values(row: Row, by: By, where: str) -> dict[str, str]:
    """The value of a row in each column, as text; a column that it has nothing in is left out.

    Args:
        row: A row of the manifest.
        by: The columns; ``a.b`` looks within a mapping, or JSON, in the column a.
        where: What to call the row in messages.

    Raises:
        EarmarkError: when bounds are of a column that holds no number; names the row.
    """
    found = {}
    for name, bounds in columns(by).items():
        value = _held(row, name)
        if bounds is not None and isinstance(value, list):  # of several clips
            value = sum(value)
        if value is None or value == "":
            continue
        if bounds is not None:
            value = _range(value, bounds, f"{where}: group_by: {name}")
        found[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found


def _held(row: Row, name: str) -> Any:
    """A row's value under a name; ``a.b`` is also what is called b in a mapping or JSON text a."""
    outer, dot, inner = name.partition(".")
    value = row.get(outer)
    if name in row or not dot:
        return row.get(name)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    return _held(value, inner) if isinstance(value, dict) else None


def _range(value: Any, bounds: Sequence[float], where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EarmarkError(f"{where}: a number was expected, since it has bounds, found {value!r}")
    place = int(np.searchsorted(bounds, value, "right"))
    low = f"{bounds[place - 1]:g}" if place else ""
    high = f"{bounds[place]:g}" if place < len(bounds) else ""
    return f"{low} to {high}" if low and high else f"under {high}" if high else f"{low} or more"


def sliced(
    by: Sequence[Mapping[str, str]],
    above: pd.Series[Any],
    below: pd.Series[Any],
    units: tuple[Sequence[str], Sequence[str] | None],
    rate: str,
    lower: bool,
) -> dict[str, Any]:
    """The rates of every column's values, in percent, and the gap between best and worst.

    A value all of whose samples are of one group (a speaker, say) has an interval over samples:
    what the same speaker's other utterances would bring. The gap is between the best and the worst
    of the values that have two groups or samples at least, and its interval allows for their having
    been chosen as best and worst of so many.

    Args:
        by: Each sample's values, by column.
        above: Errors (or successes) of each sample.
        below: Words (or trials) of each.
        units: The group of each sample, and its split where there are several.
        rate: What the rate is called.
        lower: Whether lower is better: word errors, not shares of successes.

    Returns:
        By column ``values`` (by value the rate, its interval ``…_ci``, ``num_answers``, and
        ``groups``), ``without`` (samples that have none) and ``gap`` (``best``, ``worst``,
        ``difference`` in points, never negative, ``interval``, ``pairs``, and ``why`` there is no
        interval), null for a single value.
    """
    groups, strata = units
    one, other = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    owned = [f"{s}/{g}" for s, g in zip(strata or [""] * len(by), groups, strict=True)]
    found: dict[str, Any] = {}
    for column in dict.fromkeys(name for sample in by for name in sample):
        named = [sample.get(column, "") for sample in by]
        codes = {value: code for code, value in enumerate(sorted(set(named), key=_in_order))}
        coded = np.array([codes[value] for value in named])
        rows: dict[str, dict[str, Any]] = {}
        owners = np.array(owned, dtype=object)
        for value in [value for value in codes if value]:
            places = np.flatnonzero(coded == codes[value])
            if len(set(owners[places])) == 1:
                owners[places] = [f"{owners[place]}/{place}" for place in places]
            made = _rate(one[places], other[places], owners[places].tolist(), lower)
            total = other[places].sum()
            rows[value] = {
                rate: float(100 * one[places].sum() / total) if total else None,
                f"{rate}_ci": made.ends,
                "num_answers": len(places),
                "groups": made.groups,
            }
        found[column] = {
            "values": rows,
            "without": named.count(""),
            "gap": _gap(rows, rate, lower, np.array(named, dtype=object), one, other, owners),
        }
    return found


def _rate(above: Any, below: Any, owners: list[str], lower: bool) -> Interval:
    return (ratio if lower else share)(above, below, Units(owners, len(owners))).scaled(100)


def _gap(
    rows: Mapping[str, Mapping[str, Any]],
    rate: str,
    lower: bool,
    named: Any,
    above: Any,
    below: Any,
    owners: Any,
) -> dict[str, Any] | None:
    known = [v for v, row in rows.items() if row[rate] is not None and row["groups"] > 1]
    if len(known) < 2:
        return None
    ranked = sorted(known, key=lambda value: rows[value][rate], reverse=not lower)
    best, worst = ranked[0], ranked[-1]
    high, low = (worst, best) if lower else (best, worst)
    places = np.flatnonzero((named == high) | (named == low))
    pairs = len(known) * (len(known) - 1) // 2
    made = gap(
        above[places],
        below[places],
        named[places] == high,
        Units(owners[places].tolist(), len(places)),
        pairs,
    ).scaled(100)
    return {
        "best": best,
        "worst": worst,
        "difference": rows[high][rate] - rows[low][rate],
        "interval": made.ends,
        "pairs": pairs,
        **({"why": made.reason} if made.reason else {}),
    }


def _in_order(value: str) -> tuple[float, str]:
    """Ranges by their numbers, and numbers as such; other values by name."""
    number = re.match(r"(under )?(\d+(?:\.\d+)?)", value)
    return (
        (float("inf"), value)
        if number is None
        else (float(number[2]) - (0.5 if number[1] else 0), value)
    )
