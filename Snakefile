# Earmark: download → manifest → infer → score → aggregate → report. `snakemake -n` shows what would run.
import runpy

from snakemake.utils import min_version

min_version("9.17")


# A run works from its own copy of the code and the config, taken here: editing the clone while it
# runs changes the next run, not this one.
HERE = workflow.current_basedir
if getattr(HERE, "path", None) == "":
    HERE.path = "."  # a Git repository on this disk: names joined to "" would begin with a slash
OWN = runpy.run_path(workflow.sourcecache.get_path(HERE.join("workflow/own_copy.py")))[
    "Copy"
](workflow, __name__, HERE)
CODE = OWN.code
OWN.import_from()

from earmark.config import read_or_exit

# A config given on the command line stands alone; it is not laid over the default one.
if OWN.config is None and "models" not in config:
    read_or_exit("config/config.yaml")  # names the line, which Snakemake does not

    configfile: "config/config.yaml"


# First, and so what is made unless something else is asked for; a workflow that uses this one as a
# module comes before it.
rule all:
    input:
        lambda wildcards: EVALUATIONS,
        lambda wildcards: rules.report.output,
        lambda wildcards: other_settings(RUN.models)(wildcards),


include: f"{CODE}/workflow/rules/common.smk"
include: f"{CODE}/workflow/rules/data.smk"
include: f"{CODE}/workflow/rules/infer.smk"
include: f"{CODE}/workflow/rules/mmau.smk"
include: f"{CODE}/workflow/rules/score.smk"
include: f"{CODE}/workflow/rules/report.smk"


if OWN.main:

    report: f"{CODE}/workflow/report/workflow.rst"


onstart:
    earmark_start.check_cluster(workflow, logger.warning)


# Servers that were kept for this run's next job have none to wait for.
onsuccess:
    end_servers(own_run())


onerror:
    end_servers(own_run())
    if workflow.is_main_process:
        earmark_start.tell_causes(workflow, RUN, BEGAN)
