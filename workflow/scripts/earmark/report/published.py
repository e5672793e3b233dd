"""Published numbers of other systems, from a CSV file, to stand beside ours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.config import Run, Split, closest
from earmark.errors import EarmarkError
from earmark.scoring.measures import rate_units
from earmark.scoring.text import PROTOCOL_NAMES

_OTHERS = ("model", "source", "protocol", "note")
"""Columns that hold no figure."""


@dataclass(frozen=True)
class Published:
    """A system's published numbers.

    Attributes:
        model: The system's name.
        source: Where the numbers were published; may be empty.
        protocol: The scoring protocol that they follow, as far as it is known; may be empty.
        values: In percent, by the name of a subset (``asr-leaderboard-ami``), or of a benchmark
            with ``(macro)``, ``(micro)`` or ``RTFx``.
    """

    model: str
    source: str
    protocol: str
    values: dict[str, float]


def read_published(path: str | Path, run: Run) -> list[Published]:
    """Read a CSV file of published numbers.

    A row a system. Columns: ``model``; optionally ``source`` and ``protocol``; and any of the
    run's splits (``ami``), subsets (``asr-leaderboard-ami``), or benchmarks (``asr-leaderboard
    (macro)``, ``asr-leaderboard (micro)``), in percent. Empty cells are numbers not published. A
    ``leaderboard.csv`` of another run is such a file.

    Raises:
        EarmarkError: naming the file and line or column, and what was expected.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig",
                            skip_blank_lines=False, index_col=False)  # fmt: skip
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # of pandas and of the decoder too
        raise EarmarkError(f"{path}: cannot be read as CSV: {error}") from None
    table = table.rename(columns=str.strip).fillna("")
    if "model" not in table:
        raise EarmarkError(f"{path}: a CSV file with a column `model` was expected")
    known = _columns(run, table.columns)
    for name in table:
        stem = re.sub(" (low|high|n)$", "", str(name))  # the columns beside a figure
        if name not in (*known, *_OTHERS) and stem not in known:
            raise EarmarkError(
                f"{path}, line 1: column {name!r} is neither a split nor a benchmark of this run"
                f"{closest(str(name), known)}; known: {', '.join(sorted(set(known)))}"
            )
    return [
        _one(row, known, f"{path}, line {number}")
        for number, row in enumerate(table.to_dict("records"), start=2)
        if any(str(cell).strip() for cell in row.values())
    ]


def _columns(run: Run, header: Iterable[str]) -> dict[str, str]:
    """What a column may be called, and the subset that it means.

    Sub-categories, whose names only results know, are taken as the file has them.
    """
    names: dict[str, str] = {}
    for benchmark, splits in run.benchmarks.items():
        asr = run.scoring(benchmark) != "mmau"
        for split in splits.values():
            names.setdefault(split.name, subset(split))
            names[subset(split)] = subset(split)
            if not asr:
                start = f"{subset(split)}-"
                names |= {name: name for name in header if name.startswith(start)}
        more = ("(macro)", "(micro)", "RTFx") if asr else ("reference_score",)
        names |= {key: key for key in (f"{benchmark} {one}" for one in more)}
        names[benchmark] = f"{benchmark} (micro)" if asr else benchmark
    return names


def subset(split: Split) -> str:
    """What metrics call a split: ``asr-leaderboard-ami``, ``mmau-pro.open_ended``."""
    return f"{split.benchmark}{'.' if split.way == 'mmau' else '-'}{split.name}"


def _one(row: dict[Any, str], known: dict[str, str], where: str) -> Published:
    told = {name: row.get(name, "").strip() for name in ("model", "source", "protocol")}
    if not told["model"]:
        raise EarmarkError(f"{where}: the row names no model")
    protocol = told["protocol"]
    names = (*PROTOCOL_NAMES, *rate_units())
    if protocol and protocol.partition("@")[0] not in names:
        raise EarmarkError(
            f"{where}: unknown protocol {protocol!r}{closest(protocol, names)}; known: "
            f"{', '.join(names)}; leave it empty for any other"
        )
    if told["source"] == "this run":  # of its leaderboard.csv
        told["source"] = "another run"
    values = {}
    for column, cell in row.items():
        text = cell.strip().removesuffix("%").strip()
        if column in known and text:
            try:
                values[known[column]] = float(text)
            except ValueError:
                values[known[column]] = math.nan
            if not 0 <= values[known[column]] < math.inf:
                raise EarmarkError(f"{where}: {column}: a percentage was expected, found {cell!r}")
    return Published(**told, values=values)
