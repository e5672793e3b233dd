"""Intervals of rates: what the same model would have scored on other speakers, calls or clips.

Utterances of one speaker or call are alike, so the units that vary are *groups* of them; where
nothing groups utterances, each is its own. A ratio of sums (errors by words) gets a jackknife that
leaves out a group at a time, on the log scale, with Student's t (G - 1 degrees of freedom): no
bootstrap of six calls can cover, however often it is drawn. A share (successes by trials) gets
Jeffreys' interval, modified near 0 and 1 (Brown, Cai and DasGupta, "Interval estimation for a
binomial proportion", Statistical Science 2001), for as many trials as the groups are worth (Korn
and Graubard, "Confidence intervals for proportions with small expected number of positive counts
estimated from survey data", Survey Methodology 1998), widened to the jackknife's on the logit scale
where that is wider. The jackknife's squared deviations are summed without its factor (G - 1) / G:
with it, they hold too little for few groups (bench/coverage.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

LEVEL = 0.95
METHOD = "delete-one-group jackknife with Student's t; shares: Jeffreys, effective trials"

_TELLS_NOTHING = np.log(100)
"""On the log scale: an interval from a hundredth of the rate to a hundred times it is none."""

LEAST_IN_A_PART = 3
"""Groups that each of two parts must have for an interval of their difference."""

_EXTENSION = re.compile(r"\.(?:wav|flac|mp3|ogg|opus|m4a)$", re.IGNORECASE)
_COUNTERS = re.compile(r"(?:[-_./][A-Za-z]{0,2}\d+)+$")


@dataclass(frozen=True)
class Interval:
    """A 95 % interval in the unit of the rate, or the reason why there is none.

    ``groups`` is how many groups it rests on.
    """

    low: float | None
    high: float | None
    groups: int
    reason: str | None = None

    def scaled(self, factor: float) -> Interval:
        """The interval of the rate times a factor, such as 100 for percent."""
        if self.low is None or self.high is None:
            return self
        return replace(self, low=factor * self.low, high=factor * self.high)

    @property
    def ends(self) -> list[float] | None:
        """``[low, high]``, or None."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def guessed_groups(ids: Sequence[str]) -> list[str] | None:
    """The speaker or recording of each utterance where the ids tell, else None.

    An id such as ``1089-134686-0007``, ``YOU0000000315_S0000660`` or ``4432298/12`` names its
    utterance by counters at its end; what stands before them is shared by a speaker's or a
    recording's utterances. One group, or groups of one, tell nothing.
    """
    names = [_COUNTERS.sub("", _EXTENSION.sub("", name)) for name in ids]
    return names if 1 < len(set(names)) < len(set(ids)) else None


def groups_of(ids: Sequence[str], said: Sequence[str | None]) -> list[str]:
    """The group of each sample: what it says, else what the ids tell, else its id."""
    if all(group is None for group in said):
        return guessed_groups(ids) or list(ids)
    return [own if group is None else group for own, group in zip(ids, said, strict=True)]


class Units:
    """Samples as groups, and groups as strata: what sums are taken over.

    Args:
        groups: The group of each sample, in any hashable names; None where each is its own.
        size: How many samples there are; needed where there are no groups.
        strata: The split of each sample where several are taken together; equal names of groups in
            two splits are two groups.
    """

    def __init__(
        self, groups: Sequence[str] | None, size: int, strata: Sequence[str] | None = None
    ) -> None:
        named = range(size) if groups is None else groups
        self._codes = _numbered(named if strata is None else zip(strata, named, strict=True))
        self.count = int(self._codes.max(initial=-1)) + 1
        self.grouped = self.count < size
        self.strata = np.zeros(self.count, dtype=int)
        if strata is not None:
            self.strata[self._codes] = _numbered(strata)

    def sums(self, values: ArrayLike) -> Numbers:
        """The sum of a column of the samples, by group: an array of `count` numbers."""
        weights = np.asarray(values, dtype=float)
        return np.bincount(self._codes, weights=weights, minlength=self.count).astype(float)

    def counted(
        self, above: ArrayLike, below: ArrayLike
    ) -> tuple[Numbers, Numbers, NDArray[np.int_]]:
        """Two sums by group and the groups' strata, without groups where nothing was counted."""
        one, other = self.sums(above), self.sums(below)
        some = (one != 0) | (other != 0)
        return one[some], other[some], self.strata[some]


def _numbered(names: Iterable[object]) -> NDArray[np.int_]:
    """A number for each name, in order of their first appearance."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=int)


def ratio(numerators: ArrayLike, denominators: ArrayLike, units: Units) -> Interval:
    """The interval of a sum of errors divided by a sum of words.

    Args:
        numerators: Errors of each sample, not negative.
        denominators: Words of each sample, not negative.
        units: The samples' groups.

    Returns:
        The interval of the ratio (not in percent). There is none for a single group, where nothing
        was wrong, and where all groups are alike: no spread is not the same as no doubt.
    """
    errors, words, strata = units.counted(numerators, denominators)
    if reason := _no_rate(errors, words) or _too_few(strata):
        return Interval(None, None, len(words), reason)
    rate = errors.sum() / words.sum()
    spread, freedom = _jackknife(lambda e, w: np.log(e / w), errors, words, strata)
    if not np.isfinite(spread):  # all errors are in one group
        spread, freedom = _jackknife(lambda e, w: e / w, errors, words, strata)
        spread /= rate
    return _around(float(rate), spread, freedom, len(words))


def share(successes: ArrayLike, trials: ArrayLike, units: Units) -> Interval:
    """The interval of a share: successes by trials, of each sample.

    Returns:
        The interval of the share (from 0 to 1), never of no width. Where all samples agree, a group
        is worth one trial. There is none without trials and for a single group of many samples.
    """
    hits, tried, strata = units.counted(successes, trials)
    total, groups = tried.sum(), len(tried)
    if total <= 0:
        return Interval(None, None, groups, "nothing was counted")
    rate = hits.sum() / total
    if not units.grouped:
        return Interval(*_jeffreys(rate, total), groups)
    if reason := _too_few(strata):
        return Interval(None, None, groups, reason)
    low, high = _jeffreys(rate, _effective_trials(hits, tried, strata))
    if 0 < rate < 1:
        spread, freedom = _jackknife(_logit, hits, tried, strata)
        centre, reach = float(_logit(hits.sum(), total)), _student(freedom) * spread
        low, high = min(low, _expit(centre - reach)), max(high, _expit(centre + reach))
    return Interval(float(low), float(high), groups)


def mean(values: ArrayLike, weights: ArrayLike, units: Units) -> Interval:
    """The interval of a mean of bounded scores: as `ratio`, but on the plain scale.

    Args:
        values: The sum of each sample's scores.
        weights: How many scores each sample has.
        units: The samples' groups.
    """
    sums, counts, strata = units.counted(values, weights)
    if reason := "nothing was counted" if counts.sum() <= 0 else _too_few(strata):
        return Interval(None, None, len(counts), reason)
    spread, freedom = _jackknife(lambda s, c: s / c, sums, counts, strata)
    if not spread > 1e-12:
        return Interval(None, None, len(counts), "all groups are alike")
    centre, reach = float(sums.sum() / counts.sum()), _student(freedom) * spread
    return Interval(float(centre - reach), float(centre + reach), len(counts))


def mean_of_rates(
    numerators: ArrayLike,
    denominators: ArrayLike,
    units: Units,
    weights: Sequence[float] | None = None,
) -> Interval:
    """The interval of the mean of the strata's ratios, as of a leaderboard's average.

    The weights are the strata's in order, and add up to one; None for the plain mean.
    """
    errors, words, strata = units.counted(numerators, denominators)
    chosen = [strata == name for name in np.unique(units.strata)]
    if any(words[one].sum() <= 0 for one in chosen):
        return Interval(None, None, len(words), "a split has no reference words")
    if reason := _no_rate(errors, words) or _too_few(strata):
        return Interval(None, None, len(words), reason)
    rates = np.array([errors[one].sum() / words[one].sum() for one in chosen])
    plain = [_jackknife(lambda e, w: e / w, errors[o], words[o], strata[o]) for o in chosen]
    shares = np.full(len(rates), 1 / len(rates)) if weights is None else np.array(weights)
    variances = np.array([spread**2 for spread, _ in plain]) * shares**2
    mean_rate = float((shares * rates).sum())
    spread = float(np.sqrt(variances.sum())) / mean_rate
    freedom = _satterthwaite(variances, [freedom for _, freedom in plain])
    return _around(mean_rate, spread, freedom, len(words))


def by_group(counts: Numbers, units: Units) -> Numbers:
    """Samples' counts summed by group: an array of groups by counts."""
    return np.stack([units.sums(column) for column in counts.T], axis=1)


def gap(
    value: Callable[[Numbers], Numbers],
    counts: Numbers,
    second: ArrayLike,
    units: Units,
    pairs: int = 1,
) -> Interval:
    """The interval of the difference of two parts' rates, the second's minus the first's.

    Groups that are in both parts are left out of both at once, so that what they share cancels.

    Args:
        value: From sums of counts (last axis) to the rate.
        counts: The counts of each sample of both parts: an array of samples by counts.
        second: Whether a sample is of the second part.
        units: The samples' groups.
        pairs: Among how many pairs of parts these two were chosen for their difference: the
            interval is as wide as it must be to hold for all of them together (Bonferroni).

    Returns:
        The interval; there is none where a part has fewer groups than `LEAST_IN_A_PART`.
    """
    chosen = np.asarray(second, dtype=bool)[:, np.newaxis]
    sums = [by_group(counts * side, units) for side in (chosen, ~chosen)]
    there = np.array([(part != 0).any(axis=1) for part in sums])
    if min(there.sum(axis=1)) < LEAST_IN_A_PART:
        reason = f"one of them has fewer than {LEAST_IN_A_PART} groups"
        return Interval(None, None, int(there.any(axis=0).sum()), reason)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = [value(part.sum(axis=0) - part) for part in sums]
        seen = float(value(sums[0].sum(axis=0)) - value(sums[1].sum(axis=0)))
    deviations = (left[0] - left[1] - seen)[there.any(axis=0)]
    kinds = (there[0] + 2 * there[1])[there.any(axis=0)]
    if not np.isfinite(deviations).all():
        return Interval(None, None, len(kinds), "all that was counted in one is of one group")
    parts = [deviations[kinds == kind] for kind in np.unique(kinds)]
    variances = np.array([float(np.sum(part**2)) for part in parts])
    if variances.sum() <= 1e-24:
        return Interval(None, None, len(kinds), "all groups are alike")
    freedom = _satterthwaite(variances, [len(part) - 1 for part in parts])
    reach = _student(freedom, pairs) * float(np.sqrt(variances.sum()))
    return Interval(seen - reach, seen + reach, len(kinds))


def _around(rate: float, spread: float, freedom: float, groups: int) -> Interval:
    """The interval around a rate that has so much spread on the log scale."""
    if not np.isfinite(spread):
        return Interval(None, None, groups, "all reference words are in one group")
    if spread <= 1e-12:
        return Interval(None, None, groups, "all groups are alike")
    reach = _student(freedom) * spread
    if reach > _TELLS_NOTHING:
        return Interval(None, None, groups, "so few groups, so unlike each other, tell nothing")
    factor = float(np.exp(reach))
    return Interval(rate / factor, rate * factor, groups)


def _no_rate(errors: Numbers, words: Numbers) -> str | None:
    if words.sum() <= 0:
        return "there are no reference words"
    return "there is no error to tell the spread by" if errors.sum() <= 0 else None


def _too_few(strata: NDArray[np.int_]) -> str | None:
    if len(strata) < 2:
        return "there is one group only"
    if np.unique(strata, return_counts=True)[1].min() < 2:
        return "a split has one group only"
    return None


def _jackknife(
    statistic: Callable[[Numbers, Numbers], Numbers],
    above: Numbers,
    below: Numbers,
    strata: NDArray[np.int_],
) -> tuple[float, float]:
    """The spread of a statistic of two sums when each group is left out, and its freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        left = statistic(above.sum() - above, below.sum() - below)
        whole = statistic(above.sum(), below.sum())
    variances, freedoms = [], []
    for name in np.unique(strata):
        one = left[strata == name]
        variances.append(float(np.sum((one - whole) ** 2)))
        freedoms.append(len(one) - 1)
    return float(np.sqrt(sum(variances))), _satterthwaite(np.array(variances), freedoms)


def _satterthwaite(variances: Numbers, freedoms: Sequence[float]) -> float:
    """Degrees of freedom of a sum of variances: few where one of few groups dominates."""
    own = np.maximum(np.asarray(freedoms, dtype=float), 1)
    below = float(np.sum(variances**2 / own))
    known = below > 0 and np.isfinite(below)
    return float(variances.sum() ** 2 / below) if known else float(own.sum())


def _student(freedom: float, pairs: int = 1) -> float:
    from scipy.special import stdtrit  # scipy.stats takes a second to load

    return float(stdtrit(freedom, 1 - (1 - LEVEL) / 2 / pairs))


def _jeffreys(rate: float, trials: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    hits, misses = rate * trials, (1 - rate) * trials
    tail = (1 - LEVEL) / 2
    # At none, one, all or all but one, as the paper modifies it: there it would hold too little.
    if hits < 1 - 1e-9 or misses < 1 - 1e-9:
        end = tail ** (1 / trials)
        return (0.0, 1 - end) if hits < misses else (end, 1.0)
    low = float(betaincinv(hits + 0.5, misses + 0.5, tail)) if hits > 1 + 1e-9 else 0.0
    high = float(betaincinv(hits + 0.5, misses + 0.5, 1 - tail)) if misses > 1 + 1e-9 else 1.0
    return low, high


def _effective_trials(hits: Numbers, tried: Numbers, strata: NDArray[np.int_]) -> float:
    """How many independent trials would tell as much as these groups of trials do."""
    total = float(tried.sum())
    rate = hits.sum() / total
    if rate in (0, 1):
        return float(len(tried))
    deviations = hits - rate * tried
    variance = freedom = 0.0
    for name in np.unique(strata):
        one = deviations[strata == name]
        variance += len(one) / (len(one) - 1) * float(np.sum((one - one.mean()) ** 2)) / total**2
        freedom += len(one) - 1
    worth = min(rate * (1 - rate) / variance, total) if variance > 0 else total
    return float(max(worth * (_student(max(total - 1, 1)) / _student(freedom)) ** 2, 1.0))


def _logit(hits: Numbers, tried: Numbers) -> Numbers:
    return np.log((hits + 0.5) / (tried - hits + 0.5))


def _expit(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
