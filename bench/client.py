"""The client against litellm, on a server that answers at once: requests a second, CPU, memory.

``python bench/client.py [--requests N] [--long N]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

SERVER = r"""
import asyncio, sys
BODY = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.head, self.need = transport, b"", -1
    def data_received(self, data):
        if self.need < 0:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = self.head[:end].lower().split(b"\r\n")
            size = [int(l[15:]) for l in lines if l.startswith(b"content-length:")]
            self.need = (size[0] if size else 0) - (len(self.head) - end - 4)
        else:
            self.need -= len(data)
        if self.need <= 0:
            self.head, self.need = b"", -1
            self.transport.write(REPLY)
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""  # noqa: E501
WIDTH = 32


async def ours(url: str, audio: Path, count: int) -> None:
    from earmark import config
    from earmark.inference.client import Answer, Client
    from earmark.inference.limiter import ConcurrencyLimit
    from earmark.inference.messages import Messages
    from earmark.inference.requests import Clip, Request

    model = config.Model(server="vllm", model="m", client=config.Client(timeout=60, max_retries=0))
    clip = Clip(audio, "", 1.0)
    requests = (Request("s", f"{k:040x}", None, "Transcribe.", (clip,), None) for k in range(count))
    done = 0

    def count_one(_: Request, answer: Answer) -> None:
        nonlocal done
        done += answer.error is None

    async with Client(
        url, Messages(model, audio.parent), model.client, ConcurrencyLimit(WIDTH)
    ) as asking:
        await asking.ask_all(requests, count_one)
    assert done == count


async def litellms(url: str, audio: Path, count: int) -> None:
    import litellm

    left = count

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            data = "data:audio/wav;base64," + base64.b64encode(audio.read_bytes()).decode()
            content = [
                {"type": "audio_url", "audio_url": {"url": data}},
                {"type": "text", "text": "Transcribe."},
            ]
            await litellm.acompletion(
                model="openai/m", api_base=url, api_key="x",
                messages=[{"role": "user", "content": content}],
            )  # fmt: skip

    await asyncio.gather(*(work() for _ in range(WIDTH)))


def measured(way, url: str, audio: Path, count: int) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(way(url, audio, count))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"per_second": round(count / wall, 1), "cpu_ms": round(1000 * cpu / count, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--long", type=int, default=50_000)
    args = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    figures: dict[str, object] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            small, large = Path(folder, "small.wav"), Path(folder, "large.wav")
            small.write_bytes(os.urandom(1000))
            large.write_bytes(os.urandom(300_000))
            asyncio.run(ours(url, small, 1000))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            asyncio.run(ours(url, small, args.long))
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            figures["peak_mb_1000"], figures["peak_mb_long"] = before // 1024, after // 1024
            for label, audio in (("1kb", small), ("300kb", large)):
                measured(litellms, url, small, 20)  # imports
                mine = measured(ours, url, audio, args.requests)
                theirs = measured(litellms, url, audio, args.requests // 2)
                figures[f"ours_{label}"], figures[f"litellm_{label}"] = mine, theirs
                figures[f"cpu_ratio_{label}"] = round(theirs["cpu_ms"] / mine["cpu_ms"], 2)
                print(label, "ours", mine, "litellm", theirs, flush=True)
    finally:
        server.kill()
        server.wait()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
