"""Match closed-form answers to their choices."""

from pathlib import Path

from earmark.config import matcher
from earmark.errors import job_log
from earmark.mmau.matching import match_split

with job_log(snakemake.log[0]):
    results = snakemake.output.matches.rpartition(f"/{snakemake.wildcards.model}/matches/")[0]
    match_split(
        settings=matcher(snakemake.config),
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        matches=snakemake.output.matches,
        store=Path(results, "embeddings"),
    )
