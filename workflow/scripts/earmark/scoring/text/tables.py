"""The protocols' data tables: tab-separated files that name their sources and licences."""

from functools import cache
from pathlib import Path


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of ``<name>.tsv``, without its comment lines."""
    text = (Path(__file__).parent / f"{name}.tsv").read_text(encoding="utf-8")
    return tuple(
        tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#")
    )


def spelling(protocol: str) -> dict[str, str]:
    """Return the spelling table of a protocol: word to replacement."""
    table = {}
    for word, whisper, leaderboard in rows("spelling"):
        own = leaderboard if protocol == "open_asr_leaderboard" else whisper
        own = whisper if own == "=" else own
        if own != "-":
            table[word] = own
    return table


def replacements(name: str) -> dict[str, str]:
    """Return a table of two columns: what is written, and what it becomes."""
    return {row[0]: row[1] for row in rows(name)}
