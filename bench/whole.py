"""The leaderboard end to end against a server that answers at once: seconds and memory a step.

Rows of the eight sets' sizes ask one clip of 16 KB over loopback, each as a request of its own;
then they are scored under both protocols with intervals, and aggregated. Each step has a process of
its own. ``python bench/whole.py [FRACTION]``; the last line is one JSON object.
"""

from __future__ import annotations

import json
import random
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "workflow" / "scripts")]

from makespan import SERVER  # noqa: E402

# By its path: one of the workflow's scripts is called so too.
SCORE = runpy.run_path(str(HERE / "score.py"))
SIZES, sentences, spliced = (SCORE[name] for name in ("SIZES", "sentences", "spliced"))

PROTOCOLS = ("whisper", "open_asr_leaderboard")


def prepare(folder: Path, fraction: float) -> int:
    """Write the manifests, as the manifest step does; one clip stands for all."""
    from earmark.files import write_jsonl

    (folder / "clip.wav").write_bytes(bytes(16_000))
    known, chance, count = sentences(), random.Random(1), 0
    for name, size in SIZES.items():
        rows = [
            {"id": f"{k // 40}-{k % 40}", "audio_filepath": "clip.wav", "duration": 5.0,
             "audio_sha256": f"{name}{k:056x}", "text": spliced(known, chance)}
            for k in range(max(2, round(fraction * size)))
        ]  # fmt: skip
        write_jsonl(folder / f"{name}.manifest.jsonl", rows)
        count += len(rows)
    return count


def infer_all(folder: Path, port: int) -> None:
    """Ask for every row of every split."""
    from earmark.config import Model
    from earmark.inference.infer import Job, infer
    from earmark.servers import answer_settings

    model = Model.model_validate({
        "server": "openai", "model": "m", "api": "chat", "max_failed_fraction": 0,
        "base_url": f"http://127.0.0.1:{port}/v1",
        "client": {"concurrency": 128, "timeout": 60, "max_retries": 3},
    })  # fmt: skip
    asked = {
        "model": "m", "revision": None, "api": "chat", "sampling": {}, "extra_body": {},
        "prompt": {"system": None, "user": "Transcribe.", "suffix": ""},
    }  # fmt: skip
    for name in SIZES:
        manifest = folder / f"{name}.manifest.jsonl"
        infer(
            Job(
                name, answer_settings(model, asked), model, manifest,
                folder / "journal" / name, folder / f"{name}.predictions.jsonl", folder / "log",
            )
        )  # fmt: skip


def score_all(folder: Path) -> None:
    """Score every split under both protocols."""
    from earmark.scoring.score import score

    for name in SIZES:
        score(
            f"b-{name}", f"{folder}/{name}.manifest.jsonl",
            f"{folder}/{name}.predictions.jsonl", f"{folder}/{name}.jsonl",
            f"{folder}/{name}.metrics.json", PROTOCOLS,
        )  # fmt: skip


def aggregate_all(folder: Path) -> None:
    """Combine the splits into the benchmark's metrics."""
    from earmark.scoring.score import aggregate

    splits = [f"{folder}/{name}.metrics.json" for name in SIZES]
    aggregate("b", splits, f"{folder}/all.json")


def measured(step: Callable[..., Any], *arguments: Any) -> dict[str, float]:
    """Run a step; seconds, and the most memory that its process held (MB)."""
    begin = time.perf_counter()
    step(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": round(time.perf_counter() - begin, 1), "peak_mb": round(peak)}


def alone(step: Callable[..., Any], *arguments: Any) -> dict[str, float]:
    """As `measured`, in a process of its own."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(measured, step, *arguments).result()


def main() -> None:
    fraction = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    command = [sys.executable, "-c", SERVER, "4096", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found: dict[str, Any] = {"rows": prepare(folder, fraction)}
            found["infer"] = alone(infer_all, folder, port)
            found["score"] = alone(score_all, folder)
            found["aggregate"] = alone(aggregate_all, folder)
    finally:
        server.kill()
        server.wait()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
