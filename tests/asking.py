"""A split of a few clips, and jobs that ask a server about them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from faulty_server import FaultyServer

from earmark.config import alone
from earmark.inference.infer import Job, infer
from earmark.servers import answer_settings
from earmark.servers.run import own_run

COUNT = 12


def wav(number: int) -> bytes:
    samples = number.to_bytes(2, "little") * 400
    head = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    head += (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + b"\x02\0\x10\0data"
    return head + len(samples).to_bytes(4, "little") + samples


def digest(number: int) -> str:
    return hashlib.sha256(wav(number)).hexdigest()


def few_clips(folder: Path) -> Path:
    """A manifest of clips, each with other samples."""
    (folder / "audio").mkdir()
    rows = []
    for number in range(COUNT):
        (folder / f"audio/{number}.wav").write_bytes(wav(number))
        row = {"id": f"s{number}", "audio_filepath": f"audio/{number}.wav", "text": "x"}
        rows.append({**row, "duration": 0.025, "audio_sha256": digest(number)})
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def job(url: str | None, manifest: Path, client: dict[str, Any] | None = None, **more: Any) -> Job:
    given = {"server": "openai", "base_url": url, "model": "m", "client": client or {}, **more}
    model = alone({"models": {"m": given}}).models["m"]
    wanted = {
        key: model.settings[key] for key in ("model", "revision", "api", "sampling", "extra_body")
    }
    wanted["prompt"] = {"system": "Be brief.", "user": "Transcribe.", "suffix": ""}
    home = manifest.parent / "results"
    return Job(
        title="m on s",
        request=answer_settings(model, wanted),
        model=model,
        manifest=manifest,
        journal=home / "journal",
        predictions=home / "predictions.jsonl",
        server_log=home / "server.log",
    )


def done(job: Job) -> list[dict[str, Any]]:
    infer(job, own_run())
    return rows(job)


def rows(job: Job) -> list[dict[str, Any]]:
    return [json.loads(line) for line in job.predictions.read_text().splitlines()]


def assert_whole(found: list[dict[str, Any]], server: FaultyServer) -> None:
    """Every answer is there, in order; every request was answered once, and none after that."""
    assert [row["id"] for row in found] == [f"s{number}" for number in range(COUNT)]
    assert [row["generation"] for row in found] == [f"heard {digest(n)}" for n in range(COUNT)]
    assert all(row["error"] is None for row in found)
    assert server.answered == {digest(number): 1 for number in range(COUNT)}
