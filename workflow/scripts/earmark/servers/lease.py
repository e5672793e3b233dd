"""A job's hold on a model server: one that another job left loaded, or one started for it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.servers import server_type
from earmark.servers.container import engine, hub_home, wrapped
from earmark.servers.run import Run, current_run
from earmark.servers.supervisor import PORT, Order, ask

_LIBRARY = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from earmark.servers.supervisor import main; main()"
)
IDLE_TIME = 60.0
GRACE = 10.0
_TRIES = 20


class ServerDiedError(EarmarkError):
    """The server ended though its job still needed it; `str` says why, with its log's end."""


class Lease:
    """A loaded server, held for as long as the connection to its supervisor lasts.

    Attributes:
        url: Where its endpoints start.
        lost: Done when the server has ended by itself; its result says why.
    """

    def __init__(
        self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Path
    ) -> None:
        self.url = url
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reader, self._writer, self._log = reader, writer, log
        self._kept = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        reason = "its supervisor was killed"
        with suppress(OSError):
            while line := await self._reader.readline():
                message = json.loads(line)
                if message["state"] == "kept":
                    self._kept.set()
                elif message["state"] == "ended":
                    reason = explained(message, self._log)
        if not self.lost.done():
            self.lost.set_result(reason)

    async def release(self, well: bool) -> None:
        """Give the server back; returns once it is in other hands or has ended.

        Args:
            well: Whether the job ended well; otherwise the server ends with it.
        """
        with suppress(OSError):
            self._writer.write(_line("done" if well else "end"))
            await self._writer.drain()
            kept = asyncio.create_task(self._kept.wait())
            await asyncio.wait([kept, self._listening], return_when=asyncio.FIRST_COMPLETED)
            kept.cancel()
        self._listening.cancel()
        self._writer.close()


async def acquire(
    settings: Mapping[str, Any],
    log: Path,
    shard: int = 0,
    run: Run | None = None,
    folders: Sequence[Path] = (),
) -> Lease:
    """Hold the server that a model's settings describe; start it unless the run has it loaded.

    Args:
        settings: The model's settings.
        log: The server's log file, where one is started.
        shard: Jobs of different shards get different servers.
        run: The run that the server must not outlive; found by itself when None.
        folders: What a server in a container is to see, under the same path as we do.

    Raises:
        EarmarkError: when the server ended while loading or was not ready in time: why, and the
            last lines of its log.
    """
    run = run or current_run()
    order = make_order(settings, log, shard, run, folders)
    key = Path(order.socket)
    for _ in range(_TRIES):
        try:
            async with _turn(key.with_suffix(".lock")):
                reader, writer = await _connected(order)
        except (FileNotFoundError, ConnectionError):  # it has ended already
            continue
        writer.write(_line("lease"))
        log_path = Path(order.log)
        while line := await _heard(reader):
            message = json.loads(line)
            if message["state"] == "waiting" and order.gpus:
                print(f"waiting for {order.gpus} GPUs of this machine", flush=True)
            if message["state"] == "loading":
                print(f"the server is loading; its log: {log_path}", flush=True)
            if message["state"] == "ready":
                url = f"http://127.0.0.1:{message['port']}{order.root}"
                return Lease(url, reader, writer, log_path)
            if message["state"] == "ended":
                await reader.read()  # until nothing is left of it
                raise ServerDiedError(explained(message, log_path))
        writer.close()  # it ended as we came: for want of a job, or to make way; once more
    raise ServerDiedError(f"the server's supervisor ends as soon as it is there; see {order.log}")


async def _connected(order: Order) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the order's supervisor, which is started where there is none."""
    try:
        return await asyncio.open_unix_connection(order.socket)
    except OSError:
        await asyncio.to_thread(_start, order)
        return await asyncio.open_unix_connection(order.socket)


def make_order(
    settings: Mapping[str, Any], log: Path, shard: int, run: Run, folders: Sequence[Path] = ()
) -> Order:
    """What the supervisor of a model's server is told; the same for all jobs that can share it."""
    kind = server_type(settings)
    command = [word.replace("\0", PORT) for word in _command(settings)]
    env = {
        **kind.environment(settings),
        **{k: str(v) for k, v in (settings.get("env") or {}).items()},
    }
    if engine(settings):  # its home is another
        env.setdefault("HF_HOME", str(hub_home().absolute()))
        folders = [*folders, Path(env["HF_HOME"])]
        if cache := os.environ.get("HF_HUB_CACHE"):
            folders.append(Path(cache))
    told = [command, sorted(env.items()), settings.get("container"), settings.get("gpus"), shard]
    told += [settings.get("installation_command"), settings.get("setup_command")]
    told += [run.pid, round(run.started, 1), str(Path.cwd())]
    key = hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:24]
    name = f"earmark-{key}"
    command = wrapped(command, settings, env, name, folders)
    container = "docker" if command[0] == "docker" else ""
    return Order(
        command=command,
        env=env,
        log=str(log.absolute()),
        socket=str(state_folder() / f"{key}.sock"),
        root=kind.root,
        # On a cluster, the cluster hands out the GPUs.
        gpus=int(settings.get("gpus") or 0)
        if run.shared or "SLURM_JOB_ID" not in os.environ
        else 0,
        health_timeout=float(settings.get("health_timeout") or 1800),
        idle_time=float(settings.get("idle_time", IDLE_TIME)) if run.shared else 0.0,
        grace=float(settings.get("stop_timeout") or GRACE),
        run=asdict(run),
        cleanup=[container, "rm", "--force", name] if container else [],
    )


def state_folder() -> Path:
    """Where this user's supervisors on this machine have their sockets; for the user's eyes only.

    Raises:
        EarmarkError: when the folder belongs to somebody else.
    """
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        # A socket's path holds 107 bytes.
        if parent and len(parent) < 60 and os.access(parent, os.W_OK):
            folder = Path(parent) / f"earmark-{os.getuid()}"
            break
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise EarmarkError(f"{folder}: belongs to another user; remove it or set TMPDIR")
    folder.chmod(0o700)
    return folder


def end_servers(run: Run) -> None:
    """End the idle servers of a run that has no more jobs for them, and wait for that."""
    for path in state_folder().glob("*.sock"):
        with suppress(OSError):
            ask(path, {"want": "end run", "pid": run.pid}, timeout=GRACE + 5)


def explained(message: Mapping[str, Any], log: Path) -> str:
    """Why a server ended, for users: the reason, the log, and its last lines."""
    text = f"the model's server failed: {message['reason']} (log: {log})"
    return f"{text}\nlast lines of its log:\n{message['tail']}" if message.get("tail") else text


def _command(settings: Mapping[str, Any]) -> list[str]:
    """The command line with a NUL for the port: types want a number, sharing wants none."""
    number = 65535 * 10**6  # no port, and nothing that a config would hold
    words = server_type(settings).command(settings, number)
    return [word.replace(str(number), "\0") for word in words]


def _start(order: Order) -> None:
    """Start a supervisor; returns once it takes connections."""
    Path(order.log).parent.mkdir(parents=True, exist_ok=True)
    with open(order.log, "ab") as log:  # noqa: PTH123
        supervisor = subprocess.Popen(
            [sys.executable, "-c", _START, str(_LIBRARY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert supervisor.stdin is not None and supervisor.stdout is not None
    supervisor.stdin.write(json.dumps(asdict(order)).encode())
    supervisor.stdin.close()
    if supervisor.stdout.readline() != b"listening\n":
        raise EarmarkError(f"the server's supervisor did not start; see the end of {order.log}")
    supervisor.stdout.close()


@asynccontextmanager
async def _turn(path: Path) -> AsyncIterator[None]:
    """One job at a time looks for the server and starts it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
    finally:
        os.close(file)


async def _heard(reader: asyncio.StreamReader) -> bytes:
    """A supervisor's next line; nothing once it has ended."""
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


def _line(want: str) -> bytes:
    return json.dumps({"want": want}).encode() + b"\n"
