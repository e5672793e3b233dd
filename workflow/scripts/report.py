"""Write the leaderboard and the report."""

from earmark.config import resolve
from earmark.errors import job_log
from earmark.report.build import build

with job_log(snakemake.log[0]):
    run = resolve(snakemake.config)
    build(run, run.results_dir, run.published)
