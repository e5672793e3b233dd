# A model's answers to a split's utterances.
rule infer:
    input:
        manifest=rules.manifest.output.manifest,
    output:
        predictions=f"{RESULTS}/{{model}}/predictions/{{benchmark}}/{{split}}.jsonl",
    log:
        f"{RESULTS}/logs/infer/{{model}}/{{benchmark}}/{{split}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        # What determines the answers, and nothing else: how requests are sent is read from the
        # config by the script, so that a change of concurrency asks nothing again.
        request=RUN.request,
    script:
        "../scripts/infer.py"
