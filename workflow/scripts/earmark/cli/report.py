"""Build the leaderboard and the report from what a run has so far."""

from __future__ import annotations

import argparse

from earmark.cli.project import load_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )
    parser.add_argument("--published", metavar="CSV", help="published numbers of other systems")


def run(args: argparse.Namespace) -> int:
    """Write the files and name them; what is missing is marked in them."""
    from earmark.report.build import build

    config = load_run(args.configfile)
    results = build(config, config.results_dir, args.published or config.published)
    missing = len(results.missing())
    if missing:
        print(f"{missing} of {len(results.evaluations)} evaluations are missing, and marked so")
    print(config.paths.report.of())
    return 0
