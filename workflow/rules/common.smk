# The config, resolved once by the library, and the few names that all rules use.
import functools
import re
import time

from snakemake.io import IOFile

from earmark import (
    config as earmark_config,
    owner as earmark_owner,
    provenance as earmark_provenance,
    slurm as earmark_slurm,
)
from earmark.data import download as earmark_download
from earmark.errors import EarmarkError, failed_jobs
from earmark.mmau import protocol as earmark_protocol
from earmark.mmau.judging import reading_code
from earmark.mmau.lacking import lacking
from earmark.paths import seeds
from earmark.report import code_hash as report_code
from earmark.scoring import score as earmark_score
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
else:
    for file in workflow.configfiles:
        read_or_exit(file)  # of a key that is there twice, Snakemake takes the last

try:
    RUN = earmark_config.resolve(
        config, OWN.root, " + ".join(map(str, workflow.configfiles)) or "config"
    )
    where = RUN.frozen["where"]
    for model in RUN.models.values():
        check_server(f"{where}: models.{model.name}", model)
    check_server(f"{where}: judge", RUN.judge)
    earmark_score.check_protocols(RUN.splits)
    PROTOCOL = earmark_protocol.Protocol(RUN)
    if OWN.config is None:  # the run itself, not one of its jobs
        earmark_owner.check_owner(RUN)
    # Read now, so that a missing clip is told before any job.
    SOURCE_FILES = earmark_download.source_files(RUN)
except EarmarkError as error:
    sys.exit(f"error: {error}")

if "frozen" not in config:
    for warning in (*earmark_config.unset_keys(RUN), *lacking(RUN)):
        print(f"warning: {warning}", file=sys.stderr)

if OWN.config is None:
    # With paths expanded here, not by jobs elsewhere; and not put into the config of a workflow
    # that uses this one as a module.
    project = {"project": OWN.project()}
    config = {**config, **RUN.given, "frozen": RUN.frozen | project}
OWN.keep(config)


envvars:
    OWN.variable,


PATHS = RUN.paths
BEGAN = time.time()

# The splits that several jobs share, as a pattern; each is known by its benchmark's folder too.
SHARDED = "|".join(
    f"(?<=/{re.escape(split.benchmark)}/){re.escape(split.name)}"
    for split in RUN.splits
    if split.shards > 1
)
# The models whose servers need GPUs, as a pattern: their jobs go where there are some.
ON_GPUS = "|".join(
    re.escape(name) for name, model in RUN.models.items() if model.total_gpus
)


def seeded(files, wildcards):
    """A file a seed of the job's model, by the pattern that one has."""
    found = seeds(RUN.models[wildcards.model].num_seeds)
    return expand(files, seed=found, allow_missing=True)


@functools.cache
def shards_of(number):
    """The shares of a split, so many: worked out once, as thousands of jobs have the same."""
    return expand(PATHS.shard, shard=range(number), shards=number, allow_missing=True)


def other_settings(models=()):
    """An input without files, for warnings that need Snakemake's records: those of `-n` too."""

    def known(path):
        return workflow.persistence.metadata(IOFile(path)) is not None

    def warn(wildcards):
        for line in earmark_provenance.made_elsewhere(RUN, known, models):
            logger.warning(line)
        return []

    return warn


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
        for log, message in failed_jobs(f"{RUN.results_dir}/logs", BEGAN):
            print(f"\n{log}:\n{message}", file=sys.stderr)


def end_servers():
    """End the model servers that this run keeps on this machine, and wait for that."""
    from earmark.servers.run import end_servers, own_run

    end_servers(own_run())


wildcard_constraints:
    model="[^/]+",
    benchmark="[^/]+",
    split="[^/]+?",
    seed=r"(\.seed\d+)?",
    shard=r"\d+",
    shards=r"\d+",
