"""A stand-in that answers chat completions and embeddings, and counts what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

GOOD = "CORRECTNESS: 5 - a\nRELEVANCE: 5 - b\nCOMPLETENESS: 5 - c\nCLARITY: 5 - d\nOVERALL: 5 - e"


class StandIn(ThreadingHTTPServer):
    """Serves while used as a context; ``answer`` makes the text of each chat answer."""

    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, Any]], str] = lambda body: GOOD) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.chats: list[dict[str, Any]] = []
        self.embedded: list[dict[str, Any]] = []
        self.lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self) -> StandIn:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/chat/completions":
            with self.server.lock:
                self.server.chats.append(body)
            message = {"role": "assistant", "content": self.server.answer(body)}
            self._reply(
                {
                    "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
                }
            )  # fmt: skip
        elif self.path == "/v1/embeddings":
            with self.server.lock:
                self.server.embedded.append(body)
            vectors = [[float(len(text)), 1.0] for text in body["input"]]
            data = [
                {"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)
            ]
            self._reply({"object": "list", "data": data, "model": body["model"]})
        else:
            self.send_error(404)

    def _reply(self, value: dict[str, Any]) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
