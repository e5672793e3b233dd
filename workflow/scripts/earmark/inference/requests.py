"""What is asked: each sample's requests, and the fingerprint under which an answer is kept.

A request says what determines the answer: model, text, sampling, the audio's content. How it
travels, with how many others at once, is an operational matter and no part of its fingerprint.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row

Settings = dict[str, Any]

VERSION = 1
"""Counted up when requests of the same settings would get other answers."""

MIN_TAIL = 1.0
"""Seconds; a last chunk shorter than this joins its neighbour."""

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"))
"""Made once: requests are encoded by the hundred thousand."""

_COLUMN = re.compile(r"\{\{|\}\}|\{([\w-]+)(?:\|([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio of a request: a file of which ``duration`` seconds are sent.

    ``part`` is the first and the last second (None: the file's end), or None for the whole file;
    ``rate`` is in Hz, of what it is converted to, or None where the file's own bytes are sent.
    """

    path: Path
    sha256: str
    duration: float
    part: tuple[float, float | None] | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the model for the sample ``id``.

    ``fingerprint`` is a hash of everything that determines the answer, as 40 hex digits; ``clips``
    go before the text; ``language`` is what is spoken, for servers that transcribe.
    """

    id: str
    fingerprint: str
    system: str | None
    user: str
    clips: tuple[Clip, ...]
    seed: int | None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the manifest, as the requests it takes: one, or one for each chunk of long audio."""

    id: str
    requests: tuple[Request, ...]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the only request, or of all chunks together."""
        keys = [request.fingerprint for request in self.requests]
        return keys[0] if len(keys) == 1 else _hash(keys)


def seeds(settings: Settings) -> list[int | None]:
    """The seed of each of ``num_seeds`` predictions: one after another from ``sampling.seed``."""
    first, count = settings["sampling"].get("seed"), settings["num_seeds"]
    return [first] if count == 1 else [(first or 0) + k for k in range(count)]


class Requests:
    """How rows become requests; made once for a model and a split.

    ``settings`` are `earmark.servers.answer_settings`; audio paths start in ``folder``.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._folder = folder
        self._transcribes = settings["api"] == "transcriptions"
        self._audio = settings["audio"]
        self._chunk: float | None = settings["chunk_seconds"]
        self._formats, self._rate = settings["audio_formats"], settings["audio_rate"]
        # Transcription has no messages, so the benchmark's do not count there.
        prompt = {} if self._transcribes else settings["prompt"]
        self._system: str | None = prompt.get("system")
        self._user: str = prompt.get("user") or ""
        self._suffix: str = prompt.get("suffix") or ""
        self._language = settings.get("language") if self._transcribes else None
        self._common = {
            "version": VERSION,
            "model": settings["model"],
            "revision": settings["revision"],
            "serving": settings["serving"] or None,
            "api": settings["api"],
            "sampling": {k: v for k, v in settings["sampling"].items() if k != "seed"},
            "extra_body": settings["extra_body"],
        }
        if self._language:
            self._common["language"] = self._language

    def sample(self, row: Row, seed: int | None = None) -> Sample:
        """The requests of one row of a manifest.

        Raises:
            EarmarkError: when the row lacks what its request needs; names the row.
        """
        name = str(row.get("id"))
        system = None if self._system is None else fill(self._system, row, "prompt.system")
        user = fill(self._user, row, "prompt.user").strip() + self._suffix
        requests = []
        for clips in self._clips(row):
            key = self._fingerprint(system, user, clips, seed)
            requests.append(Request(name, key, system, user, clips, seed, self._language))
        return Sample(name, tuple(requests))

    def _fingerprint(
        self, system: str | None, user: str, clips: tuple[Clip, ...], seed: int | None
    ) -> str:
        sent = ["as it is" if c.rate is None else f"wav, mono, {c.rate}" for c in clips]
        audio = [[c.sha256, how, c.part] for c, how in zip(clips, sent, strict=True)]
        asked = {"system": system, "user": user, "audio": audio, "seed": seed}
        return _hash({**self._common, **asked})

    def _clips(self, row: Row) -> list[tuple[Clip, ...]]:
        """The audio of each request of a row."""
        paths = _listed(row.get("audio_filepath") or []) if self._audio else []
        if self._transcribes and len(paths) != 1:
            raise EarmarkError(
                f"sample {row.get('id')!r} has {len(paths)} clips to send, and `api: "
                "transcriptions` takes one; use `api: chat`, or leave `audio` on"
            )
        if not paths:
            return [()]
        hashes = _listed(row.get("audio_sha256"))
        durations = _listed(row.get("duration"))
        if not len(paths) == len(hashes) == len(durations) or None in hashes:
            raise EarmarkError(
                f"sample {row.get('id')!r}: each of its {len(paths)} clips needs an entry in "
                "`audio_sha256` and in `duration`; prepare the manifest again"
            )
        clips = []
        for path, digest, seconds in zip(paths, hashes, durations, strict=True):
            rate = None if path.rpartition(".")[2].lower() in self._formats else self._rate
            clips.append(Clip(self._folder / path, digest, float(seconds), None, rate))
        whole = clips[0]
        parts = chunks(whole.duration, self._chunk) if self._chunk and len(clips) == 1 else []
        if len(parts) < 2:
            return [tuple(clips)]
        lengths = [(end or whole.duration) - start for start, end in parts]
        return [
            (Clip(whole.path, whole.sha256, length, part, self._rate),)
            for length, part in zip(lengths, parts, strict=True)
        ]


def chunks(duration: float, seconds: float) -> list[tuple[float, float | None]]:
    """Where long audio is cut: starts and ends in seconds, the last end None (the file's end).

    A tail under a second joins its neighbour.
    """
    count = max(1, math.ceil(round(duration / seconds, 6)))
    if count > 1 and duration - (count - 1) * seconds < MIN_TAIL:
        count -= 1
    ends: list[float | None] = [seconds * k for k in range(1, count)]
    return [(seconds * k, end) for k, end in enumerate([*ends, None])]


def fill(template: str, row: Row, name: str) -> str:
    """Put a row's columns into a prompt: ``{question}``; ``{{`` and ``}}`` are braces.

    A list (such as ``choices``) becomes lettered lines, ``A. …``; one of fewer than two entries
    becomes nothing. With ``{words|, }`` its entries stand behind one another, a comma between.

    Raises:
        EarmarkError: when the prompt names a column that the row does not have.
    """
    if "{" not in template and "}" not in template:
        return template

    def column(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        if match[1] not in row:
            raise EarmarkError(
                f"{name} names {match[0]}, and sample {row.get('id')!r} has no such column; "
                f"it has: {', '.join(row)} (a brace is written twice)"
            )
        value = row[match[1]]
        if isinstance(value, list) and match[2] is not None:
            return match[2].join(map(str, value))
        if isinstance(value, list):
            lines = [f"{_letter(k)}. {entry}" for k, entry in enumerate(value)]
            return "\n".join(lines) if len(lines) > 1 else ""
        return "" if value is None else str(value)

    return _COLUMN.sub(column, template)


def _letter(index: int) -> str:
    """A, B, … Z, AA, AB, …: as the columns of a spreadsheet are named."""
    return (chr(ord("A") + index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _hash(value: Any) -> str:
    return hashlib.sha256(_ENCODER.encode(value).encode()).hexdigest()[:40]
