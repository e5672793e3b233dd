"""What a type of model server is: how it is started, asked about its health, and spoken to."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from earmark.errors import EarmarkError

Settings = Mapping[str, Any]

SAMPLING = frozenset({
    "temperature", "top_p", "max_tokens", "seed", "stop", "top_k", "min_p", "repetition_penalty",
    "presence_penalty", "frequency_penalty",
})  # fmt: skip
"""The sampling parameters that a config may name."""


class ServerType:
    """A type of server; each has a module of its own and overrides what is special to it.

    Attributes:
        name: What ``server:`` says in the config: its module's name, with ``-`` for ``_``.
        starts: Whether it is started by us; otherwise it is attached to at ``base_url``.
        root: What stands between host and endpoint in URLs.
        audio: The ways to put audio in a chat message that it takes; the first is its default.
        formats: Suffixes of audio files that are sent as they are.
        accepts: The sampling parameters that it takes.
        refuses: Keys of ``extra_body`` that it refuses.
        transcription_names: What sampling parameters are called at ``/audio/transcriptions``, where
            that is another name than at ``/chat/completions``.
        concurrency: Requests under way at once, unless the config says otherwise.
        operational: Arguments that change how it runs and not what it answers: all others count
            as part of the model, and an answer is asked anew when they change.
    """

    name: ClassVar[str]
    starts: ClassVar[bool] = True
    root: ClassVar[str] = "/v1"
    audio: ClassVar[tuple[str, ...]] = ("audio_url", "input_audio")
    formats: ClassVar[tuple[str, ...]] = ("wav", "flac", "mp3", "ogg")
    accepts: ClassVar[frozenset[str]] = SAMPLING
    refuses: ClassVar[frozenset[str]] = frozenset()
    transcription_names: ClassVar[Mapping[str, str]] = {}
    concurrency: ClassVar[int] = 32
    operational: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.name = cls.__module__.rpartition(".")[2].replace("_", "-")

    def command(self, settings: Settings, port: int) -> list[str]:
        """The command line that serves the model on a port of loopback."""
        raise NotImplementedError

    def environment(self, settings: Settings) -> dict[str, str]:
        """Variables set for the server, beside those that the job has."""
        return {}

    def serving(self, settings: Settings) -> list[str]:
        """The arguments that may change what is answered."""
        kept: list[str] = []
        dropping = False
        for word in arguments(settings.get("server_args")):
            if word.startswith("--"):
                dropping = word.partition("=")[0] in self.operational
            if not dropping:
                kept.append(word)
        return kept

    def problems(self, settings: Settings) -> list[str]:
        """What is wrong with a model's settings for this type: ``key: what, and what to do``."""
        refused = f"a {self.name} server refuses it"
        takes = ", ".join(sorted(self.accepts))
        wrong = [
            f"sampling.{key}: {refused}; it takes {takes}"
            + (
                ""
                if key in self.refuses
                else "; where it knows it all the same, put it in extra_body"
            )
            for key in settings.get("sampling") or {}
            if key not in self.accepts
        ]
        body = settings.get("extra_body") or {}
        wrong += [
            f"extra_body.{key}: {refused}; leave it out" for key in body if key in self.refuses
        ]
        style, ways = settings.get("audio"), ", ".join(self.audio)
        if style not in (None, False, True, *self.audio) and settings.get("api") == "chat":
            wrong.append(f"audio: a {self.name} server does not take {style!r}; it takes {ways}")
        if settings.get("base_url") is None:
            wrong += self._unreadable(settings)
            wrong += self._nodes(settings) if int(settings.get("nodes") or 1) > 1 else []
        return wrong

    def _unreadable(self, settings: Settings) -> list[str]:
        """Words of the command line that no shell would read, or that take the port away."""
        words = []
        for key in ("server_args", "server_entrypoint"):
            try:
                words += arguments(settings.get(key))
            except ValueError as error:
                return [f"{key}: cannot be read as a shell would: {error}"]
        if "--port" in self.operational and any(word.split("=")[0] == "--port" for word in words):
            return ["server_args: leave --port out; the server is given a free port"]
        return []

    def _nodes(self, settings: Settings) -> list[str]:
        if settings.get("server_entrypoint"):
            return []
        return [
            f"nodes: a {self.name} server over several nodes needs a `server_entrypoint` of yours "
            "that starts it on all of them; or start it yourself and give its `base_url`"
        ]


def arguments(value: Any) -> list[str]:
    """``server_args`` (a list, or one string as a shell reads it) as a list of words."""
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value or []]


def entrypoint(settings: Settings, default: str) -> list[str]:
    """The program and its first words: ``server_entrypoint``, or the type's own."""
    return shlex.split(settings.get("server_entrypoint") or default)


def gpus(settings: Settings) -> int:
    """How many GPUs on each node the server gets."""
    return int(settings.get("gpus") or 0)


def in_slurm() -> bool:
    """Whether this process runs inside a SLURM job."""
    return "SLURM_JOB_ID" in os.environ


def api_key(settings: Settings) -> str | None:
    """The key that the config names, from the environment.

    Raises:
        EarmarkError: when the variable is not set; its value is never shown.
    """
    variable = settings.get("api_key_env")
    if not variable:
        return None
    key = os.environ.get(variable, "").strip()
    named = f"the environment variable {variable}"
    if not key:
        raise EarmarkError(
            f"api_key_env names {named}, which is not set; export {variable}=… first"
        )
    if not key.isprintable() or " " in key:
        raise EarmarkError(f"api_key_env: {named} is no key: it holds blanks or control characters")
    return key
