"""A process that owns one model server and shares it between the jobs of a run.

A job holds the server by a connection to a socket of the supervisor; however the job ends, the
connection does too. A job that ended well leaves the server loaded for the next one, for
``idle_time`` seconds at most; one that did not (an error, a signal, SIGKILL) takes it along. The
server never outlives the Snakemake run, and makes way for a server that needs its GPUs.

Messages are JSON objects, one a line. From a job: ``{"do": "hold"}``, then ``{"do": "done"}``,
``{"do": "end"}`` or, of a server that works no more, ``{"do": "fail", "reason": …}``. From others:
``{"do": "yield", "gpus": […]}``; at the end of a run ``{"do": "end run", "pid": …}``. To a job:
``{"state": …}`` with ``starting``, ``waiting`` (for GPUs), ``loading``, ``ready`` (and ``port``),
``kept``, ``busy`` or ``ended`` (and ``reason``, with what the log says).
"""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from earmark.servers.health import healthy
from earmark.servers.launcher import adopt_orphans, end_descendants
from earmark.servers.logs import explained
from earmark.servers.run import Run, line, program

_FIRST_JOB = 10.0
"""Seconds that the job which started a supervisor has to connect."""
_RUN_ENDED = "the Snakemake run that started it has ended"


@dataclass(frozen=True)
class Spec:
    """The server to run, and how long; times in seconds."""

    command: list[str]  # `earmark.servers.launcher.PORT` in it where the port goes
    env: dict[str, str]  # beside what is inherited
    log: str  # appended to
    socket: str  # that jobs connect to
    root: str  # what stands before the server's endpoints, such as ``/v1``
    gpus: int  # to be locked on this machine
    health_timeout: float  # for being ready
    idle_time: float  # for staying loaded until the next job comes
    grace: float  # between SIGTERM and SIGKILL
    run: dict[str, Any]  # `Run`, which it must not outlive
    cleanup: list[str]  # a command that ends what signals do not reach (a container), or nothing


class Supervisor:
    """Waits for the first job, starts the server, and ends it when nobody may need it."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._run = Run(**spec.run)
        self._jobs: set[asyncio.StreamWriter] = set()
        self._state: dict[str, Any] = {"state": "starting"}
        # Until the first job is here, for which it waits even where no other may follow.
        self._idle_since: float | None = time.monotonic() + _FIRST_JOB
        self._needed, self._ended = asyncio.Event(), asyncio.Event()
        self._launcher: asyncio.subprocess.Process | None = None
        self._probing: asyncio.Task[None] | None = None
        self._gpus: list[str] = []
        self._log_start: int | None = None

    async def serve(self) -> None:
        """Run until the server has ended."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._ended.set)
        path = Path(self._spec.socket)
        path.unlink(missing_ok=True)
        listener = await asyncio.start_unix_server(self._converse, path)
        print("listening", flush=True)
        sys.stdout.close()
        tasks = [asyncio.create_task(c) for c in (self._load(), self._watch(), self._ended.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            path.unlink(missing_ok=True)
            listener.close()
            await self._end_server()

    async def _watch(self) -> None:
        """End the server with its run, or once it has been idle for its time."""
        while self._run.alive():
            idle = self._idle_since
            if idle is not None and time.monotonic() - idle > self._spec.idle_time:
                return
            await asyncio.sleep(0.25)
        self._fail(_RUN_ENDED)

    async def _load(self) -> None:
        """Start the server for the first job, and follow it to its end."""
        await self._needed.wait()  # else nobody hears of a failure
        self._launcher = await asyncio.create_subprocess_exec(
            *program("earmark.servers.launcher"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._launcher.stdin is not None and self._launcher.stdout is not None
        self._launcher.stdin.write(line(**asdict(self._spec)))
        how = "killed"
        async for text in self._launcher.stdout:
            message = json.loads(text)
            if message["state"] == "impossible":
                self._fail(message["reason"])
            elif message["state"] == "exited":
                code = message["code"]
                how = f"with exit code {code}" if code >= 0 else f"killed by signal {-code}"
                break
            elif message != self._state:
                self._tell(message)
            if message["state"] == "loading":
                self._gpus, self._log_start = message["gpus"], message["log_start"]
                self._probing = asyncio.create_task(self._probe(message["port"]))
        when = "in the middle" if self._state["state"] == "ready" else "while loading"
        self._fail(f"it ended {when}, {how}")

    async def _probe(self, port: int) -> None:
        pause = 0.05
        try:
            async with asyncio.timeout(self._spec.health_timeout):
                while not await asyncio.to_thread(healthy, port, self._spec.root):
                    await asyncio.sleep(pause)
                    pause = min(1.0, pause * 1.3)
        except TimeoutError:
            self._fail(f"it was not ready after {self._spec.health_timeout:g} s (health_timeout)")
        else:
            self._tell({"state": "ready", "port": port})

    def _fail(self, reason: str) -> None:
        if not self._ended.is_set():
            reason = explained(reason, Path(self._spec.log), self._log_start)
            self._tell({"state": "ended", "reason": reason})
            self._ended.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):  # as this process ends
            async for text in reader:
                self._hear(writer, json.loads(text))
        self._leave(writer)

    def _hear(self, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        kind = message.get("do")
        if kind == "hold":
            self._jobs.add(writer)
            self._idle_since = None
            self._needed.set()
            writer.write(line(**self._state))
        elif kind == "done" and (len(self._jobs) > 1 or self._spec.idle_time > 0):
            self._jobs.discard(writer)
            self._idle_since = None if self._jobs else time.monotonic()
            writer.write(line(state="kept"))
        elif kind in ("done", "end"):
            self._leave(writer)
        elif kind == "fail":
            self._fail(message["reason"])
        elif self._idle_since is not None and (
            (kind == "end run" and message["pid"] == self._run.pid)
            or (kind == "yield" and set(message["gpus"]) & set(self._gpus))
        ):
            self._ended.set()
        else:
            writer.write(line(state="busy"))
            writer.close()

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        """A job has ended; if it was the last one, so does the server."""
        if writer in self._jobs:
            self._jobs.discard(writer)
            if not self._jobs:
                self._ended.set()

    def _tell(self, state: dict[str, Any]) -> None:
        self._state = state
        for writer in self._jobs:
            writer.write(line(**state))

    async def _end_server(self) -> None:
        """End every process of the server, and wait until none is left."""
        if self._launcher:
            assert self._launcher.stdin is not None
            self._launcher.stdin.close()
            killed = await self._launcher.wait()
            self._launcher = None
            end_descendants(0.0)
            if killed and self._spec.cleanup:  # else the launcher has done it
                subprocess.run(self._spec.cleanup, capture_output=True, check=False)


def main() -> None:
    """Read a specification from standard input, and serve."""
    spec = Spec(**json.loads(sys.stdin.read()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    asyncio.run(Supervisor(spec).serve())
