"""Compare two models on the same samples: is the difference in word errors more than chance?

A model is named as in the config, or given as a result file (JSON Lines with text and pred_text).
Of several seeds, the answers of the first are compared. p is that of sign flips over groups
(speakers, calls, talks; utterances where nothing groups them); Holm's is adjusted for all sets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, load_run
from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl
from earmark.scoring.comparison import compare, holm
from earmark.scoring.intervals import Units, guessed_groups

if TYPE_CHECKING:  # loaded when models are compared, not for `--help`
    import pandas as pd

EXAMPLES = (
    "earmark compare model-a model-b --benchmark asr-leaderboard",
    "earmark compare a.jsonl b.jsonl --protocol open_asr_leaderboard",
)

Counted = dict[str, "pd.DataFrame"]
"""By split: edits, reference words and group (or None) of each sample, by id."""


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
    add("--json", action="store_true", help="print one JSON object a split")


def run(args: argparse.Namespace) -> int:
    """Compare per split and overall, and print the result."""
    if Path(args.model_a).is_file() and Path(args.model_b).is_file():
        protocol = args.protocol or "whisper"
        first, second = (_of_file(path, protocol, args) for path in (args.model_a, args.model_b))
        sets = {"": (first, second)}
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
    import pandas as pd

    tables = [_paired(split, first[split], second[split]) for split in first]
    lines = {split: _line(table) for split, table in zip(first, tables, strict=True)}
    if len(tables) > 1:
        lines[f"{overall} (all words)"] = _line(pd.concat(tables))
    return lines


def _paired(split: str, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """A row a sample: both models' edits, the reference's words, the sample's group and split."""
    for ours, theirs, who in ((first, second, "second"), (second, first, "first")):
        for name in ours.index[~ours.index.isin(theirs.index)]:
            raise EarmarkError(
                f"{split}: the {who} model has no sample {name!r}; both must be scored on the "
                f"same samples ({len(first)} and {len(second)} were found)"
            )
    second = second.loc[first.index]
    for name in first.index[first.words != second.words]:
        raise EarmarkError(
            f"{split}, sample {name!r}: the references differ ({first.words[name]} and "
            f"{second.words[name]} words); both models must be scored against the same references"
        )
    if not first.words.sum():
        raise EarmarkError(f"{split}: no reference words; there is nothing to compare")
    ids = first.index.to_series()
    known = first.group.notna().any()
    groups = first.group.where(first.group.notna(), ids) if known else guessed_groups(list(ids))
    return first.assign(b=second.edits, group=list(ids) if groups is None else groups, split=split)


def _line(table: pd.DataFrame) -> dict[str, Any]:
    units = Units(list(table.group), len(table), list(table.split))
    made = compare(table.edits, table.b, table.words, units)
    interval = made.interval.scaled(100)
    return {
        "rate_a": 100 * made.rate_a,
        "rate_b": 100 * made.rate_b,
        "difference": 100 * made.difference,
        "interval": interval.ends,
        "interval_why": interval.reason,
        "p": made.p,
        "utterances": len(table),
        "groups": made.groups,
        "wins": made.wins,
        "ties": made.ties,
        "losses": made.losses,
    }


def _counted(rows: list[tuple[str, int, int, str | None]]) -> pd.DataFrame:
    import pandas as pd

    made = pd.DataFrame(rows, columns=["id", "edits", "words", "group"])
    return made.astype({"id": object, "group": object}).set_index("id")


def _of_file(path: str, protocol: str, args: argparse.Namespace) -> Counted:
    from earmark.scoring.result_files import read_results
    from earmark.scoring.samples import Scorer

    scorer = Scorer.named([protocol], language=args.language, filtered=False)
    rows = []
    for row in map(scorer.row, read_results(path, scorer.heard, group=args.group)):
        if "why" in row:
            raise EarmarkError(f"{path}: {row['why']}")
        edits = row["substitutions"] + row["deletions"] + row["insertions"]
        rows.append((row["id"], edits, row["ref_words"], row.get("group")))
    table = _counted(rows)
    for name in table.index[table.index.duplicated()]:
        raise EarmarkError(f"{path}: two rows have the id {name!r}")
    return {"all": table}


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

    return {
        benchmark: (
            _of_scores(config, by_name[args.model_a], benchmark, args.protocol),
            _of_scores(config, by_name[args.model_b], benchmark, args.protocol),
        )
        for benchmark in args.benchmark or known
    }


def _of_scores(config: Run, model: str, benchmark: str, protocol: str | None) -> Counted:
    counted: Counted = {}
    for split in config.benchmarks[benchmark]:
        where = {"model": model, "benchmark": benchmark, "split": split}
        path, metrics = config.paths.scores.of(**where), config.paths.split_metrics.of(**where)
        if not path.is_file() or not metrics.is_file():
            raise EarmarkError(f"{path}: not there yet; `snakemake` makes it")
        modes = (value for key, value in read_json(metrics).items() if "@" in key)
        primary = next(modes)["protocol"]
        rows = []
        for row in read_jsonl(path):
            by = {primary: row, **row.get("protocols", {})}
            if (part := by.get(protocol or primary)) is None:
                known = ", ".join(by)
                raise EarmarkError(f"{path}: not scored by {protocol!r}; it has {known}")
            edits = part["substitutions"] + part["deletions"] + part["insertions"]
            rows.append((row["id"], edits, part["ref_words"], row.get("group")))
        counted[f"{benchmark}-{split}"] = _counted(rows)
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
