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
    found: list[Row] = [{} for _ in rows]
    for way in WAYS:
        places = [n for n, (row, _) in enumerate(rows) if way_of(row["category"]) == way]
        if not places:
            continue
        samples = [rows[n] for n in places]
        beside = _beside(way, samples, args)
        if isinstance(beside, str):
            print(f"{way}: {len(samples)} samples not scored: {beside}", file=sys.stderr)
            of_way = [_left_out(row, beside) for row, _ in samples]
        else:
            of_way = made[way] = verdicts(way, samples, beside, args.sentences)
            _tell(of_way)
        for place, row in zip(places, of_way, strict=True):
            found[place] = row
    return _write(args, found, made)


def _left_out(row: Row, why: str) -> Row:
    """What `--samples` says of a sample whose category was not scored."""
    return {
        "id": row["id"],
        "category": row["category"],
        "correct": None,
        "why": f"not scored: {why}",
        "apart": None,
        "official": None,
    }


def _tell(found: Sequence[Row]) -> None:
    from earmark.score_mmau import SHOWN

    unscored = [row for row in found if row["correct"] is None]
    for row in unscored[:SHOWN]:
        name, apart, why = row["id"], row["apart"], row["why"]
        print(f"sample {name}: not scored ({apart}): {why}", file=sys.stderr)
    if len(unscored) > SHOWN:
        print(f"and {len(unscored) - SHOWN} more; --samples has them all", file=sys.stderr)


def read_answers(path: Path, column: str) -> list[tuple[Row, str]]:
    """Read rows and answers.

    Args:
        path: Parquet (by its first bytes) or JSON Lines.
        column: Where the answers are; null and NaN are empty answers, a number is its text.

    Returns:
        Rows and answers; a row without ``id`` has the number of its row, and an id that an
        earlier row has too gets its row's number behind it.

    Raises:
        EarmarkError: when the file cannot be read, has no rows, lacks a column, or an answer is
            no text; names the row.
    """
    rows = _rows(path)
    if not rows:
        raise EarmarkError(f"{path}: no rows in it")
    for row in rows:
        if isinstance(row.get("task_identifier"), str):  # only instructions have one
            row.setdefault("category", "instruction following")
    for number, row in enumerate(rows, start=1):
        for name in (*NEEDED, column):
            if name not in row:
                hint = "; --column names the column of the answers" if name == column else ""
                raise EarmarkError(
                    f"{path}, row {number}: no column {name!r}; there are: {', '.join(row)}{hint}"
                )
        if not isinstance(row["category"], str):
            raise EarmarkError(
                f"{path}, row {number}: category is {row['category']!r}; `open`, `instruction "
                "following` or that of a closed-form question was expected"
            )
    seen: set[str] = set()
    found = []
    for number, row in enumerate(rows, start=1):
        name = str(number) if row.get("id") is None else row["id"]
        if str(name) in seen:
            name = f"{name} (row {number})"
        seen.add(str(name))
        where = f"{path}, row {number}, column {column!r}"
        found.append(({**row, "id": name}, _answer(row[column], where)))
    return found


def _answer(value: Any, where: str) -> str:
    if value is None or value != value:  # NaN is what pandas writes for nothing
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    raise EarmarkError(f"{where}: a text was expected as the answer, found {value!r:.80}")


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
    """The config, checked; only its `judge` and `matcher` need be there."""
    from earmark.schema import check, read_yaml

    config = read_yaml(Path(args.configfile))
    if not isinstance(config, dict):
        raise EarmarkError(f"{args.configfile}: a mapping with `judge` or `matcher` was expected")
    unused = {"benchmarks": {"mmau-pro": None}, "models": {"m": {"server": "openai", "model": "m"}}}
    check({**unused, **config}, "config.schema.yaml", args.configfile)
    return config


def _matches(samples: Sequence[tuple[Row, str]], args: argparse.Namespace) -> list[Row] | str:
    from earmark.config import matcher
    from earmark.mmau.matchers.nv_embed import interpreter
    from earmark.mmau.matching import match_all

    if not args.matcher and not args.configfile:
        return "no matcher; give a --configfile, or --matcher"
    settings = {"type": args.matcher} if args.matcher else matcher(_config(args), args.configfile)
    if settings["type"] == "nv-embed" and not interpreter(settings).is_file():
        return f"nv-embed has no environment at {interpreter(settings)} (docs/mmau-pro.md)"
    return match_all(settings, samples, None)


def _judgements(samples: Sequence[tuple[Row, str]], args: argparse.Namespace) -> list[Row] | str:
    import os

    from earmark.config import judge
    from earmark.mmau.judging import Judge, judge_all, judge_settings
    from earmark.servers import check as check_server

    if not args.configfile:
        return "no judge; give a --configfile"
    settings = judge(_config(args)).settings
    check_server("judge", settings)
    variable = settings.get("api_key_env")
    if variable and not os.environ.get(variable):
        return f"the judge's key is not in the environment variable {variable}"
    journal = args.journal or args.file.with_name(f"{args.file.name}.judging")
    title = f"judging {args.file}"
    return judge_all(
        Judge(title, judge_settings(settings), settings, journal, journal / "server.log"), samples
    )


def _blocks(way: str, found: Sequence[Row]) -> tuple[dict[str, Any], Any]:
    """The category's block and its sub-categories' blocks; the category's replicated sums."""
    from earmark.mmau.categories import CLOSED_FORM
    from earmark.score_mmau import verdict_block

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
    from earmark.aggregate_mmau import whole
    from earmark.metrics import printed

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
