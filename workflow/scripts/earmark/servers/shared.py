"""A job's hold on a shared model server: left loaded by another job, or started for this one."""

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import AsyncFileLock

from earmark.config import Model
from earmark.errors import EarmarkError
from earmark.servers import server_type
from earmark.servers.allocation import start
from earmark.servers.container import wrapped
from earmark.servers.gpus import gpus_to_lock
from earmark.servers.health import healthy
from earmark.servers.launcher import PORT
from earmark.servers.run import Run, ask, line, runtime_folder
from earmark.servers.supervisor import Spec

PAUSE = 10.0
"""Seconds that a retry may wait: no silence of the server's."""
_TRIES = 20


class SharedServer:
    """A loaded server, held for as long as the connection to its supervisor lasts.

    A server that lives and does not work any more is ended, which is a loss like any other: one
    whose health page says so for ``unhealthy_timeout`` seconds without an answer to any request,
    and one that answers no request for as long as a request may take (``client.timeout``).

    Attributes:
        url: Where its endpoints start.
        lost: Done when the server has ended by itself; its result says why.
    """

    def __init__(
        self,
        spec: Spec,
        port: int,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        model: Model,
    ) -> None:
        self.url = f"http://127.0.0.1:{port}{spec.root}"
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._spec, self._port = spec, port
        self._reader, self._writer = streams
        self._unhealthy = model.unhealthy_timeout
        self._silence = max(model.client.timeout + PAUSE, self._unhealthy)
        self._last_answer = time.monotonic()
        self._failed = False
        self._listening = asyncio.create_task(self._listen())
        self._watching = asyncio.create_task(self._watch())

    def answered(self) -> None:
        """Note that a request was answered: the server works."""
        self._last_answer = time.monotonic()

    def unanswered(self, since: float) -> None:
        """Note that requests failed for want of an answer; end the server if nothing was answered
        since the last one's first attempt failed (`time.monotonic`).
        """
        if self._last_answer < since:
            self._fail(f"it has answered no request for {time.monotonic() - since:.0f} s")

    async def is_lost(self) -> bool:
        """Whether the server has ended, or is about to as this job said that it fails."""
        if self._failed:
            await self.lost
        return self.lost.done()

    async def release(self, well: bool) -> None:
        """Give the server back; returns once it is in other hands or has ended.

        Args:
            well: Whether the job ended well; otherwise the server ends with it.
        """
        self._watching.cancel()
        with suppress(OSError):
            self._writer.write(line(do="done" if well else "end"))
            await self._writer.drain()
        await self._listening
        self._writer.close()

    async def _listen(self) -> None:
        reason = "the model's server failed: its supervisor was killed"
        with suppress(OSError):
            while text := await self._reader.readline():
                message = json.loads(text)
                if message["state"] == "kept":
                    return
                if message["state"] == "ended":
                    reason = message["reason"]
        self.lost.set_result(reason)

    async def _watch(self) -> None:
        unhealthy_since: float | None = None
        while True:
            await asyncio.sleep(min(5.0, self._unhealthy / 4))
            well = await asyncio.to_thread(healthy, self._port, self._spec.root)
            now = time.monotonic()
            if well is not None:
                unhealthy_since = None if well else unhealthy_since or now
            if now - self._last_answer > self._silence:
                self._fail(f"it has answered no request for {self._silence:g} s")
            unhealthy = now - max(unhealthy_since or now, self._last_answer)
            if unhealthy > self._unhealthy:
                limit = f"{self._unhealthy:g} s (unhealthy_timeout)"
                self._fail(f"it has said that it is not healthy, and answered nothing, for {limit}")

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._watching.cancel()
        with suppress(OSError):
            self._writer.write(line(do="fail", reason=reason))


async def hold(
    model: Model, log: Path, run: Run, shard: int = 0, folders: Sequence[Path] = ()
) -> SharedServer:
    """Hold a model's server; start it unless the run has it loaded.

    Args:
        model: The model.
        log: The server's log file, where one is started.
        run: The run that the server must not outlive.
        shard: Jobs of different shards get different servers.
        folders: What a server in a container is to see, under the same path as we do.

    Raises:
        EarmarkError: when the server ended while loading or was not ready in time: why, and the
            first error and the last lines of its log.
    """
    spec = _specification(model, log, run, shard, folders)
    for _ in range(_TRIES):
        with suppress(FileNotFoundError, ConnectionError):  # it has ended already: once more
            reader, writer = await _connected(spec)
            writer.write(line(do="hold"))
            while text := await reader.readline():
                message = json.loads(text)
                state = message["state"]
                if state == "waiting":
                    print(f"waiting for {spec.gpus} GPUs of this machine", flush=True)
                if state == "loading":
                    print(f"the server is loading; its log: {spec.log}", flush=True)
                if state == "ready":
                    return SharedServer(spec, message["port"], (reader, writer), model)
                if state == "ended":
                    await reader.read()  # until nothing is left of it
                    raise EarmarkError(message["reason"])
            writer.close()  # it ended as we came: for want of a job, or to make way
    raise EarmarkError(f"the server's supervisor ends as soon as it is there; see {spec.log}")


def _specification(model: Model, log: Path, run: Run, shard: int, folders: Sequence[Path]) -> Spec:
    """A model's server as its supervisor runs it; the same for all jobs that can share it."""
    kind = server_type(model)
    command = kind.command(model, PORT)
    env = {**kind.environment(model), **{name: str(value) for name, value in model.env.items()}}
    if model.container:  # its home is another
        from huggingface_hub.constants import HF_HOME

        env.setdefault("HF_HOME", str(Path(os.environ.get("HF_HOME") or HF_HOME).absolute()))
        hub = filter(None, (env["HF_HOME"], os.environ.get("HF_HUB_CACHE")))
        folders = [*folders, *map(Path, hub)]
    keys = {"container", "gpus", "installation_command", "setup_command"}
    facts = [command, sorted(env.items()), model.model_dump(include=keys), shard]
    facts += [run.pid, round(run.started, 1), str(Path.cwd())]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    name = f"earmark-{key}"
    command = wrapped(command, model, env, name, folders)
    return Spec(
        command=command,
        env=env,
        log=str(log.absolute()),
        socket=str(runtime_folder() / f"{key}.sock"),
        root=kind.root,
        gpus=gpus_to_lock(model.gpus, run),
        health_timeout=model.health_timeout,
        idle_time=model.idle_time if run.shared else 0.0,
        grace=model.stop_timeout,
        run=asdict(run),
        cleanup=["docker", "rm", "--force", name] if command[0] == "docker" else [],
    )


async def _connected(spec: Spec) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server's supervisor, which one job starts where there is none."""
    path = Path(spec.socket + ".start.lock")
    async with AsyncFileLock(path):
        try:
            return await asyncio.open_unix_connection(spec.socket)
        except OSError:
            await asyncio.to_thread(_start, spec)
            return await asyncio.open_unix_connection(spec.socket)
        finally:
            path.unlink(missing_ok=True)


def _start(spec: Spec) -> None:
    """Start a supervisor; returns once it takes connections."""
    Path(spec.log).parent.mkdir(parents=True, exist_ok=True)
    allocation, fields = spec.run["allocation"], asdict(spec)
    if not (ask(Path(allocation), fields) == b"listening" if allocation else start(fields)):
        gone = ", or the Snakemake of this allocation is gone" if allocation else ""
        raise EarmarkError(
            f"the server's supervisor did not start{gone}; see the end of {spec.log}"
        )
