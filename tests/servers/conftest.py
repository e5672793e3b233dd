"""Jobs of a few samples against the stand-in server, in a folder of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.config import Model
from earmark.inference.infer import Job, infer
from earmark.servers import answer_settings
from earmark.servers.run import Run

STAND_IN = Path(__file__).with_name("stand_in.py")
DEFAULTS = {
    "revision": None, "api": "chat", "sampling": {}, "extra_body": {}, "health_timeout": 20,
    "max_failed_fraction": 0.0, "stop_timeout": 2,
}  # fmt: skip
PROMPT = {"system": None, "user": "Transcribe.", "suffix": ""}
RUN_JOB = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from earmark.config import Model
from earmark.errors import job_log
from earmark.inference.infer import Job, infer
from earmark.servers.run import Run
fields = json.load(open(sys.argv[2]))
fields["model"] = Model.model_validate(fields["model"])
run = fields.pop("run")
for name in ("manifest", "journal", "predictions", "server_log"):
    fields[name] = Path(fields[name])
with job_log(sys.argv[2] + ".log"):
    infer(Job(**fields), Run(**run) if run else None)
"""


class Bench:
    """A manifest, a model behind the stand-in, and what both record."""

    def __init__(self, folder: Path, clone: Path) -> None:
        self.folder = folder
        self.clone = clone
        self.record = folder / "record.jsonl"
        self.mark = f"earmark-test-{os.getpid()}-{folder.name}"
        self.manifest = folder / "data" / "manifest.jsonl"
        self.prompt = dict(PROMPT)

    def samples(self, count: int, seconds: Any = 0.1, rate: int = 16000, **columns: Any) -> None:
        """Make a manifest of clips of noise."""
        import soundfile

        self.manifest.parent.mkdir(exist_ok=True)
        lengths = seconds if isinstance(seconds, list) else [seconds] * count
        rows = []
        for number, length in enumerate(lengths):
            path = self.manifest.parent / f"{number}.wav"
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, int(length * rate))
            soundfile.write(path, noise, rate, subtype="PCM_16")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            row = {"id": f"s{number}", "audio_filepath": path.name, "duration": length}
            rows.append({**row, "audio_sha256": digest, "text": "", **columns})
        self.write(rows)

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]

    def settings(self, *options: str, **settings: Any) -> Model:
        """A model: the stand-in, started by the ``command`` type."""
        command = [sys.executable, str(STAND_IN), "--port", "{port}", "--record", str(self.record)]
        client = {"concurrency": 4, "timeout": 1.0, "max_retries": 3, **settings.pop("client", {})}
        given = {"server": "command", "model": "stand-in", "command": [*command, *options]}
        given["env"] = {"EARMARK_TEST_MARK": self.mark}
        return Model.model_validate({**DEFAULTS, **given, "client": client, **settings})

    def job(self, model: Model, **fields: Any) -> Job:
        wanted = {
            key: model.settings[key]
            for key in ("model", "revision", "api", "sampling", "extra_body")
        }
        wanted = answer_settings(model, {**wanted, "prompt": self.prompt})
        return Job(**{
            "title": "test", "request": wanted, "model": model, "manifest": self.manifest,
            "journal": self.folder / "journal", "predictions": self.folder / "predictions.jsonl",
            "server_log": self.folder / "server.log", **fields,
        })  # fmt: skip

    def infer(self, *options: str, **settings: Any) -> list[dict[str, Any]]:
        """Run a job to its end; returns its predictions."""
        job = self.job(self.settings(*options, **settings))
        infer(job)
        return self.predictions(job.predictions)

    def predictions(self, path: Path | None = None) -> list[dict[str, Any]]:
        text = (path or self.folder / "predictions.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def start(self, job: Job, run: Run | None = None, name: str = "job") -> subprocess.Popen[bytes]:
        """Run a job in a process of its own, as part of a run."""
        fields = {name: getattr(job, name) for name in Job.__dataclass_fields__}
        fields["model"] = job.model.model_dump()
        file = self.folder / f"{name}.json"
        fields["run"] = asdict(run) if run else None
        file.write_text(json.dumps(fields, default=str))
        library = str(self.clone / "workflow" / "scripts")
        return subprocess.Popen([sys.executable, "-c", RUN_JOB, library, str(file)])

    def events(self, event: str) -> Counter[str]:
        """How often each request was asked, answered, refused, …"""
        if not self.record.exists():
            return Counter()
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return Counter(line["key"] for line in lines if line["event"] == event)

    def answered_once(self, count: int) -> None:
        """Every sample was answered, and none twice."""
        assert sorted(self.events("answered").values()) == [1] * count

    def processes(self) -> list[str]:
        """Command lines of the servers that run: marked by their environment."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return [words for words in found if words]

    def wait_for(self, condition: Any, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)


@pytest.fixture
def bench(tmp_path: Path, clone: Path) -> Any:
    made = Bench(tmp_path, clone)
    yield made
    made.wait_for(lambda: not made.processes(), 5)
