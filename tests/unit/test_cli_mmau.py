from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
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
    ]
    assert rows[0]["why"] == "words: 2, asked for at least 2"


def test_a_missing_column_names_those_that_exist(answers: Path, capsys: Any) -> None:
    assert main(["mmau", str(answers), "--column", "pred"]) == 1
    error = capsys.readouterr().err
    assert "no column 'pred'" in error and "model_output" in error and "--column" in error


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: Any) -> None:
    assert main(["mmau", str(tmp_path / "gone.parquet")]) == 1
    assert "gone.parquet: cannot be read" in capsys.readouterr().err
