"""Fetch (or synthesize) what a split is made of: source/ and source.json."""

from earmark.download import download
from earmark.errors import job_log

with job_log(snakemake.log[0]):
    download(snakemake.params.source, snakemake.output.source)
