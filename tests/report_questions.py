"""A finished run of MMAU-Pro's three ways of scoring, small and made up, for tests of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from earmark.config import Run, load
from earmark.files import write_jsonl
from earmark.mmau.judge import SCORES
from earmark.mmau.score import aggregate_mmau, score_mmau

WAYS = ("closed_form", "open_ended", "instruction_following")
JUDGED = "CORRECTNESS: 4 - it says so\nOVERALL: 4 - <b>well</b>"
QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "closed_form": [
        {"question": f"Which sound is number {n}?", "choices": ["a dog", "a cat", "rain"],
         "answer": "rain", "category": ("sound", "music", "sound_music")[n % 3],
         "sub-cat": f"kind-{n}", "length_type": ("short", "long")[n % 2], "perceptual_skills": ["pitch"],
         "reasoning_skills": ["counting"]}
        for n in range(6)
    ],
    "open_ended": [
        {"question": f"What is said in recording {n}?", "answer": "Hello.", "category": "open"}
        for n in range(3)
    ],
    "instruction_following": [
        {"question": "Answer without commas.", "category": "instruction following",
         "task_identifier": "No Commas", "kwargs": {}}
        for _ in range(2)
    ],
}  # fmt: skip


def write_questions(folder: Path, models: list[str]) -> Run:
    """Write a config, manifests, answers, matches, judgements and scores; returns the run.

    Of the open-ended answers the first is judged at once, the second's judgement could not be
    read twice, the third is empty and was not judged.
    """
    for way in WAYS:
        (folder / f"{way}.jsonl").write_text(
            "".join(
                json.dumps({"id": f"{way}-{n}", "audio_filepath": "none.wav", **row}) + "\n"
                for n, row in enumerate(QUESTIONS[way])
            )
        )
    splits = {
        way: {
            "scoring": way,
            "prompt": {"user": "{question}"},
            "source": {"type": "local", "manifest": str(folder / f"{way}.jsonl")},
        }
        for way in WAYS
    }
    (folder / "quiz.yaml").write_text(yaml.safe_dump({"splits": splits}, sort_keys=False))
    config = {
        "data_dir": str(folder / "data"),
        "results_dir": str(folder / "results"),
        "benchmarks": {"quiz": {"file": str(folder / "quiz.yaml")}},
        "models": {name: {"server": "demo", "model": "m"} for name in models},
        "judge": {"server": "demo", "model": "a judge"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    run = load(folder / "config.yaml", folder)
    for place, model in enumerate(run.models):
        made = [_score(folder, model, way, place) for way in WAYS]
        results = folder / "results" / model / "eval-results" / "quiz"
        aggregate_mmau("quiz", made, str(results / "metrics.json"))
    return run


def _score(folder: Path, model: str, way: str, place: int) -> str:
    """Answer and score one way; the models after the first pick another choice."""
    rows = [{"id": f"{way}-{n}", "audio_filepath": "audio/none.wav", "duration": 3.0 + n, **row}
            for n, row in enumerate(QUESTIONS[way])]  # fmt: skip
    manifest = folder / "data" / "quiz" / way / "manifest.jsonl"
    write_jsonl(manifest, rows)
    results = folder / "results" / model
    predictions = results / "predictions" / "quiz" / f"{way}.jsonl"
    empty = len(rows) - 1 if way == "open_ended" else None
    write_jsonl(
        predictions,
        [
            {"id": row["id"], "generation": "" if n == empty else "It is rain.", "error": None,
             "finish_reason": "stop", "num_generated_tokens": 4, "num_input_tokens": 9,
             "generation_start_time": 5.0 + n, "generation_end_time": 6.0 + n, "attempts": 1,
             "request": "r"}
            for n, row in enumerate(rows)
        ],
    )  # fmt: skip
    beside = results / "judgements" / "quiz" / f"{way}.jsonl"
    if way == "closed_form":
        write_jsonl(beside, [
            {"id": row["id"], "match": "a dog" if place else "rain", "margin": 0.25,
             "similarities": [0.75, 0.125, 0.5]} for row in rows
        ])  # fmt: skip
    elif way == "open_ended":
        good = {"judgements": [JUDGED], "scores": dict.fromkeys(SCORES, 4.0), "why": None}
        torn = {"judgements": ["hm", "hm!"], "scores": None, "why": "no line CORRECTNESS"}
        none = {"judgements": [], "scores": None, "why": "empty answer"}
        kinds = [(good, ["1"]), (torn, ["1", "2"]), (none, [])]
        write_jsonl(beside, [{"id": row["id"], **kind, "requests": asked}
                             for row, (kind, asked) in zip(rows, kinds, strict=True)])  # fmt: skip
    scores = results / "scores" / "quiz" / f"{way}.jsonl"
    metrics = scores.with_suffix(".metrics.json")
    score_mmau(
        f"quiz.{way}", way, str(manifest), [str(predictions)],
        [] if way == "instruction_following" else [str(beside)], str(scores), str(metrics),
        {"sentences": "punctuation"},
    )  # fmt: skip
    return str(metrics)
