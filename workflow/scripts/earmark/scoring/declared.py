"""What a split says of its utterances, checked before anything is asked of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from earmark.errors import EarmarkError
from earmark.files import read_jsonl
from earmark.scoring import slices
from earmark.scoring.pairs import samples_of

if TYPE_CHECKING:
    from earmark.config import Split

_OF_ALL = (
    *("id", "audio_filepath", "duration", "text", "audio_sha256", "sampling_rate", "channels"),
)
"""Columns that every manifest has."""


def check_columns(splits: Iterable[Split]) -> None:
    """Refuse columns that a set's manifest will not have, before it is fetched.

    A local manifest keeps all of its columns: of those `check_manifest` knows.

    Raises:
        EarmarkError: naming the split, the key and what would do.
    """
    for split in splits:
        where = f"benchmark {split.benchmark}, split {split.name}"
        try:
            sliced = slices.columns(split.group_by or ())
        except EarmarkError as error:
            raise EarmarkError(f"{where}: {error}") from None
        named = [("group_by", name) for name in sliced]
        if split.group and split.group.column:
            named.append(("group.column", split.group.column))
        if split.session:
            named += [
                ("session.group", split.session.group),
                ("session.order", split.session.order),
            ]
        known = {*_OF_ALL, *split.source.columns, *split.source.keep}
        for key, name in named if split.source.type == "hub" else ():
            if name not in known:
                raise EarmarkError(
                    f"{where}: {key}: the manifest will have no column {name!r}; name it in "
                    f"source.keep (as the set calls it), or in source.columns; it has "
                    f"{', '.join(sorted(known))}"
                )


def check_manifest(split: Split, manifest: str) -> None:
    """Refuse a manifest that is not as the split says: whose speaker, call, chunk or slice is what.

    Raises:
        EarmarkError: naming the sample or session, and what would be right.
    """
    if split.scoring != "asr" and not split.group_by:
        return
    group = split.group.given if split.group else None
    session = split.session.given if split.session else None
    if not (group or session or split.group_by):
        return
    rows = (({"text": "", **row}, {"generation": ""}) for row in read_jsonl(manifest))
    found = samples_of(
        rows, manifest, manifest, group, session, lambda one: one, split.group_by or ()
    )
    deque(found, maxlen=0)
