# From numbers to what people look at: the leaderboard in three formats, and the report.
rule report:
    input:
        EVALUATIONS,
        scores=[
            f"{RESULTS}/{model}/scores/{benchmark}/{split}.jsonl"
            for model in RUN.models
            for benchmark, splits in RUN.benchmarks.items()
            for split in splits
        ],
        published=RUN.published or [],
    output:
        csv=report(
            f"{RESULTS}/leaderboard.csv",
            caption="../report/leaderboard.rst",
            category="Leaderboard",
            labels={"what": "models against splits", "as": "CSV"},
        ),
        md=f"{RESULTS}/leaderboard.md",
        tex=f"{RESULTS}/leaderboard.tex",
        page=report(
            f"{RESULTS}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"what": "tables, charts and samples", "as": "page"},
        ),
    log:
        f"{RESULTS}/logs/report/report.log",
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
