# The config, resolved once by the library, and the few names that all rules use.
import re

frozen.import_from(f"{CODE}/workflow/scripts")

from earmark import (
    config as earmark_config,
    download as earmark_download,
    score as earmark_score,
)
from earmark.errors import EarmarkError
from earmark.servers import answer_settings, check as check_server

try:
    RUN = earmark_config.resolve(
        config, workflow.basedir, " + ".join(map(str, workflow.configfiles)) or "config"
    )
    for model in RUN.models.values():
        check_server(model.name, model.settings)
    # Read now, so that a missing clip is told before any job.
    SOURCE_FILES = earmark_download.source_files(RUN)
except EarmarkError as error:
    sys.exit(f"error: {error}")

config["frozen"] = RUN.frozen | {"project": frozen.project(RUN.frozen["root"], CODE)}
frozen.keep(workflow, config, CODE)

# The splits that several jobs share, as a pattern; each is known by its benchmark's folder too.
SHARDED = "|".join(
    f"(?<=/{re.escape(benchmark)}/){re.escape(name)}"
    for benchmark, splits in RUN.benchmarks.items()
    for name, split in splits.items()
    if split.shards > 1
)
DATA = RUN.data_dir
RESULTS = RUN.results_dir


def predictions_of(wildcards):
    """A split's predictions: one file, or one a seed where the model has several."""
    seeds = RUN.models[wildcards.model].settings["num_seeds"]
    names = [""] if seeds == 1 else [f".seed{k}" for k in range(seeds)]
    files = expand(rules.infer.output.predictions, seed=names, allow_missing=True)
    return files if seeds > 1 else files[0]


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
