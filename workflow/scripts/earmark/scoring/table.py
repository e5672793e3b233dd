"""The table of samples that all numbers of speech recognition are computed from.

A row is an answer to a sample. Columns are in groups: ``sample`` (split, id, group, by, seed,
duration, seconds, no_answer, signals), and a group a protocol with its counts. A benchmark's table
is its splits' tables below each other.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd

from earmark.files import Row
from earmark.scoring.intervals import groups_of
from earmark.scoring.text import described

COUNTS = ("substitutions", "deletions", "insertions", "hits", "ref_words")
SUMMED = (*COUNTS, "char_edits", "ref_chars", "successes", "scored", "counted", "skipped")
NOTED = ("reasoning_removed", "postprocessed")
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
        columns["sample", "group"].append(row.get("group"))
        columns["sample", "by"].append(row.get("by", {}))
        for key in NOTED:
            columns["sample", key].append(bool(row.get(key)))
        columns["sample", "signals"].append(tuple(row.get("signals", ())))
        for name, part in ((self._primary, row), *row.get("protocols", {}).items()):
            for key in _OF_A_PROTOCOL:
                columns[name, key].append(part[key])
            columns[name, "counted"].append(part.get("counted", part["scored"]))
            columns[name, "why"].append(part.get("why"))
            columns[name, "of_characters"].append(part.get("unit") == "character")

    def table(self) -> pd.DataFrame:
        """Return the table; ``group`` is what the split says, else what ids tell, else the id."""
        columns = self._columns
        ids = columns["sample", "id"]
        columns["sample", "group"] = groups_of(ids, columns["sample", "group"])
        columns["sample", "split"] = [self._split] * len(ids)
        table = pd.DataFrame(dict(columns))
        for key in ("duration", "seconds"):
            table["sample", key] = table["sample", key].astype(float)
        for name in protocols(table):
            part = table[name]
            edits = part["substitutions"] + part["deletions"] + part["insertions"]
            few = (2 * edits < part["ref_words"]) | ((part["ref_words"] == 0) & (edits == 0))
            table[name, "edits"] = edits
            counted = part["insertions"] if described(name).insertions_count else 0
            table[name, "of"] = part["ref_words"] + counted
            table[name, "successes"] = part["scored"] & few
            table[name, "skipped"] = ~part["scored"]
        return table


def protocols(table: pd.DataFrame) -> list[str]:
    """Return the protocols that a table has, the primary one first."""
    return [name for name in dict.fromkeys(table.columns.get_level_values(0)) if name != "sample"]


def below_each_other(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return a benchmark's table, with the protocols that all of its splits have."""
    return pd.concat(tables, join="inner", ignore_index=True)


def percent(part: float, whole: float) -> float | None:
    """Return a share in percent, None where there is nothing to have a share in."""
    return 100 * part / whole if whole else None
