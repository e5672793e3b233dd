"""A manifest's rows with a model's answers to them, as samples of speech recognition."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.scoring import slices
from earmark.scoring.samples import Sample
from earmark.scoring.sessions import joined
from earmark.scoring.slices import By


def paired(manifest: str | Path, predictions: str | Path) -> list[tuple[Row, Row]]:
    """Manifest rows with their predictions, or with rows of another file made from those.

    Raises:
        EarmarkError: when there are none, or the files' rows are not the same; names the line.
    """
    entries, answers = list(read_jsonl(manifest)), list(read_jsonl(predictions))
    if not entries:
        raise EarmarkError(f"{manifest}: empty; there is nothing to score")
    if len(entries) != len(answers):
        raise EarmarkError(
            f"{predictions}: {len(answers)} predictions for the {len(entries)} rows of {manifest}"
        )
    for number, (entry, answer) in enumerate(zip(entries, answers, strict=True), start=1):
        if entry.get("id") != answer.get("id"):
            raise EarmarkError(
                f"{predictions}, line {number}: the prediction is of {answer.get('id')!r}, but "
                f"{manifest} has {entry.get('id')!r} there"
            )
    return list(zip(entries, answers, strict=True))


def samples_of(
    rows: Iterable[tuple[Row, Row]],
    manifest: str,
    predictions: str,
    group: Mapping[str, str] | None,
    session: Mapping[str, str] | None,
    heard: Callable[[Sample], Sample],
    group_by: By = (),
    columns: Sequence[str] = (),
) -> Iterator[Sample]:
    """The samples of a split, those of a session joined as ``heard`` (`joined`) has them.

    The other arguments and errors are those of `each_sample`.
    """
    named, seen = slices.columns(group_by), set[str]()
    samples = each_sample(rows, manifest, predictions, group, session, group_by, columns)
    if session:
        samples = joined(samples, manifest, heard, columns)
    for sample in samples:
        if session and slices.DURATION in named:  # of the whole recording
            whole = slices.values({slices.DURATION: sample.duration}, group_by, manifest)
            sample = replace(sample, by={**sample.by, **whole})
        seen.update(sample.by)
        yield sample
    if missing := next((name for name in named if name not in seen), None):
        raise EarmarkError(
            f"{manifest}: group_by: no sample has a value of {missing!r}; of a set of the Hub, "
            "`source.keep` names further columns"
        )


def each_sample(
    rows: Iterable[tuple[Row, Row]],
    manifest: str,
    predictions: str,
    group: Mapping[str, str] | None = None,
    session: Mapping[str, str] | None = None,
    group_by: By = (),
    columns: Sequence[str] = (),
    reference: bool = True,
) -> Iterator[Sample]:
    """The samples of a split, row by row.

    Args:
        rows: Manifest rows with their predictions, as `paired` gives them.
        manifest: The manifest's path, for messages.
        predictions: The predictions' path, for messages.
        group: As for `earmark.scoring.score.score`, like ``session`` and ``group_by``.
        session: See there.
        group_by: See there.
        columns: Columns that hold further references.
        reference: Whether rows have to have one; without, it is empty.

    Raises:
        EarmarkError: when a row lacks what is needed; names the sample.
    """
    for number, (entry, answer) in enumerate(rows, start=1):
        needed = [(manifest, entry, "text")] if reference else []
        needed += [(manifest, entry, column) for column in columns]
        for path, row, key in (*needed, (predictions, answer, "generation")):
            if not isinstance(row.get(key), str):
                raise EarmarkError(
                    f"{path}, row {number} ({entry['id']!r}): {key!r} must be a text, found "
                    f"{row.get(key)!r}"
                )
        duration = entry.get("duration")
        if isinstance(duration, list):
            duration = sum(duration)
        start, end = answer.get("generation_start_time"), answer.get("generation_end_time")
        yield Sample(
            id=str(entry["id"]),
            reference=entry.get("text") or "",
            generation=answer["generation"],
            duration=duration,
            seconds=None if start is None or end is None else end - start,
            group=_group(entry, group, manifest),
            session=_session(entry, session, manifest),
            others={column: entry[column] for column in columns},
            by=slices.values(entry, group_by, f"{manifest}, sample {entry['id']!r}"),
        )


def _group(entry: Row, group: Mapping[str, str] | None, manifest: str) -> str | None:
    if group is None:
        return None
    if "pattern" in group:
        match = re.search(group["pattern"], str(entry["id"]))
        if match is None:
            raise EarmarkError(
                f"{manifest}, sample {entry['id']!r}: group.pattern {group['pattern']!r} does not "
                "match its id"
            )
        return str(next(filter(None, match.groups()), match[0]))
    value = entry.get(group["column"])
    if value is None:
        raise EarmarkError(
            f"{manifest}, sample {entry['id']!r}: no {group['column']!r}, which group.column names"
        )
    return str(value)


def _session(
    entry: Row, session: Mapping[str, str] | None, manifest: str
) -> tuple[str, float] | None:
    if session is None:
        return None
    name, place = entry.get(session["group"]), entry.get(session["order"])
    if name is None or isinstance(place, bool) or not isinstance(place, int | float):
        raise EarmarkError(
            f"{manifest}, sample {entry['id']!r}: {session['group']!r} and a number "
            f"{session['order']!r} are needed, found {name!r} and {place!r}"
        )
    return str(name), float(place)
