"""What a report says of failures, ties, hardware, doubts and commits; and what commands print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from report_samples import write_run

from earmark.cli import COMMANDS, main
from earmark.config import Model, load
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_json, write_jsonl
from earmark.provenance import recorded
from earmark.report import formats
from earmark.report.build import build
from earmark.report.clips import Clips
from earmark.report.figures import doubts
from earmark.report.gather import gather
from earmark.report.leaderboard import tables
from earmark.report.samples import pieces
from earmark.scoring.score import score

REFERENCES = ["one two three four", "five six seven eight"]
REASON = "39 of 80 samples failed, more than max_failed_fraction (0.01) allows:\n  u/1: HTTP 400"
CHANCE = Model(server="random-choice", model="chance")


def job(folder: Path, model: str, **more: object) -> None:
    """A record of a job that made a model's answers."""
    path = folder / "results" / model / "jobs" / "set" / "one.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"start": 1.0, "end": 2.0, "ended_well": True, "project": {}, **more}
    with path.open("a") as stream:
        stream.write(json.dumps(row) + "\n")


def test_an_evaluation_that_failed_is_called_so_with_its_reason_everywhere(tmp_path, capsys):
    run = write_run(tmp_path, {"m": REFERENCES, "n": []}, REFERENCES)
    journal = tmp_path / "results/n/journal/set/one/0-of-1.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("")
    jobs = tmp_path / "results/n/jobs/set/one.jsonl"
    with pytest.raises(EarmarkError), recorded(jobs, CHANCE, {"commit": "c"}):
        raise EarmarkError(REASON)
    build(run, tmp_path / "results")
    said = (
        "n on set-one: failed: 39 of 80 samples failed, more than max_failed_fraction (0.01) allows"
    )
    page = (tmp_path / "results/report.html").read_text()
    assert said in page
    assert "<dt>failed evaluation</dt><dd>1</dd>" in page
    capsys.readouterr()
    config = ["--configfile", str(tmp_path / "config.yaml")]
    assert main(["table", *config]) == 0
    assert said in " ".join(capsys.readouterr().out.split())
    manifest = tmp_path / "data/set/one/manifest.jsonl"
    write_jsonl(manifest, [{**row, "audio_sha256": "0"} for row in read_jsonl(manifest)])
    assert main(["status", *config]) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert re.search(r"n +set/one +0 +\d +0 +failed", out)
    assert "n on set/one failed: 39 of 80" in out
    os.utime(journal, (time.time() + 60,) * 2)  # a later job writes answers
    assert gather(run).missing()[0].state == "answering"


def test_where_all_are_equal_none_is_best_and_speed_is_compared_on_equal_hardware(tmp_path):
    answers = {"a": REFERENCES, "b": REFERENCES, "c": ["one", "five"]}
    run = write_run(tmp_path, {"a": REFERENCES, "b": REFERENCES}, REFERENCES)
    assert not tables(gather(run))[0].cells.best.any()
    other = tmp_path / "other"
    other.mkdir()
    run = write_run(other, answers, REFERENCES)
    metrics = other / "results/c/eval-results/set/metrics.json"
    content = read_json(metrics)
    content["set"]["pass@1"]["rtfx_wall"] = 99.0
    write_json(metrics, content)

    def best() -> set[tuple[str, str]]:
        cells = tables(gather(run))[0].cells
        return {(one.model, one.key) for one in cells[cells.best].itertuples()}

    assert {("a", "set-one"), ("b", "set-one")} <= best()
    for model, cores in (("a", 4), ("b", 4), ("c", 8)):
        job(other, model, hardware={"processor": "p", "cores": cores})
    assert ("c", "set RTFx") not in best()
    (other / "results/c/jobs/set/one.jsonl").unlink()
    job(other, "c", hardware={"processor": "p", "cores": 4})
    assert ("c", "set RTFx") in best()


def test_sets_in_doubt_say_so(tmp_path):
    assert doubts({"num_entries": 100, "letter_answers": 5, "num_truncated": 1}) == []
    assert len(doubts({"num_entries": 100, "letter_answers": 6, "num_truncated": 2})) == 2
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    metrics = tmp_path / "results/m/scores/set/one.metrics.json"
    content = read_json(metrics)
    content["pass@1"]["num_truncated"] = 1
    write_json(metrics, content)
    build(run, tmp_path / "results")
    said = "m on set-one: 50% of the answers were cut short by max"
    assert said in (tmp_path / "results/report.html").read_text()
    assert said in (tmp_path / "results/leaderboard.md").read_text()


def test_runs_name_the_commit_that_made_the_answers(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    known = {
        "model": "m", "benchmark": "set", "written": 5.0, "data": {}, "server": "s",
        "project": {"version": "1", "commit": "aggregated" * 4, "modified": False, "code": "c"},
        "resolved": {"model": {}, "splits": {}}, "config": {"benchmarks": {"set": {}}},
        "declaration": {"splits": {}},
        "inference": {"one": [{"end": 3.0, "project": {"commit": "answered0" * 4}}]},
    }  # fmt: skip
    write_json(tmp_path / "results/m/eval-results/set/provenance.json", known)
    build(run, tmp_path / "results")
    page = (tmp_path / "results/report.html").read_text()
    runs = page.partition("Answered by commit")[2].partition("</table>")[0]
    assert "<td>answered0</td>" in runs
    assert "aggregate" not in runs


def test_answers_by_several_commits_have_a_history(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES, "n": REFERENCES}, REFERENCES)
    later = {"start": 90000.0, "end": 90001.0, "project": {"commit": "later0000" * 4}}
    job(tmp_path, "m", project={"commit": "earlier00" * 4}, ended_well=False)
    job(tmp_path, "n", project={"commit": "earlier00" * 4}, end=60.0)
    build(run, tmp_path / "results")
    assert "<h3>History</h3>" not in (tmp_path / "results/report.html").read_text()
    job(tmp_path, "m", **later)
    build(run, tmp_path / "results")
    page = (tmp_path / "results/report.html").read_text()
    rows = page.partition("<h3>History</h3>")[2].partition("</table>")[0].split("<tr>")[2:]
    assert [re.findall("<t[hd][^>]*>([^<]*)<", row) for row in rows] == [
        ["earlier00", "1970-01-01 00:00 UTC", "1970-01-01 00:01 UTC", "2", "1",
         "m on set-one, n on set-one"],
        ["later0000", "1970-01-02 01:00 UTC", "1970-01-02 01:00 UTC", "1", "0", "m on set-one"],
    ]  # fmt: skip


def test_no_figure_is_cut_at_eighty_columns_and_rates_have_their_samples(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    name = "an-organisation/a-model-with-quite-a-long-name"
    write_run(tmp_path, {name: REFERENCES, "b": ["one two", "x"]}, REFERENCES)
    rows = [{"id": f"u{n}", "text": "a b c d", "pred_text": "a b"} for n in range(30)]
    file = tmp_path / ("a-result-file-with-a-long-name" * 2 + ".jsonl")
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    capsys.readouterr()
    config = ["--configfile", str(tmp_path / "config.yaml")]
    table = tables(gather_of(tmp_path))[0]
    for command, figures in (
        (["table", "--intervals", *config], ["n=2", *printed_of(table)]),
        (["compare", name, "b", *config], ["+100.00", "p (Holm)", "0/0/2"]),
        (["wer", "--protocol", "whisper", str(file)], ["50.00", "n/a", "CER %", "120"]),
    ):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80, command
        assert "…" not in out
        for text in figures:
            assert text in out, (command, text)


def gather_of(folder: Path):
    from earmark.config import load

    return gather(load(folder / "config.yaml", folder))


def printed_of(table) -> list[str]:
    return [formats.interval_of(cell, column) for _, row in table.lines() for column, cell in row]


def test_the_bare_command_helps_and_each_command_has_an_example(capsys):
    assert main([]) == 0
    assert "examples:" in capsys.readouterr().out
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"examples:\n  earmark {command}" in capsys.readouterr().out
    for wrong in (["tabel"], ["table", "--no-such"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2


@pytest.mark.parametrize(
    ("line", "known"), [("earmark ta", "table"), ("earmark table --pro", "--protocol")]
)
def test_the_shell_completes_commands_and_options(tmp_path, line, known):
    out = tmp_path / "out"
    env = {**os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)),
           "_ARGCOMPLETE_STDOUT_FILENAME": str(out), "IFS": "\n"}  # fmt: skip
    code = "from earmark.cli import main; main()"
    subprocess.run([sys.executable, "-c", code], env=env, check=False, timeout=60)
    assert known in out.read_text().split()


def test_no_colour_is_printed_where_none_is_wanted(tmp_path):
    env = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "80"}
    write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    command = ["table", "--configfile", str(tmp_path / "config.yaml")]
    code = f"from earmark.cli import main; main({command!r})"
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60,
                          capture_output=True, text=True)  # fmt: skip
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", done.stdout)
    assert "model" in done.stdout


def test_recordings_in_chunks_are_samples_with_all_their_clips(tmp_path):
    write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    declared = tmp_path / "set.yaml"
    declared.write_text(declared.read_text() + "session: {group: call, order: place}\n")
    manifest = tmp_path / "data/set/one/manifest.jsonl"
    whole = " ".join(REFERENCES)
    rows = [
        {**row, "call": "c", "place": 1 - place, "text": whole}
        for place, row in enumerate(read_jsonl(manifest))
    ]
    write_jsonl(manifest, rows)
    scores = tmp_path / "results/m/scores/set"
    predictions = tmp_path / "results/m/predictions/set/one.jsonl"
    session = {"group": "call", "order": "place"}
    files = str(scores / "one.jsonl"), str(scores / "one.metrics.json")
    score("set-one", str(manifest), str(predictions), *files, session=session)
    found = dict(pieces(gather(load(tmp_path / "config.yaml", tmp_path)), [], Clips()))
    assert [row["id"] for row in found["u0-0"]] == ["c"]
    assert len(found["u0-0"][0]["audio"]) == 2
    assert [len(peaks) for peaks in found["p0"]["0"]] == [240, 240]
    assert found["u0-0"][0]["duration"] == 3
    assert found["a0-0-0"][0]["raw"] == " ".join(reversed(REFERENCES))
