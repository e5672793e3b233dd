# Earmark: download → manifest → infer → score → aggregate → report. `snakemake -n` shows what would run.
import sys

from snakemake.utils import min_version

min_version("9.14")

# A run works from its own copy of the code and the config, taken here: editing the clone while it
# runs changes the next run, not this one.
sys.path.insert(0, f"{workflow.basedir}/workflow")
import frozen
import sources

CODE = frozen.code(workflow)
frozen.import_from(f"{CODE}/workflow/scripts")

from earmark.config import read_or_exit

# A config given on the command line stands alone; it is not laid over the default one.
if "models" not in config:
    read_or_exit("config/config.yaml")  # names the line, which Snakemake does not

    configfile: "config/config.yaml"


include: f"{CODE}/workflow/rules/common.smk"
include: f"{CODE}/workflow/rules/data.smk"
include: f"{CODE}/workflow/rules/infer.smk"
include: f"{CODE}/workflow/rules/mmau.smk"
include: f"{CODE}/workflow/rules/score.smk"
include: f"{CODE}/workflow/rules/report.smk"


report: f"{CODE}/workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        EVALUATIONS,
        rules.report.output,
        other_settings(RUN.models),


sources.find_once(workflow)


# Servers that were kept for this run's next job have none to wait for.
onsuccess:
    end_servers()


onerror:
    end_servers()
