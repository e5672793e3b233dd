"""A job works from the code and the config of its run, whatever has become of the clone since."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from running import SNAKEMAKE, Workflow

MANIFEST = "data/demo/demo_clean/manifest.jsonl"


class Job(Workflow):
    """A run of its own clone, and one of its jobs started as an executor would start it."""

    def begin(self) -> None:
        """Plan a run, which takes its copy, and find its record."""
        self.run("-n")
        (record,) = (self.folder / ".snakemake/earmark").glob("run-*.json")
        self.environment_more = {"EARMARK_RUN": str(record)}

    def job(self) -> subprocess.CompletedProcess[str]:
        """The manifest's job, and the download that it needs."""
        command = [*SNAKEMAKE, "--snakefile", self.clone / "Snakefile", "--directory", self.folder,
                   "--configfile", self.folder / "config.yaml", "--mode", "subprocess",
                   "--cores", "1", MANIFEST]  # fmt: skip
        return subprocess.run(
            [str(word) for word in command], env=self.environment, capture_output=True, text=True,
            check=False, cwd=self.clone, timeout=120,
        )  # fmt: skip


@pytest.fixture
def run(clone, tmp_path):
    copy, folder = tmp_path / "clone", tmp_path / "work"
    folder.mkdir()
    for name in ("workflow", "config", "profiles"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(clone / name, copy / name, ignore=ignored)
    shutil.copy(clone / "Snakefile", copy)
    made = Job(copy, folder)
    made.config = {
        "benchmarks": {"demo": {"splits": ["demo_clean"], "limit": 2}},
        "models": {"tiny": {"server": "demo", "model": "whisper-tiny.en"}},
    }
    made.begin()
    return made


def test_edits_of_code_config_and_declarations_are_not_seen(run):
    for name in ("scripts/manifest.py", "scripts/earmark/manifest.py", "rules/data.smk"):
        (run.clone / "workflow" / name).write_text("raise SystemExit('edited')\n")
    (run.clone / "config/benchmarks/demo.yaml").unlink()
    (run.folder / "config.yaml").write_text("models: {}\nbenchmarks: {demo: {limit: 1}}\n")
    done = run.job()
    assert done.returncode == 0, done.stderr
    assert len((run.folder / MANIFEST).read_text().splitlines()) == 2


def test_an_edited_snakefile_is_refused_and_nothing_is_written(run):
    with (run.clone / "Snakefile").open("a") as stream:
        stream.write("# edited\n")
    done = run.job()
    assert done.returncode != 0
    assert f"error: {run.clone}/Snakefile was edited since the run began" in done.stderr
    assert not (run.folder / "data").exists()


def test_a_job_that_was_not_told_of_its_run_is_refused(run):
    run.environment_more = {}
    assert "EARMARK_RUN" not in os.environ
    done = run.job()
    assert done.returncode != 0
    assert "EARMARK_RUN does not name the record" in done.stderr
    assert not (run.folder / "data").exists()


def test_the_record_holds_the_config_and_what_it_resolves_to(run):
    record = json.loads(next((run.folder / ".snakemake/earmark").glob("run-*.json")).read_text())
    recorded = record["config"]["benchmarks"]["demo"]
    assert (list(recorded["splits"]), recorded["limit"]) == (["demo_clean"], 2)
    assert "demo" in record["config"]["frozen"]["declarations"]
    assert record["root"] == str(run.clone)
