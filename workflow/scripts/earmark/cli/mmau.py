"""Score answers to MMAU-Pro in a Parquet or JSONL file, as the reference evaluator does.

The file has the dataset's columns and the answers in `model_output` (or --column). Closed-form
answers are matched by the config's `matcher`, and open-ended ones judged by its `judge`; what of
these is not configured, or not to be had here, is left out and said so.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from earmark.errors import EarmarkError
from earmark.files import Row, json_text, write_json, write_jsonl

if TYPE_CHECKING:
    from earmark.config import Config

EXAMPLES = (
    "earmark mmau answers.parquet",
    "earmark mmau answers.jsonl --configfile config/config.yaml --json",
)

Samples = Sequence[tuple[Row, str]]
Others = Callable[[Samples], list[Row] | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("file", type=Path, help="a Parquet file, or JSON Lines")
    add("--column", default="model_output", help="where the answers are (default: %(default)s)")
    add("--configfile", help="a config whose `judge` and `matcher` are used (default: none)")
    add("--matcher", choices=["nv-embed", "demo"], help="the matcher, instead of the config's")
    how = "how sentences are counted (default: %(default)s)"
    add("--sentences", default="punctuation", choices=["punctuation", "punkt"], help=how)
    add("--samples", type=Path, help="write a row a sample to this JSONL file")
    add("--metrics", type=Path, help="write the metrics to this JSON file")
    add("--json", action="store_true", help="print one JSON object with every rate, not tables")
    add("--journal", type=Path, help="where judgements are kept (default: FILE.judging)")


def run(args: argparse.Namespace) -> int:
    """Score the file and print the tables."""
    from earmark.mmau.score import report

    taken = {args.file.resolve(): "the file of answers"}
    for option, path in (("--samples", args.samples), ("--metrics", args.metrics)):
        if path is not None:
            if what := taken.get(path.resolve()):
                raise EarmarkError(f"{option} {path}: that is {what}; name another")
            if path.is_dir():
                raise EarmarkError(f"{option} {path}: a folder; a file was expected")
            _make_folder(path.parent, option)
            taken[path.resolve()] = f"what {option} writes"
    with redirect_stdout(sys.stderr):  # what matching and judging say
        blocks = _score(args)
    if args.metrics:
        write_json(args.metrics, blocks)
    print(json_text(blocks, indent=2) if args.json else report(blocks))
    return 0


def _score(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    from earmark.mmau import summary
    from earmark.mmau.answers import read_answers
    from earmark.mmau.score import category_blocks, unscored
    from earmark.mmau.verdicts import WAYS, verdict, verdicts, way_of

    rows = read_answers(args.file, args.column)
    ways = [way_of(row["category"]) for row, *_ in rows]
    places = {way: [k for k, one in enumerate(ways) if one == way] for way in WAYS if way in ways}
    plans = {way: _plan(way, args) for way in places}
    _check_columns(args.file, [row for row, *_ in rows], places)
    every: list[Row] = [{} for _ in rows]
    blocks: dict[str, dict[str, Any]] = {}
    tables = {}
    for way, plan in plans.items():
        samples = [rows[place][:2] for place in places[way]]
        if isinstance(plan, str):
            print(f"{way}: {len(samples)} samples not scored: {plan}")
            for place, (row, _) in zip(places[way], samples, strict=True):
                every[place] = verdict(row, None, f"not scored: {plan}")
            continue
        found = verdicts(way, samples, plan(samples), {"sentences": args.sentences})
        for place, one in zip(places[way], found, strict=True):
            if rows[place][2]:
                one["reasoning_removed"] = True
            every[place] = one
        unscored(found)
        name = f"mmau-pro.{way}"
        tables[name] = summary.table(found)
        blocks |= category_blocks(name, way, tables[name])
    if args.samples:
        write_jsonl(args.samples, every)
    if not blocks:
        raise EarmarkError(f"{args.file}: none of its {len(rows)} samples could be scored")
    heads = [blocks[name] for name in tables]
    return {"mmau-pro": summary.whole(heads, list(tables.values())), **blocks}


def _make_folder(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EarmarkError(f"{option}: {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise EarmarkError(f"{option}: {folder} cannot be written to")


def _check_columns(file: Path, rows: Sequence[Row], places: dict[str, list[int]]) -> None:
    """See that references are there at all; name the categories that the dataset does not have."""
    from earmark.mmau.verdicts import CLOSED_CATEGORIES, CLOSED_FORM, OPEN_ENDED

    needed = {CLOSED_FORM: ("answer",), OPEN_ENDED: ("answer", "question")}
    for way, among in places.items():
        for name in needed.get(way, ()):
            if not any(name in rows[place] for place in among):
                raise EarmarkError(
                    f"{file}: no column {name!r} in its {way} rows (row {among[0] + 1} is the "
                    f"first); there are: {', '.join(rows[among[0]])}"
                )
    known = ("open", "instruction following", *CLOSED_CATEGORIES)
    names = Counter(rows[place]["category"] for place in places.get(CLOSED_FORM, ()))
    for name, count in names.items():
        if name not in known:
            like = get_close_matches(name.lower().replace("_", " "), known, 1)
            hint = f"; {like[0]!r} is" if like else ""
            unknown = f"category {name!r} ({count} rows) is none of the dataset's{hint}"
            print(f"{unknown}: scored as closed-form")


def _plan(way: str, args: argparse.Namespace) -> Others | str:
    """How to get what verdicts need besides the answers, or why it is not to be had.

    What the config or this machine lacks is found here, before anything is paid for.
    """
    from earmark.mmau import judging, lacking, rules, verdicts
    from earmark.servers import check as check_server

    if way == verdicts.INSTRUCTION_FOLLOWING:
        rules.sentence_counter(args.sentences)("One.")
        return lambda samples: None
    if way == verdicts.CLOSED_FORM:
        if not args.matcher and not args.configfile:
            return "no matcher; give a --configfile, or --matcher"
        given = {"type": args.matcher} if args.matcher else _config(args).matcher.given
        lacks = lacking.matcher_lacks(given)
        return lacks or (lambda samples: _matches(given, samples))
    if not args.configfile:
        return "no judge; give a --configfile"
    judge = _config(args).judge
    check_server(f"{args.configfile}: judge", judge)
    if lacks := lacking.key_missing("judge", judge.settings):
        return lacks
    folder = args.journal or args.file.with_name(f"{args.file.name}.judging")
    _make_folder(folder, "--journal")
    asked, log = judging.judge_settings(judge), folder / "server.log"
    one = judging.Judge(f"judging {args.file}", asked, judge, folder, log)
    return lambda samples: judging.judge_all(one, samples)


def _matches(matcher: dict[str, Any], samples: Samples) -> list[Row]:
    from earmark.mmau.matching import match_all

    with TemporaryDirectory() as store:  # of files like these, vectors are not kept
        return match_all(matcher, samples, store)


def _config(args: argparse.Namespace) -> Config:
    """The config, checked; only its `judge` and `matcher` need be there."""
    from earmark.config import alone, read_yaml

    config = read_yaml(Path(args.configfile))
    if not isinstance(config, dict):
        raise EarmarkError(f"{args.configfile}: a mapping with `judge` or `matcher` was expected")
    return alone(config, args.configfile)
