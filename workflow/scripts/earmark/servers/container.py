"""A server inside a container: the same command line, wrapped in that of the container engine.

From the outside in: SLURM's step (``srun``, where the command is one), the container, a shell with
``installation_command`` and ``setup_command``, the server. So ``srun`` is looked for on the node,
never in the image.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_INHERITED = (
    "HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
)  # fmt: skip
"""What docker, which hides the environment, is told of; a variable that is not set stays unset."""

_TASK = """\
export RANK="$SLURM_PROCID" WORLD_SIZE="$SLURM_NTASKS" LOCAL_RANK="$SLURM_LOCALID"
export MASTER_PORT="${MASTER_PORT:-$((20000 + SLURM_JOB_ID % 20000))}"
"""
"""What torch.distributed reads, from what SLURM gives each task; torchrun would set the same."""

_ONCE = """earmark_step="$SLURM_JOB_ID-${SLURM_RESTART_COUNT:-0}-$SLURM_STEP_ID"
earmark_installed="/tmp/earmark-installed-$(id -u)-$earmark_step"
if [ "$SLURM_LOCALID" = 0 ]; then
(
{command}
)
mkdir -p "$earmark_installed"
else
until [ -d "$earmark_installed" ]; do sleep 0.2; done
fi
"""
"""A node's tasks share their container or their folders: one installs, the others wait. Where it
fails, its end is that of the step."""


def wrapped(
    command: list[str],
    settings: Mapping[str, Any],
    env: Mapping[str, str],
    name: str,
    folders: Sequence[Path] = (),
) -> list[str]:
    """The command line as it is run: in ``container`` where given, after what prepares it.

    Args:
        command: The server's own command line; one that begins with ``srun --option=…`` runs the
            rest as the tasks of a SLURM step.
        settings: The model's settings: ``container`` (an image, or ``image``, ``engine`` and
            ``mounts``), ``installation_command`` (run once a node), ``setup_command`` (run in
            the shell of each of the server's processes), ``gpus``, ``model``.
        env: Variables set for the server; an engine that hides the environment is told of them.
        name: A name for the container.
        folders: What the server is to see under the same path as we do, where it is there.
    """
    step, command = _step(command)
    script = _TASK if step else ""
    if settings.get("installation_command"):
        once = _ONCE if step else "(\n{command}\n)\n"
        script += once.replace("{command}", settings["installation_command"])
    if settings.get("setup_command"):
        script += f"{settings['setup_command']}\n"
    if script:
        command = ["bash", "-ec", f"{script}exec {shlex.join(command)}"]
    kind = engine(settings)
    if kind is None:
        return [*step, *command]
    given = settings["container"]
    given = given if isinstance(given, Mapping) else {"image": given}
    image, gpus = str(given["image"]), bool(settings.get("gpus"))
    mounts = _mounts(given.get("mounts") or [], [*folders, Path(str(settings.get("model") or ""))])
    if kind == "pyxis":
        return _pyxis(step, image, mounts, command)
    if kind == "apptainer":
        return [*step, *_apptainer(image, mounts, env, gpus), *command]
    return [*step, *_docker(image, mounts, env, gpus, name), *command]


def engine(settings: Mapping[str, Any]) -> str | None:
    """Which engine runs a model's container: the one it names, else as its image looks, or None."""
    given = settings.get("container")
    if not given:
        return None
    if isinstance(given, Mapping) and given.get("engine"):
        return str(given["engine"])
    image = str(given["image"] if isinstance(given, Mapping) else given)
    if image.endswith(".sqsh"):
        return "pyxis"
    return "apptainer" if image.endswith(".sif") or "://" in image else "docker"


def hub_home() -> Path:
    """Where the Hub's files are kept: ``HF_HOME``, as `huggingface_hub` finds it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME") or cache / "huggingface")


def _step(command: list[str]) -> tuple[list[str], list[str]]:
    """The words of a SLURM step, and those of its tasks."""
    if command[0] != "srun":
        return [], command
    count = 1
    while count < len(command) and command[count].startswith("--"):
        count += 1
    return command[:count], command[count:]


def _mounts(given: Sequence[Any], folders: Sequence[Path]) -> list[str]:
    """The mounts of the config, then the absolute folders that are there and not yet mounted."""
    pairs = [str(mount) if ":" in str(mount) else f"{mount}:{mount}" for mount in given]
    targets = {pair.split(":")[1].rstrip("/") for pair in pairs}
    for folder in folders:
        path = str(folder)
        if folder.is_absolute() and folder.exists() and path not in targets:
            targets.add(path)
            pairs.append(f"{path}:{path}")
    return pairs


def _apptainer(image: str, mounts: list[str], env: Mapping[str, str], gpus: bool) -> list[str]:
    words = ["apptainer", "exec", *(["--nv"] if gpus else [])]
    for mount in mounts:
        words += ["--bind", mount]
    for key, value in env.items():
        words += ["--env", f"{key}={value}"]
    return [*words, image]


def _docker(
    image: str, mounts: list[str], env: Mapping[str, str], gpus: bool, name: str
) -> list[str]:
    words = ["docker", "run", "--rm", "--init", "--name", name, "--network", "host", "--ipc=host"]
    words += ["--gpus", "all"] if gpus else []
    for mount in mounts:
        words += ["--volume", mount]
    # By name: values stay out of process lists, and the GPUs are handed out later than this.
    for key in {**dict.fromkeys(_INHERITED), **env}:
        words += ["--env", key]
    # An image's own entrypoint would take the command line for its arguments.
    return [*words, "--entrypoint=", image]


def _pyxis(step: list[str], image: str, mounts: list[str], command: list[str]) -> list[str]:
    words = [*(step or ["srun", "--overlap", "--ntasks=1"]), f"--container-image={image}"]
    words += [f"--container-mounts={','.join(mounts)}"] if mounts else []
    return [*words, *command]
