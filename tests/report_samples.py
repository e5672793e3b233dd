"""A finished run in a folder, small and made up, for tests of tables and the report."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path
from typing import Any

import yaml

from earmark.config import Run, load
from earmark.files import write_jsonl
from earmark.scoring.score import aggregate, score

ATTACK = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script></script>\''


def write_run(folder: Path, models: dict[str, list[str]], references: list[str]) -> Run:
    """Write a config, manifests, audio, predictions and scores; returns the run.

    Args:
        folder: An empty folder.
        models: Each model's answers, one a reference; an empty list for a model not yet run.
        references: What was said.
    """
    declared = {"scoring": "asr", "prompt": {"user": "Transcribe."}, "splits": {"one": {}}}
    source = folder / "clips.jsonl"
    declared["splits"] = {"one": {"source": {"type": "local", "manifest": str(source)}}}
    (folder / "set.yaml").write_text(yaml.safe_dump(declared))
    config: dict[str, Any] = {
        "data_dir": str(folder / "data"),
        "results_dir": str(folder / "results"),
        "benchmarks": {"set": {"file": str(folder / "set.yaml")}},
        "models": {name: {"server": "demo", "model": "m"} for name in models},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    clip = folder / "data" / "set" / "one" / "audio" / "a b.wav"
    clip.parent.mkdir(parents=True)
    with wave.open(str(clip), "wb") as stream:
        stream.setparams((1, 2, 8000, 0, "NONE", ""))
        stream.writeframes(b"\0\1" * 8000)
    rows = [
        {"id": f"u/{n:03}", "audio_filepath": "audio/a b.wav", "duration": 1.0 + n, "text": text}
        for n, text in enumerate(references)
    ]
    manifest = folder / "data" / "set" / "one" / "manifest.jsonl"
    write_jsonl(manifest, rows)
    source.write_text("".join(json.dumps({**r, "audio_filepath": str(clip)}) + "\n" for r in rows))
    run = load(folder / "config.yaml", folder)
    scored: dict[tuple[str, ...], Path] = {}  # the same answers are scored once
    for name, model in run.models.items():
        answers, results = tuple(models[model.name]), folder / "results" / name
        if answers in scored:
            shutil.copytree(scored[answers], results)
        elif answers:
            _score(results, manifest, rows, list(answers))
            scored[answers] = results
    return run


def _score(folder: Path, manifest: Path, rows: list[Any], answers: list[str]) -> None:
    predictions = folder / "predictions" / "set" / "one.jsonl"
    write_jsonl(
        predictions,
        [
            {
                "id": row["id"], "generation": answer, "error": None, "finish_reason": "stop",
                "num_generated_tokens": 3, "num_input_tokens": 1, "generation_start_time": 10.0 + n,
                "generation_end_time": 10.5 + n, "attempts": 1, "request": "r",
            }
            for n, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ],
    )  # fmt: skip
    below = folder / "scores" / "set"
    metrics = below / "one.metrics.json"
    score("set-one", str(manifest), str(predictions), str(below / "one.jsonl"), str(metrics))
    aggregate("set", [str(metrics)], str(folder / "eval-results" / "set" / "metrics.json"))
