"""Count how often models repeat a benchmark's own errors and ways of writing, from result files.

Renderings: where the words are right, whether they are written as in the reference (colour or
color, T. V. or TV, twenty or 20, e-mail or email). Errors, with --original: where the file's
references correct the original ones, whether the model has the original's words. English alone;
both as the Open ASR Leaderboard's benchmark_fitting counts, with 95 % intervals. A high rate is no
proof of what a model has seen.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from earmark.cli.columns import add_columns, columns_of
from earmark.cli.printing import print_table
from earmark.errors import EarmarkError
from earmark.files import write_jsonl
from earmark.scoring.result_files import samples

EXAMPLES = (
    "earmark fitting MODEL_a-b_DATASET_hf-audio-open-asr-leaderboard_ami_cleaned_test.jsonl",
    "earmark fitting cleaned/*.jsonl --original voxpopuli_test.jsonl --events events.jsonl",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="result files: text and pred_text, raw")
    original = "a file with the original references (text), paired by id; FILE has corrected ones"
    add("--original", metavar="FILE", help=original)
    add("--events", metavar="FILE", help="with --original: write each place where they differ")
    add("--group", metavar="NAME", help="the key of each sample's speaker, call or talk")
    add_columns(parser)
    add("--json", action="store_true", help="print one JSON object a file")


def run(args: argparse.Namespace) -> int:
    """Count, and print a table or JSON."""
    if args.events and not args.original:
        raise EarmarkError("--events: the places where references differ need --original")
    originals = None
    if args.original:
        read = samples(args.original, columns_of(args), None, needed=["text"])
        originals = {one.id: one.reference for one in read}
    found, events = [], []
    for file in args.files:
        line, places = _counted(file, originals, args)
        found.append(line)
        events += places
    if args.events:
        write_jsonl(args.events, events)
    if args.json:
        for line in found:
            print(json.dumps(line))
    else:
        headings = ("file", "agreement with", "n", "rate %", "95 %")
        print_table(headings, [row for line in found for row in _rows(line)], title="")
    return 0


def _counted(
    file: str, originals: dict[str, str] | None, args: argparse.Namespace
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from earmark.scoring.fitting import reference_errors
    from earmark.scoring.renderings import rendering_agreement

    answers = list(samples(file, columns_of(args), args.group))
    if not answers:
        raise EarmarkError(f"{file}: empty; rows with 'text' and 'pred_text' were expected")
    line: dict[str, Any] = {"file": file, "renderings": rendering_agreement(answers)}
    if originals is None:
        return line, []
    if all(re.fullmatch(r"(sample_)?\d+", one.id) for one in answers):
        raise EarmarkError(
            f"{file}: ids such as {answers[0].id!r} are places in the file, by which samples of "
            "two sets cannot be paired; audio_filepath or id is to name the clip"
        )
    missing = sum(one.id not in originals for one in answers)
    if missing == len(answers):
        raise EarmarkError(
            f"{file}: none of its ids, such as {answers[0].id[:60]!r}, is in {args.original}, "
            f"which has {next(iter(originals), 'none')[:60]!r} and others"
        )
    if missing:
        print(
            f"warning: {file}: {missing} of its {len(answers)} samples are not in {args.original}, "
            "and count for renderings alone",
            file=sys.stderr,
        )
    line["errors"], events = reference_errors(answers, originals)
    return line, [{"file": file, **event._asdict()} for event in events]


def _rows(line: dict[str, Any]) -> Iterator[list[str]]:
    def row(what: str, block: dict[str, Any], n: int) -> list[str]:
        ends = block["rate_ci"]
        interval = "n/a" if ends is None else f"{100 * ends[0]:.1f}-{100 * ends[1]:.1f}"
        rate = "n/a" if block["rate"] is None else f"{100 * block['rate']:.1f}"
        return [line["file"], what, f"{n:,}", rate, interval]

    block = line["renderings"]
    yield row("renderings", block, block["n"])
    for kind, one in block["classes"].items():
        yield row(f"  {kind}", one, one["n"])
    if errors := line.get("errors"):
        yield row("reference errors", errors, errors["n_eligible"])
