"""Write a split's manifest, and its audio where the source does not already hold it as files."""

from earmark.errors import job_log
from earmark.manifest import write_manifest

with job_log(snakemake.log[0]):
    write_manifest(snakemake.params.source, snakemake.output.manifest)
