"""Result files of others as a model's predictions: their rows, found again in a manifest."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.infer import Job
from earmark.scoring.result_files import samples
from earmark.scoring.samples import Sample

_EXTENSION = re.compile(r"\.(?:wav|flac|mp3|ogg|opus|m4a)$", re.IGNORECASE)
_COUNT = re.compile(r"(?:sample_)?(\d+)")
"""Ids that only count rows, as of files without: the leaderboard's sample_0, or our row numbers."""
_MOST_OTHER = {"id": 0.5, "the name of the clip": 0.5, "place": 0.1}
"""By how rows were paired, the most of them whose reference may be quite another."""
_TELLING = 12
"""Letters of a reference from which it is hardly another utterance's by chance."""


def predictions(
    manifest: str, file: str, columns: Mapping[str, str] | None = None
) -> tuple[list[Row], list[str]]:
    """The predictions that a result file holds of a split's samples, in the manifest's order.

    A row is found by its id (or audio_filepath), else by the name of its clip without folder and
    ending, else, where there are as many rows, by its place. References that the file has are to
    agree. ``time`` is taken as the seconds of the request, one after another: the sum over all is
    what RTFx is of.

    Args:
        manifest: The split's manifest.
        file: The result file (see `earmark.scoring.result_files`).
        columns: What it calls its keys, as for `earmark.scoring.result_files.read_results`.

    Returns:
        A row a sample, with an ``error`` where the file has none of it; and what is to be told.

    Raises:
        EarmarkError: when the file cannot be read, or its rows cannot be told to be of this split.
    """
    entries = list(read_jsonl(manifest))
    answers = list(samples(file, columns or {}, None, needed=["pred_text"]))
    if not answers:
        raise EarmarkError(f"{file}: empty; rows with 'id' and 'pred_text' were expected")
    way, places = _paired(entries, answers, manifest, file)
    found = {name: answers[place] for name, place in places.items()}
    rows, clock = [], 0.0
    timed = all(one.seconds is not None for one in found.values())
    other = 0
    for entry in entries:
        answer = found.get(str(entry["id"]))
        begun, clock = clock, clock + ((answer.seconds or 0.0) if answer else 0.0)
        rows.append(_row(str(entry["id"]), answer, (begun, clock) if timed else None))
        said = _folded(answer.reference) if answer else ""
        other += bool(said) and said != _folded(str(entry.get("text") or ""))
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
    told.append(f"rows were paired by {way}")
    return rows, told


def _paired(
    entries: Sequence[Row], answers: Sequence[Sample], manifest: str, file: str
) -> tuple[str, Mapping[str, int]]:
    """By what rows were paired, and which answer (from 0) each sample has, by its id.

    Raises:
        EarmarkError: where that cannot be told; names a row, and what would be right.
    """
    ids = [str(entry["id"]) for entry in entries]
    checked = any(one.reference.strip() for one in answers)
    counted = _only_count(answers)
    tries = []
    if named := _by_name(ids, answers):
        complete = len(named[1]) == len(ids) == len(answers)
        tries += [named] if checked or complete or not counted else []
    if len(ids) == len(answers) and (checked or counted):
        tries.append(("place", dict(zip(ids, range(len(ids)), strict=True))))
    wrong = [_misfit(entries, answers, *one) if checked else None for one in tries]
    for number, (one, problem) in enumerate(zip(tries, wrong, strict=True)):
        if problem is None and (number == 0 or counted):
            return one if checked else (f"{one[0]}, with no references to check it by", one[1])
    if not tries:
        raise EarmarkError(_strangers(ids, answers, counted, manifest, file))
    right = "each row is to have the id of its utterance"
    if wrong[-1] is None:
        right = "by place all fit: without `id` and `audio_filepath`, rows are paired so"
    raise EarmarkError(f"{file}, {wrong[0]} in {manifest}; {right}")


def _only_count(answers: Sequence[Sample]) -> bool:
    numbers = [match and int(match[1]) for match in map(_COUNT.fullmatch, (a.id for a in answers))]
    first = numbers[0]
    return first is not None and numbers == list(range(first, first + len(numbers)))


def _by_name(ids: Sequence[str], answers: Sequence[Sample]) -> tuple[str, Mapping[str, int]] | None:
    """The answers found by id, or by the name of the clip, where most are."""
    for way, key in (("id", str), ("the name of the clip", _stem)):
        ours, theirs = [key(one) for one in ids], [key(one.id) for one in answers]
        shared = set(ours) & set(theirs)
        unique = len(set(ours)) == len(ours) and len(set(theirs)) == len(theirs)
        if unique and 2 * len(shared) > min(len(ours), len(theirs)):
            places = {name: place for place, name in enumerate(theirs)}
            return way, {name: places[k] for name, k in zip(ids, ours, strict=True) if k in shared}
    return None


def _misfit(
    entries: Sequence[Row], answers: Sequence[Sample], way: str, places: Mapping[str, int]
) -> str | None:
    """A row whose reference shows that it is another utterance's; None where they agree."""
    texts = {str(entry["id"]): str(entry.get("text") or "") for entry in entries}
    owners = {_folded(text): name for name, text in texts.items()}
    other = []
    for name, place in places.items():
        said = answers[place].reference
        if _differ(said, texts[name]):
            other.append((name, place, said))
            owner = owners.get(_folded(said)) if len(_folded(said)) >= _TELLING else None
            if owner:
                return (
                    f"row {place + 1}: by {way} it is {name!r}, but its reference, {said[:60]!r}, "
                    f"is that of {owner!r}"
                )
    if len(other) <= _MOST_OTHER[way] * len(places):
        return None
    name, place, said = other[0]
    return (
        f"row {place + 1}: by {way} it is {name!r}, but its reference is {said[:60]!r}, not "
        f"{texts[name][:60]!r}; {len(other)} of {len(places)} rows have other references than those"
    )


def _strangers(
    ids: Sequence[str], answers: Sequence[Sample], counted: bool, manifest: str, file: str
) -> str:
    """What is told of rows that cannot be paired at all."""
    needed = f"rows with the id (or audio_filepath) of their utterance are needed, as {ids[0]!r}"
    if counted:
        return (
            f"{file}: its {len(answers)} rows have no ids but their number, and {manifest} has "
            f"{len(ids)} utterances; {needed}"
        )
    return f"{file}: its rows are not of {manifest}: ids such as {answers[0].id[:60]!r}; {needed}"


def _stem(name: str) -> str:
    return _EXTENSION.sub("", PurePosixPath(name.replace("\\", "/")).name)


@lru_cache(maxsize=8)  # the chunks of a session repeat their reference
def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _differ(one: str, other: str) -> bool:
    """Whether two texts are not the same, normalized or corrected: most of it is different."""
    a, b = _folded(one), _folded(other)
    if not a or not b or a == b:
        return False
    first, second = _pieces(a), _pieces(b)
    return 4 * len(first & second) < len(first) + len(second)


@lru_cache(maxsize=8)
def _pieces(text: str) -> frozenset[str]:
    return frozenset(text[k : k + 3] for k in range(max(1, len(text) - 2)))


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
