"""The demo's path, from sentences to metrics, on a few sentences."""

from __future__ import annotations

import json
from pathlib import Path

import jiwer
import pytest

from earmark.scoring.text import protocol

CLEAN = [
    "The train leaves at nine in the morning.",
    "She lived in an old house by the river.",
    "There were $5 on the table.\tThere were five dollars on the table.",
]
NOISY = ["The children were playing in the garden.", "He closed the door behind him."]
EVERY_STEP = ("download", "manifest", "infer", "score")


@pytest.fixture(scope="module")
def run(module_workflow):
    """A finished run of two small splits, and its output."""
    work = module_workflow
    clean, noisy = work.sentences("clean", *CLEAN), work.sentences("noisy", *NOISY, snr_db=10)
    work.benchmark(
        "mini",
        clean={"type": "local", "manifest": str(clean)},
        noisy={"type": "local", "manifest": str(noisy)},
    )
    work.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    work.output = work.run()
    return work


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_first_run_takes_every_step_for_every_split(run):
    expected = {(step, split) for step in EVERY_STEP for split in ("clean", "noisy")}
    assert expected <= run.jobs_in(run.output)
    assert ("aggregate", "") in run.jobs_in(run.output)


def test_manifests_and_predictions_keep_the_order_of_the_source(run):
    manifest = rows(run.folder / "data/mini/clean/manifest.jsonl")
    assert [row["text"] for row in manifest] == [line.split("\t")[0] for line in CLEAN]
    predictions = rows(run.folder / "results/tiny/predictions/mini/clean.jsonl")
    assert [row["id"] for row in predictions] == [row["id"] for row in manifest]
    assert all(row["error"] is None and row["generation"] for row in predictions)


def test_the_wer_is_that_of_the_predictions_counted_anew(run):
    metrics = json.loads((run.folder / "results/tiny/eval-results/mini/metrics.json").read_text())
    normalize = protocol("whisper").normalize
    references, hypotheses = [], []
    for split in ("clean", "noisy"):
        of_split = [[], []]
        manifest = rows(run.folder / f"data/mini/{split}/manifest.jsonl")
        predictions = rows(run.folder / f"results/tiny/predictions/mini/{split}.jsonl")
        for entry, answer in zip(manifest, predictions, strict=True):
            of_split[0].append(normalize(entry["text"]))
            of_split[1].append(normalize(answer["generation"]) or "empty")
        found = metrics[f"mini-{split}"]["pass@1"]
        assert found["wer"] == pytest.approx(100 * jiwer.wer(*of_split))
        assert found["num_entries"] == len(manifest)
        references += of_split[0]
        hypotheses += of_split[1]
    assert metrics["mini"]["pass@1"]["wer"] == pytest.approx(
        100 * jiwer.wer(references, hypotheses)
    )


def test_a_second_run_has_nothing_to_do_and_leaves_no_process(run):
    assert "Nothing to be done" in run.run()
    assert run.processes() == {}


def test_touching_a_source_runs_that_split_and_the_aggregate_alone(run):
    (run.folder / "noisy.jsonl").touch()
    done = run.jobs()
    assert done == {(step, "noisy") for step in EVERY_STEP} | {("aggregate", "")}
    assert "Nothing to be done" in run.run()


@pytest.mark.slow
def test_editing_a_source_runs_that_split_and_the_aggregate_alone(run):
    metrics = run.folder / "results/tiny/eval-results/mini/metrics.json"
    before = json.loads(metrics.read_text())
    run.sentences("noisy", *NOISY, "It was raining when we left the station.", snr_db=10)
    done = run.jobs()
    assert done == {(step, "noisy") for step in EVERY_STEP} | {("aggregate", "")}
    after = json.loads(metrics.read_text())
    assert after["mini-clean"] == before["mini-clean"]
    assert after["mini-noisy"]["pass@1"]["num_entries"] == 3


@pytest.mark.slow
def test_concurrency_is_no_reason_to_run_again_and_a_prompt_is(run):
    run.config["models"]["tiny"]["client"] = {"concurrency": 2, "max_retries": 3}
    assert "Nothing to be done" in run.run()
    run.config["models"]["tiny"]["prompt"] = {"user": "Write down what is said."}
    output = run.run("--dry-run")
    assert "Params have changed" in output or "params have changed" in output.lower()
