"""Intervals and tests of rates that are no plain ratio of sums, such as BLEU: by drawing groups.

A rate here is any function of summed counts. An interval is the percentile bootstrap over groups
(Koehn, "Statistical significance tests for machine translation evaluation", EMNLP 2004), a test the
approximate randomization of Riezler and Maxwell (ACL workshop 2005): of two systems that are
equally good, a group's answers may as well be exchanged. Seeds are fixed, so that the same answers
always have the same interval.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from earmark.scoring.intervals import LEVEL, Interval, Numbers

Value = Callable[[Numbers], Numbers]
"""From sums of counts, along the last axis, to rates."""

DRAWS = 1000
EXCHANGES = 2000
SEED = 20040517
METHOD = f"percentile bootstrap over groups, {DRAWS} draws, seed {SEED}"

_CELLS = 4_000_000
"""Draws times groups that are held at a time."""


def _portions(draws: int, groups: int) -> Iterator[int]:
    """So many draws in parts of which each fits into memory."""
    most = max(1, _CELLS // max(groups, 1))
    for done in range(0, draws, most):
        yield min(most, draws - done)


def bootstrapped(*sums: Numbers) -> Iterator[tuple[Numbers, ...]]:
    """Sums of drawn groups, in portions: for each array of sums by group, an array of draws.

    All arrays are of the same groups, and are drawn alike.
    """
    random, size = np.random.default_rng(SEED), len(sums[0])
    for count in _portions(DRAWS, size):
        chosen = random.integers(0, size, (count, size))
        weights = np.stack([np.bincount(one, minlength=size) for one in chosen]).astype(float)
        yield tuple(weights @ one for one in sums)


def interval_of(draws: Numbers, groups: int) -> Interval:
    """The 95 % interval of bootstrap draws; none for a single group, or groups that are alike."""
    known = draws[np.isfinite(draws)]
    if groups < 2:
        return Interval(None, None, groups, "there is one group only")
    if not len(known) or np.ptp(known) <= 1e-12:
        return Interval(None, None, groups, "all groups are alike")
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(low), float(high), groups)


def exchanged(first: Numbers, second: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Two systems' sums by group after groups were exchanged at random, in portions."""
    random, size = np.random.default_rng(SEED), len(first)
    total, other, apart = first.sum(0), second.sum(0), second - first
    for count in _portions(EXCHANGES, size):
        moved = random.integers(0, 2, (count, size), dtype=np.int8).astype(float) @ apart
        yield total + moved, other - moved


def differences_of(value: Value, drawn: Iterable[tuple[Numbers, ...]]) -> Numbers:
    """By how much a rate of the second sums is above that of the first, of each draw."""
    return np.concatenate([value(second) - value(first) for first, second in drawn])


def p_value(difference: float, chance: Numbers) -> float:
    """How often chance brings a difference as large, the observed one included; two-sided."""
    as_large = np.abs(chance) >= abs(difference) - 1e-9
    return float((1 + as_large.sum()) / (1 + len(chance)))
