"""The project's own CPU server, for the embedded demo."""

import os
import sys
from pathlib import Path

from earmark.config.models import Model
from earmark.servers.base import ServerType, arguments


class Demo(ServerType):
    """``python -m earmark.demo.server``."""

    audio = ("input_audio", "audio_url")
    concurrency = 4
    operational = frozenset({"--port", "--workers"})

    def command(self, model: Model, port: int | str) -> list[str]:
        """See `ServerType.command`."""
        words = [sys.executable, "-m", "earmark.demo.server", "--port", str(port)]
        return [*words, *arguments(model.server_args)]

    def environment(self, model: Model) -> dict[str, str]:
        """See `ServerType.environment`: a clone need not be installed."""
        path = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, path))}
