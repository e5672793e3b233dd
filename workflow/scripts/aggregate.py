"""Combine the metrics of a benchmark's splits."""

from earmark.errors import job_log
from earmark.metrics import aggregate

with job_log(snakemake.log[0]):
    aggregate(
        benchmark=snakemake.wildcards.benchmark,
        splits=snakemake.input.metrics,
        metrics=snakemake.output.metrics,
    )
