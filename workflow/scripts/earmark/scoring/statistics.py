"""Error bars and comparisons: bootstrap intervals, paired bootstrap, the matched-pairs test.

A rate is a sum over utterances divided by another sum (edits by words). Its bootstrap (Bisani and
Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004)
draws as many utterances as there are, with replacement. Utterances with the same two numbers are
interchangeable, so how often each distinct pair is drawn is multinomial: the same distribution as
drawing utterances one by one, in a fraction of the time. Where ids tell the speaker or the
recording, these are drawn instead, because their utterances are not independent.
"""

from __future__ import annotations

import base64
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]

SEED = 20040517
REPLICATES = 1000
LEVEL = 0.95
_AT_ONCE = 100  # replicates drawn together, which bounds memory
_FEWEST_GROUPS = 10

_EXTENSION = re.compile(r"\.(?:wav|flac|mp3|ogg|opus|m4a)$", re.IGNORECASE)
_COUNTERS = re.compile(r"(?:[-_./][A-Za-z]{0,2}\d+)+$")


def groups(ids: Sequence[str]) -> list[str] | None:
    """Return the speaker or recording of each utterance where the ids tell, else None.

    An id such as ``1089-134686-0007``, ``YOU0000000315_S0000660`` or ``4432298/12`` names its
    utterance by counters at its end; what stands before them is shared by a speaker's or a
    recording's utterances. Fewer than ten groups, or groups of one, tell nothing.
    """
    found = [_COUNTERS.sub("", _EXTENSION.sub("", name)) for name in ids]
    return found if _FEWEST_GROUPS <= len(set(found)) < len(ids) else None


def summed(values: ArrayLike, members: Sequence[str] | None) -> Numbers:
    """Sum values by group; without groups, each utterance is its own."""
    numbers = np.asarray(values, dtype=np.int64)
    if members is None:
        return numbers
    order = {name: index for index, name in enumerate(dict.fromkeys(members))}
    which = np.fromiter((order[name] for name in members), dtype=np.int64, count=len(members))
    return np.bincount(which, weights=numbers, minlength=len(order)).astype(np.int64)


def generator(*names: str) -> np.random.Generator:
    """Return a random generator that is the same for the same names, in every run."""
    return np.random.default_rng(
        [SEED, *(zlib.crc32(name.encode(errors="replace")) for name in names)]
    )


def resample(
    columns: Sequence[ArrayLike], random: np.random.Generator, replicates: int = REPLICATES
) -> list[Numbers]:
    """Bootstrap sums: draw units with replacement, as many as there are, and add each column up.

    Args:
        columns: Numbers of the units, one column a quantity; all of the same length, at least one.
        random: Where chance comes from.
        replicates: How often to draw.

    Returns:
        For each column, its sum in each replicate: an array of ``replicates`` integers.
    """
    table = np.stack([np.asarray(column, dtype=np.int64) for column in columns], axis=1)
    cells, counts = _distinct(table)
    units = len(table)
    drawn = [
        random.multinomial(units, counts / units, size=min(_AT_ONCE, replicates - start)) @ cells
        for start in range(0, replicates, _AT_ONCE)
    ]
    sums = np.concatenate(drawn)
    return [sums[:, index] for index in range(len(columns))]


def _distinct(table: Numbers) -> tuple[Numbers, Numbers]:
    """Distinct rows and how often each occurs."""
    spans = table.max(axis=0) + 1
    if table.min() >= 0 and math.prod(int(span) for span in spans) < 2**62:
        keys = np.ravel_multi_index(tuple(table.T), tuple(int(span) for span in spans))
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        return table[first], counts
    cells, counts = np.unique(table, axis=0, return_counts=True)
    return cells, counts


def interval(rates: ArrayLike) -> list[float] | None:
    """The middle 95 % of replicated rates: ``[low, high]``, or None where there are none."""
    known = np.asarray(rates, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(low), float(high)]


def percent(numerators: ArrayLike, denominators: ArrayLike) -> NDArray[np.float64]:
    """Replicated rates in percent; NaN where a denominator is zero."""
    below = np.asarray(denominators, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates: NDArray[np.float64] = np.where(
            below > 0, 100 * np.asarray(numerators, dtype=float) / below, np.nan
        )
    return rates


def packed(numbers: Numbers) -> str:
    """Pack integers below 2**31 into text (base64 of little-endian 32-bit integers)."""
    return base64.b64encode(numbers.astype("<i4").tobytes()).decode()


def unpacked(text: str) -> Numbers:
    """Reverse `packed`."""
    return np.frombuffer(base64.b64decode(text), dtype="<i4").astype(np.int64)


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same utterances; differences are the second's rate minus the first's.

    Attributes:
        rate_a: The first system's rate, in percent.
        rate_b: The second system's.
        difference: In percentage points.
        interval: 95 % interval of the difference, by paired bootstrap.
        p_bootstrap: Two-sided: how often the replicated difference has the other sign.
        z: The matched-pairs statistic; None where the systems never differ.
        p_matched: Its two-sided p value.
        utterances: How many utterances were compared.
    """

    rate_a: float
    rate_b: float
    difference: float
    interval: list[float]
    p_bootstrap: float
    z: float | None
    p_matched: float
    utterances: int


def compare(
    edits_a: ArrayLike,
    edits_b: ArrayLike,
    words: ArrayLike,
    members: Sequence[str] | None,
    random: np.random.Generator,
) -> tuple[Comparison, list[Numbers]]:
    """Compare two systems that were scored on the same utterances.

    Args:
        edits_a: The first system's edits, by utterance.
        edits_b: The second's.
        words: Reference words, by utterance; their sum is not zero.
        members: Speaker or recording of each utterance, or None.
        random: Where chance comes from.

    Returns:
        The comparison, and the replicated sums of the three columns.
    """
    columns = [summed(column, members) for column in (edits_a, edits_b, words)]
    sums = resample(columns, random)
    made = conclude([int(column.sum()) for column in columns], sums, edits_a, edits_b)
    return made, sums


def conclude(
    totals: Sequence[int], sums: Sequence[Numbers], edits_a: ArrayLike, edits_b: ArrayLike
) -> Comparison:
    """Draw the conclusions from totals and replicated sums (edits of both systems, and words)."""
    rate_a, rate_b = (100 * edits / totals[2] for edits in totals[:2])
    differences = percent(sums[1] - sums[0], sums[2])
    z, p_matched = matched_pairs(edits_a, edits_b)
    return Comparison(
        rate_a=rate_a,
        rate_b=rate_b,
        difference=rate_b - rate_a,
        interval=interval(differences) or [0.0, 0.0],
        p_bootstrap=_two_sided(differences),
        z=z,
        p_matched=p_matched,
        utterances=len(np.asarray(edits_a)),
    )


def _two_sided(differences: NDArray[np.float64]) -> float:
    known = differences[np.isfinite(differences)]
    tail = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(known) + 1)))


def matched_pairs(edits_a: ArrayLike, edits_b: ArrayLike) -> tuple[float | None, float]:
    """The matched-pairs test on utterances: does the mean difference in edits differ from zero?

    After Gillick and Cox, "Some statistical issues in the comparison of speech recognition
    algorithms", ICASSP 1989, with utterances as the segments.

    Returns:
        The statistic (None where the systems never differ) and its two-sided p value.
    """
    differences = np.asarray(edits_b, dtype=float) - np.asarray(edits_a, dtype=float)
    if len(differences) < 2 or not differences.any():
        return None, 1.0
    spread = differences.std(ddof=1)
    if spread == 0:  # every utterance differs by the same number
        return math.copysign(math.inf, differences[0]), 0.0
    z = float(differences.mean() / (spread / math.sqrt(len(differences))))
    return z, math.erfc(abs(z) / math.sqrt(2))
