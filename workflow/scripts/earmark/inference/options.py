"""How a model is asked: all that this package reads of its operational settings, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earmark.servers import server_type


@dataclass(frozen=True)
class Options:
    """How requests become messages, and how patiently they are sent.

    ``model`` is what the server calls it, ``sampling`` is without the seed, ``timeout`` is seconds
    an attempt, and ``audio_root`` maps prefixes of paths to what the server calls them.
    """

    api: str
    model: str
    audio: str
    sampling: Mapping[str, Any]
    extra_body: Mapping[str, Any]
    audio_root: Mapping[str, str]
    stream: bool
    concurrency: int
    timeout: float
    max_retries: int
    adaptive: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Options:
        """The options among a model's settings; its server's type says what they do not."""
        kind = server_type(settings)
        audio, client = settings.get("audio"), settings.get("client") or {}
        names = kind.transcription_names if settings["api"] == "transcriptions" else {}
        sampling = settings.get("sampling") or {}
        return cls(
            api=settings["api"],
            model=str(settings.get("served_model_name") or settings["model"]),
            audio=audio if isinstance(audio, str) else kind.audio[0],
            sampling={names.get(k, k): v for k, v in sampling.items() if k != "seed"},
            extra_body=settings.get("extra_body") or {},
            audio_root=settings.get("audio_root") or {},
            stream=bool(settings.get("stream")),
            concurrency=int(client.get("concurrency") or kind.concurrency),
            timeout=float(client.get("timeout", 600)),
            max_retries=int(client.get("max_retries", 8)),
            adaptive=bool(client.get("adaptive", True)),
        )
