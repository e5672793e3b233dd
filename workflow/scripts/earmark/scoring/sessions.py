"""Recordings that were cut into chunks: their answers are joined, and scored once a recording.

As huggingface/open_asr_leaderboard at d1e99b25 does (``merge_chunked_manifest``): answers in the
order of their chunks, joined by one space, against the transcript that each chunk's row repeats.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from earmark.errors import EarmarkError
from earmark.scoring.samples import Sample


def joined(
    samples: Iterable[Sample],
    where: str,
    heard: Callable[[Sample], Sample],
    columns: Sequence[str] = (),
) -> Iterator[Sample]:
    """Join the samples of each session into one.

    Args:
        samples: Samples with ``session`` set; those without are sessions of their own.
        where: What to call their file in messages.
        heard: What takes out of each chunk's answer what is no transcript (`Scorer.heard`).
        columns: Columns of further references, which have to be the whole session's too.

    Returns:
        A sample a session, in order of its name; seconds are sums, unknown where one is unknown.

    Raises:
        EarmarkError: when a session's chunks do not follow each other by ones, or their references
            differ; names the session.
    """
    sessions: dict[str, list[Sample]] = {}
    for sample in samples:
        name = sample.session[0] if sample.session else sample.id
        sessions.setdefault(name, []).append(heard(sample))
    firsts = {min(one.session[1] for one in of if one.session) for of in sessions.values()
              if of[0].session}  # fmt: skip
    expected = "0" if 0 in firsts else "0 or 1"  # a set counts from one of them
    for name, chunks in sorted(sessions.items()):
        chunks.sort(key=lambda one: one.session[1] if one.session else 0)
        _check(f"{where}: session {name!r}", chunks, expected, columns)
        texts = [one.generation.strip() for one in chunks]
        yield replace(
            chunks[0],
            id=name,
            generation=" ".join(filter(None, texts)),
            by={key: one for key, one in chunks[0].by.items() if _alike(chunks, key)},
            duration=_sum([one.duration for one in chunks]),
            seconds=_sum([one.seconds for one in chunks]),
            answered=any(one.answered for one in chunks),
            reasoned=any(one.reasoned for one in chunks),
            postprocessed=any(one.postprocessed for one in chunks),
        )


def _check(where: str, chunks: list[Sample], expected: str, columns: Sequence[str]) -> None:
    """See that chunks, in order, follow each other by ones and have one reference."""
    places = [one.session[1] for one in chunks if one.session]
    whole = "every chunk is needed once, since the reference is of the whole session"
    if places and f"{places[0]:g}" not in expected.split(" or "):
        raise EarmarkError(
            f"{where}: its first chunk is {places[0]:g}, where {expected} was expected; {whole}"
        )
    if hole := next((pair for pair in pairwise(places) if pair[1] - pair[0] != 1), None):
        raise EarmarkError(f"{where}: chunk {hole[1]:g} follows {hole[0]:g}; {whole}")
    texts = [[one.reference, *map(one.others.get, columns)] for one in chunks]
    if other := next((k for k, said in enumerate(texts) if said != texts[0]), None):
        raise EarmarkError(
            f"{where}: sample {chunks[other].id!r} has another reference than {chunks[0].id!r}; "
            "each chunk is to have the whole session's"
        )


def _alike(chunks: list[Sample], key: str) -> bool:
    return all(one.by.get(key) == chunks[0].by[key] for one in chunks)


def _sum(seconds: list[float | None]) -> float | None:
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(seconds) else None
