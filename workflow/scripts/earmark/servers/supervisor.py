"""A process that owns one model server and lends it to the jobs of a run.

A job holds the server by a connection to a socket of the supervisor; however the job ends, the
connection does too. A job that ended well leaves the server loaded for the next one, for
``idle_time`` seconds at most; one that did not (an error, a signal, SIGKILL) takes it along. The
server never outlives the Snakemake run, and makes way for a server that needs its GPUs.

Messages are JSON objects, one a line. From a job: ``{"want": "lease"}``, then ``{"want": "done"}``
or ``{"want": "end"}``; from another server: ``{"want": "yield"}``; at the end of a run:
``{"want": "end run", "pid": …}``. To a job: ``{"state": …}`` with
``waiting``, ``loading``, ``ready`` (and ``port``), ``kept``, ``busy`` or ``ended`` (and ``reason``,
``tail``).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.servers.gpus import Claims
from earmark.servers.health import free_port, ready
from earmark.servers.launcher import adopt_orphans, end_descendants, launch
from earmark.servers.run import Run

PORT = "{earmark-port}"
"""Stands for the port in a command line until there is one."""
_TAIL = 30  # lines of a log that explain an exit
_IN_USE = ("address already in use", "address in use", "errno 98")
_FIRST_JOB = 10.0
"""Seconds that the job which started a supervisor has to connect."""
_PORTS = 3  # tries, where another process takes the port first


@dataclass(frozen=True)
class Order:
    """What a supervisor is told: the server to run, and how long.

    Attributes:
        command: The command line, `PORT` in it where the port goes.
        env: Variables set beside those inherited.
        log: The server's log file, which is appended to.
        socket: Path of the socket that jobs connect to.
        root: What stands before the server's endpoints, such as ``/v1``.
        gpus: How many GPUs of this machine it claims.
        health_timeout: Seconds it may take to be ready.
        idle_time: Seconds it stays loaded for the next job.
        grace: Seconds between SIGTERM and SIGKILL.
        run: The run that it must not outlive: ``pid``, ``started``, ``shared``.
        cleanup: A command that ends what signals do not reach (a container), or nothing.
    """

    command: list[str]
    env: dict[str, str]
    log: str
    socket: str
    root: str
    gpus: int
    health_timeout: float
    idle_time: float
    grace: float
    run: dict[str, Any]
    cleanup: list[str] = field(default_factory=list)


class Supervisor:
    """The loop: one thread, events from the server, its jobs, the run and the clock."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._run = Run(**order.run)
        self._events = selectors.DefaultSelector()
        self._claims = Claims(Path(order.socket).parent, order.gpus)
        self._buffers: dict[socket.socket, bytes] = {}
        self._leases: set[socket.socket] = set()
        self._state: dict[str, Any] = {"state": "waiting"}
        # Until the first job is here, for which it waits even where no other may follow.
        self._idle_since: float | None = time.monotonic() + _FIRST_JOB
        self._ending: str | None = None
        self._launcher = 0
        self._hold = self._status = -1
        self._log_start = 0
        self._ports = 0
        self._deadline = 0.0
        self._asked_others = 0.0
        self._health, self._healthy = socket.socketpair()

    def serve(self) -> None:
        """Run until the server has ended."""
        order = self._order
        # Held for as long as anything of the server may be alive: the next one waits for it.
        alive = os.open(order.socket + ".alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            Path(order.socket).unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(order.socket)
        listener.listen(64)
        self._events.register(listener, selectors.EVENT_READ, self._accept)
        self._events.register(self._health, selectors.EVENT_READ, self._is_healthy)
        self._watch_run()
        print("listening", flush=True)
        sys.stdout.close()
        try:
            while self._ending is None:
                for key, _ in self._events.select(0.5):
                    key.data(key.fileobj)
                self._look_at_clock()
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(order.socket).unlink()
            listener.close()
            self._end_server()

    def _watch_run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # else the clock looks
            watch = os.pidfd_open(self._run.pid)
            self._events.register(watch, selectors.EVENT_READ, self._run_ended)

    def _run_ended(self, _: Any = None) -> None:
        self._fail("the Snakemake run that started it has ended", tail=False)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if self._ending:
            return
        if not self._run.alive():
            self._run_ended()
        elif self._idle_since is not None and now - self._idle_since > self._order.idle_time:
            self._ending = "no job needs it"
        elif self._state["state"] == "waiting" and self._leases:  # else nobody hears of a failure
            self._start()
        elif self._state["state"] == "loading" and now > self._deadline:
            self._fail(f"it was not ready after {self._order.health_timeout:g} s (health_timeout)")

    def _start(self) -> None:
        """Start the server once it has its GPUs; idle servers are asked to give theirs up."""
        if self._claims.impossible:
            self._fail(self._claims.impossible, tail=False)
            return
        if not self._claims.take():
            if time.monotonic() - self._asked_others > 2:
                self._asked_others = time.monotonic()
                self._ask_others_to_yield()
            if not self._claims.take():
                return
        port = free_port()
        self._ports += 1
        command = [word.replace(PORT, str(port)) for word in self._order.command]
        log = os.open(self._order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        now = time.strftime("%F %T")
        os.write(log, f"earmark: {now} server started on port {port}\n".encode())
        self._log_start = os.fstat(log).st_size
        held, self._hold = os.pipe()
        self._status, status = os.pipe()
        env = {**os.environ, **self._order.env, **self._claims.environment()}
        env["EARMARK_PORT"] = str(port)
        self._launcher = os.fork()
        if self._launcher == 0:
            os.close(self._hold)
            launch(command, env, None, log, held, status, self._order.grace)
        for file in (held, status, log):
            os.close(file)
        self._events.register(self._status, selectors.EVENT_READ, self._exited)
        self._deadline = time.monotonic() + self._order.health_timeout
        self._tell({"state": "loading"})
        threading.Thread(target=self._probe, args=(port, self._ports), daemon=True).start()

    def _probe(self, port: int, number: int) -> None:
        pause = 0.05
        while self._state["state"] == "loading" and number == self._ports:
            if ready(port, self._order.root):
                with contextlib.suppress(OSError):
                    self._healthy.send(f"{port}\n".encode())
                return
            time.sleep(pause)
            pause = min(1.0, pause * 1.3)

    def _is_healthy(self, _: Any) -> None:
        port = int(self._health.recv(64).split()[-1])
        if self._state["state"] == "loading":
            self._tell({"state": "ready", "port": port})

    def _exited(self, _: Any) -> None:
        """The launcher wrote the server's exit code, or died itself."""
        code = os.read(self._status, 64).decode()
        self._events.unregister(self._status)
        tail = self._tail()
        taken = any(phrase in tail.lower() for phrase in _IN_USE)
        if self._state["state"] == "loading" and taken and self._ports < _PORTS:
            self._end_server()
            self._state = {"state": "waiting"}
            return
        doing = "while loading" if self._state["state"] == "loading" else "in the middle"
        how = f"killed by signal {code[1:]}" if code.startswith("-") else f"with exit code {code}"
        self._fail(f"it ended {doing}, {how if code else 'killed'}")

    def _fail(self, reason: str, tail: bool = True) -> None:
        self._ending = reason
        self._tell({"state": "ended", "reason": reason, "tail": self._tail() if tail else ""})

    def _tail(self) -> str:
        """The last lines of the log of this load."""
        try:
            with open(self._order.log, "rb") as log:  # noqa: PTH123 (bytes from an offset)
                log.seek(self._log_start)
                text = log.read()[-20000:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.rstrip().splitlines()[-_TAIL:])

    def _accept(self, listener: Any) -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        self._buffers[connection] = b""
        self._events.register(connection, selectors.EVENT_READ, self._hear)

    def _hear(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._gone(connection)
            return
        *lines, self._buffers[connection] = (self._buffers[connection] + data).split(b"\n")
        for line in lines:
            self._wish(connection, json.loads(line))

    def _wish(self, connection: socket.socket, message: dict[str, Any]) -> None:
        want = message["want"]
        if want == "lease":
            self._leases.add(connection)
            self._idle_since = None
            self._send(connection, self._state)
        elif want == "done":
            self._leases.discard(connection)
            if self._leases:
                self._send(connection, {"state": "kept"})
            elif self._run.shared and self._order.idle_time > 0 and self._run.alive():
                self._idle_since = time.monotonic()
                self._send(connection, {"state": "kept"})
            else:
                self._ending = "its job has ended"
        elif want == "end":
            self._gone(connection, close=False)
        elif self._leases or self._idle_since is None:
            self._send(connection, {"state": "busy"})
        elif want == "end run" and message["pid"] == self._run.pid:
            self._ending = "its run has no more jobs for it"
        elif want == "yield" and self._order.gpus:
            self._ending = "another model needs its GPUs"
        else:
            self._send(connection, {"state": "busy"})

    def _gone(self, connection: socket.socket, close: bool = True) -> None:
        """A connection ended; if it was a job's, and the last one, so does the server."""
        was_lease = connection in self._leases
        self._leases.discard(connection)
        if close:
            self._events.unregister(connection)
            del self._buffers[connection]
            connection.close()
        if was_lease and not self._leases:
            self._ending = "its job ended"

    def _tell(self, state: dict[str, Any]) -> None:
        self._state = state
        for connection in list(self._leases):
            self._send(connection, state)

    def _send(self, connection: socket.socket, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone; its end of file tells
            connection.sendall(json.dumps(message).encode() + b"\n")

    def _ask_others_to_yield(self) -> None:
        own = Path(self._order.socket)
        for path in own.parent.glob("*.sock"):
            if path != own and ask(path, {"want": "yield"}, timeout=self._order.grace + 5):
                return  # one is gone; enough, perhaps

    def _end_server(self) -> None:
        """End every process of the server, and wait until none is left."""
        if self._launcher:
            os.close(self._hold)
            os.waitpid(self._launcher, 0)
            os.close(self._status)
            self._launcher = 0
        end_descendants(0.0)
        if self._order.cleanup:
            subprocess.run(self._order.cleanup, capture_output=True, check=False)
        self._claims.release()


def ask(path: Path, message: dict[str, Any], timeout: float) -> bool:
    """Send a supervisor one message; whether it ended in consequence."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(message).encode() + b"\n")
            while line := connection.recv(4096):
                if b'"busy"' in line:
                    return False
        except OSError:
            return False
    return True


def main() -> None:
    """Read an order from standard input, and serve."""
    order = Order(**json.loads(sys.stdin.read()))
    os.chdir("/") if not Path.cwd().exists() else None
    adopt_orphans()
    supervisor = Supervisor(order)
    signal.signal(signal.SIGTERM, lambda *_: supervisor._run_ended())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor.serve()
