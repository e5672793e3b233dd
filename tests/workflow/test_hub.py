"""Sets on a loopback Hub, prepared by real Snakemake runs: kills, changes, and bytes counted."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import zipfile
from pathlib import Path

import hub_sets
import pytest
from hub_sets import ESB, MMAU
from loopback_hub import TOKEN, loopback_hub
from running import Workflow

# In each Python of a run: at the n-th clip that is opened for writing, the whole run is killed.
KILL = """
import itertools, os, signal, sys
count = itertools.count(1)
def hook(event, arguments):
    if event == "open" and "/.audio.partial/" in str(arguments[0]):
        if next(count) == int(os.environ["EARMARK_TEST_KILL_AT"]):
            os.killpg(os.getpgrp(), signal.SIGKILL)
sys.addaudithook(hook)
"""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with loopback_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def run_in(clone, tmp_path):
    """A workflow on the leaderboard's declaration in a folder of its own."""

    def make(name, **selection):
        folder = tmp_path / name
        folder.mkdir()
        workflow = Workflow(clone, folder)
        workflow.config["benchmarks"] = selection
        workflow.config["models"]["m"] = {"server": "demo", "model": "whisper-tiny.en"}
        return workflow

    return make


def prepared(workflow):
    """Every file that preparation leaves, by its checksum; the cache and its locks apart."""
    data = workflow.folder / "data"
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and "hub-cache" not in path.parts and path.name != ".lock"
    }


def asr(*splits):
    return {"asr-leaderboard": {"splits": list(splits)}}


@pytest.mark.slow
def test_a_download_that_is_killed_keeps_the_files_that_are_whole(hub, run_in):
    files = hub_sets.esb({"librispeech:test.clean": 260}, shards=2, group=50)
    hub.commit(ESB, files)
    last = len(files["librispeech/test.clean-00001-of-00002.parquet"])
    undisturbed = run_in("undisturbed", **asr("librispeech_clean"))
    undisturbed.run("prepare")
    killed = run_in("killed", **asr("librispeech_clean"))
    fault = hub.fault("*-00001-of-*.parquet", hold_after=last // 2)
    process = killed.start("prepare")
    assert fault.held.wait(120)
    cache = killed.folder / "data" / "hub-cache"
    killed.wait_for(lambda: list(cache.rglob("*-00000-of-*.parquet")), "the first whole file")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not list(killed.folder.rglob("files.json"))
    hub.forget()
    killed.run("--unlock")
    killed.run("prepare")
    assert hub.sent("*-00000-of-*.parquet?signature=x") == 0
    assert hub.sent("*.parquet?signature=x") <= last
    assert prepared(killed) == prepared(undisturbed)


@pytest.mark.slow
def test_a_manifest_that_is_killed_ends_with_the_same_bytes(hub, run_in, monkeypatch, tmp_path):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 60}))
    undisturbed = run_in("undisturbed", **asr("librispeech_clean"))
    undisturbed.run("prepare")
    killed = run_in("killed", **asr("librispeech_clean"))
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(KILL)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hook))
        patch.setenv("EARMARK_TEST_KILL_AT", "30")
        killed.run("prepare", code=-signal.SIGKILL)
    home = killed.folder / "data" / "asr-leaderboard" / "librispeech_clean"
    assert list((home / ".audio.partial").iterdir())
    assert not (home / "manifest.jsonl").exists()
    hub.forget()
    killed.run("--unlock")
    killed.run("prepare")
    assert hub.sent("*.parquet?signature=x") == 0
    assert prepared(killed) == prepared(undisturbed)


@pytest.mark.slow
def test_a_changed_revision_prepares_that_split_alone(hub, run_in):
    sizes = {"librispeech:test.clean": 6, "librispeech:test.other": 6}
    old = hub.commit(ESB, hub_sets.esb(sizes))
    new = hub.commit(ESB, hub_sets.esb(sizes, seed=5))
    workflow = run_in("run")

    def select(clean):
        splits = {
            "librispeech_clean": {"source": {"revision": clean}},
            "librispeech_other": {"source": {"revision": old}},
        }
        workflow.config["benchmarks"] = {"asr-leaderboard": {"splits": splits}}

    select(old)
    workflow.run("prepare")
    before = prepared(workflow)
    assert "Nothing to be done" in workflow.run("prepare")
    select(new)
    assert workflow.jobs("prepare") == {
        ("prepare", ""), ("download", "librispeech_clean"), ("manifest", "librispeech_clean"),
    }  # fmt: skip
    after = prepared(workflow)
    changed = {path.split("/")[1] for path in before | after if before.get(path) != after.get(path)}
    assert changed == {"librispeech_clean"}
    record = workflow.folder / "data/asr-leaderboard/librispeech_clean/source.json"
    assert json.loads(record.read_text())["commit"] == new


@pytest.mark.slow
def test_one_category_of_mmau_pro_transfers_no_other_clips(hub, run_in):
    files = hub_sets.mmau()
    hub.commit(MMAU, files)
    workflow = run_in("run", **{"mmau-pro": {"splits": ["instruction_following"]}})
    workflow.run("prepare")
    with zipfile.ZipFile(io.BytesIO(files["data.zip"])) as archive:
        directory = len(files["data.zip"]) - archive.start_dir
        infos = {info.filename: info for info in archive.infolist()}
    names = [
        name
        for row, _ in hub_sets.mmau_rows()
        if row["category"] == "instruction following"
        for name in row["audio_path"]
    ]
    clips = sum(infos[name].compress_size + 30 + len(name) for name in names)
    sent = hub.sent("*?signature=x")
    # The directory is sought in the last 64 KiB of the archive.
    assert sent == len(files["test.parquet"]) + max(directory, 1 << 16) + clips
    assert sent < 0.1 * len(files["data.zip"])


@pytest.mark.slow
def test_all_of_mmau_pro_at_once_transfers_the_archive_and_few_of_its_clips_twice(hub, run_in):
    files = hub_sets.mmau()
    hub.commit(MMAU, files)
    workflow = run_in("run", **{"mmau-pro": {"splits": "all"}})
    workflow.run("prepare")
    manifests = sorted(workflow.folder.glob("data/mmau-pro/*/manifest.jsonl"))
    assert [len(path.read_text().splitlines()) for path in manifests] == [32, 8, 8]
    # The two small splits may ask for their clips before all of the archive is there.
    assert hub.sent("*data.zip?signature=x") < 1.2 * len(files["data.zip"])
    assert hub.sent("*test.parquet?signature=x") == len(files["test.parquet"])


@pytest.mark.slow
def test_a_gated_set_ends_the_job_with_what_to_do_and_no_traceback(hub, run_in, monkeypatch):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 2}), gated=True)
    workflow = run_in("run", **asr("librispeech_clean"))
    output = workflow.run("prepare", code=1)
    assert f"{ESB} is gated and no token is set: accept its terms at" in output
    assert "Traceback" not in output
    log = workflow.folder / "results/logs/download/asr-leaderboard/librispeech_clean.log"
    assert "HF_TOKEN" in log.read_text()
    assert not list(Path(workflow.folder).rglob("files.json"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # its terms accepted, as the message asked for
    output += workflow.run("prepare")
    assert list(workflow.folder.glob("data/asr-leaderboard/*/manifest.jsonl"))
    held = [path for path in workflow.folder.rglob("*") if path.is_file()]
    assert not [path for path in held if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in output
