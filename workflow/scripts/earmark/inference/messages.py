"""Requests as messages, and replies as answers: the formats that servers speak."""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from earmark.config import Model
from earmark.data.audio import BadAudioError, read
from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.inference.requests import Clip, Request
from earmark.servers import server_type

SUFFIXES = {"wave": "wav", "opus": "ogg"}
"""The name of an audio file's format where it is not the file's suffix."""
_JSON: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it travels; it can be sent again.

    ``body`` is a JSON document, or a form's audio file of ``audio_format`` beside its ``fields``;
    ``files`` are what it refers to and go away after it.
    """

    body: bytes
    audio_format: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()

    def sending(self) -> dict[str, Any]:
        """The arguments of ``aiohttp.ClientSession.post`` for one attempt."""
        import aiohttp

        # aiohttp wants a body of megabytes as a stream.
        body = io.BytesIO(self.body) if len(self.body) > 2**20 else self.body
        if not self.audio_format:
            return {"data": body, "headers": {"Content-Type": "application/json"}}
        form = aiohttp.FormData(self.fields)
        name, kind = f"audio.{self.audio_format}", f"audio/{self.audio_format}"
        form.add_field("file", body, filename=name, content_type=kind)
        return {"data": form}


class Messages:
    """One model's messages: its API, its way with audio, its sampling parameters.

    ``scratch`` is a folder that the server sees too, for converted audio that goes by path.
    """

    def __init__(self, model: Model, scratch: Path) -> None:
        kind = server_type(model)
        self._model, self._scratch = model, scratch
        self._transcribes = model.api == "transcriptions"
        self.endpoint = "/audio/transcriptions" if self._transcribes else "/chat/completions"
        self._audio = model.audio or kind.audio[0]
        names = kind.transcription_names if self._transcribes else {}
        sampling = model.sampling.model_dump(exclude={"seed"})
        self._common = {
            "model": model.served_model_name or model.model,
            **{names.get(key, key): value for key, value in sampling.items()},
        }

    def message(self, request: Request) -> Message:
        """Read the request's audio and put its message together; called off the event loop.

        Raises:
            EarmarkError: when a clip's file is missing.
            BadAudioError: when a clip has to be converted and cannot be decoded.
        """
        if self._transcribes:
            return self._form(request)
        if self._audio == "path":
            return self._by_path(request)
        parts: list[dict[str, Any]] = [self._part(clip) for clip in request.clips]
        if not parts:
            return self._chat(request, {"content": request.user})
        if request.user:  # after the audio, or some models do not listen
            parts.append({"type": "text", "text": request.user})
        return self._chat(request, {"content": parts})

    def reply(self, body: bytes) -> Row:
        """What the body of a reply with status 200 says, by the names of the journal.

        Raises:
            ValueError: when it holds no answer (HTML, half a document, no choices); says what.
        """
        try:
            events = self._model.stream and not body.lstrip().startswith(b"{")
            document = _joined(body) if events else json.loads(body)
            usage = document.get("usage")
            if self._transcribes:
                text, reason = document["text"], None
                made, given = _count(usage, "output_tokens"), _count(usage, "input_tokens")
            else:
                choice = document["choices"][0]
                text = choice["message"].get("content") or ""  # none: the model only thought
                reason = choice.get("finish_reason")
                made, given = _count(usage, "completion_tokens"), _count(usage, "prompt_tokens")
            found = {"generation": _text(text), "finish_reason": reason}
            return {**found, "num_generated_tokens": made, "num_input_tokens": given}
        except (ValueError, RecursionError):
            what = "not JSON"
        except (LookupError, TypeError, AttributeError):
            what = "no answer in it"
        raise ValueError(f"a reply that is none: {what}: {_shown(body)}")

    def _chat(
        self, request: Request, user: dict[str, Any], files: tuple[Path, ...] = ()
    ) -> Message:
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        body = {**self._common, "messages": [*system, {"role": "user", **user}]}
        if request.seed is not None:
            body["seed"] = request.seed
        if self._model.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return Message(_document(body | self._model.extra_body), files=files)

    def _part(self, clip: Clip) -> dict[str, Any]:
        """Audio inside the message."""
        data, form = audio_bytes(clip)
        text = base64.b64encode(data).decode()
        if self._audio == "audio_url":
            return {"type": "audio_url", "audio_url": {"url": f"data:audio/{form};base64,{text}"}}
        return {"type": "input_audio", "input_audio": {"data": text, "format": form}}

    def _by_path(self, request: Request) -> Message:
        """Megatron's way: the server opens the files itself."""
        made: list[Path] = []
        entries = []
        for number, clip in enumerate(request.clips):
            path = clip.path
            if clip.rate is not None:
                self._scratch.mkdir(parents=True, exist_ok=True)
                path = self._scratch / f"{request.fingerprint}-{number}.wav"
                path.write_bytes(audio_bytes(clip)[0])
                made.append(path)
            entries.append({"path": self._mapped(path), "duration": clip.duration})
        user: dict[str, Any] = {"content": request.user}
        if len(entries) == 1:
            user["audio"] = entries[0]
        elif entries:
            user["audios"] = entries
        return self._chat(request, user, tuple(made))

    def _mapped(self, path: Path) -> str:
        """A path as the server's machine or container knows it."""
        whole = str(path.absolute())
        for ours, theirs in self._model.audio_root.items():
            if whole.startswith(ours.rstrip("/") + "/"):
                return theirs.rstrip("/") + whole[len(ours.rstrip("/")) :]
        return whole

    def _form(self, request: Request) -> Message:
        (clip,) = request.clips
        data, form = audio_bytes(clip)
        given = {**self._common, "seed": request.seed, "language": request.language}
        given |= {"response_format": "json", **self._model.extra_body}
        fields = [
            (key, value if isinstance(value, str) else json.dumps(value))
            for key, entry in given.items()
            for value in (entry if isinstance(entry, list) else [entry])
            if value is not None
        ]
        return Message(data, form, tuple(fields))


def _document(body: dict[str, Any]) -> bytes:
    """A body as JSON, by pydantic: seven times as fast as `json` where audio is in it."""
    try:
        return _JSON.dump_json(body)
    except ValueError:  # half a pair of surrogates in a text, which UTF-8 does not have
        return json.dumps(body).encode()


def audio_bytes(clip: Clip) -> tuple[bytes, str]:
    """What is sent for a clip, and its format's name (``wav``, ``flac``, …); off the event loop.

    Raises:
        EarmarkError: when the file is missing or may not be read.
        BadAudioError: when it has to be converted and cannot be decoded: its sample fails.
    """
    try:
        if clip.rate is None:
            suffix = clip.path.suffix[1:].lower()
            return clip.path.read_bytes(), SUFFIXES.get(suffix, suffix)
        clip.path.open("rb").close()
    except FileNotFoundError:
        raise EarmarkError(
            f"{clip.path}: not there, though the manifest names it; prepare the split again"
        ) from None
    except OSError as error:  # no right to read it, a stale handle of a network's disk
        raise EarmarkError(f"{clip.path}: cannot be read: {error.strerror or error}") from None
    return _converted(clip), "wav"


def _converted(clip: Clip) -> bytes:
    """Decode a clip (or a part), mix its channels to one, resample, and encode 16-bit WAV."""
    import numpy as np
    import soundfile
    import soxr

    start, end = clip.part or (0.0, None)
    try:
        samples, rate = read(clip.path, start, None if end is None else end - start)
    except BadAudioError as error:
        raise BadAudioError(f"{clip.path}: cannot be decoded: {error}") from None
    mono = samples.mean(axis=1)
    if rate != clip.rate:
        mono = soxr.resample(mono, rate, clip.rate)
    # Rounded here rather than by the encoder, so that the bytes do not depend on its version.
    pcm = np.clip(np.rint(mono * 32768.0), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    soundfile.write(out, pcm, clip.rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def complaint(body: bytes) -> str:
    """What a server says is wrong, from the body of a reply that is no 200."""
    try:
        document = json.loads(body)
        error = document.get("error", document.get("detail", document.get("message")))
        error = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, RecursionError, AttributeError):
        error = None
    return _shown(body if error is None else str(error).encode(errors="replace"))


def _joined(body: bytes) -> dict[str, Any]:
    """The answer that a stream of server-sent events adds up to, as if it had come whole."""
    text, reason, usage = "", None, None
    for line in body.splitlines():
        data = line[5:].strip()
        if not line.startswith(b"data:") or data == b"[DONE]":
            continue
        event = json.loads(data)
        usage = event.get("usage") or usage
        for choice in event.get("choices") or ():  # the event with the usage has none
            text += choice["delta"].get("content") or ""
            reason = choice.get("finish_reason") or reason
    if reason is None:
        raise KeyError("finish_reason")  # it was cut short, or an error took its place
    return {"choices": [{"message": {"content": text}, "finish_reason": reason}], "usage": usage}


def _text(content: Any) -> str:
    """A message's text, whole or in parts; raises TypeError where it is none."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    if not isinstance(content, str):
        raise TypeError("no text")
    return content


def _count(usage: Any, key: str) -> int | None:
    value = usage.get(key) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else None


def _shown(body: bytes) -> str:
    text = " ".join(body[:2000].decode(errors="replace").split())
    return (text if len(text) <= 300 else text[:299] + "…") or "an empty body"
