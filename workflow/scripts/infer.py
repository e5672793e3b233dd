"""Ask a model for its answers to a split's utterances, in manifest order."""

from pathlib import Path

from earmark.config import models
from earmark.errors import job_log
from earmark.inference.infer import Job, infer
from earmark.provenance import recorded

with job_log(snakemake.log[0]):
    wildcards = snakemake.wildcards
    results = Path(snakemake.output.predictions.rpartition(f"/{wildcards.model}/predictions/")[0])
    shard = int(wildcards.get("shard", 0))
    split = f"{wildcards.benchmark} {wildcards.split}{wildcards.seed}"
    settings = models(snakemake.config)[wildcards.model].settings
    jobs = results / wildcards.model / "jobs" / wildcards.benchmark / f"{wildcards.split}.jsonl"
    job = Job(
        title=f"{wildcards.model} on {split}",
        request=snakemake.params.request,
        settings=settings,
        manifest=Path(snakemake.input.manifest),
        journal=results / wildcards.model / "journal" / wildcards.benchmark / wildcards.split,
        predictions=Path(snakemake.output.predictions),
        server_log=results / "logs" / "servers" / f"{wildcards.model}.{shard}.log",
        seed=int(wildcards.seed.removeprefix(".seed") or 0),
        shard=shard,
        shards=int(wildcards.get("shards", 1)),
        folders=(Path(snakemake.input.manifest).parents[2], results),
    )
    with recorded(jobs, settings, snakemake.config["frozen"]["project"]):
        infer(job)
