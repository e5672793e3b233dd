"""SGLang: ``python -m sglang.launch_server``, OpenAI's API with audio as ``audio_url``."""

from earmark.servers.base import ServerType


class Sglang(ServerType):
    """``python -m sglang.launch_server --model-path MODEL``."""

    program = "python -m sglang.launch_server"
    before_model = ("--model-path",)
    gpus_option = "--tp"
    operational = frozenset({
        "--chunked-prefill-size", "--cuda-graph-max-bs", "--disable-cuda-graph",
        "--disable-radix-cache", "--dp", "--dp-size", "--host", "--log-level", "--log-requests",
        "--max-prefill-tokens", "--max-running-requests", "--mem-fraction-static", "--port",
        "--schedule-policy", "--tensor-parallel-size", "--tp", "--tp-size", "--watchdog-timeout",
    })  # fmt: skip
