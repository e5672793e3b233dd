"""Score result files of the Open ASR Leaderboard or of NeMo by named protocols."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from earmark.cli.printing import print_table
from earmark.errors import EarmarkError
from earmark.scoring.result_files import read_results
from earmark.scoring.text import PROTOCOL_NAMES, protocol

EXAMPLES = (
    "earmark wer answers.jsonl",
    "earmark wer --protocol whisper --protocol open_asr_leaderboard --json answers.jsonl",
    "earmark wer --protocol open_asr_leaderboard_multilingual --language de answers.jsonl",
)


_RAW = (
    "warning: {file}: normalizing would change {changed} of its samples; texts that are raw, as in "
    "the leaderboard's files since June 2026, are scored without --normalized"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    from earmark.scoring.text.postprocess import POSTPROCESS_NAMES

    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="JSON Lines with text and pred_text"
    )
    parser.add_argument(
        "--protocol",
        action="append",
        metavar="P",
        help=f"one of {', '.join(PROTOCOL_NAMES)}; may be repeated (default: whisper)",
    )
    parser.add_argument(
        "--normalized",
        action="store_true",
        help="the texts are normalized already: score them as they are",
    )
    parser.add_argument(
        "--language",
        metavar="CODE",
        help="the references' language, such as de or cmn_hans_cn",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="KEY=NAME",
        help="what the file calls text, pred_text, id, duration or time; may be repeated",
    )
    parser.add_argument(
        "--group", metavar="NAME", help="the key of each sample's speaker, call or talk"
    )
    parser.add_argument(
        "--postprocess", default="none", metavar="NAME", help=" or ".join(POSTPROCESS_NAMES)
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a file and protocol, in lines"
    )


def run(args: argparse.Namespace) -> int:
    """Score the files, and print a table or JSON once all are scored."""
    names = list(dict.fromkeys(args.protocol or ["whisper"]))
    for name in names:
        protocol(name, args.language)
    columns = dict(_column(given) for given in args.column)
    found = [
        line
        for file in args.files
        for line in score_file(
            file, names, args.postprocess, args.normalized, args.language, columns, args.group
        )
    ]
    if args.json:
        for line in found:
            print(json.dumps(line))
    else:
        _print_table(found)
    return 0


def score_file(
    file: str,
    protocols: list[str],
    postprocess: str = "none",
    normalized: bool = False,
    language: str | None = None,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
) -> list[dict[str, Any]]:
    """Score one file; returns an object a protocol.

    ``wer``, ``cer`` and ``success_rate`` are fractions, as jiwer and kaldialign give them; their
    95 % intervals stand beside them as ``…_ci``.

    Args:
        file: The file; ``-`` for standard input.
        protocols: Names of protocols; the first decides what is hallucinated.
        postprocess: What is done to the answers first, by name.
        normalized: Whether the texts are taken as they are.
        language: The language of the references; None for English.
        columns: What the file calls ``text``, ``pred_text``, ``id``, ``duration`` and ``time``.
        group: The key of each sample's speaker, call or talk.

    Raises:
        EarmarkError: when the file cannot be scored; names it and the line.
    """
    from earmark.scoring.rates import speech_metrics
    from earmark.scoring.samples import Scorer
    from earmark.scoring.table import NOTED, Columns

    scorer = Scorer.named(protocols, postprocess, language, normalized=normalized, filtered=False)
    taken = Columns(file, protocols[0])
    changed = 0
    for sample in read_results(file, columns, group):
        taken.add(scorer.row(sample))
        changed += normalized and any(
            one.normalize(text).split() != text.split()
            for one in scorer.protocols
            for text in (sample.reference, sample.generation)
        )
    if changed:
        print(_RAW.format(file=file, changed=changed), file=sys.stderr)
    table = taken.table()
    one, entries = speech_metrics(table, None), len(table)
    found = []
    for name, block in one["protocols"].items():
        line = {"file": file, "protocol": name, "protocol_version": block["version"]}
        line |= {"postprocess": postprocess, "num_entries": entries}
        line |= {key: value for key, value in block.items() if key != "version"}
        for rate in ("wer", "cer", "success_rate"):
            line[rate] = None if block[rate] is None else _fraction(block, rate)
            bounds = block[f"{rate}_ci"]
            line[f"{rate}_ci"] = None if bounds is None else [bound / 100 for bound in bounds]
        for key in ("audio_seconds", "request_seconds", "rtfx_request", "intervals", *NOTED):
            line[key] = one[key]
        line["hallucination"] = one["hallucination"]
        found.append(line)
    return found


def _column(given: str) -> tuple[str, str]:
    key, equals, name = given.partition("=")
    known = ("text", "pred_text", "id", "duration", "time")
    if not equals or not name or key not in known:
        raise EarmarkError(
            f"--column {given}: KEY=NAME is expected, such as text=expected_answer; KEY is one of "
            f"{', '.join(known)}"
        )
    return key, name


def _fraction(block: dict[str, Any], rate: str) -> float:
    """The rate from its counts: exact to the last digit."""
    above, below = {
        "wer": ("edits", "ref_words"),
        "cer": ("char_edits", "ref_chars"),
        "success_rate": ("successes", "counted"),
    }[rate]
    edits = block["substitutions"] + block["deletions"] + block["insertions"]
    return float((edits if above == "edits" else block[above]) / block[below])


def _print_table(found: list[dict[str, Any]]) -> None:
    headings = ("file", "protocol", "scored", "words", "sub", "del", "ins", "WER %", "95 %",
                "CER %")  # fmt: skip
    counts = ("scored", "ref_words", "substitutions", "deletions", "insertions")
    rows = []
    for line in found:
        bounds = "n/a" if line["wer_ci"] is None else "-".join(map(_shown, line["wer_ci"]))
        rows.append([line["file"], line["protocol"], *(str(line[key]) for key in counts),
                     _shown(line["wer"]), bounds, _shown(line["cer"])])  # fmt: skip
    print_table(headings, rows, names=2)
    for version in dict.fromkeys(f"{one['protocol']}: {one['protocol_version']}" for one in found):
        print(version)


def _shown(rate: float | None) -> str:
    return "n/a" if rate is None else f"{100 * rate:.2f}"
