"""Speech recognition, sample by sample: the normalized pair, its word errors, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.hallucination import signals
from earmark.scoring.text import Protocol
from earmark.scoring.word_errors import Counts, Edit, align, character_edits, count


@dataclass(frozen=True)
class Sample:
    """One utterance and what was heard.

    Attributes:
        id: The utterance's id.
        reference: What was said.
        generation: What the model wrote, postprocessed.
        duration: Seconds of audio; None where it is not known.
        seconds: Seconds that the request took; None where it is not known.
    """

    id: str
    reference: str
    generation: str
    duration: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Pair:
    """A sample under one protocol.

    Attributes:
        reference: The reference's words, normalized.
        hypothesis: The hypothesis's words, normalized.
        scored: Whether the protocol scores this sample; where not, all counts are zero.
        counts: Word errors.
        char_edits: Characters to change, drop or add.
        ref_chars: Characters of the normalized reference, single spaces between words included.
    """

    reference: list[str]
    hypothesis: list[str]
    scored: bool
    counts: Counts
    char_edits: int
    ref_chars: int

    @property
    def success(self) -> bool:
        """Whether fewer than half as many words are wrong as the reference has."""
        if not self.counts.ref_words:
            return self.scored and not self.counts.edits
        return 2 * self.counts.edits < self.counts.ref_words

    def row(self) -> Row:
        """Return what a sample's row says of this protocol; ``wer`` is in percent."""
        rate = self.counts.rate
        return {
            "reference": " ".join(self.reference),
            "hypothesis": " ".join(self.hypothesis),
            "scored": self.scored,
            "wer": None if rate is None else 100 * rate,
            "substitutions": self.counts.substitutions,
            "deletions": self.counts.deletions,
            "insertions": self.counts.insertions,
            "hits": self.counts.hits,
            "ref_words": self.counts.ref_words,
            "char_edits": self.char_edits,
            "ref_chars": self.ref_chars,
        }


def pair(sample: Sample, protocol: Protocol, normalized: bool = False) -> Pair:
    """Score one sample by one protocol.

    Args:
        sample: The sample.
        protocol: The protocol.
        normalized: Whether the texts are normalized already and are taken as they are.

    Raises:
        EarmarkError: when the pair is too long for the protocol's alignment; names the sample.
    """
    if normalized:
        reference, hypothesis = sample.reference.split(), sample.generation.split()
    else:
        reference = protocol.normalize(sample.reference).split()
        hypothesis = protocol.normalize(sample.generation).split()
    if protocol.skipped and " ".join(reference) in protocol.skipped:
        return Pair(reference, hypothesis, False, Counts(), 0, 0)
    if protocol.empty_word is not None:
        reference = reference or [protocol.empty_word]
        hypothesis = hypothesis or [protocol.empty_word]
    try:
        counts = count(reference, hypothesis, protocol.alignment)
    except EarmarkError as error:
        raise EarmarkError(f"sample {sample.id!r}, protocol {protocol.name}: {error}") from None
    joined = " ".join(reference)
    edits = character_edits(joined, " ".join(hypothesis)) if reference != hypothesis else 0
    return Pair(reference, hypothesis, True, counts, edits, len(joined))


def sample_row(sample: Sample, pairs: dict[str, Pair], protocols: Sequence[Protocol]) -> Row:
    """Return a sample's row: the first protocol's fields, its edits, then the other protocols'.

    ``edits`` lists what is not equal, as ``[operation, position in the reference, position in the
    hypothesis, reference words, hypothesis words]`` with word positions from 0 and the operations
    ``replace``, ``delete``, ``insert`` and ``merge`` (the same letters in another number of words,
    which is no error).
    """
    first = protocols[0]
    primary = pairs[first.name]
    edits: list[Edit] = []
    if primary.scored and primary.reference != primary.hypothesis:
        edits = align(primary.reference, primary.hypothesis, first.alignment)
    found = signals(
        sample.generation, sample.duration, primary.reference, primary.hypothesis, edits
    )
    row: Row = {
        "id": sample.id,
        "duration": sample.duration,
        "seconds": sample.seconds,
        **primary.row(),
        "edits": _unequal(edits),
    }
    if found:
        row["signals"] = found
    if len(protocols) > 1:
        row["protocols"] = {other.name: pairs[other.name].row() for other in protocols[1:]}
    return row


def _unequal(edits: Sequence[Edit]) -> list[list[Any]]:
    listed: list[list[Any]] = []
    position = hyp_position = 0
    for operation, ref, hyp in edits:
        if operation != "equal" or ref != hyp:
            name = "merge" if operation == "equal" else operation
            listed.append([name, position, hyp_position, ref, hyp])
        position += len(ref.split(" ")) if ref else 0
        hyp_position += len(hyp.split(" ")) if hyp else 0
    return listed
