"""Splits that are scored by a measure, from YAML to the report."""

from __future__ import annotations

import json

import soundfile
import yaml
from comet_package import comet_package
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


def test_translations_are_scored_by_comet_and_anew_only_for_another_model(workflow):
    declared(workflow, TERMS)
    packages = workflow.folder / "packages"
    made = workflow.config["benchmarks"]["terms"]
    comet = {"model": "Unbabel/wmt22-comet-da", "gpus": 0, "python": comet_package(packages)}
    made |= {"scoring": "translation", "target_language": "en", "comet": comet}
    output = workflow.run(code=1)
    assert "benchmark terms, split all: comet: 'said' must be what was said" in output
    assert not list((workflow.folder / "results/tiny").rglob("journal/**/*.jsonl"))
    made["source"] = {"columns": {"said": "text"}}
    assert ("comet_scores", "all") in workflow.jobs()
    path = workflow.folder / "results/tiny/eval-results/terms/metrics.json"
    found = json.loads(path.read_text())["terms-all"]["pass@1"]
    assert found["comet"] > 50 and found["comet_ci"] is not None
    assert "version:2.2.7" in found["signatures"]["comet"]
    assert "terms: COMET" in (workflow.folder / "results/leaderboard.md").read_text()
    comet |= {"batch_size": 4}
    assert workflow.jobs() == set()
    comet |= {"batch_size": 8, "revision": "v2"}
    assert workflow.jobs() == {("comet_scores", "all"), ("score", "all"), ("aggregate", "")}
    assert len((packages / "asked.jsonl").read_text().splitlines()) == 4
    comet["gpus"] = 1
    assert "comet_scores_gpu" in workflow.run("-n", "--forcerun", "comet_scores_gpu")
