"""Requests as bytes, and replies as answers: the formats that servers speak."""

from __future__ import annotations

import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.inference.conversion import audio_bytes
from earmark.inference.requests import Clip, Request
from earmark.servers.base import ServerType


class BadReply(ValueError):  # noqa: N818 (a passing fault, tried again)
    """A reply that says 200 and holds no answer: HTML, half a JSON document, no choices.

    Attributes:
        what: What is wrong with it.
        body: Its body.
    """

    def __init__(self, what: str, body: bytes) -> None:
        super().__init__(f"{what}: {_shown(body)}")
        self.what = what
        self.body = body


@dataclass(frozen=True, slots=True)
class Payload:
    """A request's body, and the files that it refers to and that go away after it."""

    body: bytes
    content_type: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    generation: str
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None


class Wire:
    """One model's wire format: its API, its way with audio, its sampling parameters.

    Args:
        kind: The server's type.
        settings: The model's settings.
        scratch: A folder that the server sees too, for converted audio that goes by path.
    """

    def __init__(self, kind: ServerType, settings: Mapping[str, Any], scratch: Path) -> None:
        self._api: str = settings["api"]
        self._style: str = settings.get("audio") or kind.audio[0]
        if self._style is True:
            self._style = kind.audio[0]
        self._model = str(settings.get("served_model_name") or settings["model"])
        self._sampling = {k: v for k, v in (settings.get("sampling") or {}).items() if k != "seed"}
        self._extra: dict[str, Any] = settings.get("extra_body") or {}
        self._roots: dict[str, str] = settings.get("audio_root") or {}
        self._scratch = scratch
        self.endpoint = (
            "/audio/transcriptions" if self._api == "transcriptions" else "/chat/completions"
        )

    def payload(self, request: Request) -> Payload:
        """Read the request's audio and put its body together; called off the event loop.

        Raises:
            EarmarkError: when a clip's file is missing.
            UnreadableAudio: when a clip has to be converted and cannot be decoded.
        """
        if self._api == "transcriptions":
            return self._form(request)
        if self._style == "path":
            return self._by_path(request)
        return self._by_value(request)

    def reply(self, body: bytes) -> Reply:
        """Read the body of a reply with status 200.

        Raises:
            BadReply: when it holds no answer; says what it holds.
        """
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise BadReply("not JSON", body) from None
        if not isinstance(document, dict):
            raise BadReply("not an object", body)
        usage = document.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        if self._api == "transcriptions":
            text = document.get("text")
            if not isinstance(text, str):
                raise BadReply("no `text`", body)
            return Reply(text, None, _count(usage, "input_tokens"), _count(usage, "output_tokens"))
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise BadReply("no choices", body)
        message = choices[0].get("message")
        if not isinstance(message, dict):
            raise BadReply("no message in the first choice", body)
        return Reply(
            generation=_text(message.get("content"), body),
            finish_reason=choices[0].get("finish_reason"),
            input_tokens=_count(usage, "prompt_tokens"),
            output_tokens=_count(usage, "completion_tokens"),
        )

    def _chat(self, request: Request, user: dict[str, Any]) -> dict[str, Any]:
        messages = [] if request.system is None else [{"role": "system", "content": request.system}]
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [*messages, {"role": "user", **user}],
        }
        body |= self._sampling
        if request.seed is not None:
            body["seed"] = request.seed
        return body | self._extra

    def _by_value(self, request: Request) -> Payload:
        """Audio inside the body. It is spliced in as bytes: encoding it as text would cost more
        than all the rest of a request.
        """
        mark = secrets.token_hex(16)
        encoded: list[bytes] = []
        parts: list[dict[str, Any]] = []
        for clip in request.clips:
            data, form = audio_bytes(clip)
            encoded.append(binascii.b2a_base64(data, newline=False))
            if self._style == "audio_url":
                url = {"url": f"data:audio/{form};base64,{mark}"}
                parts.append({"type": "audio_url", "audio_url": url})
            else:
                parts.append({"type": "input_audio", "input_audio": {"data": mark, "format": form}})
        if not parts:
            return _json(self._chat(request, {"content": request.user}))
        if request.user:
            parts.append({"type": "text", "text": request.user})
        pieces = json.dumps(self._chat(request, {"content": parts})).encode().split(mark.encode())
        spliced = [pieces[0]]
        for audio, piece in zip(encoded, pieces[1:], strict=True):
            spliced += [audio, piece]
        return Payload(b"".join(spliced), "application/json")

    def _by_path(self, request: Request) -> Payload:
        made: list[Path] = []
        entries = []
        for number, clip in enumerate(request.clips):
            path = clip.path
            if not clip.as_it_is:
                path = self._converted(clip, f"{request.fingerprint}-{number}.wav")
                made.append(path)
            entries.append({"path": self._mapped(path), "duration": clip.duration})
        user: dict[str, Any] = {"content": request.user}
        if len(entries) == 1:
            user["audio"] = entries[0]
        elif entries:
            user["audios"] = entries
        payload = _json(self._chat(request, user))
        return Payload(payload.body, payload.content_type, tuple(made))

    def _converted(self, clip: Clip, name: str) -> Path:
        data, _ = audio_bytes(clip)
        self._scratch.mkdir(parents=True, exist_ok=True)
        path = self._scratch / name
        path.write_bytes(data)
        return path

    def _mapped(self, path: Path) -> str:
        """A path as the server's machine or container knows it."""
        whole = str(path.absolute())
        for ours, theirs in self._roots.items():
            if whole.startswith(ours.rstrip("/") + "/"):
                return theirs.rstrip("/") + whole[len(ours.rstrip("/")) :]
        return whole

    def _form(self, request: Request) -> Payload:
        (clip,) = request.clips
        data, form = audio_bytes(clip)
        boundary = f"earmark-{secrets.token_hex(16)}"
        fields: dict[str, Any] = {"model": self._model, "response_format": "json"}
        fields |= self._sampling
        if request.seed is not None:
            fields["seed"] = request.seed
        fields |= self._extra
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, entry in fields.items()
            for value in (entry if isinstance(entry, list) else [entry])
        )
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="audio.{form}"\r\nContent-Type: audio/{form}\r\n\r\n'
        )
        body = b"".join([head.encode(), data, f"\r\n--{boundary}--\r\n".encode()])
        return Payload(body, f"multipart/form-data; boundary={boundary}")


def complaint(body: bytes) -> str:
    """What a server says is wrong, from the body of a reply that is no 200."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _shown(body)
    if isinstance(document, dict):
        error = document.get("error", document.get("detail", document.get("message")))
        if isinstance(error, dict):
            error = error.get("message", error)
        if error is not None:
            return _shown(str(error).encode(errors="replace"))
    return _shown(body)


def _text(content: Any, body: bytes) -> str:
    """A message's text; null (a model that only thought) is an empty one."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(str(part.get("text") or "") for part in content)
    raise BadReply("content is no text", body)


def _count(usage: dict[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) else None


def _json(document: dict[str, Any]) -> Payload:
    return Payload(json.dumps(document).encode(), "application/json")


def _shown(body: bytes) -> str:
    text = " ".join(body[:2000].decode(errors="replace").split())
    return (text if len(text) <= 300 else text[:299] + "…") or "an empty body"
