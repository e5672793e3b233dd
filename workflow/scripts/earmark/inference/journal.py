"""The journal: every answer of a model, kept under its request's fingerprint as it arrives.

A split's journal is a folder of JSON Lines files that are only ever appended to. Each job (a
shard) appends to a file of its own and reads all of them, so a killed job, a retried one or
another number of shards asks only for what no file holds. A line is written by one call, so a
SIGKILL loses no answer that was written; a torn last line is dropped, never fatal.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from filelock import FileLock, Timeout

from earmark.errors import EarmarkError
from earmark.files import Row, whole_file


def shard_file(folder: Path, shard: int, shards: int, seed: int = 0) -> Path:
    """The file that one job of a split appends to."""
    return folder / f"{f'seed{seed}-' if seed else ''}{shard}-of-{shards}.jsonl"


class Journal:
    """The answers in a split's journal, found by fingerprint; the answers stay on disk.

    About 200 bytes of memory an answer. It holds what the files held when it was opened. The first
    answer to a request is the one that counts; an error counts only until there is an answer, the
    last one first.

    Attributes:
        answers: Where each answer lies (file, offset, length), by fingerprint.
        errors: Where the last error lies of each request that got nothing else.
        repeated: How many lines add nothing: a second answer, an error that was put right.
        torn: How many last lines were cut short.
        damaged: The ``file, line`` of each other line that is no record.
        size: The files' bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.answers: dict[bytes, tuple[int, int, int]] = {}
        self.errors: dict[bytes, tuple[int, int, int]] = {}
        self.repeated = self.torn = self.size = 0
        self.damaged: list[str] = []
        self._files: list[BinaryIO] = []
        for path in sorted(folder.glob("*.jsonl")):
            with suppress(FileNotFoundError):  # compacted this moment
                self._files.append(path.open("rb"))
                self._read(path, self._files[-1])

    def _read(self, path: Path, stream: BinaryIO) -> None:
        offset = 0
        for number, line in enumerate(stream, start=1):
            if row := _record(line):
                self._add(row, (len(self._files) - 1, offset, len(line)))
            elif not line.endswith(b"\n"):
                self.torn += 1
            elif line.strip():
                self.damaged.append(f"{path}, line {number}")
            offset += len(line)
        self.size += offset

    def _add(self, row: Row, place: tuple[int, int, int]) -> None:
        key = bytes.fromhex(row["request"])
        self.repeated += key in self.answers or key in self.errors
        if key in self.answers:
            return
        if row.get("error") is None:
            self.answers[key] = place
            self.errors.pop(key, None)
        else:
            self.errors[key] = place

    def __contains__(self, fingerprint: str) -> bool:
        """Whether the request was answered; an error is no answer."""
        return bytes.fromhex(fingerprint) in self.answers

    def failed(self, fingerprint: str) -> bool:
        """Whether the request was asked and got nothing but errors."""
        return bytes.fromhex(fingerprint) in self.errors

    def get(self, fingerprint: str) -> Row | None:
        """The answer to a request, else its last error, else None."""
        key = bytes.fromhex(fingerprint)
        place = self.answers.get(key) or self.errors.get(key)
        return None if place is None else _record(self._line(place))

    def lines(self) -> Iterator[bytes]:
        """The lines that count, in the order in which they were written, file by file."""
        for place in sorted([*self.answers.values(), *self.errors.values()]):
            yield self._line(place).rstrip(b"\n") + b"\n"

    def _line(self, place: tuple[int, int, int]) -> bytes:
        number, offset, length = place
        return os.pread(self._files[number].fileno(), length, offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._files:
            stream.close()


class Writer:
    """Appends to one file of a journal; one job at a time.

    Args:
        path: The file.
        wait: Asked every two seconds whether to wait for another job to be done with the file; it
            is said once which job that is. None does not wait.

    Raises:
        EarmarkError: when another job is appending to the file, or the journal is being compacted;
            names the machine and the process.
    """

    def __init__(self, path: Path, wait: Callable[[], bool] | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with ExitStack() as held:
            held.enter_context(_locked(path, wait=wait))
            with _locked(path.parent / "folder", patience=10):  # whoever compacts holds it
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                held.callback(os.close, self._file)
                _mend(path, self._file)
            self._held = held.pop_all()

    def append(self, row: Row) -> None:
        """Write one record (it has a ``request``); it survives the death of this process.

        Raises OSError when the disk is full or otherwise refuses; no half of a line stays.
        """
        line = json.dumps(row, ensure_ascii=True).encode() + b"\n"
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise

    def sync(self) -> None:
        """Have the disk hold what was written, so that the machine's death loses nothing either."""
        os.fsync(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._held:  # which lets the next job in
            self.sync()


def compact(folder: Path) -> tuple[int, int]:
    """Rewrite a journal as one file without lines that count for nothing.

    Returns its size in bytes before and after; raises EarmarkError while a job appends to it.
    """
    with ExitStack() as held:
        held.enter_context(_locked(folder / "folder"))
        before = sorted(folder.glob("*.jsonl"))
        for path in before:
            held.enter_context(_locked(path))
        journal = held.enter_context(Journal(folder))
        whole = folder / "compacted.jsonl"
        size = sum(path.stat().st_size for path in before)
        with whole_file(whole, "wb") as stream:
            for line in journal.lines():
                stream.write(line)
        for path in before:
            if path != whole:
                path.unlink()
        return size, whole.stat().st_size


def _record(line: bytes) -> Row | None:
    """A line's record, or None where it is none."""
    try:
        row = json.loads(line)
        bytes.fromhex(row["request"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _mend(path: Path, file: int) -> None:
    """End a file whose last line was cut short at the line before, so that the next is whole."""
    size, last = 0, b"\n"
    with path.open("rb") as stream:
        for last in stream:
            size += len(last)
    if not last.endswith(b"\n") and _record(last) is None:
        os.ftruncate(file, size - len(last))
    elif not last.endswith(b"\n"):
        os.write(file, b"\n")


@contextmanager
def _locked(
    path: Path, patience: float = 0.0, wait: Callable[[], bool] | None = None
) -> Iterator[None]:
    """Hold the lock of a file, which the death of the process releases, however it dies."""
    path = path.with_name(path.name + ".lock")
    lock = FileLock(path, timeout=patience, fallback_to_soft=False)
    said = False
    try:
        while True:
            try:
                lock.acquire()
                break
            except Timeout:
                holder = path.read_text(errors="replace").strip() or "another process"
                used = f"{path.parent}: this journal is in use by {holder}"
                if wait is None or not wait():
                    raise EarmarkError(
                        f"{used}; wait for it, or end it, then run again (nothing is asked twice)"
                    ) from None
            if not said:
                print(f"{used}; waiting for it to end (nothing is asked twice)", flush=True)
            said = True
            time.sleep(2)
        number = os.environ.get("SLURM_JOB_ID")
        job = f" (SLURM job {number})" if number else ""
        own = f"process {os.getpid()} on {socket.gethostname()}{job}"
        path.write_text(f"{own}, since {time.strftime('%F %T')}\n")
    except OSError as error:  # a file system without locks
        print(f"warning: {path}: no lock ({error.strerror}); going on without one", flush=True)
    try:
        yield
    finally:
        lock.release()
