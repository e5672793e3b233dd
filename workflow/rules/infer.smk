# A model's answers to a split's utterances: one job a split (and seed), or several that share it.
rule infer:
    input:
        one_load,
        manifest=rules.manifest.output.manifest,
        imported=RUN.imported,
    output:
        predictions=PATHS.predictions,
    log:
        PATHS.logs["infer"],
    # One model after another: what a model needs is loaded once.
    priority: lambda w: len(RUN.models) - list(RUN.models).index(w.model)
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        # All that the server gets; on one machine, `--resources gpu=8` says how many there are.
        gpu=RUN.resource("total_gpus"),
        nodes=RUN.resource("nodes"),
    params:
        # What determines the answers, and nothing else: how requests are sent is read from the
        # config by the script, so that a change of concurrency asks nothing again.
        request=lambda w: answer_settings(RUN.models[w.model], RUN.request(w)),
    script:
        "../scripts/infer.py"


use rule infer as infer_shard with:
    output:
        predictions=temp(PATHS.shard),
    log:
        PATHS.logs["infer_shard"],


if RUN.on_gpus:

    # The same with GPUs: rules of their own, to which a profile gives another partition and memory.
    use rule infer as infer_gpu with:
        wildcard_constraints:
            model=RUN.on_gpus,

    use rule infer_shard as infer_shard_gpu with:
        wildcard_constraints:
            model=RUN.on_gpus,

    ruleorder: infer_gpu > infer
    ruleorder: infer_shard_gpu > infer_shard


if RUN.sharded:

    # What the shards answered, in manifest order, checked complete.
    rule gather:
        input:
            manifest=rules.manifest.output.manifest,
            parts=lambda w: shards_of(RUN.split(w).shards),
        output:
            predictions=rules.infer.output.predictions,
        log:
            PATHS.logs["gather"],
        wildcard_constraints:
            split=RUN.sharded,
        localrule: True
        conda:
            "../envs/earmark.yaml"
        threads: 1
        resources:
            mem_mb=500,
        script:
            "../scripts/gather.py"

    ruleorder: gather > infer

    if RUN.on_gpus:

        ruleorder: gather > infer_gpu
