"""The parent of a model server: it ends every process of the server, whoever dies first.

It is the *subreaper* of what it starts, so processes that leave the server's process group, or
outlive their parents, are still found. It ends them when its supervisor lets go of a pipe, which
the supervisor's death does too; and the kernel ends the server when the launcher itself dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from typing import NoReturn

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose parents die (Linux; elsewhere nothing happens)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def end_descendants(grace: float) -> None:
    """End all descendants of this process: politely, then after ``grace`` seconds at once."""
    import psutil

    asked: set[int] = set()
    deadline = time.monotonic() + grace
    while True:
        _reap()
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        final = time.monotonic() >= deadline
        for process in left:
            if final or process.pid not in asked:
                asked.add(process.pid)
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL if final else signal.SIGTERM)
        time.sleep(0.02)


def launch(
    command: list[str],
    env: dict[str, str],
    cwd: str | None,
    log: int,
    hold: int,
    status: int,
    grace: float,
) -> NoReturn:
    """Run a server until it exits or ``hold`` is let go; the body of a forked process.

    Args:
        command: The server's command line.
        env: Its whole environment.
        cwd: Its working folder, or None for ours.
        log: File descriptor of its log.
        hold: Read end of a pipe that the supervisor holds open for as long as the server may run.
        status: Write end of a pipe, which gets the exit code as text.
        grace: Seconds between SIGTERM and SIGKILL.
    """
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        server = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (no thread runs in this process)
        )
    except OSError as error:
        os.write(log, f"earmark: {command[0]}: {error.strerror}\n".encode())
        os.write(status, b"127")
        os._exit(0)
    code: int | None = None
    while code is None:
        ready, _, _ = select.select([hold, wake], [], [])
        if hold in ready:
            break
        os.read(wake, 4096)
        code = _reap().get(server.pid)
    if code is not None:
        os.write(status, str(code).encode())
    end_descendants(grace if code is None else min(grace, 1.0))
    os._exit(0)


def _reap() -> dict[int, int]:
    """Collect children that ended: their exit codes by pid, negative for signals."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def _die_with_parent() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    parent = os.getppid()
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it died before this took hold
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
