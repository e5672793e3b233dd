"""A user's own folder of audio, declared in YAML."""

from __future__ import annotations

import json

import pytest
import soundfile
from speech import SAMPLING_RATE, Speech, say


def test_a_folder_with_a_manifest_is_evaluated_without_code(workflow):
    texts = ["Good morning, everyone.", "The weather is very nice today."]
    recordings = workflow.folder / "recordings"
    recordings.mkdir()
    lines = []
    for number, samples in enumerate(say(Speech(text) for text in texts)):
        soundfile.write(recordings / f"{number}.flac", samples, SAMPLING_RATE)
        lines.append(json.dumps({"wav": f"{number}.flac", "said": texts[number], "mood": "calm"}))
    (recordings / "list.jsonl").write_text("\n".join(lines))
    manifest = recordings / "list.jsonl"
    workflow.benchmark(
        "own",
        all={
            "type": "local",
            "manifest": str(manifest),
            "columns": {"audio": "wav", "text": "said"},
        },
    )
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    workflow.run()
    path = workflow.folder / "results/tiny/eval-results/own/metrics.json"
    metrics = json.loads(path.read_text())
    assert metrics["own-all"]["pass@1"]["ref_words"] == 9
    assert metrics["own-all"]["pass@1"]["wer"] < 50
    made = (workflow.folder / "data/own/all/manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["mood"] for line in made] == ["calm", "calm"]


def test_a_missing_clip_is_named_before_any_job(workflow):
    manifest = workflow.folder / "list.jsonl"
    manifest.write_text('{"audio_filepath": "gone.wav", "text": "hello"}\n')
    workflow.benchmark("own", all={"type": "local", "manifest": str(manifest)})
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    output = workflow.run(code=1)
    assert "list.jsonl, row 1: no such audio file" in output
    assert "gone.wav" in output
    assert "Traceback" not in output
    assert "rule " not in output


@pytest.mark.slow
def test_the_first_rows_alone_are_evaluated_and_labelled_so(workflow):
    lines = ["one two three", "four five six", "seven eight nine"]
    source = {"type": "local", "manifest": str(workflow.sentences("s", *lines))}
    workflow.benchmark("own", few=source)
    workflow.config["benchmarks"]["own"]["limit"] = 2
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    workflow.run()
    path = workflow.folder / "results/tiny/eval-results/own/metrics.json"
    found = json.loads(path.read_text())["own-few"]["pass@1"]
    assert (found["num_entries"], found["label"]) == (2, "first 2 rows")
