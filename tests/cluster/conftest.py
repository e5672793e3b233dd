"""A SLURM of two nodes, and Snakemake runs through profiles/slurm on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import SNAKEMAKE, Workflow

sys.path.insert(0, str(Path(__file__).parent))
from slurm import HOME, Cluster, cluster, missing


def _install(packages: list[str]) -> str | None:
    """Install SLURM's packages; returns why it cannot be done, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("apt-get"):
        return "needs Debian's apt-get"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-q"], [*install, "-o", "DPkg::Lock::Timeout=120"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return f"apt-get failed: {done.stderr[-500:]}" if done.returncode else None


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """The cluster, for all tests of the session; its packages are installed where missing."""
    why = "needs root" if os.geteuid() != 0 else None
    if (HOME / "slurm.conf").exists():
        why = f"would meddle with this machine's own ({HOME})"
    if not why and missing():
        why = _install(missing())
    if why:
        pytest.skip(f"no SLURM was tested here: {', '.join(missing()) or 'starting it'} {why}")
    # Not under pytest's own folder, which others may not enter, as munge demands.
    folder = Path(tempfile.mkdtemp(prefix="earmark-slurm-"))
    folder.chmod(0o755)
    with cluster(folder) as made:
        yield made
    shutil.rmtree(folder)


class ClusterRun(Workflow):
    """A folder on the cluster's shared disk, with a clone of the repository in it."""

    def __init__(self, repository: Path, folder: Path, slurm: Cluster) -> None:
        self.copy = folder / "clone"
        for name in ("workflow", "config", "profiles"):
            shutil.copytree(
                repository / name,
                self.copy / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy(repository / "Snakefile", self.copy)
        super().__init__(self.copy, folder)
        self.slurm = slurm
        self._edit_profile()

    def _edit_profile(self) -> None:
        """Do what a site does: its three lines, and nothing else."""
        path = self.copy / "profiles/slurm/config.yaml"
        lines = path.read_text().splitlines()
        sites = [index + 1 for index, line in enumerate(lines) if "# SITE:" in line]
        assert len(sites) == 3
        values = {"slurm_account": None, "slurm_partition": "cpu"}
        for index in reversed(sites):
            key, _, _ = lines[index].strip().partition(":")
            if values[key] is None:  # this cluster has no accounts
                del lines[index]
            else:
                partition = "gpu" if index == sites[2] else "cpu"
                lines[index] = lines[index].replace(lines[index].split(": ")[1], f'"{partition}"')
        path.write_text("\n".join(lines) + "\n")

    def command(self, *arguments: str) -> list[str]:
        return [
            *SNAKEMAKE, "--profile", "profiles/slurm", "--directory", str(self.folder),
            "--configfile", str(self.folder / "config.yaml"), "--slurm-no-account",
            "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "4",
            *arguments,
        ]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.slurm.environment,
            "EARMARK_TEST_RUN": self.mark,
            "PYTHONPATH": str(Path(__file__).with_name("quick")),
        }

    def queue(self, rule: str = "", state: str = "all") -> list[str]:
        """Ids of this cluster's jobs of a rule that are in a state."""
        rows = self.slurm.run("squeue", "-h", "-t", state, "-o", "%i %k").splitlines()
        return [row.split()[0] for row in rows if f"rule_{rule}" in row]

    def kill(self) -> None:
        """Leave nothing running, whatever a test did."""
        self.slurm.run("scancel", "--user=root")


@pytest.fixture
def run(clone: Path, tmp_path: Path, slurm: Cluster) -> Iterator[ClusterRun]:
    """A clone of its own, for tests that edit it."""
    made = ClusterRun(clone, tmp_path, slurm)
    yield made
    made.kill()
