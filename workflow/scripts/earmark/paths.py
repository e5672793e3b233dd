"""Paths that a config names: found, or told as missing before anything is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError

_MADE = ("data_dir", "results_dir", "hub_cache")


def existing(given: str, root: str | Path, key: str, wanted: str) -> str:
    """A file that a config names, relative to the working folder.

    Args:
        given: The path as the config has it.
        root: Where relative paths start: the folder that holds ``config/``. What is not there is
            looked for in the working folder, where the files of a workflow are that uses this one.
        key: The file and key that name it, for the message.
        wanted: What the file is to be, for the message.

    Raises:
        EarmarkError: when there is no such file; names the key, the path and what is wanted.
    """
    tried = [*dict.fromkeys(Path(folder, given).absolute() for folder in (root, Path()))]
    for path in tried:
        if path.is_file():
            return os.path.relpath(path)
    is_folder = any(path.is_dir() for path in tried)
    problem = "is a folder" if is_folder else "does not exist"
    raise EarmarkError(f"{key}: {' and '.join(map(str, tried))} {problem}; {wanted} is expected")


def check_made(config: Mapping[str, Any], where: str) -> None:
    """Refuse folders that cannot be made, since a file is there already.

    Raises:
        EarmarkError: naming the key and the file.
    """
    for key in _MADE:
        path = Path(config.get(key) or ".")
        taken = next((part for part in (path, *path.parents) if part.is_file()), None)
        if taken:
            raise EarmarkError(
                f"{where}: {key}: {taken.absolute()} is a file; a folder is expected, or the name "
                "of one to make"
            )
