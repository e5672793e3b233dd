"""Compare two models on the same samples: is the difference more than chance?

Give two models of the config, or two result files (JSON Lines with text and pred_text). Of speech
recognition word error rates are compared (of languages without spaces, character error rates), of
questions success rates, and of other sets their first rate, such as BLEU.

Of several seeds, the answers of the first are compared. p is that of sign flips over groups
(speakers, calls, clips; utterances where nothing groups them); Holm's is adjusted for all sets.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.cli.columns import add_columns, columns_of
from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, check_names, load_run
from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.report.differences import Counted, compared, counts, read_counts
from earmark.report.figures import protocols
from earmark.report.gather import Evaluation, gather
from earmark.report.measured import compared_by, read_measured
from earmark.scoring.comparison import holm
from earmark.scoring.measures import rate_units, rates_of

if TYPE_CHECKING:  # loaded when models are compared, not for `--help`
    import pandas as pd

Line = dict[str, Any]
"""What is printed of a set: its name, what was compared, and what `compared` found."""

EXAMPLES = (
    "earmark compare model-a model-b --benchmark asr-leaderboard",
    "earmark compare a.jsonl b.jsonl --protocol open_asr_leaderboard",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("model_a", metavar="MODEL_A", help="a model, by its name in the config, or a result file")
    add("model_b", metavar="MODEL_B", help="the other model, or file")
    add_configfile(parser)
    add("--benchmark", action="append", metavar="NAME", help="only this one; may be repeated")
    chosen = "the protocol of word errors, or another rate, such as chrf (default: the first)"
    add("--protocol", metavar="NAME", help=chosen)
    add("--language", metavar="CODE", help="of result files: the references' language, such as de")
    add("--group", metavar="NAME", help="of result files: the key of a sample's speaker or call")
    add_columns(parser)
    add("--json", action="store_true", help="print one JSON object a split")


def run(args: argparse.Namespace) -> int:
    """Compare per split and overall, and print the result."""
    if Path(args.model_a).is_file() and Path(args.model_b).is_file():
        protocol = args.protocol or "whisper"
        (first, unit), (second, _) = (
            _of_file(path, protocol, args) for path in (args.model_a, args.model_b)
        )
        found = _lines({"all": first}, {"all": second}, {"all": unit}, protocol)
    else:
        protocol = args.protocol or "primary"
        found = _of_models(args, protocol)
    for line, p in zip(found, holm([line["p"] for line in found]), strict=True):
        line["p_holm"] = p
    if args.json:
        for line in found:
            print(json.dumps({key: value for key, value in line.items() if key != "wins_b"}))
    else:
        _print_table(found, args.model_a, args.model_b, protocol)
    return 0


def _lines(
    first: Counted, second: Counted, units: dict[str, str], protocol: str, whole: str = ""
) -> list[Line]:
    """A line a split, and one of all where they are those of a whole benchmark.

    ``units`` says what each split counted: ``word`` or ``character``; of questions, ``answer``.
    """
    kinds = list(dict.fromkeys(units.values()))
    every = f"{whole} (all {' and '.join(f'{one}s' for one in kinds)})" if whole else None
    rated = kinds == ["answer"]
    said = {"protocol": protocol, "rate": "success" if rated else "wer"}
    return [
        {"set": name, **said, "unit": units.get(name, " or ".join(kinds)), **line}
        for name, line in compared(first, second, every, rated).items()
    ]


def _of_file(path: str, protocol: str, args: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    """What is counted of a result file, and its unit."""
    from earmark.scoring.result_files import read_results
    from earmark.scoring.samples import Scorer

    scorer = Scorer.named([protocol], language=args.language, filtered=False)
    rows, unit = [], "word"
    found = read_results(path, scorer.heard, columns_of(args), args.group)
    for row in map(scorer.row, found):
        if "why" in row:
            raise EarmarkError(f"{path}: {row['why']}")
        edits = row["substitutions"] + row["deletions"] + row["insertions"]
        rows.append((row["id"], edits, row["ref_words"], row.get("group")))
        unit = row.get("unit", unit)
    table = counts(rows)
    for name in table.index[table.index.duplicated()]:
        raise EarmarkError(f"{path}: two rows have the id {name!r}")
    return table, unit


def _of_models(args: argparse.Namespace, protocol: str) -> list[Line]:
    """The lines of two models of a config on all that both were scored on."""
    config = load_run(args.configfile)
    by_name = {model.name: folder for folder, model in config.models.items()}
    for name in (args.model_a, args.model_b):
        if name not in by_name:
            found = "a file, and the other is none"
            if not Path(name).is_file():
                found = "neither a model nor a file"
            raise EarmarkError(
                f"{name}: {found}; two models of {args.configfile} ({', '.join(by_name)}) are "
                "compared, or two result files (`earmark import` makes a model of a file)"
            )
    check_names("benchmark", args.benchmark, config.benchmarks, args.configfile)
    models = [by_name[args.model_a], by_name[args.model_b]]
    results = gather(replace(config, models={name: config.models[name] for name in models}))
    lines: list[Line] = []
    missing: list[str] = []
    for benchmark in args.benchmark or config.benchmarks:
        scoring, pairs = config.scoring(benchmark), []
        if args.protocol and scoring == "mmau":  # which has none
            continue
        for split in config.benchmarks[benchmark]:
            pair = [results.evaluations[model, benchmark, split] for model in models]
            unscored = [one.files.scores for one in pair if one.metrics is None]
            missing += [f"{path}: not there yet; `snakemake` makes it" for path in unscored[:1]]
            pairs += [pair] if not unscored else []
        if args.benchmark and missing:
            raise EarmarkError(missing[0])
        sides = list(zip(*pairs, strict=True))
        if sides and scoring in MEASURES:
            lines += _by_measure(*sides, protocol=args.protocol)
        elif sides and args.protocol not in rate_units():
            (first, units), (second, _) = (_of_scores(side, args.protocol) for side in sides)
            whole = benchmark if len(pairs) == len(config.benchmarks[benchmark]) else ""
            lines += _lines(first, second, units, protocol, whole)
    if not lines:
        raise EarmarkError(
            missing[0] if missing else f"--protocol {protocol}: nothing was scored by it"
        )
    for why in missing:
        print(f"left out: {why}", file=sys.stderr)
    return lines


def _by_measure(
    first: Sequence[Evaluation], second: Sequence[Evaluation], *, protocol: str | None
) -> list[Line]:
    """The lines of a benchmark with a measure: by its primary rate, or the one asked for."""
    benchmark, scoring = first[0].split.benchmark, first[0].split.way
    known = rates_of(one.split for one in first)
    rates = [one for one in known if protocol in (None, one.name)][:1]
    a, b = (
        {one.subset: read_measured(one.files.scores, scoring) for one in side}
        for side in (first, second)
    )
    return [
        {"set": name, "protocol": rate.name, "rate": rate.title, **line}
        for rate, lines in compared_by(rates, a, b, f"{benchmark} (mean)")
        for name, line in lines.items()
    ]


def _of_scores(
    evaluations: Sequence[Evaluation], protocol: str | None
) -> tuple[Counted, dict[str, str]]:
    """What is counted of a model on each split, and the splits' units."""
    counted: Counted = {}
    units: dict[str, str] = {}
    for one in evaluations:
        asr, path = one.split.way == "asr", one.files.scores
        blocks = protocols(one.metrics) if asr else {"": {"unit": "answer"}}
        if protocol and protocol not in blocks:
            raise EarmarkError(f"{path}: not scored by {protocol!r}; it has {', '.join(blocks)}")
        chosen = protocol or next(iter(blocks))
        counted[one.subset] = read_counts(path, list(blocks))[chosen]
        units[one.subset] = blocks[chosen].get("unit", "word")
    return counted, units


def _print_table(found: list[dict[str, Any]], a: str, b: str, protocol: str) -> None:
    headings = ("set", "samples", "groups", "A", "B", "B - A", "95 %", "p", "p (Holm)", "+/=/-")
    rows = []
    for line in found:
        ends = line["interval"]
        by_characters = " CER" if line.get("unit") == "character" else ""
        rows.append([
            f"{line['set']}{by_characters}", f"{line['utterances']:,}", f"{line['groups']:,}",
            f"{line['rate_a']:.2f}", f"{line['rate_b']:.2f}", f"{line['difference']:+z.2f}",
            "n/a" if ends is None else f"{ends[0]:+z.2f} to {ends[1]:+z.2f}",
            f"{line['p']:.3g}", f"{line['p_holm']:.3g}",
            f"{line['wins']}/{line['ties']}/{line['losses']}",
        ])  # fmt: skip
    rates = dict.fromkeys(line["rate"] for line in found)
    known = {"wer": "WER in percent", "success": "success rate in percent"}
    if any(line.get("unit") == "character" for line in found):
        known["wer"] = "WER (CER where it says so) in percent"
    named = " and ".join(known.get(rate, rate) for rate in rates)
    print_table(headings, rows, title=f"{named} ({protocol}); A: {a}; B: {b}\n")
    for why in dict.fromkeys(line["interval_why"] for line in found if line["interval_why"]):
        print(f"no interval where {why}")
