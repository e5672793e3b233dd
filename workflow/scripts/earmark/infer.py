"""The infer step: start the model's server, ask for every utterance, write the predictions."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl

_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    if sys.platform == "linux":  # the kernel ends the server even when the job is killed outright
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def serve(settings: Settings) -> Iterator[str]:
    """Run a model's server for as long as the block lasts.

    Yields:
        The server's base URL, without ``/v1``.

    Raises:
        EarmarkError: when the server exits while loading, or is not healthy in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "earmark.demo.server", "--port", str(port)]
    library = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": library}
    server = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 (no thread runs yet)
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + settings["health_timeout"]
    try:
        while not _healthy(url):
            if server.poll() is not None:
                raise EarmarkError(
                    f"the server exited with code {server.returncode} while loading: "
                    f"{' '.join(command)}"
                )
            if time.monotonic() > deadline:
                raise EarmarkError(
                    f"the server was not healthy after {settings['health_timeout']} s "
                    f"(health_timeout): {' '.join(command)}"
                )
            time.sleep(0.1)
        yield url
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if server.poll() is None:
                os.killpg(server.pid, sign)
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    continue


def messages(request: Settings, clips: list[bytes], formats: list[str]) -> list[Row]:
    """Chat messages for one utterance: the system message, then audio before text.

    Args:
        request: What determines the answer (`Model.request`).
        clips: Each clip's bytes.
        formats: Each clip's format, such as ``wav``.
    """
    parts: list[Row] = []
    for data, kind in zip(clips, formats, strict=True):
        text = base64.b64encode(data).decode()
        if request["audio"] == "audio_url":
            url = f"data:audio/{kind};base64,{text}"
            parts.append({"type": "audio_url", "audio_url": {"url": url}})
        else:
            parts.append({"type": "input_audio", "input_audio": {"data": text, "format": kind}})
    prompt = request["prompt"]
    parts.append({"type": "text", "text": f"{prompt['user']}{prompt['suffix']}"})
    system = [{"role": "system", "content": prompt["system"]}] if prompt["system"] else []
    return [*system, {"role": "user", "content": parts}]


class _Client:
    def __init__(self, url: str, request: Settings, settings: Settings, folder: Path) -> None:
        from openai import AsyncOpenAI, DefaultAioHttpClient

        client = settings["client"]
        self._request = request
        self._folder = folder
        self._slots = asyncio.Semaphore(client["concurrency"])
        self._openai = AsyncOpenAI(
            base_url=f"{url}/v1",
            api_key="none",
            timeout=client["timeout"],
            max_retries=client["max_retries"],
            http_client=DefaultAioHttpClient(),
        )

    async def ask(self, row: Row) -> Row:
        """One prediction; a fault that stays is recorded in it."""
        import openai

        async with self._slots:
            path = self._folder / row["audio_filepath"]
            audio = await asyncio.to_thread(path.read_bytes)
            start = time.time()
            answer: Row = {"id": row["id"], "generation": "", "error": None, "finish_reason": None}
            tokens: tuple[int | None, int | None] = (None, None)
            try:
                text, answer["finish_reason"], tokens = await self._answer(audio, path)
                answer["generation"] = text
            except (openai.APIError, IndexError, TypeError) as error:
                answer["error"] = f"{type(error).__name__}: {error}"
            answer["num_generated_tokens"], answer["num_input_tokens"] = tokens
            return {**answer, "generation_start_time": start, "generation_end_time": time.time()}

    async def _answer(
        self, audio: bytes, path: Path
    ) -> tuple[str, str | None, tuple[int | None, int | None]]:
        request, extra = self._request, self._request["extra_body"]
        if request["api"] == "transcriptions":
            heard: Any = await self._openai.audio.transcriptions.create(
                file=(path.name, audio), model=request["model"], extra_body=extra
            )
            usage = heard.usage
            generated = getattr(usage, "output_tokens", None)
            return heard.text, None, (generated, getattr(usage, "input_tokens", None))
        completion: Any = await self._openai.chat.completions.create(
            model=request["model"],
            messages=messages(request, [audio], [path.suffix.lstrip(".")]),  # type: ignore[arg-type]
            extra_body=extra,
            **request["sampling"],
        )
        choice, usage = completion.choices[0], completion.usage
        tokens = (usage.completion_tokens, usage.prompt_tokens) if usage else (None, None)
        return choice.message.content or "", choice.finish_reason, tokens


async def _ask_all(client: _Client, rows: list[Row]) -> list[Row]:
    from tqdm.asyncio import tqdm_asyncio

    asked = [client.ask(row) for row in rows]
    answers: list[Row] = await tqdm_asyncio.gather(*asked, desc="answers", unit="", mininterval=2)
    return answers


def infer(request: Settings, settings: Settings, manifest: str, predictions: str) -> None:
    """Ask a model for its answers to a split's utterances.

    Args:
        request: What determines the answers (`Model.request`).
        settings: The model's settings, for the server and the pace.
        manifest: The split's manifest.
        predictions: The file to write, in manifest order.

    Raises:
        EarmarkError: when the server does not come up, or too many samples fail.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = list(read_jsonl(manifest))
    with serve(settings) as url:
        client = _Client(url, request, settings, Path(manifest).parent)
        answers = asyncio.run(_ask_all(client, rows))
    failed = [answer for answer in answers if answer["error"]]
    if len(failed) > settings["max_failed_fraction"] * len(rows):
        first = failed[0]
        raise EarmarkError(
            f"{len(failed)} of {len(rows)} samples failed, more than max_failed_fraction "
            f"({settings['max_failed_fraction']}) allows; {first['id']}: {first['error']}"
        )
    write_jsonl(predictions, answers)
