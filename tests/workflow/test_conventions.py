"""What a user of Snakemake expects to work: options that look at a workflow and change nothing."""

from __future__ import annotations

import pytest
from running import Workflow


@pytest.fixture
def small(clone, tmp_path) -> Workflow:
    """A set and a model, elsewhere than the clone (``--directory``, ``--snakefile``)."""
    made = Workflow(clone, tmp_path)
    table = made.sentences("few", "A short sentence.")
    made.benchmark("mini", few={"type": "local", "manifest": str(table)})
    made.config["models"]["guess"] = {"server": "demo", "model": "whisper-tiny.en"}
    return made


def test_lint_finds_nothing(small):
    assert "in a good condition" in small.run("--lint")


def test_summary_lists_each_output_with_its_rule(small):
    output = small.run("--summary")
    rows = [line.split("\t") for line in output.splitlines() if "update pending" in line]
    rules = {row[2] for row in rows}
    assert {"manifest", "infer", "score", "aggregate", "report"} <= rules, output
    assert not (small.folder / "results").exists()


def test_containerize_names_the_environment(small):
    process = small.start("--containerize")
    output, _ = process.communicate(timeout=120)
    assert "FROM " in output and "workflow/envs/earmark.yaml" in output
    # Without conda, Snakemake stops at the second line and says so.
    assert process.returncode == 0 or "Is conda installed" in output
