"""Have a language model judge open-ended answers."""

from pathlib import Path

from earmark.config import judge
from earmark.errors import job_log
from earmark.mmau.judging import Judge, judge_split

with job_log(snakemake.log[0]):
    wildcards = snakemake.wildcards
    results = Path(snakemake.output.judgements.rpartition(f"/{wildcards.model}/judgements/")[0])
    judge_split(
        Judge(
            title=f"judging {wildcards.model} on {wildcards.benchmark} {wildcards.split}",
            wanted=snakemake.params.judge,
            settings=judge(snakemake.config).settings,
            # A journal a seed, since only one job writes to one.
            journal=results
            / wildcards.model
            / "judging"
            / wildcards.benchmark
            / f"{wildcards.split}{wildcards.seed}",
            server_log=results / "logs" / "servers" / f"judge.{wildcards.model}.log",
        ),
        manifest=snakemake.input.manifest,
        predictions=snakemake.input.predictions,
        judgements=snakemake.output.judgements,
    )
