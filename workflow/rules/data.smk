# From a benchmark's declaration to manifests and audio; per split.
rule download:
    input:
        lambda w: SOURCE_FILES[w.benchmark, w.split],
    output:
        # The folder around it is no output: Snakemake would empty it, and downloads resume.
        files=f"{DATA}/{{benchmark}}/{{split}}/source/files.json",
    log:
        f"{RESULTS}/logs/download/{{benchmark}}/{{split}}.log",
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
        source=f"{DATA}/{{benchmark}}/{{split}}/source.json",
        manifest=f"{DATA}/{{benchmark}}/{{split}}/manifest.jsonl",
    log:
        f"{RESULTS}/logs/manifest/{{benchmark}}/{{split}}.log",
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
            benchmark=[benchmark for benchmark, _ in SOURCE_FILES],
            split=[split for _, split in SOURCE_FILES],
        ),
        other_data,
