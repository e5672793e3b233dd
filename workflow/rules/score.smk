# From answers to numbers: a split's scores, then a benchmark's metrics.
from earmark.scoring.comet import reading_code as comet_reading_code

scoring_code = functools.cache(scoring_code_hash)


# COMET's scores of translations, where a split asks for them. (Its package is called comet too: no
# script may have that name.)
rule comet_scores:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=rules.infer.output.predictions,
        checkpoint=lambda w: RUN.split(w).comet.checkpoint or [],
    output:
        scores=PATHS.comet,
    log:
        PATHS.logs["comet_scores"],
    conda:
        "../envs/earmark.yaml"
    threads: 2
    resources:
        mem_mb=16000,
        gpu=RUN.comet_gpus,
    params:
        # What determines the scores, and nothing operational; known sentences are not scored again.
        comet=lambda w: RUN.split(w).comet.identity,
        code=comet_reading_code(),
    script:
        "../scripts/comet_scores.py"


# With GPUs, a rule of its own, as those of infer.
if RUN.comet_gpus:

    use rule comet_scores as comet_scores_gpu with:
        priority: 0

    ruleorder: comet_scores_gpu > comet_scores


# What scoring needs beside answers, a file a seed.
BESIDE = {
    "closed_form": [rules.match.output.matches],
    "open_ended": [rules.judge.output.judgements],
    "judged": [rules.judge.output.judgements],
    "comet": [rules.comet_scores.output.scores],
}


rule score:
    input:
        manifest=rules.manifest.output.manifest,
        predictions=lambda w: seeded(PATHS.predictions, w),
        beside=lambda w: seeded(BESIDE.get(RUN.split(w).beside, []), w),
    output:
        scores=PATHS.scores,
        metrics=PATHS.split_metrics,
    log:
        PATHS.logs["score"],
    localrule: True
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        scoring=lambda w: RUN.split(w).scoring,
        way=lambda w: RUN.split(w).way,
        measured=lambda w: RUN.split(w).measured,
        label=RUN.label,
        protocols=lambda w: RUN.split(w).protocols,
        postprocess=lambda w: RUN.split(w).postprocess,
        units=lambda w: RUN.split(w).units,
        protocol=lambda w: PROTOCOL.of(w),
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
            PATHS.metrics,
            caption="../report/metrics.rst",
            category="Metrics",
            subcategory="{benchmark}",
            labels={"model": "{model}"},
        ),
        provenance=PATHS.provenance,
    log:
        PATHS.logs["aggregate"],
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
        metrics=PATHS.category,
        details=PATHS.details,
    log:
        PATHS.logs["category"],
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
    PATHS.category.of(model=model, benchmark=split.benchmark, split=split.name)
    for model in RUN.models
    for split in RUN.splits
    if split.way == "mmau"
]
