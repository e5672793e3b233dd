"""The ``earmark`` command. A subcommand is a module of this package, loaded when it is called.

A command's module has a docstring, whose first line is its help, and two functions:
``add_arguments(parser)`` and ``run(args) -> int``, which returns the exit code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from earmark import __version__
from earmark.errors import EarmarkError

COMMANDS = {
    "status": "Show how far every model and split is.",
    "journal": "Show, verify or compact the journals of answers.",
    "compare": "Compare two models on the same samples.",
    "mmau": "Score answers to MMAU-Pro in a Parquet or JSONL file.",
    "normalize": "Normalize lines of text by a scoring protocol.",
    "reproduce": "Print the commands that repeat an evaluation, from its metrics file.",
    "report": "Build the leaderboard and the report from what a run has so far.",
    "table": "Print the tables of a run's metrics.",
    "wer": "Score result files by named protocols.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (1: an error that a message explains)."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="earmark", description="Evaluate speech and audio models: tables, scores, journals."
    )
    parser.add_argument("--version", action="version", version=f"earmark {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if argv and argv[0] == name:  # only the command that runs pays for its imports
            module = import_module(f"earmark.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    args = parser.parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except EarmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader (`head`, say) has had enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
