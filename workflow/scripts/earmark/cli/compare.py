"""Compare two models on the same samples: is the difference more than chance?

Of speech recognition word error rates are compared, of MMAU-Pro success rates, and of other sets
their first rate (BLEU) or the one that --protocol names.

A model is named as in the config, or given as a result file (JSON Lines with text and pred_text).
Of several seeds, the answers of the first are compared. p is that of sign flips over groups
(speakers, calls, clips; utterances where nothing groups them); Holm's is adjusted for all sets.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from earmark.cli.columns import add_columns, columns_of
from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, load_run
from earmark.config import Run
from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.files import read_json
from earmark.report.differences import Counted, compared, counts, read_counts
from earmark.report.figures import protocols
from earmark.report.gather import first_mode
from earmark.report.measured import compared_by, read_measured
from earmark.scoring.comparison import holm
from earmark.scoring.measures import measure_type, rate_units

EXAMPLES = (
    "earmark compare model-a model-b --benchmark asr-leaderboard",
    "earmark compare a.jsonl b.jsonl --protocol open_asr_leaderboard",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("model_a", metavar="MODEL_A", help="a model of the config, or a result file")
    add("model_b", metavar="MODEL_B", help="the model to compare with it")
    add_configfile(parser)
    add("--benchmark", action="append", help="only this one; may be repeated")
    add("--protocol", help="the scoring protocol (default: the primary one)")
    add("--language", metavar="CODE", help="of result files: the references' language, such as de")
    add("--group", metavar="NAME", help="of result files: the key of a sample's speaker or call")
    add_columns(parser)
    add("--json", action="store_true", help="print one JSON object a split")


def run(args: argparse.Namespace) -> int:
    """Compare per split and overall, and print the result."""
    measured: list[dict[str, Any]] = []
    if Path(args.model_a).is_file() and Path(args.model_b).is_file():
        protocol = args.protocol or "whisper"
        first, second = (_of_file(path, protocol, args) for path in (args.model_a, args.model_b))
        sets = {"": (first, second, False, True)}
    else:
        protocol = args.protocol or "primary"
        sets, measured = _of_models(args)
    found = [
        {"set": name, "rate": "success" if rated else "wer", "protocol": protocol, **line}
        for benchmark, (first, second, rated, whole) in sets.items()
        for name, line in compared(
            first,
            second,
            f"{benchmark} (all {'answers' if rated else 'words'})" if whole else None,
            rated,
        ).items()
    ]
    found += measured
    for line, p in zip(found, holm([line["p"] for line in found]), strict=True):
        line["p_holm"] = p
    if args.json:
        for line in found:
            print(json.dumps({key: value for key, value in line.items() if key != "wins_b"}))
    else:
        _print_table(found, args.model_a, args.model_b, protocol)
    return 0


def _of_file(path: str, protocol: str, args: argparse.Namespace) -> Counted:
    from earmark.scoring.result_files import read_results
    from earmark.scoring.samples import Scorer

    scorer = Scorer.named([protocol], language=args.language, filtered=False)
    rows = []
    found = read_results(path, scorer.heard, columns_of(args), args.group)
    for row in map(scorer.row, found):
        if "why" in row:
            raise EarmarkError(f"{path}: {row['why']}")
        edits = row["substitutions"] + row["deletions"] + row["insertions"]
        rows.append((row["id"], edits, row["ref_words"], row.get("group")))
    table = counts(rows)
    for name in table.index[table.index.duplicated()]:
        raise EarmarkError(f"{path}: two rows have the id {name!r}")
    return {"all": table}


def _of_models(
    args: argparse.Namespace,
) -> tuple[dict[str, tuple[Counted, Counted, bool, bool]], list[dict[str, Any]]]:
    """What is counted of both models by benchmark; and lines of those with a measure."""
    config = load_run(args.configfile)
    by_name = {model.name: folder for folder, model in config.models.items()}
    for name in (args.model_a, args.model_b):
        if name not in by_name:
            raise EarmarkError(
                f"{name}: neither a model of {args.configfile} ({', '.join(by_name)}) nor a file"
            )
    for name in args.benchmark or []:
        if name not in config.benchmarks:
            raise EarmarkError(
                f"{args.configfile}: no benchmark {name!r}; it has {', '.join(config.benchmarks)}"
            )
    chosen = args.benchmark or list(config.benchmarks)
    if args.protocol:  # which only speech recognition and measures have
        chosen = [name for name in chosen if config.scoring(name) != "mmau"]
    models = [by_name[args.model_a], by_name[args.model_b]]
    counted: dict[str, tuple[Counted, Counted, bool, bool]] = {}
    measured: list[dict[str, Any]] = []
    missing: list[EarmarkError] = []
    for benchmark in chosen:
        scoring, lacking = config.scoring(benchmark), len(missing)
        splits = []
        for split in config.benchmarks[benchmark]:
            try:
                for model in models:
                    _scored(config, model, benchmark, split)
                splits.append(split)
            except EarmarkError as error:
                if args.benchmark:
                    raise
                missing.append(error)
        if splits and scoring in MEASURES:
            measured += _by_measure(config, models, benchmark, splits, args.protocol)
        elif splits and args.protocol not in rate_units():
            first, second = (
                _of_scores(config, model, benchmark, splits, args.protocol) for model in models
            )
            counted[benchmark] = first, second, scoring != "asr", len(missing) == lacking
    if missing and not counted and not measured:
        raise missing[0]
    for why in missing:
        print(f"left out: {why}", file=sys.stderr)
    if not counted and not measured:
        raise EarmarkError(f"--protocol {args.protocol}: nothing was scored by it")
    return counted, measured


def _by_measure(
    config: Run, models: list[str], benchmark: str, splits: list[str], protocol: str | None
) -> list[dict[str, Any]]:
    """The lines of a benchmark with a measure: by its primary rate, or the one asked for."""
    scoring = config.scoring(benchmark)
    rates = {rate.name: rate for rate in measure_type(scoring).rates}
    if protocol and protocol not in rates:
        return []
    rate = rates[protocol or next(iter(rates))]
    first, second = (
        {
            f"{benchmark}-{split}": read_measured(
                _scored(config, model, benchmark, split)[0], scoring
            )
            for split in splits
        }
        for model in models
    )
    return [
        {"set": name, "rate": rate.title, "protocol": rate.name, **line}
        for _, lines in compared_by([rate], first, second, f"{benchmark} (mean)")
        for name, line in lines.items()
    ]


def _scored(config: Run, model: str, benchmark: str, split: str) -> tuple[Path, Path]:
    """A split's scores and metrics.

    Raises:
        EarmarkError: when they are not there yet.
    """
    where = {"model": model, "benchmark": benchmark, "split": split}
    path, metrics = config.paths.scores.of(**where), config.paths.split_metrics.of(**where)
    if not path.is_file() or not metrics.is_file():
        raise EarmarkError(f"{path}: not there yet; `snakemake` makes it")
    return path, metrics


def _of_scores(
    config: Run, model: str, benchmark: str, splits: list[str], protocol: str | None
) -> Counted:
    counted: Counted = {}
    asr = config.scoring(benchmark) == "asr"
    for split in splits:
        path, metrics = _scored(config, model, benchmark, split)
        blocks = protocols(first_mode(read_json(metrics))) if asr else {"": {}}
        if protocol and protocol not in blocks:
            known = ", ".join(blocks)
            raise EarmarkError(f"{path}: not scored by {protocol!r}; it has {known}")
        tables = read_counts(path, list(blocks))
        counted[f"{benchmark}{'-' if asr else '.'}{split}"] = tables[protocol or next(iter(tables))]
    return counted


def _print_table(found: list[dict[str, Any]], a: str, b: str, protocol: str) -> None:
    headings = ("set", "samples", "groups", "A", "B", "B - A", "95 %", "p", "p (Holm)", "+/=/-")
    rows = []
    for line in found:
        ends = line["interval"]
        rows.append([
            line["set"], f"{line['utterances']:,}", f"{line['groups']:,}", f"{line['rate_a']:.2f}",
            f"{line['rate_b']:.2f}", f"{line['difference']:+z.2f}",
            "n/a" if ends is None else f"{ends[0]:+z.2f} to {ends[1]:+z.2f}",
            f"{line['p']:.3g}", f"{line['p_holm']:.3g}",
            f"{line['wins']}/{line['ties']}/{line['losses']}",
        ])  # fmt: skip
    rates = dict.fromkeys(line["rate"] for line in found)
    known = {"wer": "WER in percent", "success": "success rate in percent"}
    named = " and ".join(known.get(rate, rate) for rate in rates)
    print_table(headings, rows, title=f"{named} ({protocol}); A: {a}; B: {b}\n")
    for why in dict.fromkeys(line["interval_why"] for line in found if line["interval_why"]):
        print(f"no interval where {why}")
