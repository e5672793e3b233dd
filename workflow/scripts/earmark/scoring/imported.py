"""Result files of others as a model's predictions: their rows, found again in a manifest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.infer import Job
from earmark.scoring.result_files import samples
from earmark.scoring.samples import Sample

_EXTENSION = re.compile(r"\.(?:wav|flac|mp3|ogg|opus|m4a)$", re.IGNORECASE)
_ALIKE = 0.9
"""The share of rows in the same place with the same reference, for files whose ids tell nothing."""


def predictions(manifest: str, file: str) -> tuple[list[Row], list[str]]:
    """The predictions that a result file holds of a split's samples, in the manifest's order.

    A row is found by its id (or audio_filepath), else by the name of its clip without folder and
    ending, else, where there are as many rows and their references agree, by its place. ``time`` is
    taken as the seconds of the request, one after another: the sum over all is what RTFx is of.

    Args:
        manifest: The split's manifest.
        file: The result file (see `earmark.scoring.result_files`).

    Returns:
        A row a sample, with an ``error`` where the file has none of it; and what is to be told.

    Raises:
        EarmarkError: when the file cannot be read, or its rows cannot be told to be of this split.
    """
    entries = list(read_jsonl(manifest))
    answers = list(samples(file, {}, None))
    if not answers:
        raise EarmarkError(f"{file}: empty; rows with 'text' and 'pred_text' were expected")
    found = _found(entries, answers)
    if found is None:
        raise EarmarkError(
            f"{file}: its rows are not of {manifest}: ids such as {answers[0].id[:60]!r}, where "
            f"there are {str(entries[0]['id'])[:60]!r} and others; and not as many with the same "
            "references in the same order"
        )
    rows, clock = [], 0.0
    timed = all(one.seconds is not None for one in found.values())
    other = 0
    for entry in entries:
        answer = found.get(str(entry["id"]))
        begun, clock = clock, clock + ((answer.seconds or 0.0) if answer else 0.0)
        rows.append(_row(str(entry["id"]), answer, (begun, clock) if timed else None))
        other += answer is not None and _folded(answer.reference) != _folded(entry.get("text", ""))
    told = []
    missing = [row["id"] for row in rows if row["error"]]
    if missing:
        named = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
        told.append(f"{len(missing)} of {len(rows)} utterances are not in it: {named}")
    if extra := len(answers) - len(found):
        told.append(f"{extra} of its rows are of no utterance of the split, and are left out")
    if other:
        told.append(
            f"{other} of its references are not the manifest's, which counts (files from before "
            "June 2026 hold normalized texts)"
        )
    return rows, told


def _found(entries: Sequence[Row], answers: Sequence[Sample]) -> Mapping[str, Sample] | None:
    """The answer to each sample, by the sample's id; None where that cannot be told."""
    ids = [str(entry["id"]) for entry in entries]
    for key in (str, _stem):
        ours, theirs = [key(one) for one in ids], [key(one.id) for one in answers]
        shared = set(ours) & set(theirs)
        unique = len(set(ours)) == len(ours) and len(set(theirs)) == len(theirs)
        if unique and 2 * len(shared) > min(len(ours), len(theirs)):
            by_key = dict(zip(theirs, answers, strict=True))
            return {name: by_key[k] for name, k in zip(ids, ours, strict=True) if k in shared}
    if len(ids) == len(answers):
        alike = sum(
            _folded(entry.get("text", "")) == _folded(answer.reference)
            for entry, answer in zip(entries, answers, strict=True)
        )
        if alike >= _ALIKE * len(ids):
            return dict(zip(ids, answers, strict=True))
    return None


def _stem(name: str) -> str:
    return _EXTENSION.sub("", PurePosixPath(name.replace("\\", "/")).name)


def _folded(text: object) -> str:
    return "".join(filter(str.isalnum, str(text))).casefold()


def _row(name: str, answer: Sample | None, span: tuple[float, float] | None) -> Row:
    text = answer.generation if answer else ""
    start, end = span or (None, None)
    return {
        "id": name,
        "generation": text,
        "error": None if answer else "the imported file has no answer to it",
        "finish_reason": None,
        "num_generated_tokens": None,
        "num_input_tokens": None,
        "generation_start_time": start,
        "generation_end_time": end,
        "attempts": 0,
        "request": hashlib.sha256(f"imported/{name}/{text}".encode("utf-8", "replace")).hexdigest(),
    }


def write_imported(job: Job, files: Sequence[str]) -> None:
    """Write the predictions of a job whose model is ``imported``.

    Args:
        job: The job.
        files: The result file that `earmark import` brought; none where it has not.

    Raises:
        EarmarkError: as `predictions`, and when more utterances are missing than the model's
            ``max_failed_fraction`` allows.
    """
    if not files:
        raise EarmarkError(f"{job.title}: nothing was imported; `earmark import FILE` does it")
    rows, told = predictions(str(job.manifest), files[0])
    missing = sum(row["error"] is not None for row in rows)
    allowed = job.model.max_failed_fraction
    if missing > allowed * len(rows):
        raise EarmarkError(
            f"{files[0]}: {told[0]}; more than max_failed_fraction ({allowed:g}) allows"
        )
    print("\n".join(f"{job.title}: {line}" for line in told))
    write_jsonl(job.predictions, rows[job.shard :: job.shards])
