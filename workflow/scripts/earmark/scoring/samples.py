"""Speech recognition, sample by sample: the normalized pair, its word errors, and what is odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.hallucination import signals
from earmark.scoring.text import Protocol, protocol
from earmark.scoring.text.postprocess import Postprocess, postprocess
from earmark.scoring.text.reasoning import answer
from earmark.scoring.word_errors import Counts, Edit, align, character_edits, counted


@dataclass(frozen=True)
class Sample:
    """One utterance and what was heard; None stands for what is not known.

    Attributes:
        id: The utterance's id.
        reference: What was said.
        generation: What the model wrote.
        duration: Seconds of audio.
        seconds: Seconds that the request took.
        group: The speaker, call or talk that it is of.
        session: The recording that it is a chunk of, and its place there.
        by: Its values in the columns by which rates are given too.
        answered: Whether the model wrote anything but reasoning; None until that was taken out.
        reasoned: Whether reasoning was taken out of the answer.
        postprocessed: Whether postprocessing changed the answer.
        others: Further references, by the column that holds them.
    """

    id: str
    reference: str
    generation: str
    duration: float | None = None
    seconds: float | None = None
    group: str | None = None
    session: tuple[str, float] | None = None
    by: Mapping[str, str] = field(default_factory=dict)
    answered: bool | None = None
    reasoned: bool = False
    postprocessed: bool = False
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A sample under one protocol: its normalized words, and what differs.

    Attributes:
        scored: Whether the protocol scores this sample; where not, all counts are zero.
        counted: Whether it counts in ``success_rate``.
        char_edits: Characters to change, drop or add, out of ``ref_chars``; spaces count.
        why: Why the pair could not be aligned; None where it could.
    """

    protocol: Protocol
    reference: list[str]
    hypothesis: list[str]
    scored: bool = False
    counted: bool = False
    edits: Sequence[Edit] = ()
    char_edits: int = 0
    ref_chars: int = 0
    why: str | None = None

    @property
    def counts(self) -> Counts:
        """Word errors."""
        return counted(self.edits, len(self.reference)) if self.scored else Counts()

    def row(self) -> Row:
        """Return what a sample's row says of this protocol; ``wer`` is in percent."""
        counts = self.counts
        rate = counts.rate
        if self.scored and self.protocol.insertions_count:
            rate = counts.edits / ((counts.ref_words + counts.insertions) or 1)
        row = {
            "reference": " ".join(self.reference),
            "hypothesis": " ".join(self.hypothesis),
            "scored": self.scored,
            "wer": None if rate is None else 100 * rate,
            **counts._asdict(),
            "ref_words": counts.ref_words,
            "char_edits": self.char_edits,
            "ref_chars": self.ref_chars,
        }
        if self.counted != self.scored:
            row["counted"] = self.counted
        if self.scored and self.protocol.of_characters:
            row["unit"] = "character"
        return {**row, "why": self.why} if self.why else row


def pair(
    sample: Sample, protocol: Protocol, normalized: bool = False, filtered: bool = True
) -> Pair:
    """Score one sample by one protocol.

    Args:
        sample: The sample.
        protocol: The protocol.
        normalized: Whether the texts are normalized already and are taken as they are.
        filtered: Whether references that the protocol leaves out of a set are not scored. Of a
            result file they are, as its makers left out what they would: words against an empty
            reference are insertions.

    Raises:
        EarmarkError: when the sample lacks the column that the protocol takes references from.
    """
    said = sample.others.get(protocol.column) if protocol.column else sample.reference
    if said is None:
        raise EarmarkError(
            f"sample {sample.id!r}: no text {protocol.column!r}, which {protocol.name} needs"
        )
    if normalized:
        reference, hypothesis = said.split(), sample.generation.split()
    else:
        reference, hypothesis = protocol.words(said, sample.generation)
    left_out = filtered or protocol.skipped_fail or not (reference or hypothesis)
    if " ".join(reference) in protocol.skipped and left_out:
        return Pair(protocol, reference, hypothesis, counted=protocol.skipped_fail)
    if not reference and protocol.empty_reference is not None:
        reference = [protocol.empty_reference]
    if not hypothesis and protocol.empty_hypothesis is not None:
        empty = protocol.empty_hypothesis
        hypothesis = list(empty) if protocol.of_characters else [empty]
    try:
        edits = align(reference, hypothesis, protocol.alignment)
    except EarmarkError as error:
        return Pair(protocol, reference, hypothesis, why=f"sample {sample.id!r}: {error}")
    space = "" if protocol.of_characters else " "
    letters = space.join(reference)
    wrong = character_edits(letters, space.join(hypothesis)) if edits else 0
    return Pair(protocol, reference, hypothesis, True, True, edits, wrong, len(letters))


@dataclass(frozen=True)
class Scorer:
    """Scores samples of speech recognition, one by one; the first protocol is primary.

    ``normalized`` and ``filtered`` are as for `pair`. ``foreign`` counts the references with
    letters that English lacks, and those without, where English protocols score and nobody said a
    language.
    """

    protocols: Sequence[Protocol]
    postprocess: Postprocess
    normalized: bool = False
    filtered: bool = True
    foreign: Counter[bool] | None = None

    @classmethod
    def named(
        cls,
        protocols: Sequence[str],
        postprocessing: str = "none",
        language: str | None = None,
        *,
        normalized: bool = False,
        filtered: bool = True,
    ) -> Scorer:
        """Return the scorer by names; raises as `protocol` and `postprocess` do."""
        chosen = [protocol(name, language) for name in dict.fromkeys(protocols)]
        unsaid = language is None and any(one.english for one in chosen)
        foreign = Counter[bool]() if unsaid else None
        return cls(chosen, postprocess(postprocessing), normalized, filtered, foreign)

    @property
    def remark(self) -> str | None:
        """What tables say where over a quarter of the references cannot be English."""
        if self.foreign is None or 3 * self.foreign[True] <= self.foreign[False]:
            return None
        return "scored as English, but its letters are not: declare the language"

    def heard(self, sample: Sample) -> Sample:
        """Return a sample with what was heard alone: without reasoning, and postprocessed.

        Tags that the reference has were read out, and stay. What postprocessing makes of an answer
        is taken where a protocol counts fewer word errors and none counts more, so that it harms
        none; of a chunk, whose reference is the whole session's, where as many words are right.
        """
        said, reasoned = answer(sample.generation)
        if reasoned and answer(sample.reference)[1]:
            said, reasoned = sample.generation, False
        plain = replace(sample, generation=said, answered=bool(said.strip()), reasoned=reasoned)
        shorter = self.postprocess.apply(said)
        if shorter == said:
            return plain
        better = replace(plain, generation=shorter, postprocessed=True)
        fewer = False
        for one in self.protocols:
            before, after = (pair(x, one, self.normalized).counts for x in (plain, better))
            if after.hits < before.hits if sample.session else after.edits > before.edits:
                return plain
            fewer = fewer or bool(sample.session) or after.edits < before.edits
        return better if fewer else plain

    def row(self, sample: Sample) -> Row:
        """Return a sample's row: the first protocol's fields and edits, then the other protocols'.

        ``no_answer`` tells that the model wrote nothing, ``signals`` what may be hallucinated.
        """
        if sample.answered is None:
            sample = self.heard(sample)
        if self.foreign is not None:
            odd = "" if sample.reference.isascii() else sample.reference
            self.foreign[any(c.isalpha() and not c.isascii() for c in odd)] += 1
        pairs = {
            one.name: pair(sample, one, self.normalized, self.filtered) for one in self.protocols
        }
        first, *others = pairs.values()
        signs = signals(
            sample.generation, sample.duration, first.reference, first.hypothesis, first.edits
        )
        row: Row = {
            "id": sample.id,
            "duration": sample.duration,
            "seconds": sample.seconds,
            "no_answer": not sample.answered,
            **first.row(),
            "edits": first.edits,
        }
        where_known = {
            "group": sample.group,
            "by": dict(sample.by) or None,
            "reasoning_removed": sample.reasoned or None,
            "postprocessed": sample.postprocessed or None,
            "signals": signs or None,
            "protocols": {one.protocol.name: one.row() for one in others} or None,
        }
        return row | {key: value for key, value in where_known.items() if value is not None}

    def rows(self, samples: Iterator[Sample]) -> Iterator[Row]:
        """Return the samples' rows, as they come."""
        return map(self.row, samples)
