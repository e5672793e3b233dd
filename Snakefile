# Earmark: download → manifest → infer → score → aggregate. `snakemake -n` shows what would run.
from snakemake.utils import min_version

min_version("9.14")


# A config given on the command line stands alone; it is not laid over the default one.
if "models" not in config:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/infer.smk"
include: "workflow/rules/score.smk"


rule all:
    default_target: True
    input:
        EVALUATIONS,
