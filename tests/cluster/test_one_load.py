"""One load of a model answers several splits, in one allocation."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import soundfile

TESTS = Path(__file__).parents[1]
SERVER = """
import os, signal, sys, time
from standin import standin

with open(sys.argv[1], "a") as log:
    log.write("loaded in job " + os.environ["SLURM_JOB_ID"] + "\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with standin(int(sys.argv[2])):
    time.sleep(300)
"""
SPLITS = ("a", "b", "c")


def test_three_splits_are_one_allocation_and_one_load(run):
    audio = run.folder / "audio"
    audio.mkdir()
    splits = {}
    for pitch, name in enumerate(SPLITS):
        samples = 0.3 * np.sin(2 * np.pi * (300 + 20 * pitch) * np.arange(8000) / 16000)
        soundfile.write(audio / f"{name}.wav", samples, 16000)
        row = {"id": name, "audio_filepath": f"{name}.wav", "text": "heard"}
        (audio / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
        splits[name] = {"type": "local", "manifest": str(audio / f"{name}.jsonl")}
    run.benchmark("mini", **splits)
    script, loads = run.folder / "server.py", run.folder / "loads"
    script.write_text(SERVER)
    run.config["models"]["one"] = {
        "server": "command",
        "command": f"{sys.executable} {script} {loads} {{port}}",
        "model": "standin",
        "gpus": 1,
        "audio": "input_audio",
        "env": {"PYTHONPATH": str(TESTS)},
    }
    profile = run.copy / "profiles/slurm/config.yaml"
    lines = ("groups", "group-components", "resources", "set-resource-scopes")
    text, count = re.subn(rf"^# ({'|'.join(lines)}): ", r"\1: ", profile.read_text(), flags=re.M)
    assert count == len(lines)
    profile.write_text(text)
    output = run.run()
    assert len(loads.read_text().splitlines()) == 1, output
    for name in SPLITS:
        assert (run.folder / f"results/one/scores/mini/{name}.metrics.json").is_file(), output
    # A changed reference is that split's alone, and asks nothing.
    row = {"id": "a", "audio_filepath": "a.wav", "text": "heard otherwise"}
    (audio / "a.jsonl").write_text(json.dumps(row) + "\n")
    output = run.run()
    assert len(loads.read_text().splitlines()) == 1, output
    assert {split for _, split in run.jobs_in(output)} - {""} == {"a"}, output
