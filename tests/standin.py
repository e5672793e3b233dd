"""A stand-in for a model server: strict, counts what it is asked, and can hold its answers back."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Standin:
    """What the server was asked, and when it holds back.

    Attributes:
        answered: How often each request, by a hash of its body, got its whole answer.
        url: Its ``base_url``.
    """

    def __init__(self) -> None:
        self.answered: Counter[str] = Counter()
        self.url = ""
        self._lock = threading.Condition()
        self._allowed: int | None = None
        self._let_go = 0

    @property
    def requests(self) -> int:
        """Requests answered so far."""
        return self.answered.total()

    def hold_after(self, count: int) -> None:
        """Answer so many more requests, and leave the others without an answer."""
        with self._lock:
            self._allowed = count

    def release(self) -> None:
        """Hang up on those that wait, and answer whatever comes from now on."""
        with self._lock:
            self._allowed = None
            self._let_go += 1
            self._lock.notify_all()

    def admit(self) -> bool:
        """Wait for leave to answer; False: hang up."""
        with self._lock:
            if self._allowed is None:
                return True
            if self._allowed > 0:
                self._allowed -= 1
                return True
            before = self._let_go
            self._lock.wait_for(lambda: self._let_go != before, timeout=300)
            return False

    def count(self, body: bytes) -> None:
        with self._lock:
            self.answered[hashlib.sha256(body).hexdigest()] += 1


def _answer(body: dict[str, Any]) -> str:
    (user,) = [message for message in body["messages"] if message["role"] == "user"]
    (clip,) = [part for part in user["content"] if part["type"] == "input_audio"]
    audio = base64.b64decode(clip["input_audio"]["data"], validate=True)
    assert audio[:4] == b"RIFF"
    return f"heard {len(audio)} bytes"


@contextmanager
def standin(port: int = 0) -> Iterator[Standin]:
    """Run the server on a port of 127.0.0.1, a free one by default."""
    state = Standin()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            assert self.path == "/v1/models", self.path
            self._send({"object": "list", "data": [{"id": "standin", "object": "model"}]})

        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions", self.path
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(raw)
            if not state.admit():
                self.close_connection = True
                return
            message = {"role": "assistant", "content": _answer(body)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
            self._send(
                {
                    "id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
                    "choices": [choice], "usage": usage,
                }
            )  # fmt: skip
            state.count(raw)

        def _send(self, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        state.release()
        server.shutdown()
        thread.join()
        server.server_close()


def attached(state: Standin, **settings: Any) -> dict[str, Any]:
    """A model's settings in the config, attached to the server."""
    return {"server": "openai", "base_url": state.url, "model": "standin", **settings}
