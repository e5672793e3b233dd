"""Any other server: a command of the user's, with the model, the port and the GPUs filled in."""

import re
from pathlib import PurePosixPath

from earmark.config.models import Model
from earmark.servers.base import ServerType, arguments

_BLANK = re.compile(r"\{(\w+)\}")


class Command(ServerType):
    """``command: my-server {model} --port {port}``, spoken to as ``api`` and ``audio`` say."""

    audio = ("audio_url", "input_audio", "path")
    several_nodes = True

    def command(self, model: Model, port: int | str) -> list[str]:
        """See `ServerType.command`."""
        filled = {"model": model.model, "port": port, "gpus": model.gpus}
        filled |= {"nodes": model.nodes, "host": "127.0.0.1"}
        return [
            _BLANK.sub(lambda blank: str(filled.get(blank[1], blank[0])), word)
            for word in _words(model)
        ]

    def serving(self, model: Model) -> list[str]:
        """See `ServerType.serving`: the command as it is written, wherever its program lies."""
        words = _words(model)
        return [PurePosixPath(words[0]).name, *words[1:]] if words else []

    def problems(self, model: Model) -> list[str]:
        """See `ServerType.problems`."""
        wrong = super().problems(model)
        if not (model.command or model.base_url):
            wrong.append(
                "command: missing; it starts the server: `command: my-server {model} --port {port}`"
            )
        elif not model.base_url and "{port}" not in f"{model.command} {model.server_args}":
            wrong.append("command: {port} is missing; the server gets a free port there")
        return wrong


def _words(model: Model) -> list[str]:
    return [*arguments(model.command), *arguments(model.server_args)]
