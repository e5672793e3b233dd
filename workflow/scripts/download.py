"""Fetch what a split is made of; source/files.json records what it is."""

from earmark.config import resolve
from earmark.data.download import download
from earmark.errors import job_log

with job_log(snakemake.log[0]):
    run = resolve(snakemake.config)
    download(run.split(snakemake.wildcards), record=snakemake.output.files, cache=run.hub_cache)
