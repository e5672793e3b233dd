"""The matrix of change for what lies between MMAU-Pro's answers and scores: judge and matcher."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def run(module_workflow):
    """A finished run of a few of the demo's questions."""
    work = module_workflow
    work.config |= {
        "benchmarks": {"demo-mmau": {"splits": ["closed_form", "open_ended"], "limit": 2}},
        "models": {"tiny": {"server": "demo", "model": "whisper-tiny.en"}},
        "matcher": {"type": "demo"},
        "judge": {"server": "demo", "model": "minilm-likeness-judge"},
    }
    work.run()
    assert not would_run(work)
    return work


def would_run(work):
    return {job for job in work.jobs("-n") if not job[0].startswith("report")}


def scored(split):
    return {("score", split), ("category", split), ("aggregate", "")}


@pytest.mark.slow
def test_another_judge_judges_anew_and_asks_the_model_nothing(run):
    run.config["judge"]["revision"] = "another"
    assert would_run(run) == {("judge", "open_ended"), *scored("open_ended")}
    del run.config["judge"]["revision"]


@pytest.mark.slow
def test_an_operational_setting_of_the_judge_runs_nothing(run):
    run.config["judge"]["client"] = {"concurrency": 2}
    assert not would_run(run)
    del run.config["judge"]["client"]


@pytest.mark.slow
def test_another_matcher_matches_anew_and_asks_the_model_nothing(run):
    was = run.config["matcher"]
    run.config["matcher"] = {
        "type": "embeddings",
        "model": "another",
        "base_url": "http://127.0.0.1:9/v1",
    }
    assert would_run(run) == {("match", "closed_form"), *scored("closed_form")}
    run.config["matcher"] = was
    assert not would_run(run)
