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
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer

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
    facts = {"pid": own.pid, "started": own.started, "shared": True, "allocation": str(path)}
    os.environ[VARIABLE] = json.dumps([socket.gethostname(), facts])
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
            if "start" not in message:  # meant for supervisors
                self.wfile.write(b'{"state": "busy"}\n')
            elif start_here(*message["start"]):
                self.wfile.write(b"listening\n")


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
