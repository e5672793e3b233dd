"""The demo, through profiles/slurm, on two nodes."""

from __future__ import annotations

import json


def test_the_demo_runs_on_the_cluster_once_a_site_has_edited_three_lines(run):
    table = run.sentences("few", "A short sentence.", "Another one, not much longer.")
    run.benchmark("mini", few={"type": "local", "manifest": str(table)})
    run.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    output = run.run()
    metrics = json.loads((run.folder / "results/tiny/eval-results/mini/metrics.json").read_text())
    assert metrics["mini"]["pass@1"]["num_entries"] == 2, output
    assert run.jobs("-n") == set()
