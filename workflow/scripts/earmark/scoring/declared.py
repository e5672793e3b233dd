"""What a split says of its utterances, checked before anything is asked of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.files import json_text, read_jsonl
from earmark.inference.requests import fill
from earmark.scoring import slices
from earmark.scoring.comet import SOURCE
from earmark.scoring.measured import check_entries
from earmark.scoring.measures import measure_type
from earmark.scoring.pairs import samples_of
from earmark.scoring.text import column_of

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
            _check_reference(split)
            sliced = slices.columns(split.group_by or ())
        except EarmarkError as error:
            raise EarmarkError(f"{where}: {error}") from None
        named = [("group_by", name) for name in sliced]
        if split.scoring == "keywords":
            named.append(("keywords", split.keywords))
        named += [("choices", name) for name in split.choices or ()]
        if split.scoring == "multiple_choice":
            named.append(("scoring: multiple_choice", "answer"))
        named += [("protocols", name) for name in map(column_of, split.protocols) if name]
        if split.comet:
            named.append(("comet", SOURCE))
        if split.group and split.group.column:
            named.append(("group.column", split.group.column))
        if split.session:
            named += [
                ("session.group", split.session.group),
                ("session.order", split.session.order),
            ]
        known = {*_OF_ALL, *split.source.columns, *split.source.keep}
        for key, name in named if split.source.type == "hub" else ():
            if name not in known and name.partition(".")[0] not in known:
                raise EarmarkError(
                    f"{where}: {key}: the manifest will have no column {name!r}; name it in "
                    f"source.keep (as the set calls it), or in source.columns; it has "
                    f"{', '.join(sorted(known))}"
                )


def _check_reference(split: Split) -> None:
    """See that there is a reference, of rows or of elsewhere, where scoring compares with one."""
    measured = split.way in MEASURES and measure_type(split.scoring).needs_reference
    named = split.source.columns.get("text", "text")
    if (split.way == "asr" or measured) and named is None and not split.source.references:
        raise EarmarkError(
            f"source.columns.text: null, and `scoring: {split.scoring}` compares with a reference; "
            "name the set's column of it, or where references are (`source.references`)"
        )


def check_manifest(split: Split, manifest: str) -> None:
    """Refuse a manifest that is not as the split says: whose speaker, call, chunk or slice is what.

    Raises:
        EarmarkError: naming the split, the sample or session, and what would be right.
    """
    check_entries(split, manifest)
    try:
        if split.scoring in ("multiple_choice", "judged"):
            _check_question(split, manifest)
        _check_parts(split, manifest)
    except EarmarkError as error:
        raise EarmarkError(f"benchmark {split.benchmark}, split {split.name}: {error}") from None


def _check_parts(split: Split, manifest: str) -> None:
    """See that speakers, calls, chunks and slices are as the split says."""
    group = split.group.given if split.group else None
    session = split.session.given if split.session else None
    if not (group or session or split.group_by):
        return
    rows = ({**row, "text": row.get("text") or ""} for row in read_jsonl(manifest))
    others = [column for column in map(column_of, split.protocols) if column]
    pairs = ((row, {"generation": ""}) for row in rows)
    found = samples_of(
        pairs, manifest, manifest, group, session, lambda one: one, split.group_by or (), others
    )
    deque(found, maxlen=0)


def _check_question(split: Split, manifest: str) -> None:
    """See that the first row has what scoring names: of a set, all have the same columns."""
    row = next(read_jsonl(manifest), {})
    needed = ["answer"] if split.scoring == "multiple_choice" else []
    for name in [*needed, *(split.choices or ())]:
        if name not in row:
            raise EarmarkError(
                f"{manifest}, sample {row.get('id')!r}: no {name!r}, which `scoring: "
                f"{split.scoring}` needs; it has {', '.join(row)} (source.columns.{name} names the "
                "set's column)"
            )
    for row in read_jsonl(manifest) if split.scoring == "multiple_choice" else ():
        held = row.get("choices")
        if held is not None and not (isinstance(held, list) and len(held) > 1):
            raise EarmarkError(
                f"{manifest}, sample {row.get('id')!r}: 'choices' must be a list of two or more, "
                f"found {json_text(held):.60} (`choices: […]` names columns of a choice each)"
            )
    if split.judged:
        row = next(read_jsonl(manifest), {})
        for key in ("system", "user"):
            try:
                fill(getattr(split.judged, key) or "", {**row, "response": ""}, f"judged.{key}")
            except EarmarkError as error:
                raise EarmarkError(f"{manifest}: {error}") from None
