"""MMAU-Pro's shape through the workflow, with the requests to model, judge and matcher counted."""

from __future__ import annotations

import json

import pytest
import yaml
from judge_server import StandIn

from earmark.mmau.judge import JUDGE_USER

ROWS = {
    "closed_form": {"category": "sound", "choices": ["dog", "a storm"], "answer": "dog"},
    "open_ended": {"category": "open", "choices": [], "answer": "a dog barks"},
    "instruction_following": {
        "category": "instruction following",
        "task_identifier": "Number Words (at least)",
        "kwargs": {"N": 1.0, "keywords": None},
    },
}
AUDIO = [{"parts": [{"beeps": [1]}]}, {"parts": [{"clicks": [2]}]}]


@pytest.fixture
def stand_in():
    with StandIn() as server:
        yield server


@pytest.fixture
def run(workflow, stand_in):
    splits = {}
    for name, row in ROWS.items():
        table = workflow.folder / f"{name}.jsonl"
        table.write_text(json.dumps({"id": name, "question": "What is it?", **row, "audio": AUDIO}))
        splits[name] = {
            "scoring": name,
            "source": {"type": "demo_questions", "questions": str(table)},
        }
    path = workflow.folder / "mini.yaml"
    path.write_text(yaml.safe_dump({"prompt": {"user": "{question}"}, "splits": splits}))
    model = {"server": "openai", "base_url": stand_in.url}
    workflow.config = {
        "benchmarks": {"mini": {"file": str(path)}},
        "models": {"m": {**model, "model": "tested"}},
        "judge": {**model, "model": "judge-a"},
        "matcher": {"type": "embeddings", "base_url": stand_in.url, "model": "embed-a"},
    }
    return workflow


def counted(stand_in):
    models = [body["model"] for body in stand_in.chats]
    return {
        "tested": models.count("tested"),
        "judged": sum(name.startswith("judge") for name in models),
        "texts": sum(len(body["input"]) for body in stand_in.embedded),
    }


def test_a_new_judge_reruns_judging_and_a_new_matcher_matching(run, stand_in):
    run.run()
    first = counted(stand_in)
    assert first == {"tested": 3, "judged": 1, "texts": 3}
    asked = next(body for body in stand_in.chats if body["model"] == "judge-a")
    assert "a dog barks" in str(asked["messages"]) and "{question}" in JUDGE_USER
    heard = next(body for body in stand_in.chats if body["model"] == "tested")
    kinds = [part["type"] for part in heard["messages"][-1]["content"]]
    assert kinds == ["input_audio", "input_audio", "text"]

    results = run.folder / "results/m/eval-results/mini"
    whole = json.loads((results / "metrics.json").read_text())
    assert whole["mini"]["pass@1"]["num_entries"] == 3
    assert "mini.closed_form-sound" in whole
    own = json.loads((results / "mini.closed_form/metrics.json").read_text())
    assert list(own) == ["mini.closed_form", "mini.closed_form-sound"]
    details = json.loads((results / "mini.open_ended/details.json").read_text())
    assert details["protocol"]["judge"]["model"] == "judge-a"

    assert "Nothing to be done" in run.run()
    run.config["judge"]["model"] = "judge-b"
    done = run.jobs()
    assert ("judge", "open_ended") in done
    assert not {rule for rule, _ in done} & {"infer", "match"}
    assert counted(stand_in) == {"tested": 3, "judged": 2, "texts": 3}

    run.config["matcher"]["model"] = "embed-b"
    done = run.jobs()
    assert ("match", "closed_form") in done
    assert not {rule for rule, _ in done} & {"infer", "judge"}
    assert counted(stand_in) == {"tested": 3, "judged": 2, "texts": 6}
