"""Score a split's translations by COMET."""

from earmark.config import resolve
from earmark.errors import job_log
from earmark.scoring.comet import comet_split

with job_log(snakemake.log[0]):
    run = resolve(snakemake.config)
    comet_split(
        run.split(snakemake.wildcards).comet,
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        scores=snakemake.output.scores,
        kept=run.paths.comet_kept.of(**dict(snakemake.wildcards.items())),
    )
