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
import asyncio, sys
from aiohttp import web
slots = asyncio.Semaphore(int(sys.argv[1]))
async def chat(request):
    await request.read()
    async with slots:
        await asyncio.sleep(float(sys.argv[2]))
    message = {"role": "assistant", "content": "hello"}
    return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})
async def main():
    app = web.Application(client_max_size=2**30)
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def main() -> None:
    from earmark.infer import Job, infer
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
            settings = {
                "server": "openai", "model": "m", "api": "chat", "max_failed_fraction": 0,
                "base_url": f"http://127.0.0.1:{int(server.stdout.readline())}/v1",
                # A few more than the slots, so that one is refilled while an answer travels.
                "client": {"concurrency": SLOTS * 3 // 2, "timeout": 60, "max_retries": 3},
            }  # fmt: skip
            prompt = {"system": None, "user": "Transcribe.", "suffix": ""}
            asked = {
                "model": "m",
                "api": "chat",
                "sampling": {},
                "extra_body": {},
                "prompt": prompt,
            }
            job = Job(
                "makespan", answer_settings(settings, asked), settings, folder / "manifest.jsonl",
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
