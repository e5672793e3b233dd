"""The matrix of change: a split's revision, from the Hub to the requests."""

from __future__ import annotations

import hub_sets
import pytest
from hub_sets import ESB
from loopback_hub import loopback_hub
from standin import attached, standin

SIZES = {"librispeech:test.clean": 3, "librispeech:test.other": 2}
CLEAN = "librispeech_clean"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with loopback_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.mark.slow
def test_a_splits_revision_asks_for_clips_that_changed_and_touches_no_other_split(hub, workflow):
    old = hub.commit(ESB, hub_sets.esb(SIZES))
    same = hub.commit(ESB, {**hub_sets.esb(SIZES), "NOTES.md": b"Nothing that is evaluated."})
    new = hub.commit(ESB, hub_sets.esb(SIZES, seed=5))

    def ran(revision):
        splits = {CLEAN: revision, "librispeech_other": old}
        workflow.config["benchmarks"]["asr-leaderboard"] = {
            "splits": {name: {"source": {"revision": commit}} for name, commit in splits.items()}
        }
        before = server.requests
        return workflow.jobs(), server.requests - before

    with standin() as server:
        workflow.config["models"]["one"] = attached(server, audio_formats=["wav"])
        assert ran(old)[1] == sum(SIZES.values())
        steps = ("download", "manifest", "infer", "score")
        chain = {(step, CLEAN) for step in steps} | {("aggregate", "")}
        assert ran(same) == (chain, 0)
        assert ran(new) == (chain, SIZES["librispeech:test.clean"])
        assert ran(new) == (set(), 0)
