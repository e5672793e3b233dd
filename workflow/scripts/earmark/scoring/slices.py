"""Rates of slices: for every value of a column of the manifest, and between the best and the worst.

A column is `group_by`'s: a name, or a name with bounds, which cut its numbers into ranges. The
duration of a sample, in seconds, is cut without being asked to.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.intervals import (
    LEAST_IN_A_PART,
    Interval,
    Numbers,
    Units,
    gap,
    ratio,
    share,
)
from earmark.scoring.measures import percent

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
        if value in (None, "") or (isinstance(value, float) and math.isnan(value)):
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


@dataclass(frozen=True)
class Sliced:
    """A rate of counts.

    Attributes:
        name: What it is called.
        lower: Whether lower is better.
        value: From sums of counts (last axis) to the rate, in its unit.
        interval: The interval of samples' counts, an array of samples by counts, in its unit.
    """

    name: str
    lower: bool
    value: Callable[[Numbers], Numbers]
    interval: Callable[[Numbers, Units], Interval]


def sliced(
    by: Sequence[Mapping[str, str]],
    above: pd.Series[Any],
    below: pd.Series[Any],
    units: tuple[Sequence[str], Sequence[str] | None],
    rate: str,
    lower: bool,
) -> dict[str, Any]:
    """As `sliced_by`, of a rate in percent: word errors, or a share of successes.

    ``above`` are errors (or successes) of each sample, ``below`` its words (or trials); ``rate`` is
    what the rate is called, and ``lower`` whether lower is better, as of word errors.
    """
    made = ratio if lower else share

    def interval(counts: Numbers, of: Units) -> Interval:
        return made(counts[:, 0], counts[:, 1], of).scaled(100)

    counts = np.stack([np.asarray(above, dtype=float), np.asarray(below, dtype=float)], axis=1)
    return sliced_by(by, counts, units, Sliced(rate, lower, percent((1, 0), (0, 1)), interval))


def sliced_by(
    by: Sequence[Mapping[str, str]],
    counts: Numbers,
    units: tuple[Sequence[str], Sequence[str] | None],
    rate: Sliced,
) -> dict[str, Any]:
    """The rates of every column's values, and the gap between best and worst.

    A value all of whose samples are of one group (a speaker, say) has an interval over samples:
    what the same speaker's other utterances would bring. The gap is between the best and the worst
    of the values that have groups (or samples) enough for an interval; where fewer than two have,
    of all, without one. Its interval allows for their having been chosen as best and worst of so
    many.

    Args:
        by: Each sample's values, by column.
        counts: What is counted of each sample: an array of samples by counts.
        units: The group of each sample, and its split where there are several.
        rate: The rate.

    Returns:
        By column ``values`` (by value the rate, its interval ``…_ci`` or ``…_ci_why`` there is
        none, ``num_answers``, and ``groups``), ``without`` (samples that have none) and ``gap``
        (``best``, ``worst``, ``difference``, never negative, ``interval``, ``pairs``, and ``why``
        there is no interval), null for a single value.
    """
    groups, strata = units
    owned = [f"{s}/{g}" for s, g in zip(strata or [""] * len(by), groups, strict=True)]
    found: dict[str, Any] = {}
    for column in dict.fromkeys(name for sample in by for name in sample):
        named = np.array([sample.get(column, "") for sample in by])
        values, coded = np.unique(named, return_inverse=True)
        codes = {str(value): code for code, value in enumerate(values)}
        rows: dict[str, dict[str, Any]] = {}
        owners = np.array(owned, dtype=object)
        for value in sorted(codes.keys() - {""}, key=_in_order):
            places = np.flatnonzero(coded == codes[value])
            if len(set(owners[places])) == 1:
                owners[places] = [f"{owners[place]}/{place}" for place in places]
            rows[value] = _row(counts[places], owners[places].tolist(), rate)
        found[column] = {
            "values": rows,
            "without": int((named == "").sum()),
            "gap": _gap(rows, rate, named, counts, owners),
        }
    return found


def _row(counts: Numbers, owners: list[str], rate: Sliced) -> dict[str, Any]:
    made, value = rate.interval(counts, Units(owners, len(owners))), rate.value(counts.sum(axis=0))
    return {
        rate.name: float(value) if np.isfinite(value) else None,
        f"{rate.name}_ci": made.ends,
        **({f"{rate.name}_ci_why": made.reason} if made.reason else {}),
        "num_answers": len(counts),
        "groups": made.groups,
    }


def _gap(
    rows: Mapping[str, Mapping[str, Any]], rate: Sliced, named: Any, counts: Numbers, owners: Any
) -> dict[str, Any] | None:
    known = [value for value, row in rows.items() if row[rate.name] is not None]
    enough = [value for value in known if rows[value]["groups"] >= LEAST_IN_A_PART]
    known = enough if len(enough) > 1 else known
    if len(known) < 2:
        return None
    ranked = sorted(known, key=lambda value: rows[value][rate.name], reverse=not rate.lower)
    best, worst = ranked[0], ranked[-1]
    high, low = (worst, best) if rate.lower else (best, worst)
    places = np.flatnonzero((named == high) | (named == low))
    pairs = len(known) * (len(known) - 1) // 2
    units = Units(owners[places].tolist(), len(places))
    made = gap(rate.value, counts[places], named[places] == high, units, pairs)
    return {
        "best": best,
        "worst": worst,
        "difference": rows[high][rate.name] - rows[low][rate.name],
        "interval": made.ends,
        "pairs": pairs,
        **({"why": made.reason} if made.reason else {}),
    }


def _in_order(value: str) -> tuple[float, str]:
    """Ranges by their numbers, and numbers as such; other values by name."""
    number = re.match(r"(under )?(\d+(?:\.\d+)?)", value)
    if number is None:
        return float("inf"), value
    return float(number[2]) - (0.5 if number[1] else 0), value
