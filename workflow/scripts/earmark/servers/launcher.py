"""The parent of a model server: it ends every process of the server, whoever dies first.

It is the *subreaper* of what it starts, so processes that leave the server's process group, or
outlive their parents, are still found. It ends them when its standard input ends, which the
supervisor's death does too; and the kernel ends the server when the launcher itself dies. As the
last to go, it is the one that holds the server's locks.

The first line of standard input is the server's specification (`earmark.servers.supervisor.Spec`).
Standard output has JSON lines, as their ``state`` says: ``waiting`` (for GPUs), ``loading`` (with
``port``, ``gpus`` and ``log_start``), ``exited`` (with ``code``), ``impossible`` (with ``reason``).
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from earmark.errors import EarmarkError
from earmark.servers.gpus import reserved_gpus
from earmark.servers.health import free_port
from earmark.servers.run import locked

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
_SET_CHILD_SUBREAPER = 36
PORT = "{earmark-port}"
"""Stands for the port in a command line until there is one."""


def adopt_orphans() -> None:
    """Become the parent of descendants whose parents die (Linux; elsewhere nothing happens)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def end_descendants(grace: float) -> None:
    """End all descendants of this process: politely, then after ``grace`` seconds at once."""
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


def main() -> None:
    """Run a server until it exits or standard input ends."""
    spec: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()

    def waiting() -> None:
        _say(state="waiting")
        if _let_go(0.0):
            sys.exit()

    # Nothing of an earlier load of this server, such as its container, is left once this is held.
    with locked(Path(spec["socket"] + ".lock")):
        try:
            with reserved_gpus(spec["gpus"], waiting) as variables:
                _serve(spec, variables)
        except EarmarkError as error:
            _say(state="impossible", reason=str(error))


def _serve(spec: dict[str, Any], variables: dict[str, str]) -> None:
    """Start the server, wait for its end or ours, and leave nothing of it."""
    port = free_port()
    command = [word.replace(PORT, str(port)) for word in spec["command"]]
    env = {**os.environ, **spec["env"], **variables, "EARMARK_PORT": str(port)}
    code: int | None = None
    with Path(spec["log"]).open("ab", buffering=0) as log:
        log.write(f"earmark: {time.strftime('%F %T')} server started on port {port}\n".encode())
        gpus = [one for value in variables.values() for one in value.split(",")] or ["machine"]
        _say(state="loading", port=port, gpus=gpus if spec["gpus"] else [], log_start=log.tell())
        try:
            server = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no thread runs in this process)
            )
        except OSError as error:
            log.write(f"earmark: {command[0]}: {error.strerror}\n".encode())
            code = 127
        while code is None and not _let_go(0.1):
            code = _reap().get(server.pid)
    if code is not None:
        _say(state="exited", code=code)
    end_descendants(spec["grace"] if code is None else min(spec["grace"], 1.0))
    if spec["cleanup"]:
        subprocess.run(spec["cleanup"], capture_output=True, check=False)


def _let_go(seconds: float) -> bool:
    """Whether standard input has ended, or does so within some seconds."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _say(**message: Any) -> None:
    with contextlib.suppress(OSError):  # the supervisor is gone; the end of standard input tells
        print(json.dumps(message), flush=True)


def _reap() -> dict[int, int]:
    """Collect children that ended: their exit codes by pid, negative for signals."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            ended[child[0]] = os.waitstatus_to_exitcode(child[1])
    return ended


def _die_with_parent() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    parent = os.getppid()
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it died before this took hold
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
