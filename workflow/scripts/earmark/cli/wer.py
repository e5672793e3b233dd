"""Score result files of the Open ASR Leaderboard or of NeMo by named protocols."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from earmark.cli.columns import add_columns, columns_of
from earmark.cli.printing import print_table
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

    add = parser.add_argument
    read = "JSON Lines with text and pred_text; also JSON, CSV and TSV; - reads standard input"
    add("files", nargs="+", metavar="FILE", help=read)
    named = f"one of {', '.join(PROTOCOL_NAMES)}; may be repeated (default: whisper)"
    add("--protocol", action="append", metavar="P", help=named)
    normalized = "the texts are normalized already: score them as they are"
    add("--normalized", action="store_true", help=normalized)
    spoken = "the references' language, such as de or cmn_hans_cn"
    add("--language", metavar="CODE", help=spoken)
    add_columns(parser)
    add("--group", metavar="NAME", help="the key of each sample's speaker, call or talk")
    add("--postprocess", default="none", metavar="NAME", help=" or ".join(POSTPROCESS_NAMES))
    lines = "print one JSON object a file and protocol, in lines"
    add("--json", action="store_true", help=lines)


def run(args: argparse.Namespace) -> int:
    """Score the files, and print a table or JSON once all are scored."""
    names = list(dict.fromkeys(args.protocol or ["whisper"]))
    for name in names:
        protocol(name, args.language)
    columns = columns_of(args)
    found = [line for file in args.files for line in _scored(file, names, columns, args)]
    if args.json:
        for line in found:
            print(json.dumps(line))
    else:
        _print_table(found)
    return 0


def _scored(
    file: str, names: list[str], columns: Mapping[str, str], args: argparse.Namespace
) -> list[dict[str, Any]]:
    """An object a protocol for a file; the first one decides what is hallucinated.

    ``wer``, ``cer`` and ``success_rate`` are fractions, as jiwer and kaldialign give them; their
    95 % intervals stand beside them as ``…_ci``.
    """
    from earmark.scoring.rates import speech_metrics
    from earmark.scoring.samples import Scorer
    from earmark.scoring.table import NOTED, Columns

    scorer = Scorer.named(
        names, args.postprocess, args.language, normalized=args.normalized, filtered=False
    )
    taken = Columns(file, names[0])
    changed = 0
    for sample in read_results(file, scorer.heard, columns, args.group):
        taken.add(scorer.row(sample))
        changed += args.normalized and any(
            one.normalize(text).split() != text.split()
            for one in scorer.protocols
            for text in (sample.reference, sample.generation)
        )
    if scorer.remark:
        print(f"warning: {file}: {scorer.remark} (--language)", file=sys.stderr)
    if changed:
        print(_RAW.format(file=file, changed=changed), file=sys.stderr)
    table = taken.table()
    one, entries = speech_metrics(table, None), len(table)
    found = []
    for name, block in one["protocols"].items():
        line = {"file": file, "protocol": name, "protocol_version": block["version"]}
        line |= {"postprocess": args.postprocess, "num_entries": entries}
        line |= {key: value for key, value in block.items() if key != "version"}
        edits = block["substitutions"] + block["deletions"] + block["insertions"]
        exact = {
            "wer": (edits, block["ref_words"]),
            "cer": (block["char_edits"], block["ref_chars"]),
            "success_rate": (block["successes"], block["counted"]),
        }
        for rate, (count, total) in exact.items():  # not from percent: to the last digit
            line[rate] = None if block[rate] is None else float(count / total)
            bounds = block[f"{rate}_ci"]
            line[f"{rate}_ci"] = None if bounds is None else [bound / 100 for bound in bounds]
        more = ("audio_seconds", "request_seconds", "rtfx_request", "intervals", *NOTED)
        found.append(line | {key: one[key] for key in (*more, "hallucination")})
    return found


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
