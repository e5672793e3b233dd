"""Normalize lines of text by a scoring protocol.

Lines come from standard input and go to standard output, one for one. A line ends at a line feed
and nowhere else; bytes that are not UTF-8 pass through unchanged.
"""

import argparse
import sys

from earmark.scoring.text import PROTOCOL_NAMES, protocol

EXAMPLES = (
    "earmark normalize --protocol whisper < lines.txt",
    "earmark normalize --protocol open_asr_leaderboard_multilingual --language de < lines.txt",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--protocol", required=True, metavar="P", help=f"one of {', '.join(PROTOCOL_NAMES)}")
    add("--language", metavar="CODE", help="the lines' language, such as de (default: English)")


def run(args: argparse.Namespace) -> int:
    """Normalize standard input, line by line."""
    normalize = protocol(args.protocol, args.language).normalize
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        text = line.removesuffix(b"\n").decode("utf-8", "surrogateescape")
        normalized = normalize(text).replace("\n", " ")
        out.write(normalized.encode("utf-8", "surrogateescape") + b"\n")
    out.flush()
    return 0
