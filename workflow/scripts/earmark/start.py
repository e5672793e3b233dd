"""What a run does before its first job and after its last: checks, warnings, and causes told."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from earmark import slurm
from earmark.config import Run, not_imported, read_yaml, resolve, unset_keys
from earmark.errors import EarmarkError, failed_jobs
from earmark.mmau.lacking import lacking
from earmark.owner import check_owner
from earmark.scoring.declared import check_columns
from earmark.scoring.score import check_scoring
from earmark.servers import allocation, check

NO_STORAGE = (
    "--default-storage-provider (which executors without a shared disk need) carries Snakemake's "
    "outputs alone, and jobs need audio and kept answers too; run where all jobs share a disk: "
    "docs/cluster.md, for Kubernetes too"
)


def begin(workflow: Any, config: Mapping[str, Any], root: str | Path) -> Run:
    """A config, resolved; when it is not yet ``frozen``, a run begins, and all of it is checked.

    ``workflow`` is Snakemake's; the folder ``root`` holds ``config/benchmarks``.

    Raises:
        SystemExit: with a message of what is wrong and what would be right.
    """
    first = "frozen" not in config
    try:
        # Clips and journals are files beside Snakemake's outputs: all jobs have to see one disk.
        if workflow.storage_settings.default_storage_provider is not None:
            raise EarmarkError(NO_STORAGE)
        for file in workflow.configfiles if first else ():
            read_yaml(Path(file))  # of a key that is there twice, Snakemake takes the last
        run = resolve(config, root, " + ".join(map(str, workflow.configfiles)) or "config")
        if not first:
            return run
        where = run.frozen["where"]
        for model in run.models.values():
            check(f"{where}: models.{model.name}", model)
        check(f"{where}: judge", run.judge)
        check_scoring(run.splits)
        check_columns(run.splits)
        check_owner(run)
    except EarmarkError as error:
        sys.exit(f"error: {error}")
    for warning in (*unset_keys(run), *not_imported(run), *lacking(run)):
        print(f"warning: {warning}", file=sys.stderr)
    return run


def check_cluster(workflow: Any, warn: Callable[[str], None]) -> None:
    """On SLURM, see that ends of jobs are noticed, and tell of jobs that cannot start.

    Raises:
        SystemExit: where they would not be noticed, with what to set.
    """
    if workflow.is_main_process and workflow.executor_plugin.name == "slurm":
        try:
            slurm.check_accounting(workflow.executor_settings.status_command)
        except EarmarkError as error:
            sys.exit(f"error: {error}")
        slurm.watch(workflow.workdir_init, warn)


def share_servers(workflow: Any) -> None:
    """In the Snakemake that runs a group of jobs in a SLURM allocation, have them share servers.

    A job that fails does not keep the group's others from running, as in the run itself.
    """
    if (
        not workflow.is_main_process  # which may have no executor
        and workflow.executor_plugin.name == "slurm-jobstep"
        and len(workflow.dag_settings.target_jobs) > 1
    ):
        workflow.execution_settings.keep_going = True
        allocation.share_servers()
        jobs = workflow.dag_settings.target_jobs
        slurm.name_allocation([(job.rulename, job.wildcards_dict) for job in jobs])


def tell_causes(workflow: Any, run: Run, since: float) -> None:
    """Print why jobs failed since then (Unix seconds), last, where the user looks."""
    causes = list(failed_jobs(f"{run.results_dir}/logs", since))
    if workflow.executor_plugin.name == "slurm":
        logs = workflow.executor_settings.logdir or ".snakemake/slurm_logs"
        causes += slurm.out_of_memory(Path(workflow.workdir_init) / logs, since)
    for log, message in causes:
        print(f"\n{log}:\n{message}", file=sys.stderr)
