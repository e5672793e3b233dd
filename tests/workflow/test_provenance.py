"""What lies beside metrics repeats them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import SNAKEMAKE
from standin import attached, standin


@pytest.mark.slow
def test_the_commands_of_earmark_reproduce_give_the_same_numbers(workflow, tmp_path):
    table = workflow.sentences("few", "A short sentence.", "Another one.")
    workflow.benchmark("mini", few={"type": "local", "manifest": str(table)})
    workflow.config["benchmarks"]["mini"]["protocols"] = ["open_asr_leaderboard"]
    with standin() as server:
        workflow.config["models"]["one"] = attached(server, api_key_env="STANDIN_KEY")
        workflow.environment_more = {"STANDIN_KEY": "a-secret-of-the-test"}
        workflow.run()
        folder = workflow.folder / "results/one/eval-results/mini"
        metrics = json.loads((folder / "metrics.json").read_text())
        known = json.loads((folder / "provenance.json").read_text())
        assert known["server"] == server.url
        assert known["protocols"] == {"few": ["open_asr_leaderboard"]}
        (job,) = known["inference"]["few"]
        assert job["ended_well"] and job["end"] > job["start"] and job["hardware"]["cores"]
        assert "a-secret" not in (folder / "provenance.json").read_text()

        told = subprocess.run(
            [Path(sys.executable).with_name("earmark"), "reproduce", folder / "metrics.json"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "make install" in told
        assert "a-secret" not in told
        clone = tmp_path / "clone"
        for name in ("workflow", "config", "profiles"):
            shutil.copytree(workflow.clone / name, clone / name)
        shutil.copy(workflow.clone / "Snakefile", clone)
        ours = ("git checkout", "make install", ".venv/bin/snakemake")
        script = "\n".join(line for line in told.splitlines() if not line.startswith(ours))
        environment = {**workflow.environment}
        subprocess.run(["bash", "-euc", script], cwd=clone, env=environment, check=True)
        command = [*SNAKEMAKE, "--configfile", "reproduce/config.yaml", "--cores", "2"]
        subprocess.run(command, cwd=clone, env=environment, check=True, capture_output=True)
        checked = subprocess.run(
            [Path(sys.executable).with_name("earmark"), "reproduce", "--check", folder / "metrics.json"],
            cwd=clone, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr
    path = clone / "reproduce/results/one/eval-results/mini/metrics.json"
    again = json.loads(path.read_text())
    for name, modes in metrics.items():
        for key in ("wer", "num_entries", "substitutions", "hits", "ref_words"):
            assert again[name]["pass@1"][key] == modes["pass@1"][key]
