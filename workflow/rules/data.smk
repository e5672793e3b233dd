# From a benchmark's declaration to manifests and audio; per split.
rule download:
    input:
        lambda w: SOURCE_FILES[w.benchmark, w.split],
    output:
        source=f"{DATA}/{{benchmark}}/{{split}}/source.json",
    log:
        f"{RESULTS}/logs/download/{{benchmark}}/{{split}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=1000,
    params:
        source=lambda w: RUN.split(w).source,
    script:
        "../scripts/download.py"


rule manifest:
    input:
        source=rules.download.output.source,
    output:
        manifest=f"{DATA}/{{benchmark}}/{{split}}/manifest.jsonl",
    log:
        f"{RESULTS}/logs/manifest/{{benchmark}}/{{split}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        source=lambda w: RUN.split(w).source,
    script:
        "../scripts/manifest.py"
