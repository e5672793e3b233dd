"""Where the demo's time goes: each step of one fresh run, beside the model called with no workflow.

The peer is the same model on the same clips in one process: what the answers alone cost. The last
line is one JSON object: seconds by rule, the whole run, the bare model, and their ratio.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import yaml

CLONE = Path(__file__).parents[1]
sys.path.insert(0, str(CLONE / "workflow" / "scripts"))


def run_demo(folder: Path) -> tuple[float, dict[str, float]]:
    """Run the demo in a folder; seconds of the whole, and of the jobs by rule."""
    config = yaml.safe_load((CLONE / "config/demo.yaml").read_text())
    config |= {"data_dir": str(folder / "data"), "results_dir": str(folder / "results")}
    path = folder / "demo.yaml"
    path.write_text(yaml.safe_dump(config))
    begin = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "--snakefile", CLONE / "Snakefile", "--cores", "2",
            "--workflow-profile", CLONE / "profiles/default", "--configfile", path,
            "--directory", folder,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return seconds, seconds_by_rule(done.stdout + done.stderr)


def seconds_by_rule(log: str) -> dict[str, float]:
    """Job seconds by rule, from the time stamps in Snakemake's output (whole seconds)."""
    begun: dict[str, tuple[str, datetime]] = {}
    spent: dict[str, float] = {}
    stamp = datetime.min
    rule = ""
    for line in log.splitlines():
        if match := re.match(r"\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]", line):
            stamp = datetime.strptime(match[1], "%a %b %d %H:%M:%S %Y")
        elif match := re.match(r"(?:local)?rule (\w+):", line):
            rule = match[1]
        elif match := re.match(r"    jobid: (\d+)", line):
            begun[match[1]] = (rule, stamp)
        elif match := re.match(r"Finished jobid: (\d+)", line):
            name, start = begun[match[1]]
            spent[name] = spent.get(name, 0) + (stamp - start).total_seconds()
    spent.pop("all", None)
    return spent


def bare_model(folder: Path) -> tuple[float, float, int]:
    """Transcribe every clip with the model itself: seconds to load, to transcribe, and clips."""
    from concurrent.futures import ThreadPoolExecutor

    from earmark.demo.model import Whisper

    begin = time.perf_counter()
    model = Whisper(workers=2)
    loaded = time.perf_counter()
    clips = [path.read_bytes() for path in sorted(folder.glob("data/demo/*/source/*.wav"))]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(model.transcribe, clips))
    return loaded - begin, time.perf_counter() - loaded, len(clips)


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, rules = run_demo(folder)
        load, transcribe, clips = bare_model(folder)
    print(f"the demo: {whole:.1f} s; the model alone: {load:.1f} s + {transcribe:.1f} s")
    print(
        json.dumps(
            {
                "clips": clips,
                "whole_seconds": round(whole, 2),
                "seconds_by_rule": rules,
                "model_load_seconds": round(load, 2),
                "model_seconds": round(transcribe, 2),
                "ratio": round(whole / (load + transcribe), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
