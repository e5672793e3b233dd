"""Ask a model for its answers to a split's utterances, in manifest order."""

from pathlib import Path

from earmark.config import resolve
from earmark.errors import job_log
from earmark.inference.infer import Job, infer
from earmark.mmau.verdicts import check_answers
from earmark.provenance import recorded
from earmark.scoring.declared import check_manifest
from earmark.scoring.imported import write_imported

with job_log(snakemake.log[0]):
    wildcards = dict(snakemake.wildcards.items())
    run = resolve(snakemake.config)
    model = run.models[wildcards["model"]]
    job = Job(
        title="{model} on {benchmark} {split}{seed}".format(**wildcards),
        request=snakemake.params.request,
        model=model,
        manifest=Path(snakemake.input.manifest),
        journal=run.paths.journal.of(**wildcards),
        predictions=Path(snakemake.output.predictions),
        server_log=run.paths.server_log.of(**wildcards),
        seed=int(wildcards["seed"].removeprefix(".seed") or 0),
        shard=int(wildcards.get("shard", 0)),
        shards=int(wildcards.get("shards", 1)),
        folders=(Path(run.data_dir), Path(run.results_dir)),
    )
    split = run.split(snakemake.wildcards)
    check_manifest(split, snakemake.input.manifest)
    check_answers(split, snakemake.input.manifest)
    with recorded(run.paths.jobs.of(**wildcards), model, run.frozen["project"]):
        if model.server == "imported":
            write_imported(job, list(snakemake.input.imported))
        else:
            infer(job)
