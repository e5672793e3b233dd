# From a benchmark's declaration to manifests and audio; per split.
rule download:
    input:
        lambda w: own_files(w.benchmark, w.split),
    output:
        # The folder around it is no output: Snakemake would empty it, and downloads resume.
        files=PATHS.files,
    log:
        PATHS.logs["download"],
    # It tries again by itself where that may help, and goes on where it was.
    retries: 0
    localrule: config.get("download_locally", True)
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=1000,
    params:
        selection=lambda w: RUN.split(w).selection,
    script:
        "../scripts/download.py"


rule manifest:
    input:
        files=rules.download.output.files,
    output:
        source=PATHS.source,
        manifest=PATHS.manifest,
    log:
        PATHS.logs["manifest"],
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        preparation=lambda w: RUN.split(w).preparation,
    script:
        "../scripts/manifest.py"


# `snakemake prepare`: all manifests and audio, and no model.
rule prepare:
    input:
        expand(
            rules.manifest.output.manifest,
            zip,
            benchmark=[split.benchmark for split in RUN.splits],
            split=[split.name for split in RUN.splits],
        ),
        other_settings(),
