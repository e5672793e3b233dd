"""A Hub on loopback and a split of a few clips, for the tests of the library."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import few_clips
from loopback_hub import LoopbackHub, loopback_hub

from earmark.config import Split
from earmark.data.download import download
from earmark.data.manifest import write_manifest


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """A Hub to which `huggingface_hub` is pointed, as HF_ENDPOINT does it."""
    datasets = importlib.import_module("datasets")
    constants = importlib.import_module("huggingface_hub.constants")
    hf_api = importlib.import_module("huggingface_hub.hf_api")
    failures = importlib.import_module("earmark.data.hub.failures")
    client = importlib.import_module("huggingface_hub.utils._http")
    with loopback_hub() as server:
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home"))
        monkeypatch.setattr(hf_api, "ENDPOINT", server.url, raising=False)
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", server.url)
        monkeypatch.setattr(failures, "WAITS", (0.01, 0.01, 0.01))
        monkeypatch.setattr(client.time, "sleep", lambda seconds: None)
        yield server


@pytest.fixture
def prepare(tmp_path, clone):
    """Prepares a split as the two rules do: ``prepare(split)`` returns its folder."""

    def run(split: Split):
        home = tmp_path / "data" / split.benchmark / split.name
        files, cache = home / "source" / "files.json", tmp_path / "data" / "hub-cache"
        download(split, files, cache)
        write_manifest(split, files, cache, home / "manifest.jsonl", home / "source.json")
        return home

    return run


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A split of a few clips, each with other samples."""
    return few_clips(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are tried again at once, and no disk is waited for."""
    monkeypatch.setattr("earmark.inference.limiter.FIRST_PAUSE", 0.002)
    monkeypatch.setattr("earmark.inference.journal.os.fsync", lambda file: None)
