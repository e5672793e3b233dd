"""`earmark status` and `earmark journal`, on manifests and journals made on the spot."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from earmark.cli import main
from earmark.config import load
from earmark.inference.journal import Writer, shard_file
from earmark.inference.requests import Requests
from earmark.servers import answer_settings

MODEL = {"server": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a config of one split of four rows, the split's manifest, and no answers."""
    (tmp_path / "calls.jsonl").write_text("")
    source = {"type": "local", "manifest": str(tmp_path / "calls.jsonl")}
    declared = {"prompt": {"user": "Transcribe."}, "splits": {"one": {"source": source}}}
    (tmp_path / "calls.yaml").write_text(yaml.safe_dump(declared))
    write_config(tmp_path, {"m": MODEL})
    folder = tmp_path / "data" / "calls" / "one"
    folder.mkdir(parents=True)
    rows = [
        {"id": f"s{k}", "audio_filepath": "a.wav", "duration": 1.0, "audio_sha256": f"{k:064x}"}
        for k in range(4)
    ]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_config(folder: Path, models: dict) -> None:
    config = {
        "benchmarks": {"calls": {"file": str(folder / "calls.yaml")}}, "models": models,
        "data_dir": str(folder / "data"), "results_dir": str(folder / "results"),
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def answer(place: Path, errors: dict[str, str | None], ended: float) -> Path:
    """Journal records of the named samples; returns the file."""
    run = load(place / "config.yaml")
    split = run.benchmarks["calls"]["one"]
    model = run.models["m"]
    folder = Path(run.data_dir, "calls", "one")
    requests = Requests(answer_settings(model, model.request(split)), folder)
    path = shard_file(place / "results" / "m" / "journal" / "calls" / "one", 0, 1)
    with Writer(path) as writer:
        for line in (folder / "manifest.jsonl").read_text().splitlines():
            sample = requests.sample(json.loads(line))
            if sample.id in errors:
                row = {"id": sample.id, "request": sample.fingerprint, "error": errors[sample.id]}
                writer.append({**row, "generation_end_time": ended})
    return path


def status(place: Path, capsys) -> list[list[str]]:
    assert main(["status", "--configfile", str(place / "config.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line.split() for line in lines if not line.startswith("─")]


def test_status_counts_answers_and_errors_of_each_model_and_split(place, capsys):
    answer(place, {"s0": None, "s1": None, "s2": "HTTP 400"}, ended=1000.0)
    head, row = status(place, capsys)
    assert head == ["model", "split", "done", "total", "errors", "rate", "left"]
    assert row == ["m", "calls/one", "2", "4", "1"]


def test_status_shows_the_rate_and_the_time_left_while_a_job_runs(place, capsys):
    answer(place, {"s0": None, "s1": None}, ended=time.time() - 1)
    row = status(place, capsys)[1]
    assert row[:5] == ["m", "calls/one", "2", "4", "0"]
    assert row[5].endswith("/s")
    assert row[-1] == "s"


def test_status_counts_no_answer_to_another_request(place, capsys):
    answer(place, {"s0": None}, ended=1000.0)
    write_config(place, {"m": {**MODEL, "sampling": {"max_tokens": 7}}})
    assert status(place, capsys)[1] == ["m", "calls/one", "0", "4", "0"]


def test_status_says_what_is_not_prepared(place, capsys):
    (place / "data" / "calls" / "one" / "manifest.jsonl").unlink()
    assert status(place, capsys)[1] == ["m", "calls/one", "not", "prepared"]


def test_status_of_chance_is_read_from_its_predictions(place, capsys):
    write_config(place, {"m": {"server": "random-choice", "model": "chance"}})
    assert status(place, capsys)[1] == ["m", "calls/one", "0", "4", "0"]
    made = place / "results" / "m" / "predictions" / "calls"
    made.mkdir(parents=True)
    (made / "one.jsonl").write_text("")
    assert status(place, capsys)[1] == ["m", "calls/one", "4", "4", "0"]


def test_journal_show_counts_and_verify_names_the_damaged_line(place, capsys):
    path = answer(place, {"s0": None, "s1": "HTTP 400"}, ended=1000.0)
    assert main(["journal", "show", "results"]) == 0
    assert "1 answers, 1 errors" in capsys.readouterr().out
    assert main(["journal", "verify", "results"]) == 0
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"<html>\n" + lines[1])
    capsys.readouterr()
    assert main(["journal", "verify", "results"]) == 1
    assert "0-of-1.jsonl, line 2" in capsys.readouterr().out


def test_journal_compact_keeps_every_answer_and_drops_what_counts_for_nothing(place, capsys):
    answer(place, {"s0": "HTTP 500"}, ended=900.0)
    path = answer(place, {"s0": None, "s1": None}, ended=1000.0)
    assert main(["journal", "compact", "results"]) == 0
    (left,) = path.parent.glob("*.jsonl")
    assert len(left.read_text().splitlines()) == 2
    assert status(place, capsys)[-1] == ["m", "calls/one", "2", "4", "0"]


def test_journal_compact_refuses_while_a_job_writes(place, capsys):
    path = answer(place, {"s0": None}, ended=1000.0)
    with Writer(path):
        assert main(["journal", "compact", "results"]) == 1
    assert "in use by process" in capsys.readouterr().err


def test_journal_takes_a_folder_inside_the_results(place, monkeypatch, capsys):
    path = answer(place, {"s0": None}, ended=1000.0)
    monkeypatch.chdir(path.parent)
    assert main(["journal", "show", "."]) == 0
    assert "1 answers" in capsys.readouterr().out


def test_journal_takes_a_file_of_it_for_its_folder(place, capsys):
    path = answer(place, {"s0": None}, ended=1000.0)
    assert main(["journal", "show", str(path)]) == 0
    assert "1 answers" in capsys.readouterr().out


def test_journal_says_when_there_is_none_and_when_the_folder_is_not_there(place, capsys):
    (place / "results").mkdir(exist_ok=True)
    assert main(["journal", "show", "results"]) == 1
    assert "no journal below" in capsys.readouterr().err
    assert main(["journal", "show", "resluts"]) == 1
    assert "resluts: not there" in capsys.readouterr().err
