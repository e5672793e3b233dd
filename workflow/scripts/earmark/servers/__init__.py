"""Model servers: one small module a type, behind the interface of `earmark.servers.base`."""

from collections.abc import Mapping
from typing import Any

from earmark.config import Model, closest
from earmark.errors import EarmarkError
from earmark.servers.base import ServerType
from earmark.servers.kinds import TYPES

_SECRET = ("TOKEN", "API_KEY", "APIKEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")


def server_type(model: Model, where: str = "") -> ServerType:
    """The type that a model's ``server`` names; raises EarmarkError where there is none."""
    if model.server not in TYPES:
        known = ", ".join(f'"{one}"' for one in TYPES)
        near = closest(model.server, TYPES)
        raise EarmarkError(f'{where}server: "{model.server}" is not one of {known}{near}')
    return TYPES[model.server]


def check(key: str, model: Model) -> None:
    """Refuse settings that the model's server would refuse, before anything is started.

    Raises:
        EarmarkError: naming every offending key below ``key``, the model's place in the config.
    """
    kind = server_type(model, f"{key}.")
    wrong = [*kind.problems(model), *_secrets(model)]
    if model.extra_body.get("stream"):
        wrong.append("extra_body.stream: `stream: true` of the model has answers come in pieces")
    if model.stream and model.api == "transcriptions":
        wrong.append("stream: transcriptions are read whole; leave it out")
    if model.stream and "stream" in kind.refuses:
        wrong.append(f"stream: a {kind.name} server refuses it; leave it out")
    if model.num_seeds > 1 and kind.name != "random-choice" and not model.sampling.temperature:
        wrong.append(
            "num_seeds: several predictions without sampling.temperature above 0 are equal"
        )
    if wrong:
        raise EarmarkError("\n".join(f"{key}.{line}" for line in wrong))


def answer_settings(model: Model, request: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that determines a model's answers on a split, and nothing operational.

    That is what the config alone knows of it (`earmark.config.Model.request`), and the formats that
    are sent as they are and the server's own arguments.
    """
    kind = server_type(model)
    return {
        **request,
        "audio": model.audio is not False,
        "audio_formats": model.audio_formats or list(kind.formats),
        "audio_rate": model.audio_rate,
        "chunk_seconds": model.chunk_seconds,
        "num_seeds": model.num_seeds,
        "serving": kind.serving(model) if kind.starts and not model.base_url else [],
    }


def _secrets(model: Model) -> list[str]:
    """Keys that were written into the config, where logs and metadata would repeat them."""
    wrong = [
        f"env.{variable}: a secret does not belong in a config; export {variable} before starting "
        "snakemake, and the server inherits it"
        for variable in model.env
        if any(word in variable.upper() for word in _SECRET)
    ]
    for key in ("server_args", "command"):
        words = str(getattr(model, key) or "").replace("'", " ").replace(",", " ").split()
        if any(word.partition("=")[0] in ("--api-key", "--api_key") for word in words):
            wrong.append(f"{key}: --api-key puts a secret in the config; servers here need none")
    return wrong
