# MMAU-Pro between answers and scores: closed-form answers are matched, open-ended ones judged.
# A change in how answers are freed from reasoning, or judgements read, makes these anew, from the
# vectors and judgements that are kept.
READING = reading_code()


rule match:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=rules.infer.output.predictions,
    output:
        matches=f"{RESULTS}/{{model}}/matches/{{benchmark}}/{{split}}{{seed}}.jsonl",
    log:
        f"{RESULTS}/logs/match/{{model}}/{{benchmark}}/{{split}}{{seed}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        gpu=RUN.matcher.get("gpus", int(RUN.matcher["type"] == "nv-embed")),
    params:
        # What determines the vectors, and nothing operational.
        matcher=MATCHER,
        code=READING,
    script:
        "../scripts/match.py"


rule judge:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=rules.infer.output.predictions,
    output:
        judgements=f"{RESULTS}/{{model}}/judgements/{{benchmark}}/{{split}}{{seed}}.jsonl",
    log:
        f"{RESULTS}/logs/judge/{{model}}/{{benchmark}}/{{split}}{{seed}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        gpu=RUN.judge.gpus,
        nodes=RUN.judge.nodes,
    params:
        # What determines the judgements; how requests are sent is read from the config.
        judge=JUDGE,
        code=READING,
    script:
        "../scripts/judge.py"
