"""Published numbers of other systems, from a CSV file, to stand beside ours."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from earmark.config import Run, closest
from earmark.errors import EarmarkError
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
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise EarmarkError(f"{path}: cannot be read: {error}") from None
    rows = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(rows, [])]
    if "model" not in header:
        raise EarmarkError(f"{path}: a CSV file with a column `model` was expected")
    known = _columns(run) | _parts(header, run)
    for name in header:
        if name not in known and name not in _OTHERS and not _is_end(name, known):
            raise EarmarkError(
                f"{path}, line 1: column {name!r} is neither a split nor a benchmark of this run"
                f"{closest(name, known)}; known: {', '.join(sorted(set(known)))}"
            )
    return [
        _one(dict(zip(header, row, strict=False)), known, f"{path}, line {number}")
        for number, row in enumerate(rows, start=2)
        if any(cell.strip() for cell in row)
    ]


def _is_end(name: str, known: dict[str, str]) -> bool:
    """Whether a column is the end of another's interval, as ``leaderboard.csv`` has them."""
    return name.removesuffix(" low").removesuffix(" high") in known


def _parts(header: Iterable[str], run: Run) -> dict[str, str]:
    """The columns of sub-categories, whose names only the run's results know."""
    wholes = tuple(
        f"{benchmark}.{split}-"
        for benchmark, splits in run.benchmarks.items()
        for split in splits
        if run.scoring(benchmark) == "mmau"
    )
    return {name: name for name in header if name.startswith(wholes)}


def _columns(run: Run) -> dict[str, str]:
    """What a column may be called, and the subset that it means."""
    names: dict[str, str] = {}
    for benchmark, splits in run.benchmarks.items():
        mark = "-" if next(iter(splits.values())).scoring == "asr" else "."
        for split in splits:
            names.setdefault(split, f"{benchmark}{mark}{split}")
            names[f"{benchmark}{mark}{split}"] = f"{benchmark}{mark}{split}"
        more = ("(macro)", "(micro)", "RTFx") if mark == "-" else ("reference_score",)
        names |= {key: key for key in (f"{benchmark} {one}" for one in more)}
        names[benchmark] = f"{benchmark} (micro)" if mark == "-" else benchmark
    return names


def _one(row: dict[str, str], known: dict[str, str], where: str) -> Published:
    model = row.get("model", "").strip()
    if not model:
        raise EarmarkError(f"{where}: the row names no model")
    protocol = row.get("protocol", "").strip()
    if protocol and protocol not in PROTOCOL_NAMES:
        raise EarmarkError(
            f"{where}: unknown protocol {protocol!r}{closest(protocol, PROTOCOL_NAMES)}; known: "
            f"{', '.join(PROTOCOL_NAMES)}; leave it empty for any other"
        )
    source = row.get("source", "").strip()
    return Published(
        model=model,
        source="another run" if source == "this run" else source,  # of its leaderboard.csv
        protocol=protocol,
        values=dict(_values(row.items(), known, where)),
    )


def _values(
    cells: Iterable[tuple[str, str]], known: dict[str, str], where: str
) -> Iterable[tuple[str, float]]:
    for column, cell in cells:
        text = (cell or "").strip().removesuffix("%").strip()
        if column not in known or not text:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < 0:
            raise EarmarkError(f"{where}: {column}: a percentage was expected, found {cell!r}")
        yield known[column], value
