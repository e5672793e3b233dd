"""A user's own folder of audio, declared in YAML."""

from __future__ import annotations

import json

import av
import numpy as np
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


SAID = [
    "The library closes early on Sunday evening.",
    "Two farmers carried apples to the market.",
    "Please leave your umbrella by the front door.",
    "Good morning, everyone.",
    "The weather is very nice today.",
    "The train to the city leaves at nine.",
]


def encoded(path, samples, codec, rate):
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = SAMPLING_RATE
        resampler = av.AudioResampler(track.format.name, "mono", rate, track.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(track.encode(part))


def test_clips_of_many_formats_and_parts_of_one_file_are_scored_by_their_own_words(workflow):
    spoken = [np.asarray(samples) for samples in say(Speech(text) for text in SAID)]
    folder = workflow.folder / "recordings"
    folder.mkdir()
    rows = []
    for name, codec, rate in [
        ("phone.mp3", "libmp3lame", 16000),
        ("memo.m4a", "aac", 44100),
        ("browser.webm", "libopus", 48000),
        ("note.opus", "libopus", 48000),
    ]:
        encoded(folder / name, spoken[len(rows)], codec, rate)
        rows.append({"audio_filepath": name, "text": SAID[len(rows)]})
    soundfile.write(folder / "talk.wav", np.concatenate(spoken[4:]), SAMPLING_RATE)
    at = 0.0
    for samples in spoken[4:]:
        part = {"offset": at, "duration": len(samples) / SAMPLING_RATE}
        rows.append({"audio_filepath": "talk.wav", "text": SAID[len(rows)], **part})
        at += part["duration"]
    (folder / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    workflow.benchmark("own", mix={"type": "local", "manifest": str(folder / "list.jsonl")})
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    workflow.run()
    scores = workflow.folder / "results/tiny/scores/own/mix.jsonl"
    found = [json.loads(line) for line in scores.read_text().splitlines()]
    assert [round(row["duration"], 1) for row in found] == [2.5, 2.3, 2.2, 1.5, 1.8, 2.1]
    assert all(row["hits"] / row["ref_words"] >= 0.5 for row in found), found
