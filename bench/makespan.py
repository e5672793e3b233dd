"""How near a job comes to the ideal: 5,000 requests, 64 slots of 200 ms, server start aside.

``python bench/makespan.py [--requests N]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

LATENCY, SLOTS = 0.2, 64
SERVER = r"""
import asyncio, heapq, sys
SLOTS, LATENCY = int(sys.argv[1]), float(sys.argv[2])
BODY = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
free = [0.0] * SLOTS  # when each slot has answered all that it was given
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
            (size,) = [int(l[15:]) for l in lines if l.startswith(b"content-length:")]
            self.need = size - (len(self.head) - end - 4)
        else:
            self.need -= len(data)
        if self.need <= 0:
            self.head, self.need = b"", -1
            # A slot is idle from its last answer until there is a request for it, and no longer.
            end = max(loop.time(), free[0]) + LATENCY
            heapq.heapreplace(free, end)
            loop.call_at(end, self.transport.write, REPLY)
async def main():
    global loop
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""  # noqa: E501


def main() -> None:
    from earmark.config import Model
    from earmark.inference.infer import Job, infer
    from earmark.servers import answer_settings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    count = parser.parse_args().requests
    command = [sys.executable, "-c", SERVER, str(SLOTS), str(LATENCY)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "clip.wav").write_bytes(bytes(30_000))
            rows = (
                {"id": f"s{k}", "audio_filepath": "clip.wav", "duration": 1.0,
                 "audio_sha256": f"{k:064x}"}
                for k in range(count)
            )  # fmt: skip
            (folder / "manifest.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
            model = Model.model_validate({
                "server": "openai", "model": "m", "api": "chat", "max_failed_fraction": 0,
                "base_url": f"http://127.0.0.1:{int(server.stdout.readline())}/v1",
                # More than the slots, as docs/servers.md advises: while an answer travels, its slot
                # is busy with a request that waited at the server.
                "client": {"concurrency": SLOTS * 2, "timeout": 60, "max_retries": 3},
            })  # fmt: skip
            prompt = {"system": None, "user": "Transcribe.", "suffix": ""}
            asked = {
                "model": "m",
                "revision": None,
                "api": "chat",
                "sampling": {},
                "extra_body": {},
                "prompt": prompt,
            }
            job = Job(
                "makespan", answer_settings(model, asked), model, folder / "manifest.jsonl",
                folder / "journal", folder / "predictions.jsonl", folder / "server.log",
            )  # fmt: skip
            start = time.perf_counter()
            infer(job)
            seconds = time.perf_counter() - start
    finally:
        server.kill()
        server.wait()
    ideal = count / SLOTS * LATENCY
    figures = {"requests": count, "seconds": round(seconds, 2), "ideal_seconds": round(ideal, 2)}
    print(json.dumps({**figures, "ratio": round(seconds / ideal, 3)}))


if __name__ == "__main__":
    main()
