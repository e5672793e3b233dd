"""Combine the metrics of a benchmark's splits, and write beside them what repeats them."""

from earmark import provenance
from earmark.errors import job_log
from earmark.mmau.score import aggregate_mmau
from earmark.scoring.measured import aggregate_measured
from earmark.scoring.score import aggregate

with job_log(snakemake.log[0]):
    combine = {"asr": aggregate, "mmau": aggregate_mmau}.get(
        snakemake.params.scoring, aggregate_measured
    )
    combine(
        benchmark=snakemake.wildcards.benchmark,
        splits=snakemake.input.metrics,
        metrics=snakemake.output.metrics,
    )
    provenance.write(
        config=snakemake.config,
        model=snakemake.wildcards.model,
        benchmark=snakemake.wildcards.benchmark,
        metrics=snakemake.output.metrics,
        path=snakemake.output.provenance,
    )
