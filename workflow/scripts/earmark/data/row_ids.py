"""What a user's manifest must keep, checked before any job: rows, and an id to each of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from earmark.errors import EarmarkError


def check_ids(manifest: str | Path, ids: Iterable[tuple[int, str]]) -> None:
    """Check that there are rows and that no two share an id.

    Args:
        manifest: The user's manifest, for messages.
        ids: Each row's number, from 1, and its id.

    Raises:
        EarmarkError: when there are no rows, or an id stands twice; names both rows.
    """
    rows: dict[str, int] = {}
    for number, name in ids:
        if name in rows:
            raise EarmarkError(
                f"{manifest}, rows {rows[name]} and {number}: the id {name!r} stands twice; ids "
                "tell samples apart (source.columns.id names their key; null counts the rows)"
            )
        rows[name] = number
    if not rows:
        raise EarmarkError(f"{manifest}: no rows in it; one a sample is expected")
