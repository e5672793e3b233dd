"""The table of samples that all numbers of speech recognition are computed from.

A row is an answer to a sample. Columns are in groups: ``sample`` (split, id, group, seed, duration,
seconds, no_answer, signals), and a group a protocol with its counts. A benchmark's table is its
splits' tables below each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

import pandas as pd

from earmark.files import Row
from earmark.scoring import statistics as stats

COUNTS = ("substitutions", "deletions", "insertions", "hits", "ref_words")
SUMMED = (*COUNTS, "char_edits", "ref_chars", "successes", "scored", "skipped")
_OF_A_SAMPLE = ("id", "duration", "seconds", "no_answer")
_OF_A_PROTOCOL = ("scored", *COUNTS, "char_edits", "ref_chars")


class Columns:
    """Takes in rows as the scores file has them, and makes a split's table."""

    def __init__(self, split: str, primary: str) -> None:
        self._split = split
        self._primary = primary
        self._columns: dict[tuple[str, str], list[Any]] = defaultdict(list)

    def add(self, row: Row, seed: int = 0) -> None:
        """Take in one answer's row."""
        columns = self._columns
        for key in _OF_A_SAMPLE:
            columns["sample", key].append(row[key])
        columns["sample", "seed"].append(seed)
        columns["sample", "signals"].append(tuple(row.get("signals", ())))
        for name, part in ((self._primary, row), *row.get("protocols", {}).items()):
            for key in _OF_A_PROTOCOL:
                columns[name, key].append(part[key])
            columns[name, "why"].append(part.get("why"))

    def table(self) -> pd.DataFrame:
        """Return the table of what was taken in.

        ``group`` is the speaker or recording where ids tell it, else the id.
        """
        columns = self._columns
        ids = columns["sample", "id"]
        columns["sample", "group"] = list(stats.groups(ids) or ids)
        columns["sample", "split"] = [self._split] * len(ids)
        table = pd.DataFrame(dict(columns))
        for key in ("duration", "seconds"):
            table["sample", key] = table["sample", key].astype(float)
        table["sample", "answers"] = 1
        for name in protocols(table):
            part = table[name]
            edits = part["substitutions"] + part["deletions"] + part["insertions"]
            few = (2 * edits < part["ref_words"]) | ((part["ref_words"] == 0) & (edits == 0))
            table[name, "edits"] = edits
            table[name, "successes"] = (part["scored"] & few).astype(int)
            table[name, "skipped"] = (~part["scored"]).astype(int)
            table[name, "scored"] = part["scored"].astype(int)
        return table


def group_of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a group of a table's columns: ``sample`` or a protocol's."""
    return cast("pd.DataFrame", table[name])


def protocols(table: pd.DataFrame) -> list[str]:
    """Return the protocols that a table has, the primary one first."""
    return [name for name in dict.fromkeys(table.columns.get_level_values(0)) if name != "sample"]


def below_each_other(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return a benchmark's table, with the protocols that all of its splits have."""
    return pd.concat(tables, join="inner", ignore_index=True)


def percent(part: float, whole: float) -> float | None:
    """Return a share in percent, None where there is nothing to have a share in."""
    return 100 * part / whole if whole else None
