"""OpenAI's API, or any that speaks it, running somewhere: nothing is started."""

from __future__ import annotations

from earmark.servers.base import SAMPLING, ServerType, Settings


class OpenAI(ServerType):
    """Attached to at ``base_url``."""

    starts = False
    audio = ("input_audio", "audio_url")
    formats = ("wav", "mp3")
    accepts = SAMPLING - {"top_k", "min_p", "repetition_penalty"}

    def problems(self, settings: Settings) -> list[str]:
        """See `ServerType.problems`."""
        wrong = super().problems(settings)
        if not settings.get("base_url"):
            wrong.append("base_url: missing; an openai server is one that runs already")
        return wrong
