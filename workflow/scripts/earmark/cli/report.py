"""Build the leaderboard and the report from what a run has so far."""

from __future__ import annotations

import argparse

from earmark.cli.project import add_configfile, load_run

EXAMPLES = ("earmark report", "earmark report --configfile config/demo.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_configfile(parser)
    parser.add_argument("--published", metavar="CSV", help="published numbers of other systems")


def run(args: argparse.Namespace) -> int:
    """Write the files and name them; what is missing is marked in them."""
    from earmark.report.build import build

    config = load_run(args.configfile)
    results = build(config, config.results_dir, args.published or config.published)
    missing = results.missing()
    if missing:
        print(
            f"{len(missing)} of {len(results.evaluations)} evaluations are missing, and marked so"
        )
    for one in missing:
        if one.failure:
            print(f"{one.model.name} on {one.subset}: {one.told}")
    print(config.paths.report.of())
    return 0
