"""The one kind of error that users are meant to read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_terminal: TextIO | None = None


class EarmarkError(Exception):
    """What a user can put right: the message names what was found, where, and what would do."""


def job_terminal() -> TextIO | None:
    """The terminal behind a job whose output goes to its log (see `job_log`); None without one."""
    return _terminal


@contextmanager
def job_log(path: str | Path | None = None) -> Iterator[None]:
    """Run a job's body with its output in a log file and its errors made readable.

    Standard output and error, those of child processes too, go to ``path``. An `EarmarkError`
    ends the process with exit code 1 and its message in the log and on the terminal; any other
    exception is a defect, and keeps its traceback. Ctrl-C ends the process with exit code 130.

    Args:
        path: The log file, which is replaced; None leaves the streams alone.

    Raises:
        SystemExit: with code 1 after an `EarmarkError`, with 130 after Ctrl-C.
    """
    terminal = os.dup(2)
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
    global _terminal  # noqa: PLW0603 - a process is one job
    if path is not None and os.isatty(terminal):
        _terminal = os.fdopen(os.dup(terminal), "w", encoding="utf-8")
    try:
        yield
    except EarmarkError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        if path is not None:
            os.write(terminal, f"error: {error}\n(log: {path})\n".encode())
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        sys.exit(130)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.close(terminal)
        if _terminal is not None:
            _terminal.close()
            _terminal = None


def failed_jobs(logs: str | Path, since: float) -> Iterator[tuple[Path, str]]:
    """What ended jobs, from the ends of their logs (see `job_log`).

    Args:
        logs: The folder of the jobs' logs, each as ``<rule>/…/<job>.log``.
        since: Unix seconds; logs that were written earlier are another run's.

    Yields:
        A failed job's log, and its error in at most 600 characters.
    """
    for path in sorted(Path(logs).rglob("*.log")):
        if path.stat().st_mtime < since or path.relative_to(logs).parts[0] == "servers":
            continue
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 10_000))
            lines = stream.read().decode("utf-8", errors="replace").splitlines()
        ours = [number for number, line in enumerate(lines) if line.startswith("error: ")]
        if ours:
            yield path, "\n".join(lines[ours[-1] :]).strip()[:600]
        elif any(line.startswith("Traceback (most recent call last)") for line in lines):
            yield path, lines[-1][:600]
