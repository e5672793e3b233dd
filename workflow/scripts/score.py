"""Score a split: a row per sample, and the split's metrics."""

from earmark.errors import job_log
from earmark.mmau.score import as_list, score_mmau
from earmark.scoring.measured import score_measured
from earmark.scoring.score import score

with job_log(snakemake.log[0]):
    benchmark, split = snakemake.wildcards.benchmark, snakemake.wildcards.split
    if snakemake.params.way == "asr":
        score(
            subset=f"{benchmark}-{split}",
            label=snakemake.params.label,
            protocols=snakemake.params.protocols,
            postprocess=snakemake.params.postprocess,
            **snakemake.params.units,
            manifest=snakemake.input.manifest,
            predictions=snakemake.input.predictions,
            scores=snakemake.output.scores,
            metrics=snakemake.output.metrics,
        )
    elif snakemake.params.way != "mmau":
        score_measured(
            subset=f"{benchmark}-{split}",
            scoring=snakemake.params.scoring,
            settings=snakemake.params.measured,
            beside=as_list(snakemake.input.beside),
            label=snakemake.params.label,
            group=snakemake.params.units.get("group"),
            group_by=snakemake.params.units.get("group_by", ()),
            manifest=snakemake.input.manifest,
            predictions=snakemake.input.predictions,
            scores=snakemake.output.scores,
            metrics=snakemake.output.metrics,
        )
    else:
        score_mmau(
            subset=f"{benchmark}.{split}",
            way=snakemake.params.scoring,
            label=snakemake.params.label,
            protocol=snakemake.params.protocol,
            group_by=snakemake.params.units.get("group_by", ()),
            manifest=snakemake.input.manifest,
            predictions=as_list(snakemake.input.predictions),
            beside=as_list(snakemake.input.beside),
            scores=snakemake.output.scores,
            metrics=snakemake.output.metrics,
        )
