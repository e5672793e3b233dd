"""Ask a model for its answers to a split's utterances, in manifest order."""

from pathlib import Path

from earmark.config import models
from earmark.errors import job_log
from earmark.infer import Job, infer

with job_log(snakemake.log[0]):
    wildcards = snakemake.wildcards
    results = Path(snakemake.output.predictions.rpartition(f"/{wildcards.model}/predictions/")[0])
    shard = int(wildcards.get("shard", 0))
    infer(
        Job(
            title=f"{wildcards.model} on {wildcards.benchmark} {wildcards.split}{wildcards.seed}",
            wanted=snakemake.params.request,
            settings=models(snakemake.config)[wildcards.model].settings,
            manifest=Path(snakemake.input.manifest),
            journal=results / wildcards.model / "journal" / wildcards.benchmark / wildcards.split,
            predictions=Path(snakemake.output.predictions),
            server_log=results / "logs" / "servers" / f"{wildcards.model}.{shard}.log",
            seed=int(wildcards.seed.removeprefix(".seed") or 0),
            shard=shard,
            shards=int(wildcards.get("shards", 1)),
        )
    )
