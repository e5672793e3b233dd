"""Rates and their error bars: the one place where an interval is computed.

A rate is a table with a row for each answer, indexed by ``seed`` and ``sample``: what the answer
adds ``above`` and ``below`` the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from earmark.scoring import statistics as stats

if TYPE_CHECKING:
    from pandas import DataFrame

_PARTS = 10_000  # scores are no whole numbers; they are counted in parts of one


def estimate(
    rates: Sequence[tuple[DataFrame, float]], subset: str
) -> tuple[float | None, list[float] | None]:
    """The mean of some categories' rates, and its 95 % interval, both in percent.

    A bootstrap over samples, which draws a sample with all of its seeds, and within each category.

    Args:
        rates: The rate of each category with its weight, or that of a single category; those with
            nothing below the line have no say.
        subset: What the rate is of: the same name draws the same bootstrap.

    Returns:
        The mean (over seeds, too) and the interval; None where there is nothing below the line.
    """
    known = [(rate, weight) for rate, weight in rates if rate["below"].any()]
    if not known:
        return None, None
    values, replicated = [], []
    for number, (rate, _) in enumerate(known):
        sums = rate.groupby("seed").sum()
        values.append((100 * sums["above"] / sums["below"]).mean())  # a seed without any: NaN
        units = np.rint(_PARTS * rate.groupby("sample").sum())
        drawn = stats.resample(
            [units["above"], units["below"]], stats.generator(subset, str(number))
        )
        replicated.append(stats.percent(*drawn))
    weights = [weight for _, weight in known]
    mean = float(np.average(values, weights=weights))
    return mean, stats.interval(np.average(replicated, axis=0, weights=weights))
