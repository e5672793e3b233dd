# The config, resolved once by the library, and the few names that all rules use.
sys.path.insert(0, f"{CODE}/workflow/scripts")

from earmark import (
    config as earmark_config,
    download as earmark_download,
    score as earmark_score,
)
from earmark.errors import EarmarkError

try:
    RUN = earmark_config.resolve(
        config, workflow.basedir, " + ".join(map(str, workflow.configfiles)) or "config"
    )
    # Read now, so that a missing clip is told before any job.
    SOURCE_FILES = earmark_download.source_files(RUN)
except EarmarkError as error:
    sys.exit(f"error: {error}")

config["frozen"] = RUN.frozen | {"project": frozen.project(RUN.frozen["root"], CODE)}
frozen.keep(workflow, config, CODE)

DATA = RUN.data_dir
RESULTS = RUN.results_dir


wildcard_constraints:
    model="[^/]+",
    benchmark="[^/]+",
    split="[^/]+",
