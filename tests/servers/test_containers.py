"""Megatron's server in each kind of container, alone and under SLURM, as the engines would run it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from earmark.errors import EarmarkError
from earmark.inference.infer import infer

ENGINES = Path(__file__).with_name("engines.py")
STAND_IN = Path(__file__).with_name("stand_in.py")
NAMES = ("srun", "docker", "apptainer", "torchrun", "python")
SETUP = "unset NOT_SET; : $NOT_SET; export SETUP=done"
INSTALL = "sleep 0.3; echo installed >> {bin}/installed; export LOST=1"


class Machine:
    """A `PATH` with the engines' stand-ins before all else, and what they noted."""

    def __init__(self, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.bin = bench.folder / "bin"
        self.bin.mkdir()
        for name in NAMES:
            program = self.bin / name
            program.write_text(f"#!{sys.executable}\n{ENGINES.read_text()}")
            program.chmod(0o755)
        plan = [str(STAND_IN), "--contract", "megatron", "--record", str(bench.record)]
        (self.bin / "plan.json").write_text(json.dumps([*plan, "--model", "/ckpt"]))
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("HF_HOME", str(bench.folder / "hub"))
        (bench.folder / "hub").mkdir()

    def infer(self, **settings: Any) -> None:
        bench = self.bench
        given = bench.settings(server="megatron", model="/ckpt", **{"command": None, **settings})
        infer(bench.job(given, folders=(bench.folder,)))
        bench.answered_once(3)

    def calls(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.bin / "calls.jsonl").read_text().splitlines()]
        return [line for line in lines if line["name"] == name]

    def ranks(self) -> list[dict[str, str]]:
        """The environments of the server's processes, by rank."""
        found = [call["env"] for call in self.calls("python") if "--load" in call["words"]]
        return sorted(found, key=lambda env: int(env["RANK"]))


@pytest.fixture
def machine(bench, monkeypatch):
    bench.samples(3)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return Machine(bench, monkeypatch)


CASES = [
    # container, in SLURM, GPUs, nodes, how the engines follow one another
    (None, False, 2, 1, ["torchrun", "python", "python"]),
    (None, True, 1, 1, ["python"]),
    (None, True, 2, 1, ["srun", "python", "python"]),
    (None, True, 1, 2, ["srun", "python", "python"]),
    ("m.sqsh", True, 1, 1, ["srun", "python"]),
    ("m.sqsh", True, 2, 1, ["srun", "python", "python"]),
    ("m.sif", False, 2, 1, ["apptainer", "torchrun", "python", "python"]),
    ("m.sif", True, 2, 1, ["srun", "apptainer", "apptainer", "python", "python"]),
    ("nvcr/m:1", False, 2, 1, ["docker", "torchrun", "python", "python"]),
    ("nvcr/m:1", True, 2, 1, ["docker", "torchrun", "python", "python"]),
]


@pytest.mark.parametrize("setup", [None, SETUP], ids=["bare", "setup"])
@pytest.mark.parametrize("container, slurm, gpus, nodes, expected", CASES)
def test_megatron_has_a_process_a_gpu_inside_its_container(
    machine, monkeypatch, container, slurm, gpus, nodes, expected, setup
):
    if slurm:
        monkeypatch.setenv("SLURM_JOB_ID", "4711")
        monkeypatch.setenv("SLURM_NTASKS", "1")
        monkeypatch.setenv("RANK", "5") if gpus * nodes > 1 else None  # of whoever started us
    more = {"container": container} if container else {}
    if setup:
        install = INSTALL.replace("{bin}", str(machine.bin))
        more |= {"setup_command": setup, "installation_command": install}
    machine.infer(gpus=gpus, nodes=nodes, **more)
    began = [call["name"] for name in NAMES for call in machine.calls(name)
             if call["words"][0] != "rm"]  # fmt: skip
    assert sorted(began) == sorted(expected)
    ranks = machine.ranks()
    total = gpus * nodes
    assert [env["RANK"] for env in ranks] == [str(k) for k in range(total)]
    assert {env["WORLD_SIZE"] for env in ranks} == {str(total)}
    assert {env["CUDA_DEVICE_MAX_CONNECTIONS"] for env in ranks} == {"1"}
    assert {env.get("IN_CONTAINER") for env in ranks} == {"1" if container else None}
    assert {env.get("SETUP") for env in ranks} == {"done" if setup else None}
    assert {env.get("LOST") for env in ranks} == {None}
    if setup:  # once on each node, whatever the number of processes
        starts = nodes if "srun" in began else 1
        assert (machine.bin / "installed").read_text().count("installed") == starts
    if container:
        folder = str(machine.bench.folder)
        assert {env["HF_HOME"] for env in ranks} == {f"{folder}/hub"}
        assert all({folder, f"{folder}/hub"} <= set(env["MOUNTED"].split(":")) for env in ranks)


def test_a_mount_of_the_config_comes_before_the_default_for_the_same_folder(machine, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    mounts = [f"{other}:/data", f"{machine.bench.folder}:{machine.bench.folder}:rw"]
    machine.infer(gpus=1, container={"image": "m", "engine": "docker", "mounts": mounts})
    (run,) = [call["words"] for call in machine.calls("docker") if call["words"][0] == "run"]
    volumes = [run[at + 1] for at, word in enumerate(run) if word == "--volume"]
    assert volumes == [*mounts, f"{machine.bench.folder}/hub:{machine.bench.folder}/hub"]


def test_values_of_variables_stay_out_of_dockers_command_line(machine, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_5up3rs3cr3t")
    machine.infer(gpus=1, container="m")
    assert "hf_5up3rs3cr3t" not in (machine.bin / "calls.jsonl").read_text()


def test_docker_is_told_which_gpus_the_server_got_of_all_that_there_are(machine, monkeypatch):
    for variable in ("CUDA", "ROCR", "HIP"):
        monkeypatch.delenv(f"{variable}_VISIBLE_DEVICES", raising=False)
    listing = machine.bin / "nvidia-smi"
    listing.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    listing.chmod(0o755)
    machine.infer(gpus=1, container="m")
    (rank,) = machine.ranks()
    assert rank["CUDA_VISIBLE_DEVICES"] in ("0", "1")


def test_several_nodes_need_slurm(machine):
    with pytest.raises(EarmarkError, match="needs SLURM to start it"):
        machine.infer(gpus=1, nodes=2)
