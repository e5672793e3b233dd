"""Put the predictions of a split's shards together, in manifest order."""

from pathlib import Path

from earmark.errors import job_log
from earmark.inference.predictions import gather

with job_log(snakemake.log[0]):
    gather(
        manifest=Path(snakemake.input.manifest),
        parts=[Path(part) for part in snakemake.input.parts],
        predictions=Path(snakemake.output.predictions),
    )
