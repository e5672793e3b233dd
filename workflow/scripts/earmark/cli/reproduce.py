"""Print the commands that repeat an evaluation, from its metrics file."""

from __future__ import annotations

import argparse

from earmark.provenance import commands

EXAMPLES = ("earmark reproduce results/my-model/eval-results/asr-leaderboard/metrics.json",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("metrics", metavar="METRICS", help="a metrics.json of eval-results/")


def run(args: argparse.Namespace) -> int:
    """Print a shell script that repeats the evaluation in a clone."""
    print(commands(args.metrics))
    return 0
