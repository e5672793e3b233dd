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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from earmark.scoring.measures import rate_units, rates_of

if TYPE_CHECKING:  # loaded when models are compared, not for `--help`
    import pandas as pd

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


class Both(NamedTuple):
    """Both models' counts on a benchmark's splits.

    Attributes:
        first: The first model's.
        second: The second's.
        units: By split, what was counted: ``word`` or ``character``; of MMAU-Pro, ``answer``.
        whole: Whether these are all splits of the benchmark.
    """

    first: Counted
    second: Counted
    units: Mapping[str, str]
    whole: bool

    def lines(self, benchmark: str) -> Iterator[dict[str, Any]]:
        """A line a split, and one of all where they are whole."""
        kinds = list(dict.fromkeys(self.units.values()))
        every = f"{benchmark} (all {' and '.join(f'{one}s' for one in kinds)})"
        rated = kinds == ["answer"]
        found = compared(self.first, self.second, every if self.whole else None, rated)
        for name, line in found.items():
            unit = self.units.get(name, " or ".join(kinds))
            yield {"set": name, "rate": "success" if rated else "wer", "unit": unit, **line}


def run(args: argparse.Namespace) -> int:
    """Compare per split and overall, and print the result."""
    measured: list[dict[str, Any]] = []
    files = [name for name in (args.model_a, args.model_b) if Path(name).is_file()]
    if len(files) == 2:
        protocol = args.protocol or "whisper"
        (first, unit), (second, _) = (
            _of_file(path, protocol, args) for path in (args.model_a, args.model_b)
        )
        sets = {"": Both({"all": first}, {"all": second}, {"all": unit}, whole=False)}
    else:
        protocol = args.protocol or "primary"
        sets, measured = _of_models(args)
    found = [
        {"protocol": protocol, **line}
        for benchmark, both in sets.items()
        for line in both.lines(benchmark)
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


def _of_models(args: argparse.Namespace) -> tuple[dict[str, Both], list[dict[str, Any]]]:
    """What is counted of both models by benchmark; and lines of those with a measure."""
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
    for name in args.benchmark or []:
        if name not in config.benchmarks:
            raise EarmarkError(
                f"{args.configfile}: no benchmark {name!r}; it has {', '.join(config.benchmarks)}"
            )
    chosen = args.benchmark or list(config.benchmarks)
    if args.protocol:  # which only speech recognition and measures have
        chosen = [name for name in chosen if config.scoring(name) != "mmau"]
    models = [by_name[args.model_a], by_name[args.model_b]]
    counted: dict[str, Both] = {}
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
            (first, units), (second, _) = (
                _of_scores(config, model, benchmark, splits, args.protocol) for model in models
            )
            counted[benchmark] = Both(first, second, units, len(missing) == lacking)
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
    rates = {rate.name: rate for rate in rates_of(config.benchmarks[benchmark].values())}
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
) -> tuple[Counted, dict[str, str]]:
    """What is counted of a model on each split, and the splits' units."""
    counted: Counted = {}
    units: dict[str, str] = {}
    asr = config.scoring(benchmark) == "asr"
    for split in splits:
        path, metrics = _scored(config, model, benchmark, split)
        blocks = protocols(first_mode(read_json(metrics))) if asr else {"": {"unit": "answer"}}
        if protocol and protocol not in blocks:
            known = ", ".join(blocks)
            raise EarmarkError(f"{path}: not scored by {protocol!r}; it has {known}")
        chosen = protocol or next(iter(blocks))
        name = f"{benchmark}{'-' if asr else '.'}{split}"
        counted[name] = read_counts(path, list(blocks))[chosen]
        units[name] = blocks[chosen].get("unit", "word")
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
