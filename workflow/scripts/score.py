"""Score a split: a row per sample, and the split's metrics."""

from earmark.errors import job_log
from earmark.score import score

with job_log(snakemake.log[0]):
    score(
        subset=f"{snakemake.wildcards.benchmark}-{snakemake.wildcards.split}",
        scoring=snakemake.params.scoring,
        label=snakemake.params.label,
        protocols=snakemake.params.protocols,
        postprocess=snakemake.params.postprocess,
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        scores=snakemake.output.scores,
        metrics=snakemake.output.metrics,
    )
