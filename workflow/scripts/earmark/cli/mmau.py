"""Score answers to MMAU-Pro in a Parquet or JSONL file, as the reference evaluator does.

The file has the dataset's columns and the answers in `model_output` (or --column). Instructions
are checked by rules. Closed-form answers are matched by the config's `matcher`, and open-ended
ones judged by its `judge`; what of these is not configured, or not to be had here, is left out
and said so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_json, write_jsonl

NEEDED = ("category",)


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
    from earmark.mmau.categories import WAYS, way_of
    from earmark.score_mmau import verdicts

    rows = read_answers(args.file, args.column)
    made: dict[str, list[Row]] = {}
    blocks: dict[str, dict[str, Any]] = {}
    for way in WAYS:
        samples = [(row, answer) for row, answer in rows if way_of(row.get("category")) == way]
        if not samples:
            continue
        beside = _beside(way, samples, args)
        if isinstance(beside, str):
            print(f"{way}: {len(samples)} samples not scored: {beside}", file=sys.stderr)
            continue
        made[way] = verdicts(way, samples, beside, args.sentences)
        blocks |= _blocks(way, made[way])
        for row in made[way]:
            if row["correct"] is None:
                print(
                    f"sample {row['id']}: not scored ({row['apart']}): {row['why']}",
                    file=sys.stderr,
                )
    return _write(args, [row for row, _ in rows], made, blocks)


def read_answers(path: Path, column: str) -> list[tuple[Row, str]]:
    """Read rows and answers.

    Args:
        path: Parquet (by its first bytes) or JSON Lines.
        column: Where the answers are; null is an empty answer.

    Raises:
        EarmarkError: when the file cannot be read, has no rows, or lacks a column; names them.
    """
    rows = _rows(path)
    if not rows:
        raise EarmarkError(f"{path}: no rows in it")
    for number, row in enumerate(rows, start=1):
        for name in (*NEEDED, column):
            if name not in row:
                hint = "; --column names the column of the answers" if name == column else ""
                raise EarmarkError(
                    f"{path}, row {number}: no column {name!r}; there are: {', '.join(row)}{hint}"
                )
    answers = [row[column] for row in rows]
    return [
        ({"id": str(number), **_known(row)}, answer if isinstance(answer, str) else "")
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True), start=1)
    ]


def _known(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "id" or value is not None}


def _rows(path: Path) -> list[Row]:
    try:
        with path.open("rb") as stream:
            parquet = stream.read(4) == b"PAR1"
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not parquet:
        return list(read_jsonl(path))
    import pyarrow
    from pyarrow import parquet as tables

    try:
        rows: list[Row] = tables.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise EarmarkError(f"{path}: not a Parquet file that can be read: {error}") from None
    return rows


def _beside(
    way: str, samples: Sequence[tuple[Row, str]], args: argparse.Namespace
) -> list[Row] | str | None:
    """What verdicts of this way need beside the answers, or why it is not to be had."""
    from earmark.mmau.categories import CLOSED_FORM, OPEN_ENDED

    if way == CLOSED_FORM:
        return _matches(samples, args)
    if way == OPEN_ENDED:
        return _judgements(samples, args)
    return None


def _config(args: argparse.Namespace) -> dict[str, Any]:
    from earmark.config import load
    from earmark.schema import read_yaml

    load(args.configfile)  # checks it
    config: dict[str, Any] = read_yaml(Path(args.configfile))
    return config


def _matches(samples: Sequence[tuple[Row, str]], args: argparse.Namespace) -> list[Row] | str:
    from earmark.config import matcher
    from earmark.mmau.matchers.nv_embed import PYTHON
    from earmark.mmau.matching import match_all

    if not args.matcher and not args.configfile:
        return "no matcher; give a --configfile, or --matcher"
    settings = {"type": args.matcher} if args.matcher else matcher(_config(args))
    if settings["type"] == "nv-embed" and not Path(settings.get("python", PYTHON)).is_file():
        return f"nv-embed has no environment at {settings.get('python', PYTHON)}"
    return match_all(settings, samples, None)


def _judgements(samples: Sequence[tuple[Row, str]], args: argparse.Namespace) -> list[Row] | str:
    import os

    from earmark.config import judge
    from earmark.mmau.judging import Judge, judge_all, judge_settings

    if not args.configfile:
        return "no judge; give a --configfile"
    settings = judge(_config(args)).settings
    variable = settings.get("api_key_env")
    if variable and not os.environ.get(variable):
        return f"the judge's key is not in the environment variable {variable}"
    journal = args.journal or args.file.with_name(f"{args.file.name}.judging")
    title = f"judging {args.file}"
    return judge_all(
        Judge(title, judge_settings(settings), settings, journal, journal / "server.log"), samples
    )


def _blocks(way: str, found: Sequence[Row]) -> dict[str, dict[str, Any]]:
    from earmark.mmau.categories import CLOSED_FORM
    from earmark.score_mmau import verdict_block

    name = f"mmau-pro.{way}"
    blocks = {name: {"pass@1": verdict_block(found, name)}}
    if way == CLOSED_FORM:
        for category in sorted({str(row["category"]) for row in found}):
            rows = [row for row in found if str(row["category"]) == category]
            part = f"{name}-{category}"
            blocks[part] = {"pass@1": verdict_block(rows, part)}
    return blocks


def _write(
    args: argparse.Namespace,
    rows: Sequence[Row],
    made: dict[str, list[Row]],
    blocks: dict[str, dict[str, Any]],
) -> int:
    from earmark.aggregate_mmau import whole
    from earmark.metrics import printed

    if not made:
        raise EarmarkError(f"{args.file}: none of its {len(rows)} samples could be scored")
    heads = [blocks[f"mmau-pro.{way}"]["pass@1"] for way in made]
    blocks = {"mmau-pro": {"pass@1": whole(heads, "pass@1")}, **blocks}
    print(printed(blocks))
    if args.samples:
        order = {id(row): number for way in made.values() for number, row in enumerate(way)}
        by_id = [row for found in made.values() for row in found]
        positions = {str(row["id"]): number for number, row in enumerate(rows)}
        by_id.sort(key=lambda row: (positions[str(row["id"])], order[id(row)]))
        write_jsonl(args.samples, by_id)
    if args.metrics:
        write_json(args.metrics, blocks)
    return 0
