"""Show how far every model and split is, from manifests and journals, on whatever node jobs run."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earmark.cli.project import load_run
from earmark.config import Model, Run, Split
from earmark.progress import human_seconds

WINDOW = 60.0
"""Seconds over which the rate is taken."""
_EVERY = 5.0
_TAIL = 2**20
_HEAD = ("model", "split", "done", "total", "errors", "rate", "left")


@dataclass(frozen=True)
class Progress:
    """How far a model is with a split.

    Attributes:
        model: The model's name.
        split: ``<benchmark>/<split>``.
        done: Requests of the config as it is now that were answered.
        total: All its requests, of all seeds and chunks; None before the manifest is made.
        errors: Requests that got nothing but errors.
        rate: Requests a second that ended in the last minute, in any job.
    """

    model: str
    split: str
    done: int = 0
    total: int | None = None
    errors: int = 0
    rate: float = 0.0

    def cells(self) -> list[str]:
        """The row of the table."""
        if self.total is None:
            return [self.model, self.split, "not prepared", "", "", "", ""]
        left = max(0, self.total - self.done - self.errors)
        return [
            self.model, self.split, f"{self.done:,}", f"{self.total:,}", f"{self.errors:,}",
            f"{self.rate:.3g}/s" if self.rate else "",
            human_seconds(left / self.rate) if self.rate and left else "",
        ]  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )
    parser.add_argument("--watch", action="store_true", help="show it again every few seconds")


def run(args: argparse.Namespace) -> int:
    """Print the table, once or until Ctrl-C."""
    config = load_run(args.configfile)
    while True:
        print(table(list(progress(config))), flush=True)
        if not args.watch:
            return 0
        time.sleep(_EVERY)
        print(f"\n{time.strftime('%T')}")


def progress(config: Run) -> Iterator[Progress]:
    """Every model and split of a config."""
    for model in config.models.values():
        for splits in config.benchmarks.values():
            for split in splits.values():
                yield _progress(config, model, split)


def table(found: list[Progress]) -> str:
    """What was found, as a table for a terminal."""
    rows = [list(_HEAD), *(one.cells() for one in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_HEAD))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _progress(config: Run, model: Model, split: Split) -> Progress:
    from earmark.files import read_jsonl
    from earmark.inference.journal import Journal
    from earmark.inference.requests import Requests, seeds
    from earmark.servers import answer_settings

    name = f"{split.benchmark}/{split.name}"
    folder = Path(config.data_dir, split.benchmark, split.name)
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        return Progress(model.name, name)
    home = Path(config.results_dir, model.folder)
    wanted = answer_settings(model.settings, model.request(split))
    if model.settings["server"] == "random-choice":  # nobody is asked: there is no journal
        rows = sum(1 for _ in read_jsonl(manifest))
        written = list((home / "predictions" / split.benchmark).glob(f"{split.name}*.jsonl"))
        known = {split.name, *(f"{split.name}.seed{k}" for k in range(wanted["num_seeds"]))}
        done = sum(path.stem in known for path in written)
        return Progress(model.name, name, done * rows, wanted["num_seeds"] * rows)
    requests = Requests(wanted, folder)
    asked = {
        request.fingerprint
        for row in read_jsonl(manifest)
        for seed in seeds(wanted)
        for request in requests.sample(row, seed).requests
    }
    kept = home / "journal" / split.benchmark / split.name
    with Journal(kept) as journal:
        done = sum(key in journal for key in asked)
        errors = sum(journal.failed(key) for key in asked)
    return Progress(model.name, name, done, len(asked), errors, _rate(kept, time.time()))


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
