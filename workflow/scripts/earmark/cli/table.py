"""Print the tables of a run: blocks as papers have them, or models against splits."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from earmark.config import load
from earmark.errors import EarmarkError
from earmark.metrics import find, printed

FORMATS = ("blocks", "text", "csv", "md", "tex")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="blocks",
        help="blocks: one a benchmark and split, as papers print them; the others: a table of "
        "models against splits (default: %(default)s)",
    )
    for name, what in (("benchmark", "benchmarks"), ("split", "splits"), ("model", "models")):
        parser.add_argument(
            f"--{name}", action="append", metavar="NAME", help=f"only these {what} (repeatable)"
        )
    parser.add_argument("--protocol", help="only this scoring protocol, in a table of models")
    parser.add_argument("--intervals", action="store_true", help="with 95 %% intervals")
    parser.add_argument(
        "--published", metavar="CSV", help="published numbers of other systems, to stand below ours"
    )


def run(args: argparse.Namespace) -> int:
    """Print what is there so far; a run that is half way has gaps."""
    config = load(args.configfile)
    names = {
        "benchmark": list(config.benchmarks),
        "split": [name for splits in config.benchmarks.values() for name in splits],
        "model": [model.name for model in config.models.values()],
    }
    for name, known in names.items():
        _check(getattr(args, name) or [], known, name, args.configfile)
    if args.format == "blocks":
        _blocks(config, args)
        return 0
    print(_table(config, args), end="" if args.format != "text" else "\n")
    return 0


def _check(chosen: Sequence[str], known: Sequence[str], what: str, where: str) -> None:
    for name in chosen:
        if name not in known:
            raise EarmarkError(f"--{what} {name}: {where} has {', '.join(dict.fromkeys(known))}")


def _blocks(config: Any, args: argparse.Namespace) -> None:
    for benchmark, splits in config.benchmarks.items():
        if args.benchmark and benchmark not in args.benchmark:
            continue
        for folder, model in config.models.items():
            if args.model and model.name not in args.model:
                continue
            found = find(config.results_dir, folder, benchmark)
            if args.split:
                wanted = {f"{benchmark}{mark}{one}" for one in args.split for mark in "-."}
                found = {name: modes for name, modes in found.items() if name in wanted}
            if found and (not args.split or any(one in splits for one in args.split)):
                print(f"\n{model.name}\n")
                print(printed(found))


def _table(config: Any, args: argparse.Namespace) -> str:
    from earmark.report import formats
    from earmark.report.gather import gather
    from earmark.report.leaderboard import subset, tables

    made = tables(gather(config, args.published), args.benchmark, args.protocol)
    if args.protocol and not made:
        raise EarmarkError(f"--protocol {args.protocol}: nothing was scored by it")
    made = [subset(table, args.model, args.split) for table in made]
    write = {
        "text": formats.as_text,
        "csv": formats.as_csv,
        "md": formats.as_markdown,
        "tex": formats.as_tex,
    }
    return write[args.format]([table for table in made if table.lines], args.intervals)
