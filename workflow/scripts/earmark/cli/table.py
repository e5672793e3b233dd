"""Print the tables of a run's metrics, as papers have them."""

from __future__ import annotations

import argparse

from earmark.config import load
from earmark.metrics import find, printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Print every model's blocks, benchmark by benchmark."""
    config = load(args.configfile)
    for benchmark in config.benchmarks:
        for folder, model in config.models.items():
            print(f"\n{model.name}\n")
            print(printed(find(config.results_dir, folder, benchmark)))
    return 0
