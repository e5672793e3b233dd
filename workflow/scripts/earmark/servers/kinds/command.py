"""Any other server: a command of the user's, with the model, the port and the GPUs filled in."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from earmark.servers.base import ServerType, Settings, arguments, gpus

_BLANK = re.compile(r"\{(\w+)\}")


class Command(ServerType):
    """``command: my-server {model} --port {port}``, spoken to as ``api`` and ``audio`` say."""

    audio = ("audio_url", "input_audio", "path")

    def command(self, settings: Settings, port: int) -> list[str]:
        """See `ServerType.command`."""
        filled = {"model": settings["model"], "port": port, "gpus": gpus(settings)}
        filled |= {"nodes": settings.get("nodes") or 1, "host": "127.0.0.1"}
        return [
            _BLANK.sub(lambda blank: str(filled.get(blank[1], blank[0])), word)
            for word in self._words(settings)
        ]

    def serving(self, settings: Settings) -> list[str]:
        """See `ServerType.serving`: the command as it is written, wherever its program lies."""
        words = self._words(settings)
        return [PurePosixPath(words[0]).name, *words[1:]] if words else []

    def problems(self, settings: Settings) -> list[str]:
        """See `ServerType.problems`."""
        wrong = super().problems(settings)
        if settings.get("base_url"):
            return wrong
        try:
            words = self._words(settings)
        except ValueError as error:
            return [*wrong, f"command: cannot be read as a shell would: {error}"]
        if not words:
            wrong.append(
                "command: missing; it starts the server: `command: my-server {model} --port {port}`"
            )
        elif not any("{port}" in word for word in words):
            wrong.append("command: {port} is missing; the server gets a free port there")
        return wrong

    def _words(self, settings: Settings) -> list[str]:
        return [*arguments(settings.get("command")), *arguments(settings.get("server_args"))]

    def _nodes(self, settings: Settings) -> list[str]:
        return []
