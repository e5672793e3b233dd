"""Which GPUs a server or a matcher gets, so that two of one user and machine never share one."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import Timeout

from earmark.errors import EarmarkError
from earmark.servers.run import GRACE, Run, ask, locked, runtime_folder

_VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def visible() -> tuple[str, list[str] | None]:
    """The variable that names this machine's GPUs to a server, and the GPUs (None: unknown)."""
    for variable in _VARIABLES:
        if variable in os.environ:
            return variable, [one for one in os.environ[variable].split(",") if one.strip()]
    return _VARIABLES[0], nvidia_smi("index")


def nvidia_smi(columns: str) -> list[str] | None:
    """What ``nvidia-smi`` says of each of this machine's GPUs; None where it is not there."""
    command = ["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.stdout.strip().splitlines()


def gpus_to_lock(count: int, run: Run) -> int:
    """How many of ``count`` GPUs have to be locked: none where a cluster hands them out."""
    given = "SLURM_JOB_ID" in os.environ and (run.allocation or not run.shared)
    return 0 if given else count


@contextmanager
def reserved_gpus(
    count: int, waiting: Callable[[], None] | None = None
) -> Iterator[dict[str, str]]:
    """Hold some of this machine's GPUs; idle servers are asked to give theirs up.

    Where the machine's GPUs are unknown, it is held whole. The locks end with this process. As long
    as others have them, ``waiting`` is called again and again; by default standard output says once
    that they are waited for.

    Yields:
        The variable of the environment that names them, for the process that is to use them.

    Raises:
        EarmarkError: when the machine has fewer.
    """
    if not count:
        yield {}
        return
    variable, devices = visible()
    if devices is not None and len(devices) < count:
        raise EarmarkError(
            f"the model asks for gpus: {count}, and this machine shows "
            f"{len(devices)} ({','.join(devices) or 'none'})"
        )
    folder = runtime_folder()
    wanted = (devices, count) if devices else (["machine"], 1)
    said = False
    with ExitStack() as locks:
        while not (held := _held(locks, folder, *wanted)):
            if waiting:
                waiting()
            elif not said:
                said = True
                print(f"waiting for {count} GPUs of this machine", flush=True)
            wish = {"do": "yield", "gpus": wanted[0]}
            any(ask(path, wish, GRACE + 5) == b"" for path in folder.glob("*.sock"))
            time.sleep(0.2)
        yield {variable: ",".join(held)} if devices else {}


def _held(locks: ExitStack, folder: Path, devices: list[str], count: int) -> list[str]:
    """So many of some devices, which ``locks`` then holds; none where others have too many."""
    held = []
    for device in devices:
        name = re.sub(r"[^\w.-]", "_", device)
        with suppress(Timeout):
            locks.enter_context(locked(folder / f"gpu-{name}.lock", blocking=False))
            held.append(device)
        if len(held) == count:
            return held
    locks.close()
    return []
