"""Splits that are scored by a measure, from YAML to the report."""

from __future__ import annotations

import json

import soundfile
import yaml
from speech import SAMPLING_RATE, Speech, say

TEXTS = ["Good morning, everyone.", "The weather is very nice today."]
TERMS = [["everyone"], ["weather", "nice today"]]


def declared(workflow, listed):
    """A local set with keywords, declared for the run."""
    home = workflow.folder / "recordings"
    home.mkdir()
    lines = []
    for number, samples in enumerate(say(Speech(text) for text in TEXTS)):
        soundfile.write(home / f"{number}.flac", samples, SAMPLING_RATE)
        row = {"audio_filepath": f"{number}.flac", "text": TEXTS[number], "terms": listed[number]}
        lines.append(json.dumps(row))
    (home / "list.jsonl").write_text("\n".join(lines))
    made = {
        "scoring": "keywords",
        "keywords": "terms",
        "prompt": {"user": "These may be said: {terms|, }. Transcribe the audio."},
        "splits": {"all": {"source": {"type": "local", "manifest": str(home / "list.jsonl")}}},
    }
    path = workflow.folder / "terms.yaml"
    path.write_text(yaml.safe_dump(made))
    workflow.config["benchmarks"]["terms"] = {"file": str(path)}
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}


def test_keywords_of_a_local_set_are_scored_and_shown(workflow):
    declared(workflow, TERMS)
    workflow.run()
    path = workflow.folder / "results/tiny/eval-results/terms/metrics.json"
    found = json.loads(path.read_text())["terms-all"]["pass@1"]
    assert found["primary"]["name"] == "keyword_f1"
    assert found["keyword_f1"] > 50
    table = (workflow.folder / "results/leaderboard.md").read_text()
    assert "terms: F1 in percent, higher is better" in table
    assert "terms: WER in percent, lower is better" in table


def test_keywords_that_are_no_list_are_told_before_any_request(workflow):
    declared(workflow, [["everyone"], "weather, nice today"])
    output = workflow.run(code=1)
    assert "benchmark terms, split all: keywords: column 'terms' must be a list of texts" in output
    assert "row 2, '1'" in output
    assert not list((workflow.folder / "results/tiny").rglob("journal/**/*.jsonl"))
    assert "Traceback" not in output


def test_translation_without_a_target_is_told_before_any_job(workflow):
    declared(workflow, TERMS)
    workflow.config["benchmarks"]["terms"]["scoring"] = "translation"
    output = workflow.run(code=1)
    assert "benchmark terms, split all: target_language: missing" in output
    assert "rule " not in output
