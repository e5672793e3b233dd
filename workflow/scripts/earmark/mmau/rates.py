"""The rates of a table of verdicts, and their error bars.

A rate is a table with a row for each answer, indexed by ``seed`` and ``sample``: what the answer
adds ``above`` and ``below`` the line, and the ``clip`` that it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.mmau.judge import SCORES
from earmark.scoring import intervals

if TYPE_CHECKING:
    from pandas import DataFrame


def rates(samples: DataFrame) -> dict[str, DataFrame]:
    """The rates of a table (`earmark.mmau.summary.table`), by name."""
    import pandas as pd

    scored = samples["scored"].astype(float)
    own = pd.Series(samples.index.get_level_values("sample").astype(str), samples.index)
    clips = samples["clip"].where(samples["clip"].notna(), own) if "clip" in samples else own

    def rate(above: Any, below: Any = scored) -> DataFrame:
        columns = {"above": above, "below": below}
        made = pd.DataFrame(columns, samples.index).astype(float).fillna(0)
        return made.assign(clip=clips)

    found = {"success_rate": rate(samples["right"]), "no_answer": rate(samples["empty"], 1)}
    columns = {"reference_score": "reference", "success_rate_nemo_skills": "nemo_skills"}
    for name, column in {**columns, "judge_score": "judge_score"}.items():
        if column in samples:
            found[name] = rate(samples[column], samples[column].notna())
    for name in SCORES:
        if name in samples:
            found[f"avg_{name}"] = rate(samples[name].astype(float) / 5)
    if "overall" in samples:
        found["good_response_rate"] = rate(samples["overall"].astype(float) >= 4)
        found["poor_response_rate"] = rate(samples["overall"].astype(float) <= 2)
    return found


def estimate(
    parts: Sequence[DataFrame], weights: Sequence[float] = (1.0,)
) -> tuple[float | None, list[float] | None]:
    """The mean of some categories' rates, and its 95 % interval, both in percent.

    Samples that share a clip are a group, as are a sample's seeds. Shares of right and wrong have
    the interval of a share, means of scores that of a mean (`earmark.scoring.intervals`).

    Args:
        parts: The rate of each category; those with nothing below the line have no say.
        weights: The weight of each.

    Returns:
        The mean (over seeds, too) and the interval; None where there is nothing below the line, or
        no spread to tell an interval by.
    """
    import pandas as pd

    known = [
        (rate, weight) for rate, weight in zip(parts, weights, strict=True) if rate["below"].any()
    ]
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
