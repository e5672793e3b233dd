"""A Hub and a site on which every declared benchmark's sets lie, small; for `field_sets`."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
import yaml
from hub_sets import parquet

from earmark.config import Split

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXT, WHOLE, REAL, TEXTS = pa.string(), pa.int32(), pa.float64(), pa.list_(pa.string())


class Field:
    """What is on the Hub and the web, and what is heard in it.

    Attributes:
        repos: The files of each repository, by its name and branch.
        configs: What each repository's README lists: paths by configuration and split.
        web: Archives by their file names.
        heard: The answer to each clip, by its number of samples, which no other clip has; or to
            it with a certain prompt, by both.
        clips: The samples of a file's clips, by its path.
    """

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], dict[str, bytes]] = {}
        self.configs: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        self.web: dict[str, bytes] = {}
        self.heard: dict[int | tuple[int, str], str] = {}
        self.clips: dict[str, list[int]] = {}

    def clip(self, answer: str) -> bytes:
        """A WAV file, of which the stand-in says this."""
        samples = 2000 + sum(isinstance(key, int) for key in self.heard)
        self.heard[samples] = answer
        stream = io.BytesIO()
        noise = np.random.default_rng(samples).normal(scale=0.1, size=samples)
        soundfile.write(stream, noise, 16000, format="WAV")
        return stream.getvalue()

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        return self.repos.setdefault((repo, revision), {})

    def table(
        self, split: Split, columns: Any, rows: Sequence[dict[str, Any]], answers: Sequence[str],
        audio: str = "audio", config: str | None = None,
    ) -> str:  # fmt: skip
        """A split's Parquet file, where the Hub keeps it, unless it is there; returns its path."""
        source = split.source
        config = config or source.config
        key = (str(source.repo), source.revision)
        path = f"{config or 'data'}/{source.split}-00000-of-00001.parquet"
        if source.revision == "refs/convert/parquet":
            path = f"{config}/{source.split}/0000.parquet"
        elif source.files:
            path = source.files[0].replace("*", f"{source.split}-00000-of-00001")
        else:
            self.configs.setdefault(key, {}).setdefault(config or "default", {})[source.split] = (
                path
            )
        if path not in self.files(*key):
            made: list[dict[str, Any]] = [
                {audio: {"bytes": self.clip(answer), "path": f"{n}.wav"}, **row}
                for n, (row, answer) in enumerate(zip(rows, answers, strict=True))
            ]
            self.clips[path] = list(self.heard)[-len(made) :]
            schema = columns if isinstance(columns, pa.Schema) else pa.schema(columns)
            self.files(*key)[path] = parquet(made, schema)
        return path

    def readmes(self) -> None:
        """Write each repository's README, as the Hub's tables need it."""
        for key, configs in self.configs.items():
            listed = [
                {"config_name": name, "data_files": [{"split": s, "path": p} for s, p in paths.items()]}
                for name, paths in configs.items()
            ]  # fmt: skip
            text = f"---\n{yaml.safe_dump({'configs': listed})}---\n"
            self.files(*key)["README.md"] = text.encode()


def named(**columns: Any) -> list[tuple[str, Any]]:
    """Columns of a set, the audio first."""
    return [("audio", AUDIO), *columns.items()]


def texts(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, TEXT)


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()
