# MMAU-Pro between answers and scores: closed-form answers are matched, open-ended ones judged.
# A change in how answers are freed from reasoning, or judgements read, makes these anew, from the
# vectors and judgements that are kept.
READING = reading_code()


rule match:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=rules.infer.output.predictions,
    output:
        matches=PATHS.matches,
    log:
        PATHS.logs["match"],
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        gpu=RUN.matcher.total_gpus,
    params:
        # What determines the vectors, and nothing operational.
        matcher=PROTOCOL.matcher,
        code=READING,
    script:
        "../scripts/match.py"


rule judge:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=rules.infer.output.predictions,
    output:
        judgements=PATHS.judgements,
    log:
        PATHS.logs["judge"],
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        gpu=RUN.judge.total_gpus,
        nodes=RUN.judge.nodes,
    params:
        # What determines the judgements; how requests are sent is read from the config.
        judge=lambda w: PROTOCOL.judge_of(RUN.split(w)),
        code=READING,
    script:
        "../scripts/judge.py"


# With GPUs, rules of their own, as those of infer.
if RUN.matcher.total_gpus:

    use rule match as match_gpu with:
        priority: 0

    ruleorder: match_gpu > match


if RUN.judge.total_gpus:

    use rule judge as judge_gpu with:
        priority: 0

    ruleorder: judge_gpu > judge
