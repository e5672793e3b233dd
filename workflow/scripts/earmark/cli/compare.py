"""Compare two models on the same samples: paired bootstrap and the matched-pairs test.

A model is named as in the config, or given as a result file (JSON Lines with text and pred_text).
Of several seeds, the answers of the first are compared.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, load_run
from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl
from earmark.scoring import statistics as stats

EXAMPLES = (
    "earmark compare model-a model-b --benchmark asr-leaderboard",
    "earmark compare a.jsonl b.jsonl --protocol open_asr_leaderboard",
)

#: By split: edits and reference words of each sample, by id.
Counted = dict[str, dict[str, tuple[int, int]]]


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
    totals, replicated = np.zeros(3, dtype=np.int64), [np.zeros(1, dtype=np.int64)] * 3
    edits: list[list[int]] = [[], []]
    for split in first:
        ids = _same_samples(split, first[split], second[split])
        a, b = ([one[split][name][0] for name in ids] for one in (first, second))
        words = [first[split][name][1] for name in ids]
        if not sum(words):
            raise EarmarkError(f"{split}: no reference words; there is nothing to compare")
        made, sums = stats.compare(
            a, b, words, stats.groups(ids), stats.generator(split, "compare")
        )
        lines[split] = asdict(made)
        totals += [sum(a), sum(b), sum(words)]
        replicated = [before + now for before, now in zip(replicated, sums, strict=True)]
        edits[0] += a
        edits[1] += b
    if len(first) > 1:
        micro = stats.conclude([int(one) for one in totals], replicated, *edits)
        lines[f"{overall} (all words)"] = asdict(micro)
    return lines


def _same_samples(split: str, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    for ours, theirs, who in ((first, second, "second"), (second, first, "first")):
        missing = next((name for name in ours if name not in theirs), None)
        if missing is not None:
            raise EarmarkError(
                f"{split}: the {who} model has no sample {missing!r}; both must be scored on the "
                f"same samples ({len(first)} and {len(second)} were found)"
            )
    for name, (_, words) in first.items():
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

    scored: dict[str, tuple[int, int]] = {}
    for sample in read_results(path):
        if sample.id in scored:
            raise EarmarkError(f"{path}: two rows have the id {sample.id!r}")
        found = pair(sample, named(protocol), filtered=False)
        if found.why:
            raise EarmarkError(f"{path}: {found.why}")
        scored[sample.id] = found.counts.edits, found.counts.ref_words
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
) -> dict[str, tuple[int, int]]:
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
        counted[row["id"]] = edits, part["ref_words"]
    return counted


def _print_table(found: list[dict[str, Any]], a: str, b: str, protocol: str) -> None:
    headings = ("set", "samples", "A", "B", "B - A", "95 %", "p\n(bootstrap)", "p\n(matched pairs)")
    rows = []
    for line in found:
        low, high = line["interval"]
        rows.append([
            line["set"], f"{line['utterances']:,}", f"{line['rate_a']:.2f}",
            f"{line['rate_b']:.2f}", f"{line['difference']:+.2f}", f"{low:+.2f} to {high:+.2f}",
            f"{line['p_bootstrap']:.3f}", f"{line['p_matched']:.3g}",
        ])  # fmt: skip
    print_table(headings, rows, title=f"WER in percent ({protocol}); A: {a}; B: {b}\n")
