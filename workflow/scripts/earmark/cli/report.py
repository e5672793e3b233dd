"""Build the leaderboard and the report from what a run has so far.

Written are report.html and leaderboard.csv, .md and .tex in the config's results_dir, as
`snakemake` does at its end; with --bundle, a page with audio that can be sent.
"""

import argparse

from earmark.cli.project import add_configfile, load_run
from earmark.errors import EarmarkError

EXAMPLES = (
    "earmark report",
    "earmark report --configfile config/demo.yaml",
    "earmark report --bundle to-send.zip --anonymous",
)
_WORST = "of a bundle: audio of the N worst answers of each model and split (default: 20)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_configfile(parser)
    add = parser.add_argument
    add("--published", metavar="CSV", help="published numbers of other systems")
    add("--bundle", metavar="DIR", help="write the page with audio to a new folder, or a .zip")
    add("--worst", metavar="N", type=int, default=20, help=_WORST)
    add("--anonymous", action="store_true", help="of a bundle: no paths, addresses, host names")


def run(args: argparse.Namespace) -> int:
    """Write the files and name them; what is missing is marked in them."""
    from earmark.report.build import build, bundle

    config = load_run(args.configfile)
    published = args.published or config.published
    if args.worst < 0:
        raise EarmarkError(f"--worst {args.worst}: a number of answers, or 0 for no audio")
    if args.bundle:
        results = bundle(config, args.bundle, published, args.worst, args.anonymous)
    elif args.anonymous:
        raise EarmarkError("--anonymous is of a bundle: add --bundle DIR")
    else:
        results = build(config, config.results_dir, published)
    missing = results.missing()
    if missing:
        print(
            f"{len(missing)} of {len(results.evaluations)} evaluations are missing, and marked so"
        )
    for one in missing:
        if one.failure:
            print(f"{one.model.name} on {one.subset}: {one.told}")
    print(args.bundle or config.paths.report.of())
    return 0
