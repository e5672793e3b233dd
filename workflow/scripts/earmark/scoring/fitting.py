"""Benchmark fitting: whether a model repeats what a benchmark's references have wrong.

Where a corrected reference shows that the original one is not what was said, a model may write the
original's words or the corrected ones. The protocol is that of huggingface/open_asr_leaderboard at
0b767e3c (``benchmark_fitting``; after "Quantifying Benchmark Optimization in ASR Models"); the
intervals are ours. A high rate is agreement with the references, and no proof of how it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from earmark.scoring.intervals import Units, share
from earmark.scoring.samples import Sample
from earmark.scoring.text import protocol
from earmark.scoring.word_errors import align, character_edits, counted

PROTOCOL = "open_asr_leaderboard"
_LEAST_MATCHED = 0.5
_MOST_WORDS = 3
_LEAST_DISTANCE = 0.3


class Event(NamedTuple):
    """A place where the references differ.

    Attributes:
        clip: The sample's id.
        kind: ``deletion`` (words of the original that the correction lacks) or ``insertion``.
        original: The words of the original there.
        corrected: Those of the correction.
        verdict: ``ref`` where the model has the original's, ``consensus`` where the correction's;
            None for any other, and of a clip that the model did not transcribe.
    """

    clip: str
    kind: str
    original: str
    corrected: str
    verdict: str | None


def events(clip: str, original: list[str], corrected: list[str], heard: list[str]) -> list[Event]:
    """The events of one clip, with what a model has there; texts are normalized words."""
    ours, theirs = _codes(original, corrected), _codes(original, heard)
    missed = {place for code in theirs for place in code.places}
    most = len(original) - int(_LEAST_MATCHED * len(original))
    if not original or sum(len(code.places) for code in ours) > most:
        return []
    usable = len(missed) <= most and len(heard) <= _MOST_WORDS * len(original)
    found = []
    for code in [one for one in ours if one.places]:
        span, instead = set(code.places), " ".join(code.words)
        said = [word for one in theirs if span & set(one.places) for word in one.words]
        chunk = " ".join(original[place] for place in code.places)
        letters = chunk.replace(" ", "")
        if character_edits(letters, instead.replace(" ", "")) < _LEAST_DISTANCE * len(letters):
            continue
        verdict = None
        if not missed & span:
            verdict = "ref"
        elif span <= missed and " ".join(said) == instead:
            verdict = "consensus"
        found.append(Event(clip, "deletion", chunk, instead, verdict if usable else None))
    for place in (0, len(original)):
        if chunk_added := _inserted(ours, place):
            verdict = _at_boundary(_inserted(theirs, place), chunk_added, place == 0)
            added = " ".join(chunk_added)
            found.append(Event(clip, "insertion", "", added, verdict if usable else None))
    return found


class Code(NamedTuple):
    """Where a text differs from the original: the original's places, and the words instead."""

    places: range
    words: list[str]


def _codes(original: list[str], words: list[str]) -> list[Code]:
    """The differences by difflib, in which frequent words count as any other."""
    matcher = SequenceMatcher(None, original, words, autojunk=False)
    return [Code(range(start, end), words[low:high])
            for tag, start, end, low, high in matcher.get_opcodes() if tag != "equal"]  # fmt: skip


def _inserted(codes: list[Code], place: int) -> list[str]:
    """The words that are inserted before the original's word at that place."""
    return next((one.words for one in codes if not one.places and one.places.start == place), [])


def _at_boundary(added: list[str], chunk: list[str], at_start: bool) -> str | None:
    if not added:
        return "ref"
    beside = added[-len(chunk) :] if at_start else added[: len(chunk)]
    return "consensus" if beside == chunk else None


def reference_errors(
    samples: Iterable[Sample], originals: Mapping[str, str]
) -> tuple[dict[str, Any], list[Event]]:
    """The agreement of a model with reference errors.

    Args:
        samples: The model's answers, with the corrected references.
        originals: The original reference of each sample, by id; samples without one are left out.

    Returns:
        ``rate`` (ref of ref and consensus, a fraction; None without either) with its interval
        ``rate_ci`` over clips (or speakers, where samples have a group), ``n_ref``, ``n_eligible``,
        ``n_clips`` (with eligible events), ``n_events``, ``wer_official``, ``wer_corrected`` (in
        percent, over the same clips) and ``n_wer_clips``; and the events.
    """
    normalize = protocol(PROTOCOL).normalize
    found: list[Event] = []
    groups: dict[str, str] = {}
    totals = {"official": [0, 0], "corrected": [0, 0]}
    clips = 0
    for sample in samples:
        if sample.id not in originals:
            continue
        original, corrected, heard = (
            normalize(text).split()
            for text in (originals[sample.id], sample.reference, sample.generation)
        )
        groups[sample.id] = sample.group or sample.id
        found += events(sample.id, original, corrected, heard)
        if original and corrected:
            clips += 1
            for name, reference in (("official", original), ("corrected", corrected)):
                counts = counted(align(reference, heard, "merge_compounds"), len(reference))
                totals[name][0] += counts.edits
                totals[name][1] += counts.ref_words
    eligible = [event for event in found if event.verdict]
    rates = {f"wer_{n}": 100 * above / below if below else None
             for n, (above, below) in totals.items()}  # fmt: skip
    return {
        **agreement([event.verdict == "ref" for event in eligible],
                    [groups[event.clip] for event in eligible]),
        "n_ref": sum(event.verdict == "ref" for event in eligible),
        "n_eligible": len(eligible),
        "n_clips": len({event.clip for event in eligible}),
        "n_events": len(found),
        **rates,
        "n_wer_clips": clips,
    }, found  # fmt: skip


def agreement(agreed: Sequence[bool], groups: Sequence[str]) -> dict[str, Any]:
    """``rate``, a fraction, and ``rate_ci``, with ``rate_ci_why`` where there is none."""
    if not agreed:
        return {"rate": None, "rate_ci": None}
    made = share([float(one) for one in agreed], [1.0] * len(agreed),
                 Units(groups, len(agreed)))  # fmt: skip
    found = {"rate": sum(agreed) / len(agreed), "rate_ci": made.ends}
    return {**found, "rate_ci_why": made.reason} if made.reason else found
