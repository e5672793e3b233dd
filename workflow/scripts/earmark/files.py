"""Files that are written whole or not at all, and JSON Lines with errors that name the line."""

import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from earmark.errors import EarmarkError

Row = dict[str, Any]


@contextmanager
def whole_file(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only once it is complete.

    The content goes to a temporary name in the same folder, is flushed to disk, and is renamed
    when the block ends; when it raises, the temporary file is removed and ``path`` is untouched.

    Args:
        path: The file to write; its folder is made where it is missing.
        mode: ``"w"`` for UTF-8 text or ``"wb"`` for bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open(mode, encoding=None if "b" in mode else "utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


OTHERS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: run `git lfs pull` there",
    b"<!doctype html": "a web page, not the file itself: download it anew",
    b"<html": "a web page, not the file itself: download it anew",
}


def not_itself(start: bytes) -> str | None:
    """What stands where a file should, as its first bytes tell, and what to do; None otherwise."""
    start = start.lstrip().lower()
    return next((what for magic, what in OTHERS.items() if start.startswith(magic)), None)


DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""The error numbers of a disk, or of a share of one, that has no room left."""


def disk_error(
    error: OSError, place: str | Path, needed: str, key: str = "data_dir"
) -> EarmarkError | OSError:
    """The error to raise where a folder cannot be written, in words to act on.

    Args:
        error: What was raised; it comes back where it is about something else.
        place: The folder.
        needed: What is needed there, for a disk that is full: ``about 2.1 GB are needed``.
        key: The key of the config that puts the folder on another disk.
    """
    if error.errno in DISK_FULL:
        return EarmarkError(
            f"{place}: the disk is full{'' if error.errno == errno.ENOSPC else ' (quota)'}; "
            f"{needed}; make room, or set `{key}` to a folder on a larger disk"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EarmarkError(f"{error.filename or place}: cannot be written: {error.strerror}")
    return error


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON with letters as they are, and escapes only where UTF-8 has no way to write one."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, as some models' text holds
        return json.dumps(value, indent=indent)
    return text


def write_json(path: str | Path, value: Any) -> None:
    """Write one JSON document, indented, whole or not at all."""
    with whole_file(path) as stream:
        stream.write(json_text(value, indent=2) + "\n")


def write_jsonl(path: str | Path, rows: Iterable[Row]) -> int:
    """Write one JSON object a line, whole or not at all; returns how many were written."""
    count = 0
    with whole_file(path) as stream:
        for row in rows:
            stream.write(json_text(row) + "\n")
            count += 1
    return count


def read_json(path: str | Path) -> Any:
    """Read one JSON document.

    Raises:
        EarmarkError: when the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise EarmarkError(f"{path}: not JSON: {error}") from None


def read_jsonl(path: str | Path) -> Iterator[Row]:
    """Read JSON Lines, a row at a time; blank lines are passed over.

    Raises:
        EarmarkError: when the file is missing, or a line is not a JSON object; names the line.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 (closed below; only the opening is tried)
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    with stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise EarmarkError(f"{path}, line {number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise EarmarkError(
                    f"{path}, line {number}: a JSON object was expected, found {type(row).__name__}"
                )
            yield row
