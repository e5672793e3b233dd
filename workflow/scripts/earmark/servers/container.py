"""A server inside a container: the same command line, wrapped in that of the container engine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

ENGINES = ("apptainer", "docker", "pyxis")


def wrapped(
    command: list[str], settings: Mapping[str, Any], env: Mapping[str, str], name: str
) -> list[str]:
    """The command line as it is run: after ``setup_command``, and in ``container`` where given.

    Args:
        command: The server's own command line.
        settings: The model's settings: ``container`` (an image, or ``image``, ``engine`` and
            ``mounts``), ``setup_command``, ``gpus``.
        env: Variables set for the server; an engine that hides the environment is told of them.
        name: A name for the container.
    """
    if settings.get("setup_command"):
        script = f"{settings['setup_command']}\nexec {shlex.join(command)}"
        command = ["bash", "-euc", script]
    given = settings.get("container")
    if not given:
        return command
    container = given if isinstance(given, Mapping) else {"image": given}
    image = str(container["image"])
    mounts = [str(mount) for mount in container.get("mounts") or []]
    engine = container.get("engine") or _engine(image)
    return _WRAPPERS[engine](command, image, mounts, env, bool(settings.get("gpus")), name)


def _engine(image: str) -> str:
    if image.endswith(".sqsh"):
        return "pyxis"
    return "apptainer" if image.endswith(".sif") or "://" in image else "docker"


def _apptainer(
    command: list[str],
    image: str,
    mounts: list[str],
    env: Mapping[str, str],
    gpus: bool,
    name: str,
) -> list[str]:
    words = ["apptainer", "exec", *(["--nv"] if gpus else [])]
    for mount in mounts:
        words += ["--bind", mount]
    for key in env:
        words += ["--env", f"{key}={env[key]}"]
    return [*words, image, *command]


def _docker(
    command: list[str],
    image: str,
    mounts: list[str],
    env: Mapping[str, str],
    gpus: bool,
    name: str,
) -> list[str]:
    words = ["docker", "run", "--rm", "--init", "--name", name, "--network", "host", "--ipc=host"]
    words += ["--gpus", "all"] if gpus else []
    for mount in mounts:
        words += ["--volume", mount if ":" in mount else f"{mount}:{mount}"]
    inherited = [
        key for key in ("HF_TOKEN", "HF_HOME", "CUDA_VISIBLE_DEVICES") if key in os.environ
    ]
    for key in {**dict.fromkeys(inherited), **env}:  # by name: values stay out of process lists
        words += ["--env", key]
    return [*words, image, *command]


def _pyxis(
    command: list[str],
    image: str,
    mounts: list[str],
    env: Mapping[str, str],
    gpus: bool,
    name: str,
) -> list[str]:
    if command[0] == "srun":  # one step, with a task a GPU: the container goes into it
        words, rest = ["srun"], command[1:]
    else:
        words, rest = ["srun", "--overlap", "--ntasks=1"], command
    words.append(f"--container-image={image}")
    if mounts:
        pairs = [mount if ":" in mount else f"{mount}:{mount}" for mount in mounts]
        words.append(f"--container-mounts={','.join(pairs)}")
    return [*words, *rest]


_WRAPPERS = {"apptainer": _apptainer, "docker": _docker, "pyxis": _pyxis}
