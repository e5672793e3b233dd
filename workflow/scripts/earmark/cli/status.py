"""Show how far every model and split is, from manifests and journals, on whatever node jobs run.

Counted are requests: more than samples, where audio is sent in chunks or there are several seeds.
The rate is that of the last minute, and `left` the time that it leaves.
"""

import argparse
import json
import time
from pathlib import Path

from earmark.cli.printing import print_table
from earmark.cli.project import add_configfile, load_run
from earmark.config import Model, Run, Split
from earmark.paths import seeds as file_seeds
from earmark.progress import human_seconds

WINDOW = 60.0
"""Seconds over which the rate is taken."""
_EVERY = 5.0
_TAIL = 2**20
EXAMPLES = ("earmark status", "earmark status --watch --configfile config/demo.yaml")
_HEAD = ("model", "split", "done", "total", "errors", "rate", "left")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_configfile(parser)
    parser.add_argument("--watch", action="store_true", help="show it again every few seconds")


def run(args: argparse.Namespace) -> int:
    """Print the table, once or until Ctrl-C."""
    config = load_run(args.configfile)
    while True:
        rows = [
            _row(config, model, split)
            for model in config.models.values()
            for splits in config.benchmarks.values()
            for split in splits.values()
        ]
        print_table(_HEAD, [cells for cells, _ in rows], names=2)
        for (model, split, *_), reason in rows:
            if reason:
                print(f"\n{model} on {split} failed: {reason}")
        if not args.watch:
            return 0
        time.sleep(_EVERY)
        print(f"\n{time.strftime('%T')}")


def _row(config: Run, model: Model, split: Split) -> tuple[list[str], str | None]:
    """The row of a model and split, and why its last job failed, where it did.

    Counted are the requests of the config as it is now, of all seeds and chunks.
    """
    from earmark.files import read_jsonl
    from earmark.inference.journal import Journal
    from earmark.inference.requests import Requests, seeds
    from earmark.report.gather import failure, files
    from earmark.servers import answer_settings

    names = [model.name, f"{split.benchmark}/{split.name}"]
    places = files(config, model.folder, split)
    if not places.manifest.is_file():
        return [*names, "not prepared", *[""] * 4], None
    wanted = answer_settings(model, model.request(split))
    if model.server in ("random-choice", "imported"):  # nobody is asked: there is no journal
        rows = sum(1 for _ in read_jsonl(places.manifest))
        where = {"model": model.folder, "benchmark": split.benchmark, "split": split.name}
        written = [
            config.paths.predictions.of(seed=seed, **where).is_file()
            for seed in file_seeds(model.num_seeds)
        ]
        return [*names, f"{sum(written) * rows:,}", f"{len(written) * rows:,}", "0", "", ""], None
    requests = Requests(wanted, places.manifest.parent)
    asked = {
        request.fingerprint
        for row in read_jsonl(places.manifest)
        for seed in seeds(wanted)
        for request in requests.sample(row, seed).requests
    }
    with Journal(places.journal) as journal:
        done = sum(key in journal for key in asked)
        errors = sum(journal.failed(key) for key in asked)
    rate, reason = _rate(places.journal, time.time()), failure(places)
    left = len(asked) - done - errors
    until = human_seconds(left / rate) if rate and left > 0 else ""
    counts = [f"{count:,}" for count in (done, len(asked), errors)]
    return [*names, *counts, f"{rate:.3g}/s" if rate else "", "failed" if reason else until], reason


def _rate(folder: Path, now: float) -> float:
    """Requests a second that ended in the last minute, from the ends of a journal's files."""
    rate = 0.0
    for path in folder.glob("*.jsonl"):
        if path.stem == "compacted":
            continue
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _TAIL))
            lines = stream.read().split(b"\n")
        ends = sorted(filter(None, map(_end, lines[1:] if size > _TAIL else lines)))
        recent = [end for end in ends if now - WINDOW < end]
        if recent:  # since the window began, or the job, or what was read of its file
            begun = max(now - WINDOW, recent[0] if len(recent) == len(ends) else 0.0)
            rate += len(recent) / max(now - begun, 1.0)
    return rate


def _end(line: bytes) -> float | None:
    """Unix seconds at which a record's answer came; None where the line is no record."""
    try:
        return float(json.loads(line)["generation_end_time"])
    except (ValueError, TypeError, KeyError):
        return None
