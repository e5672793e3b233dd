"""Combine the metrics of a benchmark's splits."""

from earmark.aggregate_mmau import aggregate_mmau
from earmark.errors import job_log
from earmark.metrics import aggregate

with job_log(snakemake.log[0]):
    combine = aggregate if snakemake.params.scoring == "asr" else aggregate_mmau
    combine(
        benchmark=snakemake.wildcards.benchmark,
        splits=snakemake.input.metrics,
        metrics=snakemake.output.metrics,
    )
