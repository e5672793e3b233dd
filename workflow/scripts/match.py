"""Match closed-form answers to their choices."""

from earmark.config import resolve
from earmark.errors import job_log
from earmark.mmau.matching import match_split

with job_log(snakemake.log[0]):
    run = resolve(snakemake.config)
    match_split(
        settings=run.matcher.given,
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        matches=snakemake.output.matches,
        store=run.paths.embeddings.of(),
    )
