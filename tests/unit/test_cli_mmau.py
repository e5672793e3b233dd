from __future__ import annotations

import json
from datetime import date
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
        (rule(["x"]), r"row 1, column 'model_output': a text was expected, found"),
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


def closed(**more: Any) -> dict[str, Any]:
    return {
        "category": "sound", "question": "q", "answer": "dog", "choices": ["dog", "rain"],
        "model_output": "a dog", **more,
    }  # fmt: skip


def scored(file: Path) -> list[dict[str, Any]]:
    out = file.with_suffix(".out")
    assert main(["mmau", str(file), "--matcher", "demo", "--samples", str(out)]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_choices_that_are_no_list_are_told_apart_and_json_within_a_text_is_one(
    tmp_path: Path,
) -> None:
    given: list[Any] = ['["dog", "rain"]', "dog", 3, {"A": "dog", "B": "rain"}, float("nan")]
    rows = scored(lines(tmp_path / "a.jsonl", *(closed(choices=one) for one in given)))
    assert [row["correct"] for row in rows] == [True, None, None, None, None]
    assert {row["excluded"] for row in rows[1:]} == {"no_choices"}
    assert rows[1]["why"] == "fewer than two choices: 'dog' is no list"


def test_a_prompt_that_is_a_number_can_be_repeated(tmp_path: Path) -> None:
    row = rule("5 is it", question=5, task_identifier="Repeat Prompt")
    assert scored(lines(tmp_path / "a.jsonl", row))[0]["correct"] is True


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("id", b"\xff", "row 1, column 'id': a text, a number or a list was expected"),
        ("id", ["a"], "row 1, column 'id': a text was expected, found ['a']"),
        ("answer", date(2020, 1, 1), "column 'answer': a text, a number or a list was expected"),
    ],
)
def test_values_that_are_no_text_are_named(
    tmp_path: Path, capsys: Any, column: str, value: Any, says: str
) -> None:
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist([closed(**{column: value})]), file)
    assert main(["mmau", str(file), "--matcher", "demo"]) == 1
    assert says in capsys.readouterr().err


def test_bytes_are_text_and_columns_that_are_not_used_are_not_read(tmp_path: Path) -> None:
    row = closed(id=b"c1", model_output=b"a dog", clip=date(2020, 1, 1), length_type=float("nan"))
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist([row]), file)
    (found,) = scored(file)
    assert (found["id"], found["correct"]) == ("c1", True)
    assert "length_type" not in found


def test_a_file_without_references_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: Any
) -> None:
    file = lines(tmp_path / "a.jsonl", {"category": "open", "question": "q", "model_output": "x"})
    with StandIn() as server:
        config = tmp_path / "judge.yaml"
        config.write_text(f"judge: {{server: openai, base_url: '{server.url}', model: j}}\n")
        assert main(["mmau", str(file), "--configfile", str(config)]) == 1
        assert not server.chats
    assert "no column 'answer' in its open_ended rows (row 1" in capsys.readouterr().err


def test_a_matcher_that_makes_no_sense_is_told_before_the_judge_is_asked(
    tmp_path: Path, capsys: Any
) -> None:
    file = lines(tmp_path / "a.jsonl", closed(), closed(category="open"))
    with StandIn() as server:
        config = tmp_path / "c.yaml"
        config.write_text(
            f"judge: {{server: openai, base_url: '{server.url}', model: j}}\n"
            "matcher: {type: embeddings}\n"
        )
        assert main(["mmau", str(file), "--configfile", str(config)]) == 1
        assert not server.chats
    assert "matcher.model: missing" in capsys.readouterr().err


def test_a_category_that_the_dataset_does_not_have_is_named(tmp_path: Path, capsys: Any) -> None:
    scored(lines(tmp_path / "a.jsonl", closed(category="Open"), closed(category="birds")))
    error = capsys.readouterr().err
    assert "category 'Open' (1 rows) is none of the dataset's; 'open' is" in error
    assert "category 'birds' (1 rows) is none of the dataset's: scored as closed-form" in error


def test_what_is_written_is_never_the_file_of_answers_nor_a_folder(
    tmp_path: Path, capsys: Any
) -> None:
    file = lines(tmp_path / "a.jsonl", rule("x"))
    before = file.read_text()
    new = str(tmp_path / "new.json")
    for options, says in (
        (["--samples", str(file)], "that is the file of answers"),
        (["--samples", new, "--metrics", new], "that is what --samples writes"),
        (["--metrics", str(tmp_path)], "a folder; a file was expected"),
        (["--samples", str(file / "s.jsonl")], "a.jsonl cannot be made"),
    ):
        assert main(["mmau", str(file), *options]) == 1
        assert says in capsys.readouterr().err
    assert file.read_text() == before


def test_lines_that_are_nested_too_deep_are_named(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a":' + "[" * 100_000)
    assert main(["mmau", str(file)]) == 1
    assert "a.jsonl, line 1: not JSON" in capsys.readouterr().err


def test_json_has_every_rate_letters_and_answers_after_reasoning(
    tmp_path: Path, capsys: Any
) -> None:
    choices = ["a crow calling", "a tap dripping", "a gate creaking"]
    thought = "<think>A crow calling? A crow, I would say. But no.</think>\n"
    file = lines(
        tmp_path / "a.jsonl",
        closed(choices=choices, answer="a gate creaking", model_output="(C)"),
        closed(choices=choices, answer="a tap dripping", model_output=f"{thought}a tap dripping"),
        closed(choices=choices, answer="a crow calling", model_output="Answer: B"),
        rule(f"{thought}a, b", task_identifier="No Commas"),
        rule(f"{thought}so", task_identifier="All Lowercase"),
    )
    assert main(["mmau", str(file), "--matcher", "demo", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    block = found["mmau-pro.closed_form"]["pass@1"]
    assert (block["letter_answers"], block["reasoning_removed"]) == (2, 1)
    assert block["success_rate_mapped"] == pytest.approx(200 / 3)
    assert found["mmau-pro.instruction_following"]["pass@1"]["success_rate"] == 50.0
    whole = found["mmau-pro"]["pass@1"]
    assert whole["success_rate_mapped"] == pytest.approx(60.0)
    assert {"success_rate", "no_answer", "reference_score", "success_rate_ci"} <= set(whole)
    assert main(["mmau", str(file), "--matcher", "demo"]) == 0
    assert "mmau-pro.closed_form pass@1: letter_answers 2" in capsys.readouterr().out
