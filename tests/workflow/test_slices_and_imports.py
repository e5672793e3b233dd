"""A model whose answers come from a result file, slices of its rates, and a session with a hole."""

from __future__ import annotations

import json
from pathlib import Path

from earmark.cli import main

HEARD = ["red green blue", "north south", "cat dog mouse", "sun"]
TEXTS = ["red green blue", "north south east", "cat dog mouse", "sun moon"]


def test_imported_answers_are_scored_sliced_and_followed_when_they_change(workflow, monkeypatch):
    manifest = workflow.sentences("s", *TEXTS)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text(
        "".join(json.dumps({**row, "sex": "fm"[n // 2]}) + "\n" for n, row in enumerate(rows))
    )
    workflow.benchmark("own", all={"type": "local", "manifest": str(manifest)})
    workflow.config["benchmarks"]["own"]["group_by"] = ["sex"]
    workflow.config["models"]["a/theirs"] = {"server": "imported", "model": "a/theirs"}
    assert "nothing was imported for own/all" in workflow.run("-n")
    monkeypatch.chdir(workflow.folder)
    file = workflow.folder / "answers.jsonl"

    def bring(heard):
        file.write_text(
            "".join(
                json.dumps({"audio_filepath": Path(row["audio_filepath"]).name,
                            "text": row["text"], "pred_text": text}) + "\n"
                for row, text in zip(rows, heard, strict=True)
            )
        )  # fmt: skip
        options = ["--model", "a/theirs", "--split", "all", "--configfile", "config.yaml"]
        assert main(["import", str(file), *options]) == 0
        workflow.run()
        path = workflow.folder / "results/a_theirs/eval-results/own/metrics.json"
        return json.loads(path.read_text())["own-all"]["pass@1"]

    found = bring(HEARD)
    assert (found["deletions"], found["ref_words"], found["gen_seconds"]) == (2, 11, None)
    assert {v: one["num_answers"] for v, one in found["slices"]["sex"]["values"].items()} == {
        "f": 2, "m": 2,
    }  # fmt: skip
    assert "all by sex" in (workflow.folder / "results/leaderboard.md").read_text()
    assert bring(TEXTS)["deletions"] == 0


def test_a_session_with_a_hole_fails_before_any_request(workflow):
    manifest = workflow.sentences("s", "one two", "three four")
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text(
        "".join(
            json.dumps({**row, "text": "all", "call": "c7", "place": 2 * n}) + "\n"
            for n, row in enumerate(rows)
        )
    )
    workflow.benchmark("own", all={"type": "local", "manifest": str(manifest)})
    workflow.config["benchmarks"]["own"]["session"] = {"group": "call", "order": "place"}
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    output = workflow.run(code=1)
    assert "session 'c7': chunk 2 follows 0" in output and "Traceback" not in output
    assert not list((workflow.folder / "results").rglob("journal/**/*.jsonl"))
