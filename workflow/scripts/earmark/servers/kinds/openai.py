"""OpenAI's API, or any that speaks it, running somewhere: nothing is started."""

from __future__ import annotations

from earmark.servers.base import SAMPLING, ServerType, Settings

_EXTENSIONS = frozenset({"top_k", "min_p", "repetition_penalty"})


class OpenAI(ServerType):
    """Attached to at ``base_url``."""

    starts = False
    audio = ("input_audio", "audio_url")
    formats = ("wav", "mp3")
    accepts = SAMPLING - _EXTENSIONS

    def problems(self, settings: Settings) -> list[str]:
        """See `ServerType.problems`."""
        found = super().problems(settings)
        if not settings.get("base_url"):
            found.append("base_url: missing; an openai server is one that runs already")
        return found

    def _elsewhere(self, key: str) -> str:
        if key in _EXTENSIONS:
            return f"; where this endpoint knows {key}, put it in extra_body"
        return ""
