"""Print the commands that repeat an evaluation, or check what they gave against its metrics."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import read_json
from earmark.provenance import commands, find

EXAMPLES = (
    "earmark reproduce results/my-model/eval-results/asr-leaderboard/metrics.json",
    "earmark reproduce --check results/my-model/eval-results/asr-leaderboard/metrics.json",
)

_MEASURED = ("seconds", "rtfx", "latency")
"""What is in names of figures that are measured anew each time, and may differ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("metrics", metavar="METRICS", help="a metrics.json of eval-results/")
    check = "say which numbers differ in what the printed commands made (exit code 1 if any does)"
    add("--check", action="store_true", help=check)
    add("--against", metavar="FILE", help="with --check: another metrics file to compare with")


def run(args: argparse.Namespace) -> int:
    """Print a shell script that repeats the evaluation in a clone, or compare the numbers."""
    if not Path(args.metrics).exists():
        raise EarmarkError(
            f"{args.metrics}: not there; a metrics.json of eval-results/ is expected"
        )
    if not args.check:
        print(commands(args.metrics))
        return 0
    metrics = Path(args.metrics)
    again = Path(args.against) if args.against else _repeated(metrics)
    if not again.is_file():
        raise EarmarkError(
            f"{again}: not there; run what `earmark reproduce {metrics}` prints, or name a file "
            "with --against"
        )
    lines = list(differences(read_json(metrics), read_json(again)))
    print("\n".join(lines) or f"every number of {metrics} is in {again} too")
    return 1 if lines else 0


def differences(before: Any, after: Any, key: str = "") -> Iterator[str]:
    """The numbers and texts that differ, a line each; what is measured in seconds may.

    Args:
        before: A metrics file's content.
        after: That of the other one.
        key: Where in the files these are.
    """
    if any(part in key.rpartition(".")[2] for part in _MEASURED):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from differences(before.get(name), after.get(name), f"{key}.{name}".lstrip("."))
    elif before != after:
        yield f"{key}: {before!r} before, {after!r} now"


def _repeated(metrics: Path) -> Path:
    """Where the printed commands put what belongs to a metrics file."""
    known = find(metrics).absolute()
    model, benchmark = known.parents[2].name, known.parent.name
    below = metrics.absolute().relative_to(known.parent)
    return Path("reproduce", "results", model, "eval-results", benchmark, below)
