"""One load for a group of jobs in one allocation of a cluster.

Each job of a group is a step of its own, and whatever a step has started ends with it. The
Snakemake that runs the group is there from the first job to the last: it starts the supervisors for
the jobs, which then share servers as those of a run on one machine do.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from earmark.servers.run import VARIABLE, end_servers, own_run, program, runtime_folder


def share_servers() -> None:
    """Start supervisors for the jobs that this process runs, until it ends; servers end with it."""
    if VARIABLE in os.environ:
        return
    path = runtime_folder() / f"allocation-{os.getpid()}.sock"
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    own = own_run()
    facts = {"pid": own.pid, "started": own.started, "shared": True, "allocation": str(path)}
    os.environ[VARIABLE] = json.dumps([socket.gethostname(), facts])

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()

    def end() -> None:
        path.unlink(missing_ok=True)
        end_servers(own)

    threading.Thread(target=serve, daemon=True, name="supervisors").start()
    atexit.register(end)


def _serve(connection: socket.socket) -> None:
    with (
        connection,
        connection.makefile("rw", encoding="utf-8") as stream,
        suppress(OSError, ValueError),
    ):
        message = json.loads(stream.readline())  # a job may be killed before it has asked
        if "start" in message:
            print("listening" if start_here(*message["start"]) else "failed", file=stream)
        else:  # meant for supervisors
            print(json.dumps({"state": "busy"}), file=stream)


def start_there(allocation: str, log: str, specification: str) -> bool:
    """Have the process behind a socket start a supervisor; otherwise as `start_here`."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(allocation)
        with connection.makefile("rw", encoding="utf-8") as stream:
            print(json.dumps({"start": [log, specification]}), file=stream, flush=True)
            return stream.readline() == "listening\n"
    return False


def start_here(log: str, specification: str) -> bool:
    """Start a supervisor, a child of this process; whether it takes connections.

    Args:
        log: The server's log file, which exists or whose folder does.
        specification: `earmark.servers.supervisor.Spec` as JSON.
    """
    with Path(log).open("ab") as stream:
        supervisor = subprocess.Popen(
            program("earmark.servers.supervisor"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            start_new_session=True,
        )
    assert supervisor.stdin is not None and supervisor.stdout is not None
    with supervisor.stdin, supervisor.stdout:
        supervisor.stdin.write(specification.encode())
        supervisor.stdin.close()
        return supervisor.stdout.readline() == b"listening\n"
