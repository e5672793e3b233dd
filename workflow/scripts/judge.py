"""Have a language model judge open-ended answers."""

from earmark.config import resolve
from earmark.errors import job_log
from earmark.mmau.judging import Judge, judge_split

with job_log(snakemake.log[0]):
    wildcards = dict(snakemake.wildcards.items())
    run = resolve(snakemake.config)
    judge_split(
        Judge(
            title="judging {model} on {benchmark} {split}".format(**wildcards),
            wanted=snakemake.params.judge,
            model=run.judge,
            journal=run.paths.judging.of(**wildcards),
            server_log=run.paths.judge_log.of(**wildcards),
        ),
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        judgements=snakemake.output.judgements,
    )
