"""OpenAI's API, or any that speaks it, running somewhere: nothing is started."""

from earmark.config.models import Model
from earmark.servers.base import SAMPLING, ServerType


class OpenAI(ServerType):
    """Attached to at ``base_url``."""

    starts = False
    audio = ("input_audio", "audio_url")
    formats = ("wav", "mp3")
    accepts = SAMPLING - {"top_k", "min_p", "repetition_penalty"}

    def problems(self, model: Model) -> list[str]:
        """See `ServerType.problems`."""
        missing = "base_url: missing; an openai server is one that runs already"
        return [*super().problems(model), *([] if model.base_url else [missing])]
