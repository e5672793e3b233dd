"""The ``earmark`` command. A subcommand is a module of this package, loaded when it is called.

A command's module has a docstring, which is its help; ``EXAMPLES``, which end it; and two
functions: ``add_arguments(parser)`` and ``run(args) -> int``, which returns the exit code.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from earmark import __version__
from earmark.errors import EarmarkError

COMMANDS = {
    "status": "Show how far every model and split is.",
    "journal": "Show, verify or compact the journals of answers.",
    "compare": "Compare two models on the same samples.",
    "import": "Take result files of others as a model's predictions.",
    "export": "Write result files and .eval_results as the Open ASR Leaderboard has them.",
    "fitting": "Count how often models repeat a benchmark's own errors and ways of writing.",
    "list": "List the benchmarks that a config can name, and their splits.",
    "mmau": "Score answers to MMAU-Pro in a Parquet or JSONL file.",
    "normalize": "Normalize lines of text by a scoring protocol.",
    "reproduce": "Print the commands that repeat an evaluation, from its metrics file.",
    "report": "Build the leaderboard and the report from what a run has so far.",
    "table": "Print the tables of a run's metrics.",
    "wer": "Score result files by named protocols.",
}
_EXAMPLES = """\
examples:
  earmark status                      how far the run of config/config.yaml is
  earmark table --format tex          its tables, for a paper
  earmark compare model-a model-b     whether two of its models differ
  earmark COMMAND --help              a command's options and examples
exit codes: 0 well, 1 an error that a message explains, 2 wrong arguments, 130 stopped by Ctrl-C
completion, in bash and zsh: eval "$(register-python-argcomplete earmark)"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (1: an error that a message explains)."""
    argv = list(sys.argv[1:] if argv is None else argv)
    completing = "_ARGCOMPLETE" in os.environ
    typed = os.environ.get("COMP_LINE", "").split()[1:] if completing else argv
    parser = _parser(typed[0] if typed else "")
    if completing:
        import argcomplete

        argcomplete.autocomplete(parser)
    if not argv:
        parser.print_help()
        return 0
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


def _parser(command: str) -> argparse.ArgumentParser:
    """The commands; only the one that runs pays for its imports."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="earmark",
        description="Look at, compare and score what evaluations gave; `snakemake` runs them.",
        epilog=_EXAMPLES,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"earmark {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        one = commands.add_parser(name, help=summary, formatter_class=raw)
        if name == command:
            # A module `list` would hide the built-in in this one, and `import` is a keyword.
            named = {"list": "listing", "import": "importing"}.get(name, name)
            module = import_module(f"earmark.cli.{named}")
            one.description = module.__doc__
            one.epilog = "".join(f"\n  {line}" for line in getattr(module, "EXAMPLES", ()))
            one.epilog = f"examples:{one.epilog}" if one.epilog else None
            module.add_arguments(one)
            one.set_defaults(run=module.run)
    return parser
