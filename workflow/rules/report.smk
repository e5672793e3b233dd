# From numbers to what people look at: the leaderboard in three formats, and the report.
rule report:
    input:
        EVALUATIONS,
        scores=[
            PATHS.scores.of(model=model, benchmark=split.benchmark, split=split.name)
            for model in RUN.models
            for split in RUN.splits
        ],
        published=RUN.published or [],
    output:
        csv=report(
            PATHS.leaderboard.of(format="csv"),
            caption="../report/leaderboard.rst",
            category="Leaderboard",
            labels={"what": "models against splits", "as": "CSV"},
        ),
        md=PATHS.leaderboard.of(format="md"),
        tex=PATHS.leaderboard.of(format="tex"),
        page=report(
            PATHS.report,
            caption="../report/report.rst",
            category="Report",
            labels={"what": "tables, charts and samples", "as": "page"},
        ),
    log:
        PATHS.logs["report"],
    localrule: True
    conda:
        "../envs/earmark.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=report_code(),
    script:
        "../scripts/report.py"
