"""Charts of what is not measured by word errors: each rate of a measure, such as BLEU, by split."""

from __future__ import annotations

from collections.abc import Iterator

from earmark.config.benchmarks import MEASURES
from earmark.report.charts.drawing import Chart, of_rate, samples_link, split_name
from earmark.report.figures import rate
from earmark.report.gather import Results
from earmark.scoring.measures import rates_of


def by_split(results: Results) -> Iterator[Chart]:
    """The rates of every model on every split that is scored by a measure, with their intervals."""
    for measure in MEASURES:
        scored = [
            (one, {"model": one.model.name, "split": split_name(results, one)})
            for one in results.evaluations.values()
            if one.metrics is not None and one.split.scoring == measure
        ]
        for of in rates_of(one.split for one, _ in scored) if scored else ():
            axis = of.title + {"": "", "percent": " (%)"}.get(of.unit, f" ({of.unit})")
            rows = [
                {**row, **rate(one.metrics, of.name), "href": samples_link(one)}
                for one, row in scored
            ]
            yield of_rate(f"{measure}-{of.name}", measure, f"{of.title} by split", axis, rows)
