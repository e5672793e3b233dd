"""Model servers: one small module a type, behind the interface of `earmark.servers.base`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from earmark.errors import EarmarkError
from earmark.servers.base import ServerType
from earmark.servers.command import Command
from earmark.servers.demo import Demo
from earmark.servers.megatron import Megatron
from earmark.servers.openai import OpenAI
from earmark.servers.random_choice import RandomChoice
from earmark.servers.sglang import Sglang
from earmark.servers.vllm import Vllm

TYPES: dict[str, ServerType] = {
    kind.name: kind() for kind in (Megatron, Vllm, Sglang, Command, OpenAI, Demo, RandomChoice)
}
_SECRET = ("TOKEN", "API_KEY", "APIKEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")


def server_type(settings: Mapping[str, Any]) -> ServerType:
    """The type that a model's ``server`` names."""
    return TYPES[settings["server"]]


def check(name: str, settings: Mapping[str, Any]) -> None:
    """Refuse settings that the model's server would refuse, before anything is started.

    Args:
        name: The model's name in the config.
        settings: Its settings.

    Raises:
        EarmarkError: naming every offending key, what was found and what would be right.
    """
    found = [*server_type(settings).problems(settings), *_secrets(settings), *_address(settings)]
    if settings.get("extra_body", {}).get("stream"):
        found.append("extra_body.stream: `stream: true` of the model has answers come in pieces")
    if settings.get("stream") and settings.get("api") == "transcriptions":
        found.append("stream: transcriptions are read whole; leave it out")
    if settings.get("stream") and "stream" in server_type(settings).refuses:
        found.append(f"stream: a {settings['server']} server refuses it; leave it out")
    drawn = settings["server"] == "random-choice" or (settings.get("sampling") or {}).get(
        "temperature"
    )
    if settings.get("num_seeds", 1) > 1 and not drawn:
        found.append(
            "num_seeds: several predictions without sampling.temperature above 0 would be the "
            "same one several times"
        )
    if found:
        raise EarmarkError("\n".join(f"models.{name}.{line}" for line in found))


def answer_settings(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that determines a model's answers on a split, and nothing operational.

    Args:
        settings: The model's settings.
        wanted: What the config alone knows of it (`earmark.config.Model.request`).

    Returns:
        ``wanted``, with the formats that are sent as they are and the server's own arguments.
    """
    kind = server_type(settings)
    started = kind.starts and not settings.get("base_url")
    audio = settings.get("audio")
    return {
        **wanted,
        "audio": audio is not False,
        "audio_formats": list(settings.get("audio_formats") or kind.formats),
        "audio_rate": settings.get("audio_rate") or 16000,
        "chunk_seconds": settings.get("chunk_seconds"),
        "num_seeds": settings.get("num_seeds") or 1,
        "serving": kind.serving(settings) if started else [],
    }


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    """Keys that were written into the config, where logs and metadata would repeat them."""
    found = []
    for variable in settings.get("env") or {}:
        if any(word in variable.upper() for word in _SECRET):
            found.append(
                f"env.{variable}: a secret does not belong in a config; export {variable} before "
                "starting snakemake, and the server inherits it"
            )
    for key in ("server_args", "command"):
        words = settings.get(key) or []
        words = words.split() if isinstance(words, str) else [str(word) for word in words]
        if any(word.partition("=")[0] in ("--api-key", "--api_key") for word in words):
            found.append(
                f"{key}: --api-key puts a secret in the config; servers that are started here "
                "listen on loopback and need none"
            )
    if "@" in str(settings.get("base_url") or "").partition("://")[2].partition("/")[0]:
        found.append("base_url: holds a user or password; name the key in api_key_env instead")
    return found


def _address(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the address of a server that runs already; it is not repeated."""
    address = settings.get("base_url")
    if not address:
        return []
    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and parts.port != 0 and not any(map(str.isspace, address))
    except ValueError:
        whole = False
    if not whole:
        return ["base_url: no address; http://host:port/v1 or https://host/v1 is one"]
    if parts.query or parts.fragment:
        return [
            "base_url: `/chat/completions` is put behind it, so that nothing may stand behind the "
            "path (`?…`, `#…`); a key goes into the variable that api_key_env names"
        ]
    return []
