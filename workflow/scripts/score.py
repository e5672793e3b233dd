"""Score a split: a row per sample, and the split's metrics."""

from earmark.errors import job_log
from earmark.mmau.score import as_list, score_mmau
from earmark.scoring.measured import score_measured
from earmark.scoring.score import score

with job_log(snakemake.log[0]):
    benchmark, split = snakemake.wildcards.benchmark, snakemake.wildcards.split
    params, predictions = snakemake.params, snakemake.input.predictions
    common = {
        "label": params.label,
        "manifest": snakemake.input.manifest,
        "scores": snakemake.output.scores,
        "metrics": snakemake.output.metrics,
    }
    if params.way == "asr":
        score(
            subset=f"{benchmark}-{split}",
            protocols=params.protocols,
            postprocess=params.postprocess,
            predictions=predictions,
            **params.units,
            **common,
        )
    elif params.way != "mmau":
        score_measured(
            subset=f"{benchmark}-{split}",
            scoring=params.scoring,
            settings=params.measured,
            beside=as_list(snakemake.input.beside),
            group=params.units.get("group"),
            group_by=params.units.get("group_by", ()),
            predictions=predictions,
            **common,
        )
    else:
        score_mmau(
            subset=f"{benchmark}.{split}",
            way=params.scoring,
            protocol=params.protocol,
            group_by=params.units.get("group_by", ()),
            predictions=as_list(predictions),
            beside=as_list(snakemake.input.beside),
            **common,
        )
