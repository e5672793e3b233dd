"""Compare two models on the same samples: is the difference in word errors more than chance?

A model is named as in the config, or given as a result file (JSON Lines with text and pred_text).
Of several seeds, the answers of the first are compared. p is that of sign flips over groups
(speakers, calls, talks; utterances where nothing groups them); Holm's is adjusted for all sets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, load_run
from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl
from earmark.scoring.comparison import compare, holm
from earmark.scoring.intervals import Units, guessed_groups

EXAMPLES = (
    "earmark compare model-a model-b --benchmark asr-leaderboard",
    "earmark compare a.jsonl b.jsonl --protocol open_asr_leaderboard",
)

#: By split: edits, reference words and group of each sample, by id.
Counted = dict[str, dict[str, tuple[int, int, str | None]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "model_a", metavar="MODEL_A", help="a model of the config, or a result file"
    )
    parser.add_argument("model_b", metavar="MODEL_B", help="the model to compare with it")
    add_configfile(parser)
    parser.add_argument("--benchmark", action="append", help="only this one; may be repeated")
    parser.add_argument("--protocol", help="the scoring protocol (default: the primary one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a split")


def run(args: argparse.Namespace) -> int:
    """Compare per split and overall, and print the result."""
    if Path(args.model_a).is_file() and Path(args.model_b).is_file():
        protocol = args.protocol or "whisper"
        sets = {"": (_of_file(args.model_a, protocol), _of_file(args.model_b, protocol))}
    else:
        protocol = args.protocol or "primary"
        sets = _of_models(args)
    found = [
        {"set": name, "protocol": protocol, **line}
        for benchmark, (first, second) in sets.items()
        for name, line in compared(first, second, benchmark or "overall").items()
    ]
    for line, p in zip(found, holm([line["p"] for line in found]), strict=True):
        line["p_holm"] = p
    if args.json:
        for line in found:
            print(json.dumps(line))
    else:
        _print_table(found, args.model_a, args.model_b, protocol)
    return 0


def compared(first: Counted, second: Counted, overall: str) -> dict[str, dict[str, Any]]:
    """Compare two models on their splits, and on all of them together where there are several.

    Args:
        first: The first model's counts.
        second: The second's, of the same splits and samples.
        overall: What to call all splits together.

    Raises:
        EarmarkError: when the models were not scored on the same samples; names one.
    """
    lines: dict[str, dict[str, Any]] = {}
    every: dict[str, list[Any]] = {key: [] for key in ("a", "b", "words", "groups", "splits")}
    for split in first:
        ids = _same_samples(split, first[split], second[split])
        a, b = ([one[split][name][0] for name in ids] for one in (first, second))
        words = [first[split][name][1] for name in ids]
        if not sum(words):
            raise EarmarkError(f"{split}: no reference words; there is nothing to compare")
        said = [first[split][name][2] for name in ids]
        known = any(group is not None for group in said)
        named = [name if group is None else group for name, group in zip(ids, said, strict=True)]
        groups = named if known else guessed_groups(ids) or ids
        lines[split] = _line(a, b, words, Units(groups, len(ids)))
        columns: tuple[list[Any], ...] = (a, b, words, groups, [split] * len(ids))
        for column, values in zip(every.values(), columns, strict=True):
            column += values
    if len(first) > 1:
        units = Units(every["groups"], len(every["a"]), every["splits"])
        lines[f"{overall} (all words)"] = _line(every["a"], every["b"], every["words"], units)
    return lines


def _line(a: list[int], b: list[int], words: list[int], units: Units) -> dict[str, Any]:
    made = compare(a, b, words, units)
    interval = made.interval.scaled(100)
    return {
        "rate_a": 100 * made.rate_a,
        "rate_b": 100 * made.rate_b,
        "difference": 100 * made.difference,
        "interval": interval.ends,
        "interval_why": interval.reason,
        "p": made.p,
        "utterances": len(a),
        "groups": made.groups,
        "wins": made.wins,
        "ties": made.ties,
        "losses": made.losses,
    }


def _same_samples(split: str, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    for ours, theirs, who in ((first, second, "second"), (second, first, "first")):
        missing = next((name for name in ours if name not in theirs), None)
        if missing is not None:
            raise EarmarkError(
                f"{split}: the {who} model has no sample {missing!r}; both must be scored on the "
                f"same samples ({len(first)} and {len(second)} were found)"
            )
    for name, (_, words, _) in first.items():
        if words != second[name][1]:
            raise EarmarkError(
                f"{split}, sample {name!r}: the references differ ({words} and {second[name][1]} "
                "words); both models must be scored against the same references"
            )
    return list(first)


def _of_file(path: str, protocol: str) -> Counted:
    from earmark.scoring.result_files import read_results
    from earmark.scoring.samples import pair
    from earmark.scoring.text import protocol as named

    scored: dict[str, tuple[int, int, str | None]] = {}
    for sample in read_results(path):
        if sample.id in scored:
            raise EarmarkError(f"{path}: two rows have the id {sample.id!r}")
        found = pair(sample, named(protocol), filtered=False)
        if found.why:
            raise EarmarkError(f"{path}: {found.why}")
        scored[sample.id] = found.counts.edits, found.counts.ref_words, sample.group
    return {"all": scored}


def _of_models(args: argparse.Namespace) -> dict[str, tuple[Counted, Counted]]:
    config = load_run(args.configfile)
    by_name = {model.name: folder for folder, model in config.models.items()}
    for name in (args.model_a, args.model_b):
        if name not in by_name:
            raise EarmarkError(
                f"{name}: neither a model of {args.configfile} ({', '.join(by_name)}) nor a file"
            )
    known = [name for name in config.benchmarks if config.scoring(name) == "asr"]
    for name in args.benchmark or []:
        if name not in known:
            raise EarmarkError(
                f"{args.configfile}: no benchmark {name!r} with word error rates; it has "
                f"{', '.join(known)}"
            )
    if not known:
        raise EarmarkError(f"{args.configfile}: no benchmark with word error rates is selected")

    def counts(model: str, benchmark: str) -> Counted:
        return {
            f"{benchmark}-{split}": _of_scores(
                config, by_name[model], benchmark, split, args.protocol
            )
            for split in config.benchmarks[benchmark]
        }

    return {
        benchmark: (counts(args.model_a, benchmark), counts(args.model_b, benchmark))
        for benchmark in args.benchmark or known
    }


def _of_scores(
    config: Run, model: str, benchmark: str, split: str, protocol: str | None
) -> dict[str, tuple[int, int, str | None]]:
    where = {"model": model, "benchmark": benchmark, "split": split}
    path, metrics = config.paths.scores.of(**where), config.paths.split_metrics.of(**where)
    if not path.is_file() or not metrics.is_file():
        raise EarmarkError(f"{path}: not there yet; `snakemake` makes it")
    modes = {key: value for key, value in read_json(metrics).items() if "@" in key}
    primary = next(iter(modes.values()))["protocol"]
    counted = {}
    for row in read_jsonl(path):
        part = row
        if protocol not in (None, primary):
            if protocol not in row.get("protocols", {}):
                known = ", ".join([primary, *row.get("protocols", {})])
                raise EarmarkError(f"{path}: not scored by {protocol!r}; it has {known}")
            part = row["protocols"][protocol]
        edits = part["substitutions"] + part["deletions"] + part["insertions"]
        counted[row["id"]] = edits, part["ref_words"], row.get("group")
    return counted


def _print_table(found: list[dict[str, Any]], a: str, b: str, protocol: str) -> None:
    headings = ("set", "samples", "groups", "A", "B", "B - A", "95 %", "p", "p (Holm)", "+/=/-")
    rows = []
    for line in found:
        ends = line["interval"]
        rows.append([
            line["set"], f"{line['utterances']:,}", f"{line['groups']:,}", f"{line['rate_a']:.2f}",
            f"{line['rate_b']:.2f}", f"{line['difference']:+.2f}",
            "n/a" if ends is None else f"{ends[0]:+.2f} to {ends[1]:+.2f}",
            f"{line['p']:.3g}", f"{line['p_holm']:.3g}",
            f"{line['wins']}/{line['ties']}/{line['losses']}",
        ])  # fmt: skip
    print_table(headings, rows, title=f"WER in percent ({protocol}); A: {a}; B: {b}\n")
    for why in dict.fromkeys(line["interval_why"] for line in found if line["interval_why"]):
        print(f"no interval where {why}")
