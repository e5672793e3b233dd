"""Score answers to MMAU-Pro in a Parquet or JSONL file, as the reference evaluator does.

The file has the dataset's columns and the answers in `model_output` (or --column). Instructions
are checked by rules. Closed-form answers are matched by the config's `matcher`, and open-ended
ones judged by its `judge`; what of these is not configured, or not to be had here, is left out
and said so.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.errors import EarmarkError
from earmark.files import Row, write_json, write_jsonl

if TYPE_CHECKING:
    from earmark.config import Config

Samples = Sequence[tuple[Row, str]]
Beside = Callable[[Samples], list[Row] | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", type=Path, help="a Parquet file, or JSON Lines")
    parser.add_argument(
        "--column", default="model_output", help="where the answers are (default: %(default)s)"
    )
    parser.add_argument(
        "--configfile", help="a config whose `judge` and `matcher` are used (default: none)"
    )
    parser.add_argument(
        "--matcher", choices=["nv-embed", "demo"], help="the matcher, instead of the config's"
    )
    parser.add_argument(
        "--sentences", default="punctuation", choices=["punctuation", "punkt"],
        help="how sentences are counted (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--samples", type=Path, help="write a row a sample to this JSONL file")
    parser.add_argument("--metrics", type=Path, help="write the metrics to this JSON file")
    parser.add_argument(
        "--journal", type=Path, help="where judgements are kept (default: FILE.judging)"
    )


def run(args: argparse.Namespace) -> int:
    """Score the file and print the tables."""
    from earmark.mmau.answers import read_answers
    from earmark.mmau.categories import WAYS, way_of
    from earmark.mmau.score import verdicts

    _check_places(args)
    rows = read_answers(args.file, args.column)
    places: dict[str, list[int]] = {way: [] for way in WAYS}
    for place, (row, _) in enumerate(rows):
        places[way_of(row["category"])].append(place)
    plans = {way: _plan(way, args) for way in WAYS if places[way]}
    _check_columns(args.file, rows, {way: places[way] for way in plans})
    made: dict[str, list[Row]] = {}
    found: list[Row] = [{} for _ in rows]
    for way, plan in plans.items():
        samples = [rows[place] for place in places[way]]
        if isinstance(plan, str):
            print(f"{way}: {len(samples)} samples not scored: {plan}", file=sys.stderr)
            of_way = [_left_out(row, plan) for row, _ in samples]
        else:
            of_way = made[way] = verdicts(way, samples, plan(samples), args.sentences)
            _tell(of_way)
        for place, row in zip(places[way], of_way, strict=True):
            found[place] = row
    return _write(args, found, made)


def _check_places(args: argparse.Namespace) -> None:
    """See that what is written can be, and is not the file of answers."""
    taken = {args.file.resolve(): "the file of answers"}
    for option, path in (("--samples", args.samples), ("--metrics", args.metrics)):
        if path is None:
            continue
        if path.resolve() in taken:
            raise EarmarkError(f"{option} {path}: that is {taken[path.resolve()]}; name another")
        taken[path.resolve()] = f"what {option} writes"
        if path.is_dir():
            raise EarmarkError(f"{option} {path}: a folder; a file was expected")
        _make_folder(path.parent, option)


def _make_folder(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EarmarkError(
            f"{option}: {folder} cannot be made: {error.strerror or error}"
        ) from None
    if not os.access(folder, os.W_OK):
        raise EarmarkError(f"{option}: {folder} cannot be written to")


def _check_columns(file: Path, rows: Samples, places: dict[str, list[int]]) -> None:
    """See that references are there at all; name the categories that the dataset does not have."""
    from earmark.mmau.categories import CLOSED_CATEGORIES, CLOSED_FORM, OPEN_ENDED

    needed = {CLOSED_FORM: ("answer",), OPEN_ENDED: ("answer", "question")}
    for way, among in places.items():
        for name in needed.get(way, ()):
            if not any(name in rows[place][0] for place in among):
                there = ", ".join(rows[among[0]][0])
                raise EarmarkError(
                    f"{file}: no column {name!r} in its {way} rows (row {among[0] + 1} is the "
                    f"first); there are: {there}"
                )
    known = ("open", "instruction following", *CLOSED_CATEGORIES)
    names = Counter(rows[place][0]["category"] for place in places.get(CLOSED_FORM, ()))
    for name, count in names.items():
        if name not in known:
            like = get_close_matches(name.lower().replace("_", " "), known, 1)
            hint = f"; {like[0]!r} is" if like else ""
            print(
                f"category {name!r} ({count} rows) is none of the dataset's{hint}: "
                "scored as closed-form",
                file=sys.stderr,
            )


def _left_out(row: Row, why: str) -> Row:
    """What `--samples` says of a sample whose category was not scored."""
    return {
        "id": row["id"],
        "category": row["category"],
        "correct": None,
        "why": f"not scored: {why}",
        "excluded": None,
        "reference": None,
    }


def _tell(found: Sequence[Row]) -> None:
    from earmark.mmau.score import SHOWN

    unscored = [row for row in found if row["correct"] is None]
    for row in unscored[:SHOWN]:
        name, excluded, why = row["id"], row["excluded"], row["why"]
        print(f"sample {name}: not scored ({excluded}): {why}", file=sys.stderr)
    if len(unscored) > SHOWN:
        print(f"and {len(unscored) - SHOWN} more; --samples has them all", file=sys.stderr)


def _plan(way: str, args: argparse.Namespace) -> Beside | str:
    """How to get what verdicts of this way need beside the answers, or why it is not to be had.

    What the config or this machine lacks is found here, before anything is paid for.
    """
    from earmark.mmau.categories import CLOSED_FORM, OPEN_ENDED
    from earmark.mmau.sentences import sentence_counter

    if way == CLOSED_FORM:
        return _matcher(args)
    if way == OPEN_ENDED:
        return _judge(args)
    sentence_counter(args.sentences)("One.")
    return lambda samples: None


def _config(args: argparse.Namespace) -> Config:
    """The config, checked; only its `judge` and `matcher` need be there."""
    from earmark.config import alone, read_yaml

    config = read_yaml(Path(args.configfile))
    if not isinstance(config, dict):
        raise EarmarkError(f"{args.configfile}: a mapping with `judge` or `matcher` was expected")
    return alone(config, args.configfile)


def _no_key(settings: dict[str, Any], whose: str) -> str | None:
    variable = settings.get("api_key_env")
    if not variable or os.environ.get(variable, "").strip():
        return None
    return f"the {whose}'s key is not in the environment variable {variable}"


def _matcher(args: argparse.Namespace) -> Beside | str:
    from earmark.mmau.matchers.nv_embed import interpreter
    from earmark.mmau.matching import match_all

    if not args.matcher and not args.configfile:
        return "no matcher; give a --configfile, or --matcher"
    settings = {"type": args.matcher} if args.matcher else _config(args).matcher.given
    if settings["type"] == "nv-embed" and not interpreter(settings).is_file():
        return f"nv-embed has no environment at {interpreter(settings)} (docs/mmau-pro.md)"
    return _no_key(settings, "matcher") or (lambda samples: match_all(settings, samples, None))


def _judge(args: argparse.Namespace) -> Beside | str:
    from earmark.mmau.judging import Judge, judge_all, judge_settings
    from earmark.servers import check as check_server

    if not args.configfile:
        return "no judge; give a --configfile"
    settings = _config(args).judge.settings
    check_server("judge", settings)
    if lacks := _no_key(settings, "judge"):
        return lacks
    journal = args.journal or args.file.with_name(f"{args.file.name}.judging")
    _make_folder(journal, "--journal")
    title = f"judging {args.file}"
    made = Judge(title, judge_settings(settings), settings, journal, journal / "server.log")
    return lambda samples: judge_all(made, samples)


def _blocks(way: str, found: Sequence[Row]) -> tuple[dict[str, Any], Any]:
    """The category's block and its sub-categories' blocks; the category's replicated sums."""
    from earmark.mmau.categories import CLOSED_FORM
    from earmark.mmau.score import verdict_block

    name = f"mmau-pro.{way}"
    block, sums = verdict_block(found, name)
    blocks = {name: {"pass@1": block}}
    if way == CLOSED_FORM:
        for category in sorted({row["category"] for row in found}):
            part = f"{name}-{category}"
            rows = [row for row in found if row["category"] == category]
            blocks[part] = {"pass@1": verdict_block(rows, part)[0]}
    return blocks, sums


def _write(args: argparse.Namespace, found: Sequence[Row], made: dict[str, list[Row]]) -> int:
    from earmark.mmau.aggregate import whole
    from earmark.scoring.metrics import printed

    if args.samples:
        write_jsonl(args.samples, found)
    if not made:
        raise EarmarkError(f"{args.file}: none of its {len(found)} samples could be scored")
    blocks: dict[str, dict[str, Any]] = {}
    sums = []
    for way, rows in made.items():
        of_way, drawn = _blocks(way, rows)
        blocks |= of_way
        sums.append(drawn)
    heads = [blocks[f"mmau-pro.{way}"]["pass@1"] for way in made]
    blocks = {"mmau-pro": {"pass@1": whole(heads, sums)}, **blocks}
    print(printed(blocks))
    if args.metrics:
        write_json(args.metrics, blocks)
    return 0
