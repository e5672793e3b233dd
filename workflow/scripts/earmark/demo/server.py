"""The demo's model server: OpenAI's wire format on loopback, a real model on the CPU behind it.

``python -m earmark.demo.server --port PORT`` serves ``/health``, ``/v1/models``,
``/v1/audio/transcriptions``, ``/v1/chat/completions`` (a cascade: the audio is transcribed, and
the transcript is the answer, or picks one of the choices; as the judge's model: judgements by
likeness) and ``/v1/embeddings``.
"""

import argparse
import asyncio
import base64
import re
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiohttp import web

from earmark.demo import answers
from earmark.demo.model import NAME, BadAudio, Whisper
from earmark.mmau.matchers.demo import NAME as EMBEDDER
from earmark.mmau.matchers.demo import load as embedder

T = TypeVar("T")
MAX_BODY = 256 * 2**20


class BadRequest(ValueError):  # noqa: N818 (as the status is called)
    """What was sent does not follow the contract; becomes a 400 with OpenAI's error object."""


def _error(status: int, message: str) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return web.json_response(body, status=status)


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except (BadRequest, BadAudio) as error:
        return _error(400, str(error))


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _data_url(url: Any) -> bytes:
    found = re.fullmatch("data:audio/[^,]*;base64,(.*)", url if isinstance(url, str) else "", re.S)
    if not found:
        raise BadRequest("audio_url.url must be a data URL: data:audio/<format>;base64,…")
    return _base64(found[1])


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"the audio is not base64: {error}") from None


def read_messages(messages: Any) -> tuple[str, list[bytes]]:
    """Take the user's text and audio clips, in order, out of chat messages.

    Returns:
        The user's text, and the bytes of each clip.

    Raises:
        BadRequest: when the messages do not follow OpenAI's format.
    """
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list that is not empty")
    texts: list[str] = []
    clips: list[bytes] = []
    for message in messages:
        if not isinstance(message, dict) or "role" not in message:
            raise BadRequest("each message must be an object with a role")
        if message["role"] != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            raise BadRequest("a message's content must be a text or a list of parts")
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "text":
                texts.append(str(part.get("text", "")))
            elif kind == "input_audio":
                clips.append(_base64((part.get("input_audio") or {}).get("data")))
            elif kind == "audio_url":
                clips.append(_data_url((part.get("audio_url") or {}).get("url")))
            else:
                raise BadRequest(f"a part of type {kind!r}; text, input_audio, audio_url are known")
    return "\n".join(texts), clips


class Server:
    """The handlers, over one loaded model and as many threads as it transcribes at once."""

    def __init__(self, model: Whisper, workers: int) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="model")

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what takes long in one of the threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def _check_model(self, name: Any, *served: str) -> None:
        if name not in (served or (NAME,)):
            known = " and ".join(map(repr, served or (NAME,)))
            raise BadRequest(f"model {name!r} is not served here; served: {known}")

    async def health(self, _request: web.Request) -> web.Response:
        """``GET /health``."""
        return web.json_response({"status": "ok"})

    async def models(self, _request: web.Request) -> web.Response:
        """``GET /v1/models``."""
        entries = [
            {"id": name, "object": "model", "created": 0, "owned_by": "earmark"}
            for name in (NAME, answers.JUDGE, EMBEDDER)
        ]
        return web.json_response({"object": "list", "data": entries})

    async def transcriptions(self, request: web.Request) -> web.Response:
        """``POST /v1/audio/transcriptions``."""
        if not request.content_type.startswith("multipart/"):
            raise BadRequest("a multipart form with `file` and `model` was expected")
        form = await request.post()
        upload = form.get("file")
        if not isinstance(upload, web.FileField):
            raise BadRequest("the form has no file named `file`")
        self._check_model(form.get("model"))
        heard = await self._run(self._model.transcribe, upload.file.read())
        usage = {"type": "tokens", "input_tokens": 0, "output_tokens": heard.tokens}
        usage["total_tokens"] = heard.tokens
        return web.json_response({"text": heard.text, "usage": usage})

    async def chat(self, request: web.Request) -> web.Response:
        """``POST /v1/chat/completions``."""
        body = await _body(request)
        self._check_model(body.get("model"), NAME, answers.JUDGE)
        if body.get("stream"):
            raise BadRequest("streaming is not offered")
        text, clips = read_messages(body.get("messages"))
        answer, tokens = await self._answer(body["model"], text, clips)
        message = {"role": "assistant", "content": answer}
        return web.json_response(
            {
                "id": f"chatcmpl-{uuid.uuid4().hex}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens},
            }
        )

    async def _answer(self, model: str, text: str, clips: list[bytes]) -> tuple[str, int]:
        """The answer, and how many tokens were generated for it."""
        if model == answers.JUDGE:
            judged = await self._run(answers.judgement, text)
            if judged is None:
                raise BadRequest(f"{answers.JUDGE} reads the default judge's prompt and no other")
            return judged, 0
        heard = [await self._run(self._model.transcribe, clip) for clip in clips]
        transcript = " ".join(one.text for one in heard)
        tokens = sum(one.tokens for one in heard)
        return await self._run(answers.answer, text, transcript), tokens

    async def embeddings(self, request: web.Request) -> web.Response:
        """``POST /v1/embeddings``."""
        body = await _body(request)
        self._check_model(body.get("model"), EMBEDDER)
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            raise BadRequest("input must be a text or a list of texts that is not empty")
        vectors = await self._run(lambda: embedder()(texts))
        data = [
            {"object": "embedding", "index": index, "embedding": vector.tolist()}
            for index, vector in enumerate(vectors)
        ]
        answer = {"object": "list", "model": EMBEDDER, "data": data}
        return web.json_response({**answer, "usage": {"prompt_tokens": 0, "total_tokens": 0}})

    def application(self) -> web.Application:
        """The routes, ready to be run."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_explain])
        app.router.add_get("/health", self.health)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/audio/transcriptions", self.transcriptions)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/v1/embeddings", self.embeddings)
        return app


def main() -> None:
    """Load the model, then serve on loopback until ended."""
    parser = argparse.ArgumentParser(prog="earmark.demo.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2, help="transcriptions at once")
    args = parser.parse_args()
    print(f"loading {NAME}", flush=True)
    server = Server(Whisper(args.workers), args.workers)
    print(f"serving {NAME} on 127.0.0.1:{args.port}", flush=True)
    # SIGTERM ends it at once: whoever sends it wants none of the answers under way.
    web.run_app(
        server.application(), host="127.0.0.1", port=args.port, print=None, handle_signals=False
    )


if __name__ == "__main__":
    main()
