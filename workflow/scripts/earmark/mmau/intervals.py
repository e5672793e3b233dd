"""Error bars of MMAU-Pro's rates: the one place where an interval is computed.

A rate is a sum over samples divided by another. Its interval is that of a bootstrap over samples,
which draws a sample with all of its seeds; over several categories it draws within each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.scoring import statistics as stats

Replicates = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]

_PARTS = 10_000  # scores are no whole numbers; they are counted in parts of one


def replicates(columns: Mapping[str, tuple[Any, Any]], subset: str) -> Replicates:
    """Draw samples, and add up what they add to each rate.

    Args:
        columns: For each rate what each sample adds above and below the line, two arrays of one
            number a sample.
        subset: What they are of: the same name draws the same bootstrap.
    """
    flat = [np.rint(_PARTS * np.asarray(part, float)) for pair in columns.values() for part in pair]
    sums = stats.resample(flat, stats.generator(subset, "mmau"))
    return dict(zip(columns, zip(sums[::2], sums[1::2], strict=True), strict=True))


def interval(pair: tuple[Any, Any]) -> list[float] | None:
    """The interval of a rate, in percent, from its replicated sums."""
    return stats.interval(stats.percent(*pair))
