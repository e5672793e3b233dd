"""A model server that is strict about what it is asked, counts it, and misbehaves on demand.

It speaks both audio APIs and OpenAI's and Megatron's ways with audio. What it does to the n-th
attempt at a request is what its test says: a status with headers, a hang, garbage, half a body.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

CHAT = {
    "model", "messages", "temperature", "top_p", "max_tokens", "seed", "stop", "stream",
    "stream_options",
}  # fmt: skip
USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


@dataclass
class Fault:
    """What comes instead of an answer.

    Attributes:
        status: The reply's status.
        body: Its body.
        headers: More headers.
        cut: How many bytes of the body are left out, though promised.
        hang: Answer nothing until the server ends.
        drop: Close the connection without a word.
    """

    status: int = 200
    body: bytes = b'{"error": {"message": "told to", "type": "x"}}'
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    hang: bool = False
    drop: bool = False


Script = Callable[[str, int], Fault | None]
"""Given the audio's hash and which attempt at it this is (from 1): the fault, or None."""


class FaultyServer(ThreadingHTTPServer):
    """Serves while used as a context.

    Attributes:
        asked: Attempts, by the audio's hash.
        answered: Whole answers that were sent, by the audio's hash.
        times: When each attempt came (`time.monotonic`), in order.
        most: The most requests that were under way together.
        keys: The Authorization headers that came.
        bodies: Chat bodies, or the fields of forms.
        health: The status of its page `/health`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, script: Script = lambda audio, attempt: None, root: str = "/v1") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.root = root
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.times: list[float] = []
        self.most = self.under_way = 0
        self.keys: set[str | None] = set()
        self.bodies: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.health = 404
        self.lock = Lock()
        self.over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{self.root}"

    def __enter__(self) -> FaultyServer:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        if kind is None:
            assert not self.wrong, self.wrong

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other
    server: FaultyServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        assert self.path == "/health", self.path
        self._send(self.server.health, b"")

    def do_POST(self) -> None:
        server = self.server
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            audio, fields = self._read(raw)
        except (AssertionError, KeyError, ValueError) as error:
            with server.lock:
                server.wrong.append(f"{self.path}: {error!r}")
            self._send(400, json.dumps({"error": {"message": str(error)}}).encode())
            return
        name = hashlib.sha256(audio).hexdigest()
        with server.lock:
            server.asked[name] += 1
            attempt = server.asked[name]
            server.times.append(time.monotonic())
            server.keys.add(self.headers["Authorization"])
            server.bodies.append(fields)
            server.under_way += 1
            server.most = max(server.most, server.under_way)
        try:
            fault = server.script(name, attempt)
        finally:
            with server.lock:
                server.under_way -= 1
        if fault is None:
            with server.lock:  # before it is sent: the client may be faster than this thread
                server.answered[name] += 1
            self._send(200, self._answer(name, bool(fields.get("stream"))))
        elif fault.hang or fault.drop:
            if fault.hang:
                server.over.wait(60)
            self.close_connection = True
        else:
            self._send(fault.status, fault.body, fault.headers, fault.cut)

    def _read(self, raw: bytes) -> tuple[bytes, dict[str, Any]]:
        """The audio (or text) that is asked about; whatever breaks the contract raises."""
        if self.path == f"{self.server.root}/audio/transcriptions":
            return _form(raw, self.headers["Content-Type"])
        assert self.path == f"{self.server.root}/chat/completions", "no such page"
        assert self.headers["Content-Type"] == "application/json"
        body = json.loads(raw)
        assert set(body) <= CHAT, f"unknown: {set(body) - CHAT}"
        if "stream" in body:
            assert body["stream"] and body["stream_options"] == {"include_usage": True}
        *system, user = body["messages"]
        assert [message["role"] for message in system] in ([], ["system"])
        assert user["role"] == "user"
        if self.server.root == "":  # Megatron's
            assert isinstance(user["content"], str)
            clips = user["audios"] if "audios" in user else [user["audio"]]
            assert all(clip["duration"] > 0 for clip in clips)
            return b"".join(Path(clip["path"]).read_bytes() for clip in clips), body
        if isinstance(user["content"], str):
            return user["content"].encode(), body
        kinds = [part["type"] for part in user["content"]]
        assert "text" not in kinds[:-1], "audio comes before the text"
        return b"".join(_clip(part) for part in user["content"] if part["type"] != "text"), body

    def _answer(self, name: str, stream: bool) -> bytes:
        if self.path.endswith("transcriptions"):
            return json.dumps({"text": f"heard {name}"}).encode()
        if stream:
            return events(f"heard {name}")
        message = {"role": "assistant", "content": f"heard {name}"}
        return json.dumps(
            {
                "id": "1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": USAGE,
            }
        ).encode()  # fmt: skip

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int = 0
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut])
        self.close_connection = self.close_connection or cut > 0


def events(text: str, reason: str | None = "stop") -> bytes:
    """An answer as server-sent events: a few letters each, the usage last."""
    pieces = [text[k : k + 9] for k in range(0, len(text), 9)]
    choices = [[{"index": 0, "delta": {"role": "assistant", "content": ""}}]]
    choices += [[{"index": 0, "delta": {"content": piece}}] for piece in pieces]
    choices += [[{"index": 0, "delta": {}, "finish_reason": reason}]] if reason else []
    chunks: list[dict[str, Any]] = [{"choices": one, "usage": None} for one in choices]
    chunks += [{"choices": [], "usage": USAGE}] if reason else []
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return ("".join([": a comment\n\n", *lines]) + ("data: [DONE]\n\n" if reason else "")).encode()


def _clip(part: dict[str, Any]) -> bytes:
    if part["type"] == "audio_url":
        head, _, data = part["audio_url"]["url"].partition(",")
        assert head == "data:audio/wav;base64", head
    else:
        assert set(part) == {"type", "input_audio"} and part["type"] == "input_audio"
        assert part["input_audio"]["format"] == "wav"
        data = part["input_audio"]["data"]
    audio = base64.b64decode(data, validate=True)
    assert audio[:4] == b"RIFF"
    return audio


def _form(raw: bytes, content_type: str) -> tuple[bytes, dict[str, Any]]:
    boundary = content_type.partition("multipart/form-data; boundary=")[2].encode()
    assert boundary and raw.endswith(b"\r\n--" + boundary + b"--\r\n")
    fields: dict[str, Any] = {}
    for part in raw[: -len(boundary) - 8].split(b"--" + boundary + b"\r\n")[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        (name,) = re.findall(rb'; name="([^"]+)"', head)
        fields[name.decode()] = value.removesuffix(b"\r\n")
    audio = fields.pop("file")
    assert audio[:4] == b"RIFF" and fields["model"]
    return audio, {key: value.decode() for key, value in fields.items()}
