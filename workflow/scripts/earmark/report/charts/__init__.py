"""The report's charts: Vega-Lite by Altair, with the figures that each of them shows.

A chart's data is put in by the page, for the models that the reader has chosen; colours are names
of the page's own, so that charts follow its scheme.
"""

from earmark.config.benchmarks import MEASURES
from earmark.report.charts import measures, mmau, speed, wer
from earmark.report.charts.drawing import Chart
from earmark.report.gather import Results

SECTIONS = {
    "wer": "Word error rate",
    **{name: name.capitalize() for name in MEASURES},
    "speed": "Speed",
    "mmau": "MMAU-Pro",
}
"""The page's sections with charts, and their titles."""


def charts(results: Results) -> list[Chart]:
    """The charts that a run's results have figures for."""
    made = [
        wer.by_split(results), wer.error_types(results), wer.by_duration(results),
        *measures.by_split(results),
        speed.against_accuracy(results), speed.latency(results), speed.throughput(results),
        mmau.by_category(results), mmau.by_skill(results), mmau.by_length(results),
    ]  # fmt: skip
    return [chart for chart in made if chart.rows]
