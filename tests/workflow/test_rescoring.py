"""A change in how answers are scored asks the model nothing."""

from __future__ import annotations

import json
import shutil

import pytest
from running import Workflow

SENTENCES = ["The train leaves at nine in the morning.", "It's all right, said Erik."]
SCORING = {("score", "all"), ("aggregate", "")}


@pytest.fixture(scope="module")
def run(module_workflow):
    """A finished run of one small split."""
    work = module_workflow
    work.benchmark("mini", all={"type": "local", "manifest": str(work.sentences("s", *SENTENCES))})
    work.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    work.run()
    return work


def metrics(work):
    path = work.folder / "results/tiny/eval-results/mini/metrics.json"
    return json.loads(path.read_text())["mini"]["pass@1"]


def asked(work):
    """What a request to the model would change."""
    logs = work.folder / "results/logs/infer"
    journal = work.folder / "results/tiny/journal"
    files = [
        work.folder / "results/tiny/predictions/mini/all.jsonl",
        *sorted(logs.rglob("*.log")),
        *sorted(journal.rglob("*.jsonl")),
    ]
    assert len(files) > 2
    return [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files]


def scoring_jobs(work, *arguments):
    """The jobs of a run that lead from answers to the benchmark's numbers."""
    return {job for job in work.jobs(*arguments) if job[0] in ("infer", "score", "aggregate")}


@pytest.mark.slow
def test_another_protocol_is_scored_without_a_request(run):
    before = asked(run)
    assert metrics(run)["protocol"] == "whisper"
    run.config["benchmarks"]["mini"]["protocols"] = ["basic", "whisper"]
    assert scoring_jobs(run) == SCORING
    after = metrics(run)
    assert after["protocol"] == "basic"
    assert "wer_whisper" in after
    assert asked(run) == before
    assert not scoring_jobs(run)


@pytest.mark.slow
def test_another_postprocessing_is_scored_without_a_request(run):
    before = asked(run)
    run.config["benchmarks"]["mini"]["postprocess"] = "chatty"
    assert scoring_jobs(run) == SCORING
    assert metrics(run)["postprocess"] == "chatty"
    assert asked(run) == before


@pytest.mark.slow
def test_changed_scoring_code_is_scored_without_a_request(run, tmp_path):
    run.config["benchmarks"]["mini"]["protocols"] = ["basic"]  # whose code is edited below
    before = asked(run)
    clone = tmp_path / "clone"
    clone.mkdir()
    for part in ("Snakefile", "workflow", "config", "profiles", "requirements.lock"):
        source = run.clone / part
        if source.is_dir():
            shutil.copytree(source, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, clone / part)
    edited = Workflow(clone, run.folder)
    edited.config = run.config
    scoring_jobs(edited)  # whatever moving the clone may bring about
    assert asked(run) == before
    module = clone / "workflow/scripts/earmark/scoring/text/basic.py"
    rule = ".translate(_PLAIN).split())"
    assert rule in module.read_text()
    module.write_text(module.read_text().replace(rule, rule[:-1] + "[:-1])"))
    words = metrics(edited)["ref_words"]
    assert scoring_jobs(edited) == SCORING
    assert metrics(edited)["ref_words"] == words - len(SENTENCES)
    assert asked(edited) == before
    assert not scoring_jobs(edited)
