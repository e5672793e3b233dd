"""Show, verify or compact the journals of answers, from which no request is sent twice.

show: a line a journal, with what it holds. verify: also which lines are damaged, whose requests
will be sent again; the exit code is 1 where there are any. compact: drop what counts for nothing,
such as answers that a later one replaced.
"""

import argparse
from pathlib import Path

EXAMPLES = ("earmark journal show results", "earmark journal compact results/my-model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("action", choices=["show", "verify", "compact"])
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="a results_dir, or a folder in it"
    )


def run(args: argparse.Namespace) -> int:
    """Look at every journal below the folders; 1 when `verify` finds damage or there is none."""
    from earmark.errors import EarmarkError
    from earmark.inference.journal import Journal, compact

    for top in args.folders:
        if not top.exists():
            raise EarmarkError(f"{top}: not there; a folder of results is expected, or one within")
    tops = [(top if top.is_dir() else top.parent).absolute() for top in args.folders]
    found = sorted({path.parent for top in tops for path in top.rglob("*.jsonl")
                    if path.parent.parts[-3:-2] == ("journal",)})  # fmt: skip
    if not found:
        raise EarmarkError(
            f"{', '.join(map(str, args.folders))}: no journal below; results expected"
        )
    here = Path.cwd()
    damaged = 0
    for absolute in found:
        folder = absolute.relative_to(here) if absolute.is_relative_to(here) else absolute
        if args.action == "compact":
            before, after = compact(folder)
            print(f"{folder}: {before:,} bytes, now {after:,}")
            continue
        with Journal(folder) as journal:
            print(
                f"{folder}: {len(journal.answers):,} answers, {len(journal.errors):,} errors, "
                f"{journal.repeated:,} superseded, {journal.torn} torn, {len(journal.damaged)} "
                f"damaged lines, {journal.size:,} bytes"
            )
        damaged += len(journal.damaged)
        for place in journal.damaged if args.action == "verify" else []:
            print(f"  {place}: no record; its request is asked again")
    return int(args.action == "verify" and damaged > 0)
