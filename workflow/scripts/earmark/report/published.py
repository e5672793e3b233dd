"""Published numbers of other systems, from a CSV file, to stand beside ours."""

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


@dataclass(frozen=True)
class Published:
    """A system's published numbers.

    Attributes:
        model: The system's name.
        source: Where the numbers were published; may be empty.
        protocol: The scoring protocol that they follow, as far as it is known; may be empty.
        values: In percent, by the key of a column of our tables (``asr-leaderboard-ami``).
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
    table = table.rename(columns=str.strip).fillna("").map(str.strip)
    if "model" not in table:
        raise EarmarkError(f"{path}: a CSV file with a column `model` was expected")
    known = _columns(run, table.columns)
    for name in table:
        figure = re.sub(" (low|high|n)$", "", str(name))  # the columns beside one
        if not {name, figure} & {*known, "model", "source", "protocol", "note"}:
            raise EarmarkError(
                f"{path}, line 1: column {name!r} is neither a split nor a benchmark of this run"
                f"{closest(str(name), known)}; known: {', '.join(sorted(set(known)))}"
            )
    return [
        _one(row, known, f"{path}, line {number}")
        for number, row in enumerate(table.to_dict("records"), start=2)
        if any(row.values())
    ]


def _columns(run: Run, header: Iterable[str]) -> dict[str, str]:
    """What a column may be called, and the key that it means.

    Sub-categories, whose names only results know, are taken as the file has them.
    """
    names: dict[str, str] = {}
    for benchmark, splits in run.benchmarks.items():
        questions = run.scoring(benchmark) == "mmau"
        for split in splits.values():
            own = subset(split)
            names.setdefault(split.name, own)
            names[own] = own
            if questions:
                names |= {name: name for name in header if name.startswith(f"{own}-")}
        more = ("reference_score",) if questions else ("(macro)", "(micro)", "RTFx")
        names |= {f"{benchmark} {one}": f"{benchmark} {one}" for one in more}
        names[benchmark] = benchmark if questions else f"{benchmark} (micro)"
    return names


def subset(split: Split) -> str:
    """What metrics call a split: ``asr-leaderboard-ami``, ``mmau-pro.open_ended``."""
    return f"{split.benchmark}{'.' if split.way == 'mmau' else '-'}{split.name}"


def _one(row: dict[Any, str], known: dict[str, str], where: str) -> Published:
    model, source, protocol = (row.get(name, "") for name in ("model", "source", "protocol"))
    if not model:
        raise EarmarkError(f"{where}: the row names no model")
    names = (*PROTOCOL_NAMES, *rate_units())
    if protocol and protocol.partition("@")[0] not in names:
        raise EarmarkError(
            f"{where}: unknown protocol {protocol!r}{closest(protocol, names)}; known: "
            f"{', '.join(names)}; leave it empty for any other"
        )
    values = {}
    for column, text in row.items():
        if column in known and text:
            try:
                value = float(text.removesuffix("%"))
            except ValueError:
                value = math.nan
            if not 0 <= value < math.inf:
                raise EarmarkError(f"{where}: {column}: a percentage was expected, found {text!r}")
            values[known[column]] = value
    ours = source == "this run"  # of its leaderboard.csv
    return Published(model, "another run" if ours else source, protocol, values)
