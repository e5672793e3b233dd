"""GPUs for what is no model server, such as a matcher: claimed as servers claim theirs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from earmark.errors import EarmarkError
from earmark.servers.gpus import Claims
from earmark.servers.lease import GRACE, state_folder
from earmark.servers.run import current_run
from earmark.servers.supervisor import ask


@contextmanager
def borrowed_gpus(wanted: int) -> Iterator[dict[str, str]]:
    """Hold some of this machine's GPUs; idle servers are asked to give theirs up.

    Args:
        wanted: How many; none within a cluster's job, to which the cluster gave its own.

    Yields:
        The variable of the environment that names them, for the process that is to use them.

    Raises:
        EarmarkError: when the machine has fewer.
    """
    if "SLURM_JOB_ID" in os.environ and not current_run().shared:
        wanted = 0
    folder = state_folder()
    claims = Claims(folder, wanted)
    if claims.impossible:
        raise EarmarkError(claims.impossible)
    told = False
    while not claims.take():
        if not told:
            print(f"waiting for {wanted} GPUs of this machine", flush=True)
            told = True
        any(ask(path, {"want": "yield"}, GRACE + 5) for path in folder.glob("*.sock"))
        time.sleep(0.2)
    try:
        yield claims.environment()
    finally:
        claims.release()
