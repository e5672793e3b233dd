"""Transformers' server on the CPU, started by ``server: command``."""

from __future__ import annotations

import json

import pytest
from test_vllm import SENTENCES, finished, rows

pytestmark = pytest.mark.slow


def test_transformers_serve_answers_a_split(workflow, engines, checkpoint):
    table = workflow.sentences("few", *SENTENCES)
    workflow.benchmark("own", few={"type": "local", "manifest": str(table)})
    workflow.config["models"]["served"] = {
        "server": "command",
        "model": checkpoint("whisper"),
        "command": f"{engines}/transformers serve {{model}} --host 127.0.0.1 --port {{port}} --device cpu",
        "env": {"HF_HUB_OFFLINE": 1},
        "api": "transcriptions",
        "client": {"concurrency": 1},
    }
    finished(workflow)
    answers = rows(workflow, "served")
    print(json.dumps(answers))
    assert [row["error"] for row in answers] == [None] * len(SENTENCES)
