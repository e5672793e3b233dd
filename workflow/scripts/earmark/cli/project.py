"""A run's config as a command reads it, from whatever folder the command was given in."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from earmark.config import Run, load, read_yaml
from earmark.errors import EarmarkError


def add_configfile(parser: argparse.ArgumentParser) -> None:
    """Declare the option of the commands that are about a run."""
    parser.add_argument(
        "--configfile", default="config/config.yaml", help="the run's config (default: %(default)s)"
    )


def check_names(what: str, given: Iterable[str] | None, known: Iterable[str], where: str) -> None:
    """Refuse names given by an option, such as ``--model``, that a config does not have."""
    names = list(dict.fromkeys(known))
    for name in given or ():
        if name not in names:
            raise EarmarkError(f"--{what} {name}: {where} has {', '.join(names)}")


def load_run(path: str | Path) -> Run:
    """Read, check and resolve a config file.

    Its benchmarks are those of the working folder; where that lacks them, of the project that the
    file lies in, or of this code (where Snakemake takes them from). Results that are not in the
    working folder are then looked for in that project.

    Raises:
        EarmarkError: as `earmark.config.resolve` does.
    """
    root = _project(Path(path))
    run = load(path, root)
    if Path(run.results_dir).exists() or not Path(root, run.results_dir).exists():
        return run
    return replace(
        run,
        data_dir=str(Path(root, run.data_dir)),
        results_dir=str(Path(root, run.results_dir)),
        hub_cache=str(Path(root, run.hub_cache)),
    )


def _project(path: Path) -> Path:
    """The nearest folder that holds all of a config's benchmarks; else the working folder."""
    config = read_yaml(path)
    named = config.get("benchmarks") if isinstance(config, Mapping) else None
    selected = named.items() if isinstance(named, Mapping) else ()
    files = [_file(name, given) for name, given in selected]
    folders = (Path(), *path.absolute().parents, Path(__file__).resolve().parents[4])
    holding = (one for one in folders if all((one / file).is_file() for file in files))
    return next(holding, Path())


def _file(name: object, given: Any) -> str:
    own = given.get("file") if isinstance(given, Mapping) else None
    return str(own or f"config/benchmarks/{name}.yaml")
