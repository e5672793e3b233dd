# MMAU-Pro between answers and scores: closed-form answers are matched, open-ended ones judged.
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
    script:
        "../scripts/judge.py"


# With GPUs, rules of their own, as those of infer.
if RUN.matcher.get("gpus", int(RUN.matcher["type"] == "nv-embed")):

    use rule match as match_gpu with:
        priority: 0

    ruleorder: match_gpu > match


if RUN.judge.gpus:

    use rule judge as judge_gpu with:
        priority: 0

    ruleorder: judge_gpu > judge
