# Earmark: download → manifest → infer → score → aggregate → report. `snakemake -n` shows what would run.
import runpy

from snakemake.utils import min_version

min_version("9.17")


def source(name):
    file = workflow.current_basedir.join(name)
    if not getattr(file, "repo_path", None):
        return workflow.source_path(name)
    # Snakemake puts a slash before names in the uppermost folder of a Git repository on this disk.
    file.path = file.path.lstrip("/")
    return workflow.sourcecache.get_path(file)


# A run works from its own copy of the code and the config, taken here: editing the clone while it
# runs changes the next run, not this one.
OWN = runpy.run_path(source("workflow/own_copy.py"))["Copy"](workflow, __name__, source)
CODE = OWN.code


# A config given on the command line stands alone; it is not laid over the default one.
if OWN.config is None and "models" not in config:

    configfile: "config/config.yaml"


# First, and so what is made unless something else is asked for; a workflow that uses this one as a
# module comes before it.
rule all:
    input:
        lambda wildcards: EVALUATIONS,
        lambda wildcards: rules.report.output,
        lambda wildcards: other_data(wildcards) + other_settings(wildcards),


include: f"{CODE}/workflow/rules/common.smk"
include: f"{CODE}/workflow/rules/data.smk"
include: f"{CODE}/workflow/rules/infer.smk"
include: f"{CODE}/workflow/rules/mmau.smk"
include: f"{CODE}/workflow/rules/score.smk"
include: f"{CODE}/workflow/rules/report.smk"


if OWN.main:

    report: f"{CODE}/workflow/report/workflow.rst"


# Servers that were kept for this run's next job have none to wait for.
onsuccess:
    end_servers()


onerror:
    end_servers()
