"""Comparisons: whether two systems differ on the same samples, by sign flips over groups.

Where two systems are equally good, a group's difference is as likely to have either sign. Flipping
the signs of the groups' differences gives every outcome that chance could have brought (Fisher's
randomization test; for outputs of systems see Riezler and Maxwell, "On some pitfalls in automatic
evaluation and significance testing for MT", ACL workshop 2005): exact for few groups, drawn for
more. Groups are speakers, calls or clips, whose samples are not independent of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from earmark.scoring.intervals import Interval, Numbers, Units, mean

EXACT = 11
DRAWS = 10_000
SEED = 20040517


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same samples; differences are the second's rate minus the first's.

    Attributes:
        rate_a: The first system's rate (a ratio, not in percent).
        rate_b: The second system's.
        difference: The second's minus the first's.
        interval: 95 % interval of the difference, Student's t over groups.
        p: Two-sided p value of the sign-flip test over groups; with two groups never under 0.5.
        groups: How many groups there are.
        wins: Groups in which the second system has fewer errors; where more is better, the caller
            turns them round.
        losses: Groups in which it has more.
    """

    rate_a: float
    rate_b: float
    difference: float
    interval: Interval
    p: float
    groups: int
    wins: int
    losses: int

    @property
    def ties(self) -> int:
        """Groups in which both have as many."""
        return self.groups - self.wins - self.losses


def compare(a: ArrayLike, b: ArrayLike, weights: ArrayLike, units: Units) -> Comparison:
    """Compare two systems that were scored on the same samples.

    Args:
        a: The first system's errors (or successes) of each sample.
        b: The second's.
        weights: Reference words of each sample (or 1); their sum is not zero.
        units: The samples' groups.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    differences, whole = units.sums(second - first), np.sum(weights)
    rate_a, rate_b = float(first.sum() / whole), float(second.sum() / whole)
    return Comparison(
        rate_a=rate_a,
        rate_b=rate_b,
        difference=rate_b - rate_a,
        interval=mean(second - first, weights, units),
        p=sign_flips(differences),
        groups=units.count,
        wins=int(np.sum(differences < 0)),
        losses=int(np.sum(differences > 0)),
    )


def sign_flips(differences: ArrayLike) -> float:
    """The two-sided p value of a sum of differences, were each as likely to have either sign.

    Args:
        differences: One number a group.

    Returns:
        The share of sign patterns whose sum is at least as far from zero: of all patterns where
        at most `EXACT` groups differ, else of `DRAWS` drawn ones and the one that was seen.
    """
    sizes = np.abs(np.asarray(differences, dtype=float))
    seen = abs(float(np.sum(np.asarray(differences, dtype=float))))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    near = seen * (1 - 1e-12) - 1e-12
    if len(sizes) <= EXACT:
        patterns = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ sizes) >= near))
    random = np.random.default_rng(SEED)
    values, counts = np.unique(sizes, return_counts=True)
    # Of equal sizes only the number of plus signs matters, which is binomial.
    sums = np.zeros(DRAWS)
    for value, count in zip(values, counts, strict=True):
        sums += value * (2.0 * random.binomial(count, 0.5, DRAWS) - count)
    return float((np.sum(np.abs(sums) >= near) + 1) / (DRAWS + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values of several comparisons (Holm, Scandinavian Journal of Statistics 1979).

    Returns:
        As many values, in the same order: what is under 0.05 of them holds together at 5 %.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted: Numbers = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]
