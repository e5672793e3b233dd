"""Megatron's text generation server: no ``/v1``, audio by path, few sampling parameters."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

from earmark.servers.base import ServerType, Settings, arguments, gpus, in_slurm

HOME = "/opt/Megatron-LM"
ENTRYPOINT = "tools/run_text_generation_server.py"


class Megatron(ServerType):
    """Started by ``torchrun``, or by SLURM with one task a GPU; opens audio files itself."""

    name = "megatron"
    root = ""
    audio = ("path",)
    formats = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm")
    accepts = frozenset({"temperature", "top_p", "max_tokens", "seed", "stop"})
    refuses = frozenset(
        {
            "stream",
            "stream_options",
            "top_k",
            "min_p",
            "repetition_penalty",
            "tools",
            "tool_choice",
        }
    )
    concurrency = 1  # it may serve one request at a time
    operational = frozenset(
        {
            "--inference-max-requests",
            "--max-tokens-to-oom",
            "--micro-batch-size",
            "--port",
            "--tensor-model-parallel-size",
            "--pipeline-model-parallel-size",
            "--timing-log-level",
            "--log-interval",
            "--distributed-timeout-minutes",
        }
    )

    def command(self, settings: Settings, port: int) -> list[str]:
        """See `ServerType.command`; ``model`` is the checkpoint."""
        each, nodes = max(1, gpus(settings)), int(settings.get("nodes") or 1)
        script = str(PurePosixPath(HOME) / (settings.get("server_entrypoint") or ENTRYPOINT))
        if not in_slurm():
            start = ["torchrun", "--nproc_per_node", str(each)]
        elif each * nodes == 1:
            start = ["python"]
        else:
            start = ["srun", "--overlap", "--kill-on-bad-exit=1", f"--nodes={nodes}"]
            start += [f"--ntasks-per-node={each}", "python"]
        words = [*start, script, "--load", str(settings["model"])]
        words += ["--tensor-model-parallel-size", str(each)]
        words += ["--pipeline-model-parallel-size", str(nodes), "--use-checkpoint-args"]
        words += ["--max-tokens-to-oom", "12000000", "--micro-batch-size", "1"]
        return [*words, "--port", str(port), *arguments(settings.get("server_args"))]

    def environment(self, settings: Settings) -> dict[str, str]:
        """See `ServerType.environment`."""
        path = os.pathsep.join(filter(None, [HOME, os.environ.get("PYTHONPATH")]))
        return {"CUDA_DEVICE_MAX_CONNECTIONS": "1", "PYTHONPATH": path}

    def _nodes(self, settings: Settings) -> list[str]:
        return []
