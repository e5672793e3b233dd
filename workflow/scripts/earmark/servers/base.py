"""What a type of model server is: how it is started, asked about its health, and spoken to."""

import os
import shlex
from collections.abc import Mapping
from typing import ClassVar

from earmark.config.models import Model, Sampling
from earmark.config.parts import Words
from earmark.errors import EarmarkError

SAMPLING = frozenset(Sampling.model_fields)
"""The sampling parameters that a config may name."""


class ServerType:
    """A type of server; each has a module of its own and overrides what is special to it.

    Attributes:
        name: What ``server:`` says in the config: its module's name, with ``-`` for ``_``.
        starts: Whether it is started by us; otherwise it is attached to at ``base_url``.
        program: What is run, and ``before_model`` what comes between it and the model.
        gpus_option: What says on how many GPUs, where there are several.
        several_nodes: Whether it may be started on several nodes.
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
    program: ClassVar[str] = ""
    before_model: ClassVar[tuple[str, ...]] = ()
    gpus_option: ClassVar[str] = ""
    several_nodes: ClassVar[bool] = False
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

    def command(self, model: Model, port: int | str) -> list[str]:
        """The command line that serves the model on a port of loopback."""
        words = [*shlex.split(model.server_entrypoint or self.program), *self.before_model]
        words += [model.model, "--host", "127.0.0.1", "--port", str(port)]
        words += [self.gpus_option, str(model.gpus)] if model.gpus > 1 else []
        words += ["--revision", model.revision] if model.revision else []
        return [*words, *arguments(model.server_args)]

    def environment(self, model: Model) -> dict[str, str]:
        """Variables set for the server, beside those that the job has."""
        return {}

    def serving(self, model: Model) -> list[str]:
        """The arguments that may change what is answered."""
        kept: list[str] = []
        dropping = False
        for word in arguments(model.server_args):
            if word.startswith("--"):
                dropping = word.partition("=")[0] in self.operational
            if not dropping:
                kept.append(word)
        return kept

    def problems(self, model: Model) -> list[str]:
        """What is wrong with a model's settings for this type: ``key: what, and what to do``."""
        refused = f"a {self.name} server refuses it"
        wrong = []
        takes = ", ".join(sorted(self.accepts))
        for key in sorted(model.sampling.model_fields_set - self.accepts):
            known = "; where it knows it all the same, put it in extra_body"
            more = "" if key in self.refuses else known
            wrong.append(f"sampling.{key}: {refused}; it takes {takes}{more}")
        for key in sorted(self.refuses.intersection(model.extra_body)):
            wrong.append(f"extra_body.{key}: {refused}; leave it out")
        style = model.audio
        if style and style not in self.audio and model.api == "chat":
            ways = ", ".join(self.audio)
            wrong.append(f"audio: a {self.name} server does not take {style!r}; it takes {ways}")
        if model.base_url is None:
            wrong += self._unreadable(model)
            if model.nodes > 1 and not (self.several_nodes or model.server_entrypoint):
                wrong.append(
                    f"nodes: a {self.name} server over several nodes needs a `server_entrypoint` "
                    "of yours that starts it on all of them; or start it yourself and give its "
                    "`base_url`"
                )
        return wrong

    def _unreadable(self, model: Model) -> list[str]:
        """Words of the command line that no shell would read, or that take the port away."""
        words = []
        for key in ("server_args", "server_entrypoint", "command"):
            try:
                words += arguments(getattr(model, key))
            except ValueError as error:
                return [f"{key}: cannot be read as a shell would: {error}"]
        if "--port" in self.operational and any(word.split("=")[0] == "--port" for word in words):
            return ["server_args: leave --port out; the server is given a free port"]
        return []


def arguments(words: Words | None) -> list[str]:
    """``server_args`` (a list, or one string as a shell reads it) as a list of words."""
    return shlex.split(words) if isinstance(words, str) else [str(word) for word in words or []]


def in_slurm() -> bool:
    """Whether this process runs inside a SLURM job."""
    return "SLURM_JOB_ID" in os.environ


def api_key(variable: str | None) -> str | None:
    """The key in the environment variable that ``api_key_env`` names, or None where it does not.

    Raises:
        EarmarkError: when the variable is not set; its value is never shown.
    """
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
