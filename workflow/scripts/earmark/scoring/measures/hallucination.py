"""Answers to audio without speech: who writes more than anyone can say.

NeMo-Skills at 74b86497, task type Hallucination: an answer of more than 1,500 characters a minute
of audio is hallucinated.
"""

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.intervals import Numbers
from earmark.scoring.measures import Measure, Rate, percent
from earmark.scoring.samples import Sample

MOST = 1500
"""Characters a minute."""


def _a_minute(sums: Numbers) -> Numbers:
    found: Numbers = sums[..., 2] / np.where(sums[..., 3] > 0, sums[..., 3], np.nan)
    return found


class Hallucination(Measure):
    """See `Measure`."""

    counts = ("hallucinated", "samples", "characters", "minutes")
    rates = (
        Rate(
            "hallucination_rate",
            "Hallucinated",
            percent((1, 0, 0, 0), (0, 1, 0, 0)),
            lower=True,
            share=0,
        ),
        Rate("char_rate", "Characters", _a_minute, lower=True, unit="characters a minute"),
    )
    needs_reference = False

    def check(self, entry: Row) -> None:
        """See `Measure.check`."""
        if not entry.get("duration"):
            raise EarmarkError(
                "scoring: `hallucination` counts characters a minute of audio, and there is no "
                "duration; leave `audio` on"
            )

    def count(self, sample: Sample, entry: Row) -> Row:
        """See `Measure.count`."""
        minutes = (sample.duration or 0) / 60
        length = len(sample.generation)
        rate = length / minutes if minutes else 0.0
        return {
            "counts": {
                "hallucinated": int(rate > MOST),
                "samples": 1,
                "characters": length,
                "minutes": minutes,
            },
            "success": rate <= MOST,
            "cost": round(rate, 3),
            "char_rate": rate,
        }


MEASURE = Hallucination
