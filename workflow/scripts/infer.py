"""Ask a model for its answers to a split's utterances, in manifest order."""

from earmark.config import models
from earmark.errors import job_log
from earmark.infer import infer

with job_log(snakemake.log[0]):
    infer(
        request=snakemake.params.request,
        settings=models(snakemake.config)[snakemake.wildcards.model].settings,
        manifest=snakemake.input.manifest,
        predictions=snakemake.output.predictions,
    )
