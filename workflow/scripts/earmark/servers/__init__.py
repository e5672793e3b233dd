"""Model servers: one small module a type, behind the interface of `earmark.servers.base`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earmark.config import closest
from earmark.errors import EarmarkError
from earmark.servers.base import ServerType
from earmark.servers.kinds import TYPES

_SECRET = ("TOKEN", "API_KEY", "APIKEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")


def server_type(settings: Mapping[str, Any]) -> ServerType:
    """The type that a model's ``server`` names."""
    if settings["server"] not in TYPES:
        raise EarmarkError(f"server: {settings['server']!r} is none of {', '.join(TYPES)}")
    return TYPES[settings["server"]]


def check(key: str, settings: Mapping[str, Any]) -> None:
    """Refuse settings that the model's server would refuse, before anything is started.

    Args:
        key: What names the model in messages: its file and key in the config.
        settings: Its settings.

    Raises:
        EarmarkError: naming every offending key, what was found and what would be right.
    """
    name = settings["server"]
    if name not in TYPES:
        known = ", ".join(f'"{one}"' for one in TYPES)
        near = closest(name, TYPES)
        raise EarmarkError(f'{key}.server: "{name}" is not one of {known}{near}')
    wrong = [*server_type(settings).problems(settings), *_secrets(settings)]
    if settings.get("extra_body", {}).get("stream"):
        wrong.append("extra_body.stream: `stream: true` of the model has answers come in pieces")
    if settings.get("stream") and settings.get("api") == "transcriptions":
        wrong.append("stream: transcriptions are read whole; leave it out")
    if settings.get("stream") and "stream" in server_type(settings).refuses:
        wrong.append(f"stream: a {name} server refuses it; leave it out")
    sampling = settings.get("sampling") or {}
    drawn = name == "random-choice" or sampling.get("temperature")
    if settings.get("num_seeds", 1) > 1 and not drawn:
        wrong.append(
            "num_seeds: several predictions without sampling.temperature above 0 are equal"
        )
    if wrong:
        raise EarmarkError("\n".join(f"{key}.{line}" for line in wrong))


def answer_settings(settings: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that determines a model's answers on a split, and nothing operational.

    Args:
        settings: The model's settings.
        request: What the config alone knows of it (`earmark.config.Model.request`).

    Returns:
        ``request``, with the formats that are sent as they are and the server's own arguments.
    """
    kind = server_type(settings)
    started = kind.starts and not settings.get("base_url")
    return {
        **request,
        "audio": settings.get("audio") is not False,
        "audio_formats": list(settings.get("audio_formats") or kind.formats),
        "audio_rate": settings.get("audio_rate") or 16000,
        "chunk_seconds": settings.get("chunk_seconds"),
        "num_seeds": settings.get("num_seeds") or 1,
        "serving": kind.serving(settings) if started else [],
    }


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    """Keys that were written into the config, where logs and metadata would repeat them."""
    wrong = [
        f"env.{variable}: a secret does not belong in a config; export {variable} before starting "
        "snakemake, and the server inherits it"
        for variable in settings.get("env") or {}
        if any(word in variable.upper() for word in _SECRET)
    ]
    for key in ("server_args", "command"):
        words = str(settings.get(key) or "").replace("'", " ").replace(",", " ").split()
        if any(word.partition("=")[0] in ("--api-key", "--api_key") for word in words):
            wrong.append(f"{key}: --api-key puts a secret in the config; servers here need none")
    return wrong
