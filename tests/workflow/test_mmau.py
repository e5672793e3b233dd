"""MMAU-Pro's shape through the workflow, with the requests to model, judge and matcher counted."""

from __future__ import annotations

import json

import pytest
import soundfile
import yaml
from judge_server import GOOD, StandIn
from sounds import beeps
from speech import SAMPLING_RATE

from earmark.mmau.judge import JUDGE_USER

ROWS = {
    "closed_form": {"category": "sound", "choices": ["dog", "a storm"], "answer": "dog"},
    "open_ended": {"category": "open", "choices": [], "answer": "a dog barks"},
    "instruction_following": {
        "category": "instruction following",
        "choices": [],
        "task_identifier": "Number Words (at least)",
        "kwargs": {"N": 1.0, "keywords": None},
    },
}


@pytest.fixture
def stand_in():
    with StandIn() as server:
        yield server


@pytest.fixture
def run(workflow, stand_in):
    splits = {}
    clips = ["beeps.wav", "clicks.wav"]
    for clip, samples in zip(clips, (beeps(1), beeps(2)), strict=True):
        soundfile.write(workflow.folder / clip, samples, SAMPLING_RATE)
    for name, row in ROWS.items():
        table = workflow.folder / f"{name}.jsonl"
        question = {"id": name, "question": "What is it?", "audio_filepath": clips}
        table.write_text(json.dumps({**question, **row}))
        splits[name] = {
            "scoring": name,
            "source": {"type": "local", "manifest": str(table), "columns": {"text": None}},
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


@pytest.mark.slow
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


def by_seed(body):
    """The tested model is right with the even ones of its seeds."""
    if body["model"] != "tested":
        return GOOD
    return "a storm" if body.get("seed", 0) % 2 else "dog"


@pytest.mark.slow
def test_each_seed_is_answered_judged_and_matched(run, stand_in):
    stand_in.answer = by_seed
    run.config["models"]["m"] |= {"num_seeds": 3, "sampling": {"temperature": 0.7}}
    run.run()
    # Three splits and three seeds; a judgement a seed; two distinct texts, each once.
    assert counted(stand_in) == {"tested": 9, "judged": 3, "texts": 2}
    results = run.folder / "results/m"
    for kind, split in (("matches", "closed_form"), ("judgements", "open_ended")):
        found = {path.name for path in (results / kind / "mini").glob("*.jsonl")}
        assert found == {f"{split}.seed{seed}.jsonl" for seed in range(3)}
    metrics = json.loads((results / "eval-results/mini/metrics.json").read_text())
    rates = {mode: round(one["success_rate"], 2) for mode, one in metrics["mini"].items()}
    assert rates == {"pass@1[avg-of-3]": 88.89, "pass@3": 100.0, "majority@3": 100.0}
    for name in ("mini.closed_form", "mini.closed_form-sound"):
        assert round(metrics[name]["pass@1[avg-of-3]"]["success_rate"], 2) == 66.67
    assert "Nothing to be done" in run.run()


@pytest.mark.slow
def test_without_audio_the_text_alone_is_asked_and_the_numbers_say_so(run, stand_in):
    heard = run.config["models"].pop("m")
    run.config["models"] = {"deaf": {**heard, "audio": False}}
    run.config["models"]["chance"] = {"server": "random-choice", "model": "chance"}
    run.config["benchmarks"]["mini"]["prompt"] = {"user": "{question}\n\n{choices}"}
    run.run()
    asked = [body["messages"] for body in stand_in.chats if body["model"] == "tested"]
    texts = {text_of(messages[-1]["content"]) for messages in asked}
    assert texts == {"What is it?\n\nA. dog\nB. a storm", "What is it?"}
    results = run.folder / "results"
    for model, label in (("deaf", "text only"), ("chance", None)):
        folder = results / model / "eval-results/mini"
        found = json.loads((folder / "metrics.json").read_text())
        assert all(one["pass@1"].get("label") == label for one in found.values())
        details = json.loads((folder / "mini.closed_form/details.json").read_text())
        assert details["protocol"]["prompt"]["user"] == "{question}\n\n{choices}"
    chosen = (results / "chance/predictions/mini/closed_form.jsonl").read_text()
    assert json.loads(chosen)["generation"] in ROWS["closed_form"]["choices"]


def text_of(content):
    """The text of a message that has nothing else."""
    if isinstance(content, str):
        return content
    (part,) = content
    assert part["type"] == "text"
    return part["text"]
