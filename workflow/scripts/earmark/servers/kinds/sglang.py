"""SGLang: ``python -m sglang.launch_server``, OpenAI's API with audio as ``audio_url``."""

from __future__ import annotations

from earmark.servers.base import ServerType, Settings, arguments, entrypoint, gpus


class Sglang(ServerType):
    """``python -m sglang.launch_server --model-path MODEL``."""

    operational = frozenset({
        "--chunked-prefill-size", "--cuda-graph-max-bs", "--disable-cuda-graph",
        "--disable-radix-cache", "--dp", "--dp-size", "--host", "--log-level", "--log-requests",
        "--max-prefill-tokens", "--max-running-requests", "--mem-fraction-static", "--port",
        "--schedule-policy", "--tensor-parallel-size", "--tp", "--tp-size", "--watchdog-timeout",
    })  # fmt: skip

    def command(self, settings: Settings, port: int) -> list[str]:
        """See `ServerType.command`."""
        words = entrypoint(settings, "python -m sglang.launch_server")
        words += ["--model-path", str(settings["model"])]
        words += ["--host", "127.0.0.1", "--port", str(port)]
        if gpus(settings) > 1:
            words += ["--tp", str(gpus(settings))]
        if settings.get("revision"):
            words += ["--revision", str(settings["revision"])]
        return [*words, *arguments(settings.get("server_args"))]
