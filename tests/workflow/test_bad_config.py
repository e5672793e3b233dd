"""A config that is wrong ends at once, with a message that says what would be right."""

from __future__ import annotations

import json

import pytest

GOOD_MODEL = {"server": "demo", "model": "whisper-tiny.en"}


def misspell_split(config):
    config["benchmarks"] = {"demo": {"splits": ["demo_clean", "demo_niosy"]}}


def misspell_benchmark(config):
    config["benchmarks"] = {"asr-leaderbord": None}


def misspell_key(config):
    config["models"]["tiny"]["sampling"] = {"temprature": 0}


def give_text_for_a_number(config):
    config["models"]["tiny"]["client"] = {"concurrency": "many"}


def name_an_unknown_server(config):
    config["models"]["tiny"]["server"] = "vlm"


def name_a_missing_file(config):
    config["benchmarks"]["demo"] = {
        "splits": {"demo_clean": {"source": {"manifest": "nowhere/list.jsonl"}}}
    }


def name_missing_published_numbers(config):
    config["published"] = "nope.csv"


def leave_models_out(config):
    del config["models"]["tiny"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (misspell_split, ["'demo_niosy'", "did you mean 'demo_noisy'?", "demo_clean, demo_noisy"]),
        (misspell_benchmark, ["'asr-leaderboard'", "known:", "demo"]),
        (misspell_key, ["models.tiny.sampling.temprature", "'temperature'", "allowed:"]),
        (give_text_for_a_number, ["models.tiny.client.concurrency", "integer expected", '"many"']),
        (name_an_unknown_server, ["models.tiny.server", '"vlm"', '"demo"']),
        (name_a_missing_file, ["source.manifest", "nowhere/list.jsonl", "does not exist"]),
        (name_missing_published_numbers, ["published", "nope.csv does not exist", "a CSV file"]),
        (leave_models_out, ["models: at least one entry is needed"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_message_names_the_key_and_what_is_allowed(workflow, spoil, says):
    workflow.config = {"benchmarks": {"demo": {}}, "models": {"tiny": dict(GOOD_MODEL)}}
    spoil(workflow.config)
    output = workflow.run(code=1)
    for part in says:
        assert part in output
    assert "config.yaml" in output
    assert "Traceback" not in output
    assert "rule " not in output
    assert not (workflow.folder / "data").exists()


def test_another_configs_results_are_told_before_any_job(workflow):
    workflow.config = {"benchmarks": {"demo": {}}, "models": {"tiny": dict(GOOD_MODEL)}}
    results, first = workflow.folder / "results", workflow.folder / "first.yaml"
    results.mkdir()
    first.touch()
    (results / "report.html").touch()
    record = {"files": [str(first)], "relative": ["first.yaml"]}
    (results / "report.config.json").write_text(json.dumps(record))
    output = workflow.run("-n", code=1)
    assert "config.yaml: results_dir: results holds the report and leaderboard of first" in output
    assert "rule " not in output
    first.unlink()  # renamed, then: its results are this config's
    assert "rule infer:" in workflow.run("-n")
