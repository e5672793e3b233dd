"""A server inside a container: the same command line, wrapped in that of the container engine.

From the outside in: SLURM's step (``srun``, where the command is one), the container, a shell with
``installation_command`` and ``setup_command``, the server. So ``srun`` is looked for on the node,
never in the image.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from earmark.config.models import Model

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
    model: Model,
    env: Mapping[str, str],
    name: str,
    folders: Sequence[Path] = (),
) -> list[str]:
    """The command line as it is run: in ``container`` where given, after what prepares it.

    Args:
        command: The server's own command line; one that begins with ``srun --option=…`` runs the
            rest as the tasks of a SLURM step.
        model: The model, whose ``installation_command`` is run once a node, and whose
            ``setup_command`` in the shell of each of the server's processes.
        env: Variables set for the server; an engine that hides the environment is told of them.
        name: A name for the container.
        folders: What the server is to see under the same path as we do, where it is there.
    """
    # The words of a SLURM step, and those of its tasks.
    tasks = next((k for k, word in enumerate(command) if k and not word.startswith("--")), 0)
    step, command = (command[:tasks], command[tasks:]) if command[0] == "srun" else ([], command)
    script = _TASK if step else ""
    if model.installation_command:
        once = _ONCE if step else "(\n{command}\n)\n"
        script += once.replace("{command}", model.installation_command)
    if model.setup_command:
        script += f"{model.setup_command}\n"
    if script:
        command = ["bash", "-ec", f"{script}exec {shlex.join(command)}"]
    if model.container is None:
        return [*step, *command]
    image, gpus, kind = model.container.image, model.gpus > 0, engine(model)
    mounts = _mounts(model.container.mounts, [*folders, Path(model.model)])
    if kind == "pyxis":
        inside = [f"--container-mounts={','.join(mounts)}"] if mounts else []
        step = step or ["srun", "--overlap", "--ntasks=1"]
        return [*step, f"--container-image={image}", *inside, *command]
    if kind == "apptainer":
        return [*step, *_apptainer(image, mounts, env, gpus), *command]
    return [*step, *_docker(image, mounts, env, gpus, name), *command]


def engine(model: Model) -> str | None:
    """Which engine runs a model's container: the one it names, else as its image looks, or None."""
    if model.container is None:
        return None
    if model.container.engine:
        return model.container.engine
    image = model.container.image
    if image.endswith(".sqsh"):
        return "pyxis"
    return "apptainer" if image.endswith(".sif") or "://" in image else "docker"


def _mounts(given: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The mounts of the config, then the absolute folders that are there and not yet mounted."""
    pairs = [mount if ":" in mount else f"{mount}:{mount}" for mount in given]
    targets = {pair.split(":")[1].rstrip("/") for pair in pairs}
    there = [str(path) for path in folders if path.is_absolute() and path.exists()]
    return [*pairs, *(f"{path}:{path}" for path in dict.fromkeys(there) if path not in targets)]


def _apptainer(image: str, mounts: list[str], env: Mapping[str, str], gpus: bool) -> list[str]:
    words = ["apptainer", "exec", *(["--nv"] if gpus else [])]
    words += [word for mount in mounts for word in ("--bind", mount)]
    words += [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
    return [*words, image]


def _docker(
    image: str, mounts: list[str], env: Mapping[str, str], gpus: bool, name: str
) -> list[str]:
    words = ["docker", "run", "--rm", "--init", "--name", name, "--network", "host", "--ipc=host"]
    words += ["--gpus", "all"] if gpus else []
    words += [word for mount in mounts for word in ("--volume", mount)]
    # By name: values stay out of process lists, and the GPUs are handed out later than this.
    words += [word for key in dict.fromkeys([*_INHERITED, *env]) for word in ("--env", key)]
    # An image's own entrypoint would take the command line for its arguments.
    return [*words, "--entrypoint=", image]
