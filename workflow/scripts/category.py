"""Write the metrics of one of MMAU-Pro's categories where the published layout has them."""

from earmark.errors import job_log
from earmark.mmau.score import aggregate_category

with job_log(snakemake.log[0]):
    aggregate_category(
        split=snakemake.input.metrics,
        metrics=snakemake.output.metrics,
        details=snakemake.output.details,
    )
