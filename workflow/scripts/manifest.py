"""Write a split's manifest, and its audio where the source does not already hold it as files."""

from earmark.config import resolve
from earmark.data.manifest import write_manifest
from earmark.errors import job_log

with job_log(snakemake.log[0]):
    run = resolve(snakemake.config)
    write_manifest(
        run.split(snakemake.wildcards),
        files=snakemake.input.files,
        cache=run.hub_cache,
        manifest=snakemake.output.manifest,
        record=snakemake.output.source,
    )
