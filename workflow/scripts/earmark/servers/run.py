"""The Snakemake run that a job belongs to, and where the processes of this user and machine meet.

Servers are shared within a run and end with it; GPUs are shared out between all runs of a user.
"""

import json
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import psutil
from filelock import FileLock, Timeout

from earmark.errors import EarmarkError

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, unless ``stop_timeout`` says otherwise."""
VARIABLE = "EARMARK_ALLOCATION"
"""Tells jobs of a group which run they share servers in (`earmark.servers.allocation`)."""


@dataclass(frozen=True)
class Run:
    """A process whose life bounds that of the servers started for it.

    Attributes:
        pid: The process.
        started: When it started, in Unix seconds: pids are used again.
        shared: Whether other jobs of the run may come to this machine for the same server.
        allocation: The socket of the process that starts servers for all jobs of an allocation;
            empty where each job starts its own.
    """

    pid: int
    started: float
    shared: bool
    allocation: str = ""

    def alive(self) -> bool:
        """Whether the process still runs (one that has ended but was not waited for does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 2
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def current_run() -> Run:
    """The run of this job: Snakemake's main process here, or else this job alone.

    On a cluster the nearest Snakemake is the one that runs this job and nothing else
    (``--mode remote``), so each job has its own servers; those of a group have the run of the
    Snakemake that runs the group, if they are on its node.
    """
    host, facts = json.loads(os.environ.get(VARIABLE) or "[null, null]")
    if host == socket.gethostname():
        return Run(**facts)
    for process in psutil.Process().parents():
        try:
            words, started = process.cmdline(), process.create_time()
        except psutil.Error:
            continue
        mode = snakemake_mode(words)
        if mode in ("remote", "default"):
            return Run(process.pid, started, shared=mode == "default")
    return own_run()


def own_run() -> Run:
    """This process as a run of its own."""
    return Run(os.getpid(), psutil.Process().create_time(), shared=False)


def snakemake_mode(words: Sequence[str]) -> str | None:
    """The mode of a Snakemake command line (``default`` unless it says so), or None for others."""
    head = [PurePath(word).name for word in words[:4]]
    if "snakemake" not in head[:2] and head[1:3] != ["-m", "snakemake"]:
        return None
    mode = re.search(r"\0--mode[=\0]([^\0]*)", "\0".join(words))
    return mode[1] if mode else "default"


def runtime_folder() -> Path:
    """The folder of this user's locks and sockets on this machine, closed to everybody else.

    It is always in ``/tmp``: what the environment names (``XDG_RUNTIME_DIR``, ``TMPDIR``) differs
    between sessions of one user, and a home folder may be on several machines at once.

    Raises:
        EarmarkError: when it cannot be made, or is somebody else's.
    """
    folder = Path("/tmp") / f"earmark-servers-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise EarmarkError(f"{folder}: {error.strerror}; locks on GPUs have to be there") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise EarmarkError(f"{folder}: not a folder of this user; have its owner remove it")
    folder.chmod(0o700)
    return folder


def program(module: str) -> list[str]:
    """The command line of a module's ``main`` in this environment; installed or not."""
    start = f"import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main()"
    return [sys.executable, "-P", "-c", start, str(Path(__file__).parents[2])]


def line(**message: Any) -> bytes:
    """A message to or from a supervisor, as `earmark.servers.supervisor` says what there are."""
    return json.dumps(message).encode() + b"\n"


def ask(path: Path, message: Mapping[str, Any], timeout: float | None = None) -> bytes | None:
    """What the process at a socket says to a message; None where none does in so many seconds.

    A supervisor that ends in consequence has said nothing once it is gone.
    """
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except ConnectionRefusedError:  # it was killed
            path.unlink()
            return None
        connection.sendall(line(**message))
        return b"".join(iter(lambda: connection.recv(4096), b""))
    return None


def end_servers(run: Run) -> None:
    """End the idle servers of a run that has no more jobs for them, and wait for that."""
    folder = runtime_folder()
    for path in folder.glob("*.sock"):
        ask(path, {"do": "end run", "pid": run.pid}, timeout=GRACE + 5)
    for path in folder.glob("*.lock"):  # of processes that were killed
        with suppress(Timeout), locked(path, blocking=False):
            pass


@contextmanager
def locked(path: Path, blocking: bool = True) -> Iterator[None]:
    """Hold a lock that leaves no file: whoever has opened it sees that and opens another.

    Raises `filelock.Timeout` where it does not block and another process has it.
    """
    lock = FileLock(path)
    lock.acquire(blocking=blocking)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
