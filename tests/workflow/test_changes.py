"""The matrix of change: for each edit, which jobs run and how many requests are sent.

docs/cluster.md has the same rows as a table. Tests share a finished run of two models on two
splits of three and two clips, and put back what they edited, or go on from it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import Any

import numpy as np
import pytest
import soundfile
from running import Workflow
from standin import attached, standin

CLIPS = {"a": 3, "b": 2}


class Evaluation(Workflow):
    """Two models attached to a server that counts; local splits ``a`` and ``b``."""

    server: Any
    declared: tuple[str, ...] = ()

    def ran(self, *arguments: str) -> tuple[set[tuple[str, str]], int]:
        """Run; returns the jobs beside the report's, and how many requests were sent."""
        before = self.server.requests
        found = {job for job in self.jobs(*arguments) if not job[0].startswith("report")}
        return found, self.server.requests - before

    def rows(self, split: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.list(split).read_text().splitlines()]

    def list(self, split: str):
        return self.folder / "audio" / f"{split}.jsonl"

    def write(self, split: str, rows: list[dict[str, Any]]) -> None:
        self.list(split).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def clip(self, name: str, pitch: float) -> None:
        time = np.arange(8000) / 16000
        path = self.folder / "audio" / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * time), 16000)

    def declare(self, *splits: str) -> None:
        sources = {split: {"type": "local", "manifest": str(self.list(split))} for split in splits}
        self.benchmark("mini", **sources)
        self.declared = splits

    def split(self, name: str, clips: int, base: float) -> None:
        rows = []
        for index in range(clips):
            self.clip(f"{name}{index}.wav", base + 10 * index)
            rows.append(
                {"id": f"{name}{index}", "audio_filepath": f"{name}{index}.wav", "text": "heard"}
            )
        self.write(name, rows)


@pytest.fixture(scope="module")
def run(clone, tmp_path_factory):
    with standin() as server:
        made = Evaluation(clone, tmp_path_factory.mktemp("changes"))
        made.server = server
        for number, (name, clips) in enumerate(CLIPS.items()):
            made.split(name, clips, 300 + 100 * number)
        made.declare(*CLIPS)
        for model in ("one", "two"):
            made.config["models"][model] = attached(server, sampling={"seed": len(model)})
        made.config["models"]["two"]["extra_body"] = {"second": True}
        _, requests = made.ran()
        assert requests == 2 * sum(CLIPS.values())
        assert max(server.answered.values()) == 1
        yield made


def rules(output: str) -> set[str]:
    """The rules of all jobs that Snakemake announces, the report's too."""
    return set(re.findall(r"^(?:local)?rule (\w+):", output, re.MULTILINE)) - {"all"}


def scored(*splits: str) -> set[tuple[str, str]]:
    return {("score", split) for split in splits} | {("aggregate", "")}


def test_nothing_edited_runs_nothing(run):
    assert run.ran() == (set(), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"concurrency": 3},
        pytest.param({"max_retries": 2}, marks=pytest.mark.slow),
        pytest.param({"timeout": 77}, marks=pytest.mark.slow),
    ],
    ids=["concurrency", "retries", "timeout"],
)
def test_an_operational_setting_runs_nothing(run, change):
    run.config["models"]["one"]["client"] = change
    assert run.ran() == (set(), 0)


def test_a_changed_clip_asks_for_that_clip_alone(run):
    run.clip("a1.wav", 777)
    jobs, requests = run.ran()
    assert requests == 2  # one of each model
    assert jobs == {("download", "a"), ("manifest", "a"), ("infer", "a"), *scored("a")}


def test_a_changed_reference_text_is_scored_anew_without_a_request(run):
    rows = run.rows("a")
    rows[0]["text"] = "heard something else"
    run.write("a", rows)
    jobs, requests = run.ran()
    assert requests == 0
    assert jobs == {("download", "a"), ("manifest", "a"), ("infer", "a"), *scored("a")}
    path = run.folder / "results/one/scores/mini/a.jsonl"
    assert "something else" in path.read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prompt", {"user": "What is said?"}),
        pytest.param("sampling", {"seed": 99}, marks=pytest.mark.slow),
        pytest.param("revision", "another-checkpoint", marks=pytest.mark.slow),
    ],
)
def test_one_models_prompt_sampling_or_checkpoint_asks_that_model_alone(run, key, value):
    run.config["models"]["one"][key] = value
    output_of_two = run.folder / "results/two/eval-results/mini/metrics.json"
    before = output_of_two.stat().st_mtime_ns
    jobs, requests = run.ran()
    assert requests == sum(CLIPS.values())
    assert jobs == {("infer", "a"), ("infer", "b"), *scored("a", "b")}
    assert output_of_two.stat().st_mtime_ns == before


@pytest.mark.slow
def test_going_back_to_an_earlier_prompt_asks_nothing(run):
    run.config["models"]["two"]["prompt"] = {"user": "Say it."}
    assert run.ran()[1] == sum(CLIPS.values())
    del run.config["models"]["two"]["prompt"]
    jobs, requests = run.ran()
    assert requests == 0
    assert jobs == {("infer", "a"), ("infer", "b"), *scored("a", "b")}


@pytest.mark.slow
def test_another_protocol_is_scored_anew_without_a_request(run):
    run.config["benchmarks"]["mini"]["protocols"] = ["open_asr_leaderboard", "whisper"]
    assert run.ran() == (scored("a", "b"), 0)


@pytest.mark.slow
def test_changed_scoring_code_scores_anew_without_a_request(run, tmp_path):
    clone = tmp_path / "clone"
    copy_clone(run.clone, clone)
    was, run.clone = run.clone, clone
    try:
        assert run.ran() == (set(), 0)  # the clone is another, and that alone changes nothing
        module = clone / "workflow/scripts/earmark/scoring/word_errors.py"
        module.write_text(module.read_text() + "\n# edited\n")
        assert run.ran() == (scored("a", "b"), 0)
    finally:
        run.clone = was
    assert run.ran() == (scored("a", "b"), 0)


def test_changed_code_of_other_steps_runs_nothing(run, tmp_path):
    clone = tmp_path / "clone"
    copy_clone(run.clone, clone)
    for name in (
        "inference/infer.py",
        "inference/client.py",
        "data/manifest.py",
        "data/download.py",
    ):
        module = clone / "workflow/scripts/earmark" / name
        module.write_text(module.read_text() + "\n# edited\n")
    was, run.clone = run.clone, clone
    try:
        assert run.ran() == (set(), 0)
    finally:
        run.clone = was


@pytest.mark.slow
def test_the_reports_template_makes_the_report_anew_and_nothing_else(run, tmp_path):
    clone = tmp_path / "clone"
    copy_clone(run.clone, clone)
    was, run.clone = run.clone, clone
    page = run.folder / "results/report.html"
    template = clone / "workflow/scripts/earmark/report/templates"
    before = run.server.requests
    try:
        for name in ("page.html", "page.css", "tables.js"):
            path = template / name
            path.write_text(path.read_text().replace("</title>", " (edited)</title>") + "\n\n")
            assert rules(run.run()) == {"report"}, name
        assert "(edited)</title>" in page.read_text()
        assert rules(run.run()) == set()
    finally:
        run.clone = was
    assert rules(run.run()) == {"report"}
    assert run.server.requests == before


@pytest.mark.slow
def test_another_model_asks_that_model_alone(run):
    run.config["models"]["three"] = attached(run.server, extra_body={"third": True})
    jobs, requests = run.ran()
    assert requests == sum(CLIPS.values())
    assert jobs == {("infer", "a"), ("infer", "b"), *scored("a", "b")}
    del run.config["models"]["three"]
    assert run.ran() == (set(), 0)


@pytest.mark.slow
def test_another_split_asks_for_that_split_alone(run):
    run.split("c", 2, 600)
    selection = run.config["benchmarks"]["mini"]
    run.declare("a", "b", "c")
    run.config["benchmarks"]["mini"] = selection
    jobs, requests = run.ran()
    assert requests == 2 * len(run.config["models"])
    assert jobs == {("download", "c"), ("manifest", "c"), ("infer", "c"), *scored("c")}


@pytest.mark.slow
def test_another_number_of_shards_asks_nothing(run):
    run.config["benchmarks"]["mini"]["shards"] = 2
    again = {(rule, split) for rule in ("infer_shard", "gather") for split in run.declared}
    assert run.ran() == (again | scored(*run.declared), 0)
    assert run.ran() == (set(), 0)
    run.config["models"]["one"]["sampling"] = {"seed": 5}
    jobs, requests = run.ran()
    assert requests == sum(len(run.rows(split)) for split in run.declared)
    assert ("infer_shard", "a") in jobs
    run.config["benchmarks"]["mini"]["shards"] = 1
    again = {("infer", split) for split in run.declared}
    assert run.ran() == (again | scored(*run.declared), 0)


@pytest.mark.slow
def test_moved_results_run_nothing(run):
    shutil.move(run.folder / "results", run.folder / "moved")
    run.config["results_dir"] = "moved"
    assert run.ran() == (set(), 0)
    shutil.move(run.folder / "moved", run.folder / "results")
    del run.config["results_dir"]
    assert run.ran() == (set(), 0)


@pytest.mark.slow
def test_a_fresh_clone_with_existing_results_runs_nothing(run, tmp_path):
    fresh = Evaluation(tmp_path / "clone", tmp_path)
    copy_clone(run.clone, fresh.clone)
    for path in fresh.clone.rglob("*"):  # a checkout's files are as new as the checkout
        os.utime(path)
    fresh.server, fresh.config = run.server, dict(run.config)
    fresh.config["data_dir"] = str(run.folder / "data")
    fresh.config["results_dir"] = str(run.folder / "results")
    output = fresh.run()
    assert fresh.jobs_in(output) == set()
    assert "was made with other" not in output
    # Snakemake's own record of settings stayed behind, so that a change of them has to be told.
    fresh.config["models"] = {"one": {**fresh.config["models"]["one"], "sampling": {"seed": 77}}}
    before = run.server.requests
    output = fresh.run("-n")
    assert "results/one/eval-results/mini/metrics.json was made with other sampling" in output
    (advice,) = set(re.findall(r"`(--forcerun [\w ]+)` added", output))
    fresh.run(*advice.split())
    assert run.server.requests - before == sum(len(run.rows(split)) for split in run.declared)
    assert "was made with other" not in fresh.run()
    assert fresh.ran() == (set(), 0)


@pytest.mark.slow
def test_data_that_was_prepared_otherwise_is_told_where_snakemake_has_no_record(run, tmp_path):
    other = Evaluation(run.clone, tmp_path)
    other.server, other.config = run.server, dict(run.config)
    shutil.copytree(run.folder / "data", other.folder / "data")
    assert "was made with other" not in other.run("prepare", "-n")
    other.config["benchmarks"] = {"mini": {**other.config["benchmarks"]["mini"], "limit": 1}}
    output = other.run("prepare", "-n")
    manifests = sorted(other.folder.rglob("manifest.jsonl"))
    told = re.findall(r"(\S+) was made with other limit, elsewhere", output)
    assert sorted(other.folder / name for name in told) == manifests
    (advice,) = set(re.findall(r"`(--forcerun [^`]+)` added", output))
    other.run("prepare", *advice.split())
    assert all(len(path.read_text().splitlines()) == 1 for path in manifests)
    assert "was made with other" not in other.run("prepare", "-n")


def copy_clone(clone, copy) -> None:
    for name in ("workflow", "config", "profiles"):
        shutil.copytree(clone / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(clone / "Snakefile", copy)
