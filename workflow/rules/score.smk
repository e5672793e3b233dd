# From answers to numbers: a split's scores, then a benchmark's metrics.
scoring_code = functools.cache(earmark_score.code_hash)


rule score:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=predictions_of,
        beside=beside_of,
    output:
        scores=f"{RESULTS}/{{model}}/scores/{{benchmark}}/{{split}}.jsonl",
        metrics=f"{RESULTS}/{{model}}/scores/{{benchmark}}/{{split}}.metrics.json",
    log:
        f"{RESULTS}/logs/score/{{model}}/{{benchmark}}/{{split}}.log",
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        scoring=lambda w: RUN.split(w).scoring,
        label=RUN.label,
        protocols=lambda w: RUN.split(w).protocols,
        postprocess=lambda w: RUN.split(w).postprocess,
        protocol=protocol_of,
        # A change in how a split is scored scores it anew, from the same answers.
        code=lambda w: scoring_code(RUN.split(w).scoring),
    script:
        "../scripts/score.py"


rule aggregate:
    input:
        metrics=lambda w: expand(
            rules.score.output.metrics,
            split=RUN.benchmarks[w.benchmark],
            allow_missing=True,
        ),
        scores=lambda w: expand(
            rules.score.output.scores,
            split=RUN.benchmarks[w.benchmark],
            allow_missing=True,
        ),
    output:
        metrics=report(
            f"{RESULTS}/{{model}}/eval-results/{{benchmark}}/metrics.json",
            caption="../report/metrics.rst",
            category="Metrics",
            subcategory="{benchmark}",
            labels={"model": "{model}"},
        ),
        provenance=f"{RESULTS}/{{model}}/eval-results/{{benchmark}}/provenance.json",
    log:
        f"{RESULTS}/logs/aggregate/{{model}}/{{benchmark}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        scoring=lambda w: RUN.scoring(w.benchmark),
        code=lambda w: scoring_code(RUN.scoring(w.benchmark)),
    script:
        "../scripts/aggregate.py"


EVALUATIONS = expand(
    rules.aggregate.output.metrics, model=RUN.models, benchmark=RUN.benchmarks
)


# A category's own metrics and those of its sub-categories, where users look for them.
rule category:
    input:
        metrics=rules.score.output.metrics,
    output:
        metrics=f"{RESULTS}/{{model}}/eval-results/{{benchmark}}/{{benchmark}}.{{split}}/metrics.json",
        details=f"{RESULTS}/{{model}}/eval-results/{{benchmark}}/{{benchmark}}.{{split}}/details.json",
    log:
        f"{RESULTS}/logs/category/{{model}}/{{benchmark}}/{{split}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        code=scoring_code("mmau"),
    script:
        "../scripts/category.py"


EVALUATIONS += [
    file
    for name, splits in RUN.benchmarks.items()
    for split in splits.values()
    if split.scoring != "asr"
    for file in expand(
        rules.category.output.metrics,
        model=RUN.models,
        benchmark=name,
        split=split.name,
    )
]
