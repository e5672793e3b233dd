"""What the workflow adds to Snakemake: dry runs of ours beside a bare Snakefile of the same shape.

Two shapes: 10 models on 11 splits of 16 shards, with nothing done yet; and a finished demo, for
which nothing is left to do. The last line is one JSON object: seconds, and ours over bare.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

CLONE = Path(__file__).parents[1]
MODELS, SPLITS, SHARDS, ROUNDS = 10, 11, 16, 3
DEMO_SPLITS = ["one", "two"]

BARE = """\
MODELS, SPLITS, SHARDS = {models}, {splits}, {shards}

wildcard_constraints: model="[^/]+", split="[^/]+", shard=r"\\d+"

rule all:
    input: expand("results/{{model}}/metrics.json", model=MODELS)

rule download:
    output: "data/{{split}}/files.json"
    shell: "touch {{output}}"

rule manifest:
    input: "data/{{split}}/files.json"
    output: "data/{{split}}/manifest.jsonl"
    shell: "touch {{output}}"
{infer}
rule score:
    input: "data/{{split}}/manifest.jsonl", "results/{{model}}/predictions/{{split}}.jsonl"
    output: "results/{{model}}/scores/{{split}}.json"
    shell: "touch {{output}}"

rule aggregate:
    input: expand("results/{{model}}/scores/{{split}}.json", split=SPLITS, allow_missing=True)
    output: "results/{{model}}/metrics.json"
    shell: "touch {{output}}"
"""
WHOLE = """
rule infer:
    input: "data/{split}/manifest.jsonl"
    output: "results/{model}/predictions/{split}.jsonl"
    shell: "touch {output}"
"""
SHARDED = """
rule infer_shard:
    input: "data/{split}/manifest.jsonl"
    output: temp("results/{model}/predictions/{split}.shards/{shard}.jsonl")
    shell: "touch {output}"

rule gather:
    input:
        "data/{split}/manifest.jsonl",
        expand("results/{model}/predictions/{split}.shards/{shard}.jsonl", shard=range(SHARDS),
               allow_missing=True),
    output: "results/{model}/predictions/{split}.jsonl"
    shell: "touch {output}"
"""


def bare(folder: Path, models: list[str], splits: list[str], shards: int) -> list[str]:
    """Write a bare Snakefile; returns its command line."""
    folder.mkdir()
    infer = SHARDED if shards > 1 else WHOLE
    text = BARE.format(models=models, splits=splits, shards=shards, infer=infer)
    (folder / "Snakefile").write_text(text)
    return ["--snakefile", str(folder / "Snakefile"), "--directory", str(folder)]


def ours(folder: Path, models: list[str], splits: dict[str, Any], shards: int) -> list[str]:
    """Write a config for the clone's workflow; returns its command line."""
    folder.mkdir()
    declared = {name: {"source": source} for name, source in splits.items()}
    benchmark = {"prompt": {"user": "Transcribe."}, "shards": shards, "splits": declared}
    (folder / "bench.yaml").write_text(yaml.safe_dump(benchmark))
    config = {
        "benchmarks": {"bench": {"file": str(folder / "bench.yaml")}},
        "models": {name: {"server": "demo", "model": "whisper-tiny.en"} for name in models},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return [
        "--snakefile", str(CLONE / "Snakefile"), "--directory", str(folder),
        "--configfile", str(folder / "config.yaml"),
    ]  # fmt: skip


def snakemake(arguments: list[str]) -> tuple[float, str]:
    """Run Snakemake; returns seconds and its output."""
    profile = ["--workflow-profile", str(CLONE / "profiles/default"), "--cores", "2"]
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, *profile],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(done.stdout)
    return seconds, done.stdout


def compare(name: str, commands: dict[str, list[str]]) -> dict[str, float]:
    """The quickest dry run of each of two, taken in turns."""
    best: dict[str, float] = {}
    counts = {}
    for _ in range(ROUNDS):
        for who, command in commands.items():
            seconds, output = snakemake([*command, "-n", "--quiet", "rules"])
            best[who] = min(seconds, best.get(who, seconds))
            total = re.search(r"^total +(\d+)$", output, re.MULTILINE)
            counts[who] = int(total[1]) if total else 0
    for who, seconds in best.items():
        print(f"{name}: {who}: {counts[who]} jobs, {seconds:.2f} s")
    return {**best, "ratio": best["ours"] / best["bare"], "jobs": counts["ours"]}


def main() -> None:
    """Compare both shapes."""
    models = [f"model{index}" for index in range(MODELS)]
    remote = {
        f"split{index}": {"type": "hub", "repo": "someone/speech", "split": f"s{index}"}
        for index in range(SPLITS)
    }
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name:
        folder = Path(name)
        large = compare(
            "10 x 11 x 16",
            {
                "bare": bare(folder / "bare", models, list(remote), SHARDS),
                "ours": ours(folder / "ours", models, remote, SHARDS),
            },
        )
        spoken = {"type": "local", "manifest": str(CLONE / "config/demo/demo_clean.jsonl")}
        demo = {
            "bare": bare(folder / "bare-demo", ["tiny"], DEMO_SPLITS, 1),
            "ours": ours(folder / "demo", ["tiny"], dict.fromkeys(DEMO_SPLITS, spoken), 1),
        }
        for command in demo.values():
            snakemake(command)
        done = compare("nothing to do", demo)
    result = {
        "bare_s": large["bare"],
        "ours_s": large["ours"],
        "jobs": large["jobs"],
        "ratio": large["ratio"],
        "no_op_bare_s": done["bare"],
        "no_op_ours_s": done["ours"],
        "no_op_ratio": done["ratio"],
    }
    print(json.dumps({key: round(value, 3) for key, value in result.items()}))


if __name__ == "__main__":
    main()
