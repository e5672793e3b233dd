"""Megatron's text generation server: no ``/v1``, audio by path, few sampling parameters."""

import os
import socket
from pathlib import PurePosixPath

from earmark.config.models import Model
from earmark.errors import EarmarkError
from earmark.servers.base import ServerType, arguments, in_slurm
from earmark.servers.container import engine

HOME = "/opt/Megatron-LM"
ENTRYPOINT = "tools/run_text_generation_server.py"


class Megatron(ServerType):
    """Started by ``torchrun``, or by SLURM with one task a GPU; opens audio files itself."""

    several_nodes = True
    root = ""
    audio = ("path",)
    formats = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm")
    accepts = frozenset({"temperature", "top_p", "max_tokens", "seed", "stop"})
    refuses = frozenset({
        "stream", "stream_options", "top_k", "min_p", "repetition_penalty", "tools", "tool_choice",
    })  # fmt: skip
    concurrency = 1  # it may serve one request at a time
    operational = frozenset({
        "--inference-max-requests", "--max-tokens-to-oom", "--micro-batch-size", "--port",
        "--tensor-model-parallel-size", "--pipeline-model-parallel-size", "--timing-log-level",
        "--log-interval", "--distributed-timeout-minutes",
    })  # fmt: skip

    def command(self, model: Model, port: int | str) -> list[str]:
        """See `ServerType.command`; ``model`` is the checkpoint.

        Raises:
            EarmarkError: when it is to run on several nodes, and this is no SLURM job.
        """
        each, nodes = max(1, model.gpus), model.nodes
        if nodes > 1 and not in_slurm():
            raise EarmarkError(
                f"nodes: {nodes}: a megatron server over several nodes needs SLURM to start it; "
                "use profiles/slurm, or start it yourself and give its `base_url`"
            )
        if _torchrun(model):
            start = ["torchrun", "--nproc_per_node", str(each)]
        elif each * nodes == 1:
            start = ["python"]
        else:
            # The number of tasks too: the job's own, which is 1, would count otherwise.
            start = ["srun", "--overlap", "--kill-on-bad-exit=1", f"--nodes={nodes}"]
            start += [f"--ntasks={each * nodes}", f"--ntasks-per-node={each}"]
            start += ["--overcommit", "--cpu-bind=none", "python"]
        words = [*start, str(PurePosixPath(HOME) / (model.server_entrypoint or ENTRYPOINT))]
        words += ["--load", model.model, "--tensor-model-parallel-size", str(each)]
        words += ["--pipeline-model-parallel-size", str(nodes), "--use-checkpoint-args"]
        words += ["--max-tokens-to-oom", "12000000", "--micro-batch-size", "1"]
        return [*words, "--port", str(port), *arguments(model.server_args)]

    def environment(self, model: Model) -> dict[str, str]:
        """See `ServerType.environment`."""
        path = os.pathsep.join(filter(None, [HOME, os.environ.get("PYTHONPATH")]))
        variables = {"CUDA_DEVICE_MAX_CONNECTIONS": "1", "PYTHONPATH": path}
        if _torchrun(model):
            variables["PET_STANDALONE"] = "1"  # torchrun's own port: a free one, not 29500 for all
        else:
            # Where its processes meet; torchrun would say. The job runs on the first of its nodes.
            many = model.nodes > 1
            variables["MASTER_ADDR"] = socket.gethostname() if many else "127.0.0.1"
            if model.gpus < 2 and not many:
                variables |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
                variables["MASTER_PORT"] = str(20000 + int(os.environ["SLURM_JOB_ID"]) % 20000)
        return variables

    def problems(self, model: Model) -> list[str]:
        """See `ServerType.problems`."""
        wrong = super().problems(model)
        if model.api == "transcriptions":
            wrong.append("api: a megatron server has no transcriptions; `api: chat` is what it has")
        if model.nodes > 1 and engine(model) == "docker" and not model.base_url:
            wrong.append("nodes: docker runs on one node; give the container as an image for pyxis "
                         "(.sqsh) or apptainer (.sif)")  # fmt: skip
        return wrong


def _torchrun(model: Model) -> bool:
    """Whether torchrun starts its processes: outside SLURM, and as docker's tasks share nothing."""
    return not in_slurm() or engine(model) == "docker"
