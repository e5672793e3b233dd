"""Real engines on the CPU: our command line, both endpoints, seeds, long audio, a killed core.

Loading takes minutes on two cores. What was seen here is in docs/servers.md.
"""

from __future__ import annotations

import json
import os

import numpy as np
import psutil
import pytest
import soundfile

pytestmark = pytest.mark.slow
SENTENCES = [f"This is sentence number {n}." for n in range(4)]


def model(engines, folder, **more):
    return {
        "server": "vllm",
        "model": folder,
        "server_args": "--enforce-eager --dtype float32 --gpu-memory-utilization 0.3",
        "env": {
            "PATH": f"{engines}:{os.environ['PATH']}",
            "HF_HUB_OFFLINE": 1,
            "VLLM_CPU_KVCACHE_SPACE": 1,
        },
        "sampling": {"temperature": 0.0, "max_tokens": 16, "seed": 1},
        "idle_time": 0,
        **more,
    }


def finished(workflow, code=0):
    output, _ = (process := workflow.start()).communicate(timeout=1500)
    assert process.returncode == code, output
    return output


def rows(workflow, name, split="few"):
    path = workflow.folder / f"results/{name}/predictions/own/{split}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_whisper_transcribes_and_a_killed_core_costs_only_what_was_in_flight(
    workflow, engines, checkpoint
):
    table = workflow.sentences("few", *SENTENCES * 20)
    workflow.benchmark("own", few={"type": "local", "manifest": str(table)})
    workflow.config["models"]["heard"] = model(
        engines, checkpoint("whisper"), api="transcriptions", client={"concurrency": 2}
    )
    process = workflow.start()
    journal = workflow.folder / "results/heard/journal/own/few"

    def kept() -> int:
        return sum(path.read_bytes().count(b"\n") for path in journal.glob("*.jsonl"))

    workflow.wait_for(lambda: kept() > 5, "some answers", 900)
    started = {psutil.Process(pid) for pid in workflow.processes()}
    below = {child for process in started for child in process.children(recursive=True)}
    (core,) = [process for process in below if "EngineCore" in " ".join(process.cmdline())]
    core.kill()
    output, _ = process.communicate(timeout=1500)
    assert process.returncode == 0, output
    answers = rows(workflow, "heard")
    assert len(answers) == 80
    assert all(row["error"] is None for row in answers)
    log = (workflow.folder / "results/logs/infer/heard/own/few.log").read_text()
    print(log)
    assert "starting it again" in log


def test_chat_hears_audio_repeats_by_seed_and_names_what_is_too_long(workflow, engines, checkpoint):
    table = workflow.sentences("few", *SENTENCES)
    folder = workflow.folder / "long"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 16000 * 90)
    soundfile.write(folder / "long.wav", noise, 16000)
    (folder / "long.jsonl").write_text('{"audio_filepath": "long.wav", "text": "a"}\n')
    workflow.benchmark(
        "own",
        few={"type": "local", "manifest": str(table)},
        long={"type": "local", "manifest": str(folder / "long.jsonl")},
    )
    sampling = {"temperature": 1.0, "max_tokens": 16, "seed": 1}
    chat = model(engines, checkpoint("qwen2-audio"), sampling=sampling, num_seeds=2)
    chat["server_args"] += " --max-model-len 128"
    workflow.config["models"]["chat"] = {**chat, "max_failed_fraction": 1.0, "idle_time": 60}
    finished(workflow)
    first, second = (rows(workflow, "chat", f"few.seed{seed}") for seed in (0, 1))
    for row in first + second:
        assert (row["error"], row["finish_reason"]) == (None, "length")
        assert row["num_generated_tokens"] == 16
        assert row["num_input_tokens"] > 50  # of which the clip's are the most
    assert [row["generation"] for row in first] != [row["generation"] for row in second]
    (long,) = rows(workflow, "chat", "long.seed0")
    assert "400" in long["error"]
    assert "chunk_seconds" in long["error"]
    assert long["attempts"] == 1


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
    assert [row["error"] for row in answers] == [None] * len(SENTENCES)
