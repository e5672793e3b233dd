"""vLLM: ``vllm serve``, OpenAI's API with audio as ``audio_url``, and transcriptions."""

from collections.abc import Mapping
from typing import ClassVar

from earmark.servers.base import ServerType


class Vllm(ServerType):
    """``vllm serve MODEL``."""

    program = "vllm serve"
    gpus_option = "--tensor-parallel-size"
    operational = frozenset({
        "--allowed-local-media-path", "--block-size", "--data-parallel-size",
        "--disable-log-requests", "--disable-log-stats", "--download-dir",
        "--enable-chunked-prefill", "--enable-prefix-caching", "--enforce-eager",
        "--gpu-memory-utilization", "--host", "--max-num-batched-tokens", "--max-num-seqs",
        "--no-enable-prefix-caching", "--pipeline-parallel-size", "--port", "--swap-space",
        "--tensor-parallel-size", "--uvicorn-log-level",
    })  # fmt: skip
    transcription_names: ClassVar[Mapping[str, str]] = {"max_tokens": "max_completion_tokens"}
