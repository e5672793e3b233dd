"""Earmark as a module of another workflow: the one of docs/adding.md, on a small demo."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from running import SNAKEMAKE, Workflow


class Using(Workflow):
    """A folder with the documented Snakefile, its module named otherwise."""

    def __init__(self, clone: Path, folder: Path, named: str) -> None:
        super().__init__(clone, folder)
        (documented,) = re.findall(
            r"```python\n(configfile.*?)```", (clone / "docs/adding.md").read_text(), re.DOTALL
        )
        written = documented.replace('"/path/to/earmark/Snakefile"', named)
        assert written != documented
        (folder / "Snakefile").write_text(written)
        demo = yaml.safe_load((clone / "config/demo.yaml").read_text())
        self.config = {
            **demo,
            "results_dir": "results",
            "benchmarks": {"demo": {"splits": ["demo_clean"], "limit": 1}},
        }

    def command(self, *arguments: str) -> list[str]:
        profile = str(self.clone / "profiles" / "default")
        place = ["--directory", str(self.folder), "--snakefile", str(self.folder / "Snakefile")]
        return [*SNAKEMAKE, *place, "--workflow-profile", profile, "--cores", "2", *arguments]


@pytest.fixture
def tagged(clone, tmp_path):
    """A repository whose checked-out files are not those of its tag."""
    repository = tmp_path / "earmark"
    for name in ("workflow", "config"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(clone / name, repository / name, ignore=ignored)
    shutil.copy(clone / "Snakefile", repository)

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *arguments], cwd=repository, check=True, capture_output=True)

    git("init")
    git("add", "-A")
    git("commit", "-m", "all")
    git("tag", "v1")
    (repository / "workflow/rules/common.smk").write_text("this is no rule\n")
    (repository / "workflow/scripts/earmark/config/__init__.py").write_text(
        "raise SystemExit('edited')\n"
    )
    shutil.rmtree(repository / "config")
    return repository


def evaluated(run: Using) -> None:
    output = run.run()
    assert "earmark_infer" in output
    assert (run.folder / "best.txt").read_text().startswith("model,")
    assert "whisper-tiny.en" in (run.folder / "best.txt").read_text()
    assert (run.folder / "data/demo/demo_clean/manifest.jsonl").is_file()
    assert (run.folder / "results/report.html").is_file()
    assert "Nothing to be done" in run.run()


def test_the_documented_workflow_runs_the_demo_from_a_path(clone, tmp_path):
    used = tmp_path / "used"
    used.mkdir()
    evaluated(Using(clone, used, f'"{clone}/Snakefile"'))


@pytest.mark.slow
def test_the_documented_workflow_runs_the_demo_from_a_tag(clone, tmp_path, tagged):
    used = tmp_path / "used"
    used.mkdir()
    evaluated(Using(clone, used, f'"git+file://{tagged}/Snakefile@v1"'))


@pytest.mark.slow
def test_without_a_new_name_all_of_earmark_is_what_is_made(clone, tmp_path):
    used = Using(clone, tmp_path, f'"{clone}/Snakefile"')
    text = (tmp_path / "Snakefile").read_text()
    module = text.partition("rule all")[0] + "use rule * from earmark\n"
    (tmp_path / "Snakefile").write_text(module)
    assert used.jobs("-n") == {
        (rule, "demo_clean") for rule in ("download", "manifest", "infer", "score")
    } | {("aggregate", "")}


@pytest.mark.slow
def test_a_benchmark_of_the_workflow_that_uses_it_is_found(clone, tmp_path):
    used = Using(clone, tmp_path, f'"{clone}/Snakefile"')
    mine = tmp_path / "config/benchmarks/mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text((clone / "config/benchmarks/demo.yaml").read_text())
    used.config["benchmarks"] = {"mine": {"splits": ["demo_clean"]}}
    assert "benchmark=mine, split=demo_clean" in used.run("-n")
