"""How splits are scored that are not by word errors. A file here is one: `scoring:` is its name.

A measure counts what is in each answer; its rates are functions of the sums of those counts. So a
new one says what it counts, and what its rates are called: intervals, tests, tables and the report
follow. Its class stands under ``MEASURE``, and its name in `earmark.config.benchmarks.MEASURES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from earmark.config.benchmarks import MEASURES
from earmark.files import Row
from earmark.scoring import intervals
from earmark.scoring.intervals import Interval, Numbers, Units, by_group
from earmark.scoring.resampling import Value, bootstrapped, interval_of
from earmark.scoring.samples import Sample

if TYPE_CHECKING:
    from earmark.config import Split


@dataclass(frozen=True)
class Rate:
    """A rate of a measure.

    Attributes:
        name: Its key in metrics.
        title: What it is called in print.
        value: From sums of the measure's counts (last axis) to the rate, in its unit.
        lower: Whether lower is better.
        unit: What it is in, for captions; empty for points of a scale such as BLEU's.
        share: Where it is the share of samples that have a count: that count's place; its interval
            is then never of no width. Otherwise the interval is the bootstrap's.
        asked_by: The key of a split that asks for it; empty where all splits have it.
    """

    name: str
    title: str
    value: Value
    lower: bool = False
    unit: str = "percent"
    share: int | None = None
    asked_by: str = ""

    def interval(self, counts: Numbers, units: Units, drawn: Numbers) -> Interval:
        """The 95 % interval.

        Args:
            counts: The samples' counts: an array of samples by counts.
            units: The samples' groups.
            drawn: Bootstrap draws of those groups, as `drawn_sums` gives them.
        """
        if self.share is not None:
            return intervals.share(counts[:, self.share], np.ones(len(counts)), units).scaled(100)
        return interval_of(self.value(drawn), units.count)


def drawn_sums(counts: Numbers, units: Units) -> Numbers:
    """Sums of counts of each bootstrap draw of groups: an array of draws by counts."""
    return np.concatenate([drawn for (drawn,) in bootstrapped(by_group(counts, units))])


def percent(above: Sequence[float], below: Sequence[float]) -> Value:
    """The rate that is one weighted sum of counts over another, times 100; nan where that is 0."""

    def value(sums: Numbers) -> Numbers:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Numbers = 100 * (sums @ np.array(above)) / (sums @ np.array(below))
        return np.where(np.isfinite(found), found, np.nan)

    return value


class Measure(ABC):
    """One way to score, as a split sets it.

    Args:
        settings: The split's ``language``, ``target_language``, ``tokenizer``, ``keywords`` and
            what of ``comet`` determines its scores.

    Raises:
        EarmarkError: when it cannot score so; begins with the key that is wrong.
    """

    counts: tuple[str, ...]
    """What is counted of each sample, by name."""
    rates: tuple[Rate, ...]
    """Its rates, the primary one first; of an object, those that the split asks for."""
    needs_reference: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        asked = (rate for rate in self.rates if not rate.asked_by or settings.get(rate.asked_by))
        self.rates = tuple(asked)

    @property
    def record(self) -> dict[str, Any]:
        """What metrics say of how it was scored: signatures, versions."""
        return {}

    def check(self, entry: Row) -> None:
        """Look at a row of the manifest before anything is asked.

        Raises:
            EarmarkError: when it lacks what scoring needs; begins with the key of the split.
        """
        return

    @abstractmethod
    def count(self, sample: Sample, entry: Row) -> Row:
        """What is in an answer: ``counts`` by name, whether it is a ``success``, its ``cost`` (the
        more, the worse), and whatever else its row in the scores file is to show.

        Args:
            sample: The sample; its ``generation`` is without reasoning.
            entry: Its row of the manifest, with what was scored ``beside``.
        """


@cache
def measure_type(name: str) -> type[Measure]:
    """The measure of that name, one of `MEASURES`."""
    found: type[Measure] = import_module(f"{__name__}.{name}").MEASURE
    return found


def rates_of(splits: Iterable[Split]) -> list[Rate]:
    """The rates of some splits of one measure, without those that none of them asks for."""
    given = list(splits)
    return [
        rate
        for rate in measure_type(given[0].scoring).rates
        if not rate.asked_by or any(getattr(split, rate.asked_by) for split in given)
    ]


@cache
def rate_units() -> dict[str, str]:
    """The units of all measures' rates, by the rates' names."""
    return {rate.name: rate.unit for name in MEASURES for rate in measure_type(name).rates}
