"""Charts of what is not measured by word errors: each rate of a measure, such as BLEU, by split."""

from collections.abc import Iterator

from earmark.config.benchmarks import MEASURES
from earmark.report.charts.drawing import Chart, of_rate, scored
from earmark.report.figures import rate
from earmark.report.gather import Results
from earmark.scoring.measures import rates_of


def by_split(results: Results) -> Iterator[Chart]:
    """The rates of every model on every split that is scored by a measure, with their intervals."""
    for measure in MEASURES:
        having = list(scored(results, measure))
        for of in rates_of(one.split for one, *_ in having) if having else ():
            axis = of.title + {"": "", "percent": " (%)"}.get(of.unit, f" ({of.unit})")
            rows = [{**row, **rate(metrics, of.name)} for _, metrics, row in having]
            yield of_rate(f"{measure}-{of.name}", measure, f"{of.title} by split", axis, rows)
