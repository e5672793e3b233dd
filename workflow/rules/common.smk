# The config, resolved once by the library, and the few names that all rules use.
import functools
import re
import time

OWN.import_from()

from snakemake.io import IOFile

from earmark import (
    config as earmark_config,
    owner as earmark_owner,
    provenance as earmark_provenance,
    slurm as earmark_slurm,
)
from earmark.data import download as earmark_download, manifest as earmark_manifest
from earmark.scoring import score as earmark_score
from earmark.errors import EarmarkError, failed_jobs
from earmark.mmau.judging import judge_settings
from earmark.mmau.lacking import lacking
from earmark.mmau.matchers import matcher_type
from earmark.report import code_hash as report_code
from earmark.servers import answer_settings, check as check_server

# Clips and journals are files beside Snakemake's outputs: all jobs have to see one disk.
if workflow.storage_settings.default_storage_provider is not None:
    sys.exit(
        "error: --default-storage-provider (which executors without a shared disk need) carries "
        "Snakemake's outputs alone, and jobs need audio and kept answers too; run where all jobs "
        "share a disk: docs/cluster.md, for Kubernetes too"
    )

if OWN.config is not None:
    config = OWN.config  # as it was when the run began whose job this is
try:
    RUN = earmark_config.resolve(
        config, OWN.root, " + ".join(map(str, workflow.configfiles)) or "config"
    )
    for model in RUN.models.values():
        check_server(model.name, model.settings)
    check_server("judge", RUN.judge.settings)
    JUDGE = judge_settings(RUN.judge.settings)
    MATCHER = matcher_type(RUN.matcher).identity(RUN.matcher)
    if "frozen" not in config:  # the run itself, not one of its jobs
        earmark_owner.check_owner(RUN)
    # Read now, so that a missing clip is told before any job.
    SOURCE_FILES = earmark_download.source_files(RUN)
except EarmarkError as error:
    sys.exit(f"error: {error}")

if "frozen" not in config:  # the run itself, not one of its jobs
    for warning in lacking(RUN):
        print(f"warning: {warning}", file=sys.stderr)

if OWN.config is None:
    # Not put into the config of a workflow that uses this one as a module.
    config = {**config, "frozen": RUN.frozen | {"project": OWN.project()}}
OWN.keep(config)


envvars:
    OWN.variable,


BEGAN = time.time()

# The splits that several jobs share, as a pattern; each is known by its benchmark's folder too.
SHARDED = "|".join(
    f"(?<=/{re.escape(benchmark)}/){re.escape(name)}"
    for benchmark, splits in RUN.benchmarks.items()
    for name, split in splits.items()
    if split.shards > 1
)
# The models whose servers need GPUs, as a pattern: their jobs go where there are some.
ON_GPUS = "|".join(re.escape(name) for name, model in RUN.models.items() if model.gpus)
DATA = RUN.data_dir
RESULTS = RUN.results_dir


def seeds_of(wildcards):
    """What stands for a model's seeds in names of files: nothing where it has one."""
    seeds = RUN.models[wildcards.model].settings["num_seeds"]
    return [""] if seeds == 1 else [f".seed{k}" for k in range(seeds)]


def predictions_of(wildcards):
    """A split's predictions: one file, or one a seed where the model has several."""
    seeds = seeds_of(wildcards)
    files = expand(rules.infer.output.predictions, seed=seeds, allow_missing=True)
    return files if len(seeds) > 1 else files[0]


@functools.cache
def parts_of(shards):
    """The predictions of a split's shards, so many."""
    return expand(
        rules.infer_shard.output.predictions,
        shard=range(shards),
        shards=shards,
        allow_missing=True,
    )


def of_models(attribute):
    """A resource of infer jobs: one number where it is the same for all models.

    Snakemake looks numbers up at once, and calls functions for each of thousands of jobs.
    """
    found = {getattr(model, attribute) for model in RUN.models.values()}
    return (
        found.pop()
        if len(found) == 1
        else lambda w: getattr(RUN.models[w.model], attribute)
    )


def beside_of(wildcards):
    """What scoring needs beside answers: their matches or judgements, a file a seed."""
    made = {
        "closed_form": rules.match.output.matches,
        "open_ended": rules.judge.output.judgements,
    }
    scoring = RUN.split(wildcards).scoring
    if scoring not in made:
        return []
    return expand(made[scoring], seed=seeds_of(wildcards), allow_missing=True)


def protocol_of(wildcards):
    """What MMAU-Pro's numbers rest on, to be kept beside them."""
    split = RUN.split(wildcards)
    used = {
        "closed_form": {"matcher": MATCHER},
        "open_ended": {"judge": JUDGE},
        "instruction_following": {"sentences": split.sentences},
    }
    prompt = RUN.request(wildcards)["prompt"]
    return {"prompt": prompt, **used.get(split.scoring, {})}


def other_data(wildcards):
    """No files, but a warning of manifests that Snakemake takes for up to date and are not."""
    again = []
    for benchmark, splits in RUN.benchmarks.items():
        for name, split in splits.items():
            manifest, record, files = (
                output.format(benchmark=benchmark, split=name)
                for output in (
                    rules.manifest.output.manifest,
                    rules.manifest.output.source,
                    rules.download.output.files,
                )
            )
            changed = earmark_manifest.prepared_otherwise(split.preparation, record)
            if changed and workflow.persistence.metadata(IOFile(manifest)) is None:
                again.append(files)
                logger.warning(
                    f"{manifest} was made with other {', '.join(changed)}, elsewhere"
                )
    if again:
        logger.warning(
            f"to prepare anew, run once with `--forcerun {' '.join(again)}` added"
        )
    return []


def other_settings(wildcards):
    """No files, but a warning of results that Snakemake takes for up to date and are not.

    Results that were moved here, or are met by a fresh clone, lack Snakemake's own record of the
    settings they were made with; theirs is beside the metrics.
    """
    for model in RUN.models:
        for benchmark in RUN.benchmarks:
            metrics = rules.aggregate.output.metrics.format(
                model=model, benchmark=benchmark
            )
            changed = earmark_provenance.changed(RUN, model, benchmark)
            if changed and workflow.persistence.metadata(IOFile(metrics)) is None:
                logger.warning(
                    f"{metrics} was made with other {', '.join(changed)}, elsewhere: to make it "
                    "anew, run once with `--forcerun download infer{' infer_gpu' * bool(ON_GPUS)} score` added (known answers "
                    "are not asked for again)"
                )
    return []


def check_cluster():
    """On SLURM, see that ends of jobs are noticed, and tell of jobs that cannot start."""
    if workflow.is_main_process and workflow.executor_plugin.name == "slurm":
        try:
            earmark_slurm.check_accounting(workflow.executor_settings.status_command)
        except EarmarkError as error:
            sys.exit(f"error: {error}")
        earmark_slurm.watch(workflow.workdir_init, logger.warning)


def tell_causes():
    """Print why jobs failed, last, where the user looks."""
    if workflow.is_main_process:
        for log, message in failed_jobs(f"{RESULTS}/logs", BEGAN):
            print(f"\n{log}:\n{message}", file=sys.stderr)


def end_servers():
    """End the model servers that this run keeps on this machine, and wait for that."""
    from earmark.servers.lease import end_servers
    from earmark.servers.run import own_run

    end_servers(own_run())


wildcard_constraints:
    model="[^/]+",
    benchmark="[^/]+",
    split="[^/]+?",
    seed=r"(\.seed\d+)?",
    shard=r"\d+",
    shards=r"\d+",
