"""A stand-in for a model server: strict about its contract, faulty on demand, counting.

It answers with what it was sent (a hash of the audio, and the text), so that an answer says which
request it belongs to. Every request, and every answer that left, is a line in the record.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import soundfile
from aiohttp import web

MEGATRON_TAKES = {"model", "messages", "temperature", "top_p", "max_tokens", "seed", "stop"}


class Strict(Exception):  # noqa: N818
    """The request breaks the contract."""


def decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except Exception as error:
        raise Strict(f"audio is not base64: {error}") from None


def parts_of(content: Any, kind: str) -> tuple[list[bytes], str]:
    """Audio and text of a user's message in OpenAI's or vLLM's form; audio has to come first."""
    if isinstance(content, str):
        return [], content
    clips, texts = [], []
    for part in content:
        if set(part) != {"type", part["type"]}:
            raise Strict(f"a part has other keys: {sorted(part)}")
        if part["type"] == "text":
            texts.append(part["text"])
        elif texts:
            raise Strict("audio after the text")
        elif part["type"] == "audio_url" and kind == "vllm":
            head, _, data = part["audio_url"]["url"].partition(";base64,")
            if not head.startswith("data:audio/"):
                raise Strict("no data URL of audio")
            clips.append(decoded(data))
        elif part["type"] == "input_audio" and kind == "openai":
            if part["input_audio"]["format"] not in ("wav", "mp3"):
                raise Strict("input_audio takes wav and mp3")
            clips.append(decoded(part["input_audio"]["data"]))
        else:
            raise Strict(f"a part of type {part['type']!r}")
    return clips, "\n".join(texts)


class StandIn:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.asked: dict[str, int] = {}
        self.under_way = 0
        self.answered = 0
        self.ill = ""
        self.faults = [fault for fault in options.faults.split(",") if fault]
        self.slots = asyncio.Semaphore(options.slots)
        self.ready_at = time.monotonic() + options.load_seconds

    def note(self, event: str, key: str, **more: Any) -> None:
        known = {"event": event, "key": key, "time": time.time(), "pid": os.getpid()}
        line = json.dumps({**known, **more}) + "\n"
        with open(self.options.record, "a") as record:
            record.write(line)

    async def health(self, _: web.Request) -> web.Response:
        if self.ill == "503":
            return web.Response(status=503)
        if self.options.never_healthy or time.monotonic() < self.ready_at:
            return web.Response(status=503)
        return web.Response(text="ok")

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        try:
            clips, text = self.read_chat(body)
        except Strict as error:
            self.note("refused", str(error))
            return web.json_response({"error": {"message": str(error)}}, status=400)
        return await self.answer(request, clips, text, body)

    def read_chat(self, body: dict[str, Any]) -> tuple[list[bytes], str]:
        if body["model"] != self.options.model:
            raise Strict(f"model {body['model']!r} is not served")
        system = [m["content"] for m in body["messages"] if m["role"] == "system"]
        (user,) = [m for m in body["messages"] if m["role"] == "user"]
        if self.options.contract == "megatron":
            if extra := set(body) - MEGATRON_TAKES:
                raise Strict(f"unknown parameters: {sorted(extra)}")
            audios = user.get("audios") or ([user["audio"]] if "audio" in user else [])
            for audio in audios:
                if set(audio) != {"path", "duration"}:
                    raise Strict("an audio needs path and duration")
            clips = [Path(audio["path"]).read_bytes() for audio in audios]
            return clips, "|".join([*system, user["content"]])
        clips, text = parts_of(user["content"], self.options.contract)
        return clips, "|".join([*system, text])

    async def transcriptions(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form["file"]
        known = {"file", "model", "response_format", "temperature", "language", "seed"}
        if form["model"] != self.options.model or set(form) - known or file.filename[-4:] == "":
            return web.json_response({"error": {"message": f"form: {sorted(form)}"}}, status=400)
        return await self.answer(request, [file.file.read()], "", dict(form))

    async def answer(
        self, request: web.Request, clips: list[bytes], text: str, body: dict[str, Any]
    ) -> web.StreamResponse:
        if (
            self.options.key
            and request.headers.get("Authorization") != f"Bearer {self.options.key}"
        ):
            message = f"wrong key {request.headers.get('Authorization')}"
            return web.json_response({"error": {"message": message}}, status=401)
        heard = " ".join(hashlib.sha256(clip).hexdigest()[:12] for clip in clips)
        key = f"{heard} {text} {body.get('seed', '')}".strip()
        self.asked[key] = self.asked.get(key, 0) + 1
        self.note("asked", key)
        self.under_way += 1
        try:
            if self.options.one_at_a_time and self.under_way > 1:
                self.note("violation", key)
                return web.json_response({"error": "one at a time"}, status=503)
            fault = await self.misbehave(request, clips, key)
            if fault is not None:
                return fault
            async with self.slots:
                await asyncio.sleep(self.options.latency)
            return await self.good(request, key)
        finally:
            self.under_way -= 1

    async def good(self, request: web.Request, key: str) -> web.StreamResponse:
        self.answered += 1
        usage = {"prompt_tokens": 3, "completion_tokens": len(key), "total_tokens": len(key) + 3}
        if request.path.endswith("transcriptions"):
            document: dict[str, Any] = {"text": key}
        else:
            message = {"role": "assistant", "content": key}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            document = {"object": "chat.completion", "choices": [choice], "usage": usage}
        response = web.json_response(document)
        await response.prepare(request)
        await response.write_eof()
        self.note("answered", key)
        return response

    async def fall_ill(self, key: str) -> web.Response | None:
        """From some request on, or at one of poison, it answers nothing until it is started again."""
        options = self.options
        once = Path(options.record + ".ill")
        due = options.ill_after and self.answered >= options.ill_after and not once.exists()
        if options.ill and (due or (options.poison and options.poison in key)):
            once.write_text("")
            print("torch.OutOfMemoryError: CUDA is out", *["INFO: a notice"] * 40, sep="\n")
            self.ill = options.ill
        if self.ill == "hang":
            await asyncio.sleep(3600)
        return web.Response(status=int(self.ill), text="sick") if self.ill else None

    async def misbehave(
        self, request: web.Request, clips: list[bytes], key: str
    ) -> web.StreamResponse | None:
        options = self.options
        if sick := await self.fall_ill(key):
            return sick
        if options.refuse_seconds and clips:
            seconds = soundfile.info(io.BytesIO(clips[0])).duration
            if seconds >= options.refuse_seconds:
                return web.json_response({"error": {"message": "wrong audio"}}, status=400)
        if options.poison and options.poison in key:
            print("ValueError: poison", flush=True)
            os._exit(5)
        once = Path(options.record + ".exited")
        if options.exit_after and self.answered >= options.exit_after and not once.exists():
            once.write_text("")
            os._exit(4)
        if not self.faults or self.asked[key] > options.times:
            return None
        fault = self.faults[len(self.asked) % len(self.faults)]
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": "0.05"})
        if fault in ("500", "503", "408"):
            return web.Response(status=int(fault), text="<html>down</html>")
        if fault == "garbage":
            return web.Response(text="<html>welcome</html>")
        if fault == "empty":
            return web.json_response({"choices": []})
        if fault in ("truncated", "reset"):
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            if fault == "truncated":
                await response.prepare(request)
                await response.write(b'{"choices": [{"mess')
            assert request.transport is not None
            request.transport.close() if fault == "truncated" else request.transport.abort()
            return response
        return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--contract", default="vllm", choices=["vllm", "openai", "megatron"])
    parser.add_argument("--model", default="stand-in")
    parser.add_argument("--faults", default="")
    parser.add_argument("--times", type=int, default=1, help="faults of each sample")
    parser.add_argument("--key")
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--load-seconds", type=float, default=0.0)
    parser.add_argument("--refuse-seconds", type=float, default=0.0)
    parser.add_argument("--never-healthy", action="store_true")
    parser.add_argument("--exit-while-loading", action="store_true")
    parser.add_argument("--exit-after", type=int, default=0)
    parser.add_argument("--poison")
    parser.add_argument("--ill", default="", choices=["", "hang", "500", "503"])
    parser.add_argument("--ill-after", type=int, default=0)
    parser.add_argument("--one-at-a-time", action="store_true")
    parser.add_argument("--grandchild", action="store_true", help="leave a process in a session")
    options = parser.parse_args()
    print("loading", flush=True)
    if options.exit_while_loading:
        print(
            "INFO: no flash_attn (ImportError: not there)\nRuntimeError: the checkpoint is damaged"
        )
        print(
            "INFO: shutdown\n" * 60 + "RuntimeError: engine failed. See root cause above.",
            flush=True,
        )
        raise SystemExit(7)
    if options.grandchild:
        import subprocess

        subprocess.Popen(["setsid", "sleep", "300"], start_new_session=True)
    stand_in = StandIn(options)
    stand_in.note("loaded", "")
    root = "" if options.contract == "megatron" else "/v1"
    app = web.Application(client_max_size=2**30)
    app.router.add_post(f"{root}/chat/completions", stand_in.chat)
    app.router.add_post(f"{root}/audio/transcriptions", stand_in.transcriptions)
    if options.contract != "megatron":
        app.router.add_get("/health", stand_in.health)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
