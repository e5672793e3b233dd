from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from judge_server import StandIn
from pyarrow import parquet

from earmark.cli import main

ROWS: list[dict[str, Any]] = [
    {
        "id": "i1", "category": "instruction following", "question": "q", "answer": None,
        "choices": [], "task_identifier": "Number Words (at least)",
        "kwargs": {"N": 2.0, "keywords": None}, "model_output": "two words",
    },
    {
        "id": "i2", "category": "instruction following", "question": "q", "answer": None,
        "choices": [], "task_identifier": "Rhyme", "kwargs": {"N": None, "keywords": None},
        "model_output": "x",
    },
    {
        "id": "c1", "category": "sound", "question": "q", "answer": "dog", "choices": ["dog", "rain"],
        "task_identifier": None, "kwargs": None, "model_output": "a barking dog",
    },
    {
        "id": "c2", "category": "music", "question": "q", "answer": "dog", "choices": [],
        "task_identifier": None, "kwargs": None, "model_output": None,
    },
    {
        "id": "o1", "category": "open", "question": "q", "answer": "dog", "choices": [],
        "task_identifier": None, "kwargs": None, "model_output": "dog",
    },
]  # fmt: skip


@pytest.fixture(params=["parquet", "jsonl"])
def answers(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"answers.{request.param}"
    if request.param == "parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_the_categories_that_can_be_scored_are(answers: Path, capsys: Any) -> None:
    out = answers.with_name("samples.jsonl")
    assert main(["mmau", str(answers), "--matcher", "demo", "--samples", str(out)]) == 0
    printed = capsys.readouterr()
    assert "mmau-pro.instruction_following" in printed.out
    assert "mmau-pro.closed_form-sound" in printed.out
    assert "open_ended: 1 samples not scored: no judge" in printed.err
    assert "sample i2: not scored (unknown_rule): task_identifier 'Rhyme'" in printed.err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["category"], row["correct"]) for row in rows] == [
        ("i1", "instruction following", True),
        ("i2", "instruction following", None),
        ("c1", "sound", True),
        ("c2", "music", None),
        ("o1", "open", None),
    ]
    assert rows[4]["why"] == "not scored: no judge; give a --configfile"
    assert rows[0]["why"] == "words: 2, asked for at least 2"


def test_a_missing_column_names_those_that_exist(answers: Path, capsys: Any) -> None:
    assert main(["mmau", str(answers), "--column", "pred"]) == 1
    error = capsys.readouterr().err
    assert "no column 'pred'" in error and "model_output" in error and "--column" in error


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: Any) -> None:
    assert main(["mmau", str(tmp_path / "gone.parquet")]) == 1
    assert "gone.parquet: cannot be read" in capsys.readouterr().err


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rule(answer: Any, **more: Any) -> dict[str, Any]:
    return {
        "category": "instruction following", "question": "q", "task_identifier": "No Commas",
        "kwargs": None, "model_output": answer, **more,
    }  # fmt: skip


def test_missing_answers_and_ids_that_repeat_or_are_numbers_are_taken(
    tmp_path: Path, capsys: Any
) -> None:
    file = lines(
        tmp_path / "a.jsonl", rule("x", id=7), rule("a, b", id=7), rule(None), rule(float("nan")),
        rule(3.5, id="s"),
    )  # fmt: skip
    out = tmp_path / "s.jsonl"
    assert main(["mmau", str(file), "--samples", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["correct"]) for row in rows] == [
        (7, True), ("7 (row 2)", False), ("3", False), ("4", False), ("s", True),
    ]  # fmt: skip
    assert "success_rate 40.00% [" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (rule(["x"]), r"row 1, column 'model_output': a text was expected as the answer"),
        (rule("x", category=None), "row 1: category is None"),
        ({"model_output": "x"}, "row 1: no column 'category'; there are: model_output"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(
    tmp_path: Path, capsys: Any, row: dict[str, Any], message: str
) -> None:
    assert main(["mmau", str(lines(tmp_path / "a.jsonl", row))]) == 1
    assert message in capsys.readouterr().err


def test_a_row_with_a_rule_needs_no_category(tmp_path: Path, capsys: Any) -> None:
    bare = {key: value for key, value in rule("x").items() if key != "category"}
    assert main(["mmau", str(lines(tmp_path / "a.jsonl", bare))]) == 0
    assert "mmau-pro.instruction_following" in capsys.readouterr().out


def test_a_config_with_a_judge_alone_is_enough(tmp_path: Path, capsys: Any) -> None:
    rows = [
        {"id": number, "category": "open", "question": "q", "answer": "r", "model_output": answer}
        for number, answer in enumerate(["dog", "", "cat"])
    ]
    file = lines(tmp_path / "a.jsonl", *rows)
    with StandIn() as server:
        config = tmp_path / "judge.yaml"
        config.write_text(f"judge: {{server: openai, base_url: '{server.url}', model: j}}\n")
        out = tmp_path / "s.jsonl"
        command = ["mmau", str(file), "--configfile", str(config), "--samples", str(out)]
        assert main(command) == 0
        assert main(command) == 0
        assert len(server.chats) == 2  # none about the empty answer, none twice
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["correct"]) for row in found] == [(0, True), (1, False), (2, True)]
    assert "avg_overall 73.33% [" in capsys.readouterr().out


def test_a_config_that_makes_no_sense_is_named(tmp_path: Path, capsys: Any) -> None:
    file = lines(tmp_path / "a.jsonl", {"category": "sound", "model_output": "x"})
    for text, message in (
        ("matcher: {type: embeddings}", "matcher.model: missing"),
        ("matcher: {type: bert}", "matcher.type"),
        ("jugde: {}", "did you mean 'judge'?"),
        ("[1]", "a mapping with `judge` or `matcher` was expected"),
    ):
        config = tmp_path / "c.yaml"
        config.write_text(text)
        assert main(["mmau", str(file), "--configfile", str(config)]) == 1
        assert message in capsys.readouterr().err
