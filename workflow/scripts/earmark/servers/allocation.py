"""One load for a group of jobs in one allocation of a cluster.

Each job of a group is a step of its own, and whatever a step has started ends with it. The
Snakemake that runs the group is there from the first job to the last: it starts the supervisors for
the jobs, which then share servers as those of a run on one machine do.
"""

import atexit
import json
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from typing import Any

from earmark.servers.run import VARIABLE, end_servers, own_run, program, runtime_folder


def share_servers() -> None:
    """Start supervisors for the jobs that this process runs, until it ends; servers end with it."""
    if VARIABLE in os.environ:
        return
    path = runtime_folder() / f"allocation-{os.getpid()}.sock"
    path.unlink(missing_ok=True)
    listener = ThreadingUnixStreamServer(str(path), _Starter)
    listener.daemon_threads = True
    own = own_run()
    shared = replace(own, shared=True, allocation=str(path))
    os.environ[VARIABLE] = json.dumps([socket.gethostname(), asdict(shared)])
    threading.Thread(target=listener.serve_forever, daemon=True, name="supervisors").start()

    def end() -> None:
        path.unlink(missing_ok=True)
        end_servers(own)

    atexit.register(end)


class _Starter(StreamRequestHandler):
    """Starts a supervisor for a job that asks for it."""

    def handle(self) -> None:
        with suppress(OSError, ValueError):  # a job may be killed before it has asked
            message = json.loads(self.rfile.readline())
            if "do" in message:  # meant for supervisors
                self.wfile.write(b"busy")
            elif start(message):
                self.wfile.write(b"listening")


def start(spec: Mapping[str, Any]) -> bool:
    """Start a supervisor (of an `earmark.servers.supervisor.Spec`), a child of this process.

    The folder of the server's log is there. Returns whether the supervisor takes connections.
    """
    with Path(spec["log"]).open("ab") as log:
        supervisor = subprocess.Popen(
            program("earmark.servers.supervisor"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert supervisor.stdin is not None and supervisor.stdout is not None
    with supervisor.stdin, supervisor.stdout:
        supervisor.stdin.write(json.dumps(spec).encode())
        supervisor.stdin.close()
        return supervisor.stdout.readline() == b"listening\n"
