"""Print the tables of a run: blocks as papers have them, or models against splits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from earmark.cli.project import load_run
from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import read_json
from earmark.scoring.metrics import printed

FORMATS = ("blocks", "text", "csv", "md", "tex")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="blocks: one a benchmark and split, as papers print them; the others: a table of "
        "models against splits (default: blocks; with --protocol or --published, text)",
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
    config = load_run(args.configfile)
    names = {
        "benchmark": list(config.benchmarks),
        "split": [name for splits in config.benchmarks.values() for name in splits],
        "model": [model.name for model in config.models.values()],
    }
    for name, known in names.items():
        _check(getattr(args, name) or [], known, name, args.configfile)
    chosen = args.benchmark or list(config.benchmarks)
    known = [name for benchmark in chosen for name in config.benchmarks[benchmark]]
    _check(args.split or [], known, "split", f"--benchmark {', '.join(chosen)}")
    of_models = next((name for name in ("protocol", "published") if getattr(args, name)), None)
    args.format = args.format or ("text" if of_models else "blocks")
    if args.format == "blocks":
        if of_models:
            raise EarmarkError(f"--{of_models}: is of a table of models, not of blocks")
        return _blocks(config, args)
    print(_table(config, args), end="" if args.format != "text" else "\n")
    return 0


def _check(chosen: Sequence[str], known: Sequence[str], what: str, where: str) -> None:
    for name in chosen:
        if name not in known:
            raise EarmarkError(f"--{what} {name}: {where} has {', '.join(dict.fromkeys(known))}")


def _blocks(config: Run, args: argparse.Namespace) -> int:
    """Print the blocks that are there; name what is not, which is an error if nothing is."""
    missing: list[str] = []
    made = 0
    for benchmark, splits in config.benchmarks.items():
        wanted = [one for one in args.split or splits if one in splits]
        if (args.benchmark and benchmark not in args.benchmark) or not wanted:
            continue
        for folder, model in config.models.items():
            if args.model and model.name not in args.model:
                continue
            path = config.paths.metrics.of(model=folder, benchmark=benchmark)
            if not path.is_file():
                missing.append(f"{path}: not there yet; `snakemake` makes it")
                continue
            found = read_json(path)
            if args.split:
                names = {f"{benchmark}{mark}{one}" for one in wanted for mark in "-."}
                found = {name: modes for name, modes in found.items() if name in names}
            print(f"\n{model.name}\n")
            print(printed(found))
            made += 1
    if missing and not made:
        raise EarmarkError(missing[0])
    for line in missing:
        print(line, file=sys.stderr)
    return 0


def _table(config: Run, args: argparse.Namespace) -> str:
    from earmark.report import formats
    from earmark.report.gather import gather
    from earmark.report.leaderboard import subset, tables

    results = gather(config, args.published or config.published)
    made = tables(results, args.benchmark, args.protocol)
    if args.protocol and not any(table.protocol for table in made):
        raise EarmarkError(f"--protocol {args.protocol}: nothing was scored by it")
    made = [subset(table, args.model, args.split) for table in made]
    write = {
        "text": formats.as_text,
        "csv": formats.as_csv,
        "md": formats.as_markdown,
        "tex": formats.as_tex,
    }
    return write[args.format]([table for table in made if table.lines], args.intervals)
