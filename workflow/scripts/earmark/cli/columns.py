"""The option by which the commands that read result files are told what those call their keys."""

import argparse

from earmark.errors import EarmarkError

_KEYS = ("text", "pred_text", "id", "duration", "time")


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Declare ``--column``."""
    called = f"what a result file calls {', '.join(_KEYS[:-1])} or {_KEYS[-1]}; may be repeated"
    parser.add_argument("--column", action="append", default=[], metavar="KEY=NAME", help=called)


def columns_of(args: argparse.Namespace) -> dict[str, str]:
    """The names that were given, by key.

    Raises:
        EarmarkError: when one is not ``KEY=NAME``, or its key none of those known.
    """
    found = {}
    for given in args.column:
        key, _, name = given.partition("=")
        if not name or key not in _KEYS:
            raise EarmarkError(
                f"--column {given}: KEY=NAME is expected, such as text=expected_answer; KEY is one "
                f"of {', '.join(_KEYS)}"
            )
        found[key] = name
    return found
