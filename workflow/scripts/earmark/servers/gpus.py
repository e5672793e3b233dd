"""Which GPUs a server gets, so that two servers of one machine never share one."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

_VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def visible() -> tuple[str, list[str] | None]:
    """The variable that names this machine's GPUs to a server, and the GPUs (None: unknown)."""
    for variable in _VARIABLES:
        if variable in os.environ:
            return variable, [one for one in os.environ[variable].split(",") if one.strip()]
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return _VARIABLES[0], None
    return _VARIABLES[0], found.stdout.split()


class Claims:
    """Locks on GPUs, one a device, which end with the processes that hold them.

    Args:
        folder: Where the locks live; shared by all servers of a user on a machine.
        wanted: How many GPUs; 0 takes none.
    """

    def __init__(self, folder: Path, wanted: int) -> None:
        self._folder = folder
        self.wanted = wanted
        self.variable, self.devices = visible() if wanted else (_VARIABLES[0], None)
        self._held: dict[str, int] = {}

    @property
    def impossible(self) -> str | None:
        """Why there will never be enough, or None."""
        if self.wanted and self.devices is not None and len(self.devices) < self.wanted:
            return (
                f"the model asks for gpus: {self.wanted}, and this machine shows "
                f"{len(self.devices)} ({','.join(self.devices) or 'none'})"
            )
        return None

    def take(self) -> bool:
        """Claim as many as are wanted, all or none; where GPUs are unknown, the whole machine."""
        if not self.wanted:
            return True
        enough = 1 if self.devices is None else self.wanted
        for device in ["machine"] if self.devices is None else self.devices:
            if len(self._held) < enough:
                self._lock(device)
        if len(self._held) == enough:
            return True
        self.release()
        return False

    def environment(self) -> dict[str, str]:
        """What tells the server which GPUs are its own."""
        if not self.wanted or self.devices is None:
            return {}
        return {self.variable: ",".join(self._held)}

    def release(self) -> None:
        """Give all back."""
        for file in self._held.values():
            os.close(file)
        self._held.clear()

    def _lock(self, device: str) -> None:
        name = "".join(c if c.isalnum() or c in "-." else "_" for c in device)
        file = os.open(self._folder / f"gpu-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            self._held[device] = file
