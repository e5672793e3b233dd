"""Rates and their error bars: the one place where an interval is computed.

A rate is a table with a row for each answer, indexed by ``seed`` and ``sample``: what the answer
adds ``above`` and ``below`` the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from earmark.scoring import intervals

if TYPE_CHECKING:
    from pandas import DataFrame


def estimate(
    rates: Sequence[tuple[DataFrame, float]],
) -> tuple[float | None, list[float] | None]:
    """The mean of some categories' rates, and its 95 % interval, both in percent.

    Samples that share a clip are a group, as are a sample's seeds. Shares of right and wrong have
    the interval of a share, means of scores that of a mean (`earmark.scoring.intervals`).

    Args:
        rates: The rate of each category with its weight, or that of a single category; those with
            nothing below the line have no say. ``clip`` names what a sample is heard in.

    Returns:
        The mean (over seeds, too) and the interval; None where there is nothing below the line, or
        no spread to tell an interval by.
    """
    import pandas as pd

    known = [(rate, weight) for rate, weight in rates if rate["below"].any()]
    if not known:
        return None, None
    values, scaled = [], []
    for number, (rate, weight) in enumerate(known):
        sums = rate.groupby("seed")[["above", "below"]].sum()
        values.append((100 * sums["above"] / sums["below"]).mean())  # a seed without any: NaN
        # Each category has its weight below the line, whatever it has of samples that count.
        scale = weight / rate["below"].sum() if len(known) > 1 else 1.0
        scaled.append((rate[["above", "below"]] * scale).assign(stratum=str(number)))
    clips, every = pd.concat([rate["clip"] for rate, _ in known]), pd.concat(scaled)
    mean = float(np.average(values, weights=[weight for _, weight in known]))
    strata = every["stratum"].tolist() if len(known) > 1 else None
    units = intervals.Units(clips.tolist(), len(every), strata)
    binary = all(rate["above"].isin([0, 1]).all() for rate, _ in known)
    above, below = every["above"].to_numpy(), every["below"].to_numpy()
    made = (intervals.share if binary else intervals.mean)(above, below, units).scaled(100)
    if made.low is None or made.high is None:
        return mean, None
    return mean, [max(made.low, 0.0), min(made.high, 100.0)]
