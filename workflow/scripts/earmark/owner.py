"""Whose report a results folder holds, so that one config does not replace another's unasked."""

import os
from pathlib import Path

from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import read_json, write_json


def check_owner(run: Run) -> None:
    """Refuse a results folder in which another config's report is.

    The same config under another folder, as in a moved or fresh clone, goes on with its results;
    so does one that was renamed.

    Raises:
        EarmarkError: naming both configs and what to do.
    """
    record = run.paths.owner.of()  # beside the report: the config files that it was made from
    if not record.is_file() or not run.paths.report.of().is_file():
        return
    was, now = read_json(record), _files(run)
    if was["relative"] == now["relative"] or was["files"] == now["files"]:
        return
    if not all(Path(file).is_file() for file in was["files"]):
        return
    theirs, ours = (" + ".join(one["relative"]) for one in (was, now))
    raise EarmarkError(
        f"{ours}: results_dir: {run.results_dir} holds the report and leaderboard of {theirs}, "
        f"which would be replaced; give {ours} a results_dir of its own, or, if it is to take the "
        f"folder over, delete {record}"
    )


def claim(run: Run) -> None:
    """Record that a results folder's report is this config's."""
    write_json(run.paths.owner.of(), _files(run))


def _files(run: Run) -> dict[str, list[str]]:
    files = [Path(name).absolute() for name in str(run.frozen["where"]).split(" + ")]
    return {
        "files": [str(file.resolve()) for file in files],
        "relative": [os.path.relpath(file) for file in files],
    }
