"""Combine the metrics of a benchmark's splits, and write beside them what repeats them."""

from earmark import provenance
from earmark.errors import job_log
from earmark.mmau.score import aggregate_mmau
from earmark.scoring.score import aggregate

with job_log(snakemake.log[0]):
    combine = aggregate if snakemake.params.scoring == "asr" else aggregate_mmau
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
