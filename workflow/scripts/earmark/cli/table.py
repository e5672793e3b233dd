"""Print the tables of a run: models against splits, or blocks as NeMo-Skills prints them.

The best figure of a column carries a star; n is the number of samples that its rates are of.
"""

import argparse
import sys
from collections.abc import Sequence

from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, check_names, load_run
from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.scoring.printed import printed

FORMATS = ("text", "nemo", "csv", "md", "tex")
EXAMPLES = (
    "earmark table --intervals",
    "earmark table --benchmark asr-leaderboard --protocol whisper --format tex",
    "earmark table --format nemo --model my-model",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_configfile(parser)
    add = parser.add_argument
    kinds = "nemo: a block a benchmark and split; the others: a table of models against splits "
    add("--format", choices=FORMATS, default="text", help=f"{kinds}(default: %(default)s)")
    for name in ("benchmark", "split", "model"):
        only = f"only these {name}s (repeatable)"
        add(f"--{name}", action="append", metavar="NAME", help=only)
    add("--protocol", help="only this scoring protocol, in a table of models")
    add("--intervals", action="store_true", help="with 95 %% intervals")
    published = "published numbers of other systems, to stand below ours"
    add("--published", metavar="CSV", help=published)


def run(args: argparse.Namespace) -> int:
    """Print what is there so far; a run that is half way has gaps."""
    config = load_run(args.configfile)
    chosen = args.benchmark or list(config.benchmarks)
    models = [model.name for model in config.models.values()]
    check_names("benchmark", chosen, config.benchmarks, args.configfile)
    check_names("model", args.model, models, args.configfile)
    known = [split for name in chosen for split in config.benchmarks[name]]
    where = "--benchmark" if args.benchmark else args.configfile
    check_names("split", args.split, known, where)
    if args.format == "nemo":
        for name in ("protocol", "published"):
            if getattr(args, name):
                raise EarmarkError(f"--{name}: is of a table of models, not of --format nemo")
        return _blocks(config, args, chosen)
    _print_models(config, args)
    return 0


def _blocks(config: Run, args: argparse.Namespace, benchmarks: Sequence[str]) -> int:
    """Print the blocks that are there; name what is not, which is an error if nothing is."""
    from earmark.files import read_json

    missing: list[str] = []
    made: list[str] = []
    for benchmark in benchmarks:
        splits = [name for name in config.benchmarks[benchmark] if name in (args.split or [name])]
        named = {f"{benchmark}{mark}{split}" for split in splits for mark in "-."}
        for folder, model in config.models.items():
            if not splits or model.name not in (args.model or [model.name]):
                continue
            path = config.paths.metrics.of(model=folder, benchmark=benchmark)
            if not path.is_file():
                missing.append(f"{path}: not there yet; `snakemake` makes it")
                continue
            blocks = read_json(path)
            if args.split:
                blocks = {name: modes for name, modes in blocks.items() if name in named}
            made.append(f"\n{model.name}\n\n{printed(blocks)}")
    if missing and not made:
        raise EarmarkError(missing[0])
    print("\n".join(made))
    for line in missing:
        print(line, file=sys.stderr)
    return 0


def _print_models(config: Run, args: argparse.Namespace) -> None:
    from earmark.report import formats
    from earmark.report.differences import differences
    from earmark.report.gather import gather
    from earmark.report.leaderboard import tables
    from earmark.report.sliced import sliced_tables

    results = gather(config, args.published or config.published)
    marked = differences(results) if args.format in ("md", "tex") else []
    made = tables(results, args.benchmark, args.protocol, marked)
    if args.format != "csv":  # whose columns are those of published numbers
        made += sliced_tables(results, args.benchmark, args.protocol)
    if args.protocol and not any(table.protocol for table in made):
        known = dict.fromkeys(one.protocol for one in tables(results, args.benchmark))
        named = ", ".join(filter(None, known))
        raise EarmarkError(f"--protocol {args.protocol}: nothing was scored by it; known: {named}")
    made = [table.chosen(args.model, args.split) for table in made]
    made = [table for table in made if table.columns and len(table.cells)]
    if args.format != "text":
        write = {"csv": formats.as_csv, "md": formats.as_markdown, "tex": formats.as_tex}
        print(write[args.format](made, args.intervals), end="")
        return
    for number, table in enumerate(made):
        headings, rows = formats.as_rows(table, args.intervals)
        title = "\n".join([table.caption.replace("`", ""), *table.doubts])
        print_table(headings, rows, title=("\n" if number else "") + title + "\n")
    for one in results.missing():
        if (not args.model or one.model.name in args.model) and one.failure:
            print(f"\n{one.model.name} on {one.subset}: {one.told}")
