"""A real SLURM cluster of two nodes on loopback, with a munge of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGES = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
}
NODES = ("node0", "node1")
HOME = Path("/etc/slurm")

CONF = """\
ClusterName=earmark
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,requeue_delay=1
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=5
MinJobAge=600
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=ALL Default=YES State=UP
PartitionName=gpu Nodes=ALL State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
    "CPUs=16 RealMemory=512000 Gres=gpu:2 State=UNKNOWN"
)


def missing() -> list[str]:
    """The Debian packages whose programs are not here."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return [package for tool, package in PACKAGES.items() if not shutil.which(tool, path=path)]


def _end_with_the_tests() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Cluster:
    """The running cluster: where its configuration is, and the daemons that were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        self._links: list[Path] = []

    def start(self) -> None:
        self._configure()
        self._munge()
        self._daemon("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self.until(
            lambda: self.run("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"],
            "both nodes to be idle",
        )

    def _configure(self) -> None:
        ctld, *ports = _free_ports(1 + len(NODES))
        nodes = [
            NODE.format(name=name, host=self.host, port=port)
            for name, port in zip(NODES, ports, strict=True)
        ]
        conf = CONF.format(folder=self.folder, host=self.host, ctld=ctld, nodes="\n".join(nodes))
        (self.folder / "slurm.conf").write_text(conf)
        gres = []
        for name in NODES:
            (self.folder / "state").mkdir(exist_ok=True)
            (self.folder / f"spool.{name}").mkdir()
            for index in range(2):
                device = self.folder / f"{name}-gpu{index}"
                device.touch()
                gres.append(f"NodeName={name} Name=gpu File={device}")
        (self.folder / "gres.conf").write_text("\n".join(gres) + "\n")
        # Where SLURM's programs look: a job's own steps are not told of any other place.
        HOME.mkdir(parents=True, exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):
            if (HOME / name).is_symlink() and not (HOME / name).exists():
                (HOME / name).unlink()  # left by tests that were killed
            (HOME / name).symlink_to(self.folder / name)
            self._links.append(HOME / name)

    def _munge(self) -> None:
        home = self.folder / "munge"
        home.mkdir(mode=0o755)
        key = home / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={home / name}" for option, name in files.items()]
        log = f"--log-file={home / 'log'}"
        self._daemon("munged", "munged", "--foreground", "--force", log, *options)
        self.until((home / "socket").exists, "munge's socket")

    def _daemon(self, name: str, *command: str) -> None:
        output = (self.folder / f"{name}.out").open("ab")
        with output:
            self._daemons[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_the_tests,  # noqa: PLW1509 (no thread runs yet)
            )

    def start_node(self, node: str) -> None:
        self._daemon(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Take a node away as a power cut would: its slurmd and all that runs under it, at once."""
        daemon = self._daemons.pop(node)
        for pid in [daemon.pid, *self.descendants(node)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        daemon.wait()

    def descendants(self, node: str) -> list[int]:
        """The processes of all jobs on a node, which SLURM names in their environment."""
        mark = f"SLURMD_NODENAME={node}".encode()
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.add(int(process.name))
                    parent = Path(
                        "/proc", (process / "stat").read_text().rsplit(") ")[1].split()[1]
                    )
                    if (parent / "cmdline").read_bytes().startswith(b"slurmstepd"):
                        found.add(int(parent.name))
        return sorted(found)

    def run(self, *command: str) -> str:
        """A SLURM client's output."""
        done = subprocess.run(
            command, check=False, env=self.environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip() if done.returncode == 0 else f"failed: {done.stderr.strip()}"

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait for a condition of the cluster's, which offers no event to wait on."""
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [name for name, daemon in self._daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                state = self.run("sinfo", "-N", "-l") + "\n" + self.run("squeue", "-l")
                raise AssertionError(f"waited for {what}; ended: {dead}\n{state}\n{self.logs()}")
            time.sleep(0.2)

    def logs(self) -> str:
        texts = []
        for path in sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out")):
            tail = path.read_text(errors="replace")[-2000:]
            texts.append(f"--- {path.name}\n{tail}")
        return "\n".join(texts)

    def stop(self) -> None:
        """End the jobs, then every daemon that was started; nothing else."""
        try:
            self._stop()
        finally:
            for link in self._links:
                link.unlink()

    def _stop(self) -> None:
        if "slurmctld" in self._daemons and self._daemons["slurmctld"].poll() is None:
            self.run("scancel", "--user=root")
            with contextlib.suppress(AssertionError):
                self.until(lambda: not self.run("squeue", "-h"), "the queue to be empty", 30)
        for daemon in reversed(self._daemons.values()):
            if daemon.poll() is None:
                os.killpg(daemon.pid, signal.SIGTERM)
                try:
                    daemon.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(daemon.pid, signal.SIGKILL)
                    daemon.wait()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster whose files are in ``folder``; stop exactly what was started."""
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
