# The config, resolved once by the library, and the few names that all rules use.
import functools
import time

from snakemake.io import IOFile

from earmark import provenance as earmark_provenance, start as earmark_start
from earmark.data.download import source_files
from earmark.errors import EarmarkError
from earmark.mmau.judging import reading_code
from earmark.mmau.protocol import Protocol
from earmark.paths import seeds
from earmark.report import code_hash as report_code
from earmark.scoring.score import code_hash as scoring_code_hash
from earmark.servers import answer_settings
from earmark.servers.run import end_servers, own_run

if OWN.config is not None:
    config = OWN.config  # as it was when the run began whose job this is
RUN = earmark_start.begin(workflow, config, OWN.root)
PATHS = RUN.paths
BEGAN = time.time()


@functools.cache
def own_files(benchmark, split):
    """The user's files that a split is made of."""
    return source_files(RUN.benchmarks[benchmark][split])


try:
    PROTOCOL = Protocol(RUN)
    # Read now, so that a missing clip is told before any job; jobs need them no more.
    for split in RUN.splits if OWN.config is None else ():
        own_files(split.benchmark, split.name)
except EarmarkError as error:
    sys.exit(f"error: {error}")

if OWN.config is None:
    # With paths expanded here, not by jobs elsewhere; and not put into the config of a workflow
    # that uses this one as a module.
    project = {"project": OWN.project()}
    config = {**config, **RUN.given, "frozen": RUN.frozen | project}
OWN.keep(config)


envvars:
    OWN.variable,


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


def one_load(wildcards):
    """An input without files: where a group of jobs runs, they share what they load."""
    earmark_start.share_servers(workflow)
    return []


wildcard_constraints:
    model="[^/]+",
    benchmark="[^/]+",
    split="[^/]+?",
    seed=r"(\.seed\d+)?",
    shard=r"\d+",
    shards=r"\d+",
