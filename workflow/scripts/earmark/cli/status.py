"""Show how far every model and split is, from manifests and journals, on whatever node jobs run."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--configfile", default="config/config.yaml", help="the run's config")
    parser.add_argument("--watch", action="store_true", help="show it again every few seconds")


def run(args: argparse.Namespace) -> int:
    """Print a line a model and split, once or until Ctrl-C."""
    from earmark.config import load

    config = load(args.configfile)
    while True:
        lines = [
            _line(config, model, split)
            for model in config.models.values()
            for splits in config.benchmarks.values()
            for split in splits.values()
        ]
        print("\n".join(lines), flush=True)
        if not args.watch:
            return 0
        time.sleep(5)
        print()


def _line(config: Any, model: Any, split: Any) -> str:
    from earmark.files import read_jsonl
    from earmark.journal import Journal
    from earmark.requests import Recipe, seeds
    from earmark.servers import answer_settings
    from earmark.tally import progress_line

    name = f"{model.name} {split.benchmark} {split.name}"
    folder = Path(config.data_dir, split.benchmark, split.name)
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        return f"{name}: not prepared"
    wanted = answer_settings(model.settings, model.request(split))
    recipe = Recipe(wanted, folder)
    asked = {
        request.fingerprint
        for seed in seeds(wanted)
        for row in read_jsonl(manifest)
        for request in recipe.sample(row, seed).requests
    }
    home = Path(config.results_dir, model.folder, "journal", split.benchmark, split.name)
    with Journal(home) as journal:
        done = sum(key in journal for key in asked)
        failed = sum(journal.failed(key) for key in asked)
    return f"{name}: {progress_line(done + failed, len(asked), failed, 0, 0.0)}"
