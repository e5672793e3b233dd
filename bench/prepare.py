"""Preparing a set: clips as they came, beside decoding and encoding each anew, and beside copying.

Makes Parquet shards of FLAC clips as the leaderboard's sets have them, then in one run
- prepares them with Earmark (bytes written as they came, each clip decoded once, checksums
  computed), and again with `check_audio: header`, which decodes nothing,
- decodes each clip to an array and encodes FLAC anew, as NeMo-Skills prepares these sets,
- copies the same bytes into as many files,
and last makes a manifest of 150,000 rows in a process of its own, whose peak memory it reads.
The last line is one JSON object; `ratio` is theirs over ours, `header_ratio` theirs over ours
without decoding.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

CLONE = Path(__file__).parents[1]
sys.path.insert(0, str(CLONE / "workflow" / "scripts"))

RATE = 16000
COMMIT = "c" * 40
SCHEMA = pa.schema(
    [
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("text", pa.string()),
        ("id", pa.string()),
    ]
)


def speech_like(seconds: float, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Noise with the spectrum and the pauses of speech: FLAC halves it, as it does speech."""
    rng = np.random.default_rng(seed)
    samples = np.cumsum(rng.normal(size=int(seconds * RATE)))
    samples -= np.convolve(samples, np.ones(64) / 64, "same")
    loudness = np.repeat(rng.gamma(0.6, 1.0, int(seconds * 5) + 1), RATE // 5)[: len(samples)]
    samples *= loudness
    return 0.5 * samples / np.abs(samples).max()


def flac(samples: np.ndarray[Any, Any]) -> bytes:
    """A 16-bit FLAC file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def shards(folder: Path, clips: list[bytes], rows: int, shard_rows: int) -> list[Path]:
    """Parquet files of `rows` rows in groups of 100, the clips in turn."""
    paths = []
    for first in range(0, rows, shard_rows):
        path = folder / f"test-{first // shard_rows:05d}.parquet"
        with pq.ParquetWriter(path, SCHEMA) as writer:
            last = min(first + shard_rows, rows)
            for start in range(first, last, 100):
                numbers = range(start, min(start + 100, last))
                group = [
                    {
                        "audio": {"bytes": clips[n % len(clips)], "path": f"{n}.flac"},
                        "text": f"this is utterance number {n}",
                        "id": f"bench/{n:06d}",
                    }
                    for n in numbers
                ]
                writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
        paths.append(path)
    return paths


def downloaded(folder: Path, paths: list[Path]) -> None:
    """Put shards where the download step leaves them, with its record; what manifest needs."""
    snapshot = folder / "hub-cache" / "datasets--bench--set" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True, exist_ok=True)
    files = []
    for path in paths:
        files.append({"path": path.name, "size": path.stat().st_size})
        path.replace(snapshot / path.name)
    record = {"repo": "bench/set", "name": "bench/set", "commit": COMMIT, "form": "parquet",
              "options": {}, "files": files, "archive": None, "clips": [],
              "picked_of": None}  # fmt: skip
    (folder / "files.json").write_text(json.dumps(record))


def prepare(folder: Path, name: str = "test", check: str = "full") -> Path:
    """Earmark's manifest step over what `downloaded` left; returns the split's folder."""
    from earmark.config import Split
    from earmark.data.manifest import write_manifest

    source = {"type": "hub", "repo": "bench/set"}
    split = Split(benchmark="set", name=name, source=source, check_audio=check)
    home = folder / "set" / name
    (home / "source").mkdir(parents=True)
    write_manifest(
        split,
        files=shutil.copyfile(folder / "files.json", home / "source" / "files.json"),
        cache=folder / "hub-cache",
        manifest=home / "manifest.jsonl",
        record=home / "source.json",
    )
    return home


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of the shards, as any reader of Parquet yields them."""
    for path in sorted((folder / "hub-cache").rglob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=100):
            yield from batch.to_pylist()


def encode_anew(folder: Path, target: Path) -> None:
    """Each clip decoded to an array and encoded anew, one after the other; and a manifest."""
    target.mkdir()
    with (target / "manifest.jsonl").open("w") as manifest:
        for row in rows_of(folder):
            samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
            path = target / (row["id"].replace("/", "_") + ".flac")
            soundfile.write(path, samples, rate)
            entry = {"audio_filepath": str(path), "duration": len(samples) / rate}
            manifest.write(json.dumps({**entry, "text": row["text"]}) + "\n")


def copy_bytes(source: Path, target: Path) -> None:
    """The files that Earmark wrote, copied one by one."""
    target.mkdir()
    for path in source.iterdir():
        shutil.copyfile(path, target / path.name)


def timed(what: Callable[[], Any], size: int, folder: Path) -> tuple[float, float]:
    """Seconds that a call takes, which writes `size` bytes: by the clock, and of processors.

    As many bytes are written and removed just before, so that memory for them is at hand: a
    virtual machine may else first ask its host for it, at many times the price of the writing.
    """
    with (folder / "warm").open("wb") as stream:
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    os.sync()
    (folder / "warm").unlink()
    begin, used = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - begin, time.process_time() - used


def measure(data: Path, folder: Path, size: int, number: int) -> tuple[tuple[float, float], ...]:
    """What ours, theirs, a copy and ours without decoding take, each in a new place; see `timed`.

    Nothing is removed before all rounds are over; see `spread`.
    """
    name = f"round-{number}"
    ours = timed(lambda: prepare(data, name), size, folder)
    headers = timed(lambda: prepare(data, f"{name}-headers", "header"), size, folder)
    audio = data / "set" / name / "audio"
    copied = timed(lambda: copy_bytes(audio, folder / f"copy-{number}"), size, folder)
    theirs = timed(lambda: encode_anew(data, folder / f"anew-{number}"), size, folder)
    return ours, theirs, copied, headers


def spread(folder: Path) -> None:
    """Ask ext4 to lay out a folder's sub-folders apart from what was on the disk before.

    For minutes after thousands of files were removed nearby, as tests and earlier rounds do, ext4
    takes ten times as long to make a new one. It would hit ours, theirs and the copy alike, and
    hide what they differ in. Elsewhere than on ext4, nothing is changed.
    """
    with contextlib.suppress(OSError):
        subprocess.run(["chattr", "+T", folder], check=False, capture_output=True)


def peak_memory(folder: Path) -> float:
    """Peak resident memory, in MB, of a process that runs the manifest step alone."""
    command = [sys.executable, __file__, "--prepare", folder]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(output.split()[-1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1500, help="clips to prepare each way")
    parser.add_argument("--rows", type=int, default=150_000, help="rows of the large manifest")
    parser.add_argument("--rounds", type=int, default=5, help="times to do so; the best counts")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare(arguments.prepare)
        status = Path("/proc/self/status").read_text()
        print(re.search(r"VmHWM:\s+(\d+) kB", status)[1])  # type: ignore[index]
        return
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name:
        folder = Path(name)
        spread(folder)
        rng = np.random.default_rng(0)
        clips = [flac(speech_like(rng.uniform(2, 14), seed)) for seed in range(200)]
        data = folder / "large"
        data.mkdir()
        (data / "set").mkdir()
        spread(data / "set")
        downloaded(data, shards(data, clips, arguments.clips, 1000))
        size = sum(len(clips[n % len(clips)]) for n in range(arguments.clips))
        # The best of some rounds each: other work on the machine can only slow them down.
        rounds = [measure(data, folder, size, number) for number in range(arguments.rounds)]
        best = [min(t[0] for t in times) for times in zip(*rounds, strict=True)]
        ours, theirs, copied, headers = best
        our_cpu, their_cpu, *_ = (min(t[1] for t in times) for times in zip(*rounds, strict=True))
        many = folder / "many"
        many.mkdir()
        tiny = [flac(speech_like(0.25, seed)) for seed in range(100)]
        downloaded(many, shards(many, tiny, arguments.rows, 50_000))
        memory = peak_memory(many)
    ms = 1000 / arguments.clips
    print(f"{arguments.clips} clips, {size / 1e6:.0f} MB: ours {ours * ms:.2f} ms a clip, decoding "
          f"and encoding anew {theirs * ms:.2f}, copying {copied * ms:.2f}")  # fmt: skip
    print(f"{arguments.rows} rows: {memory:.0f} MB at the peak")
    figures = {
        "ratio": round(theirs / ours, 2),
        "header_ratio": round(theirs / headers, 2),
        "cpu_ratio": round(their_cpu / our_cpu, 2),
        "ours_ms_per_clip": round(ours * ms, 3),
        "theirs_ms_per_clip": round(theirs * ms, 3),
        "copy_ms_per_clip": round(copied * ms, 3),
        "ours_over_copy": round(ours / copied, 2),
        "clip_kb": round(size / arguments.clips / 1000, 1),
        "rows": arguments.rows,
        "peak_mb": round(memory),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
