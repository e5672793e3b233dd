"""Transfers from a Hub that misbehaves: what is tried again, what is not, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.data.hub.repository import Repository, cached
from earmark.errors import EarmarkError

REPO = "some/set"
DATA = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture
def bring(hub, tmp_path):
    """Brings ``x.parquet`` and returns its local file."""
    hub.commit(REPO, {"README.md": b"# x\n", "x.parquet": DATA, "small.txt": b"hello\n"})

    def run(path="x.parquet"):
        repository = Repository(REPO, "main", tmp_path)
        repository.bring(repository.files([path]), "test")
        return cached(tmp_path, REPO, repository.commit, path)

    return run


def test_a_file_arrives_whole_and_once(hub, bring):
    assert bring().read_bytes() == DATA
    assert bring("small.txt").read_bytes() == b"hello\n"
    bring()
    assert hub.sent("*x.parquet?signature=x") == len(DATA)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 503, "times": 2},
        {"cut_after": 300_000, "times": 3},
    ],
)
def test_what_passes_is_tried_again(hub, bring, fault):
    hub.fault("x.parquet", **fault)
    assert bring().read_bytes() == DATA


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"status": 500}, "answers HTTP 500.*run the same command again"),
        ({"status": 429}, "asks to slow down .*HTTP 429.*run the same command again"),
        ({"status": 403}, "answers HTTP 403.*terms at .*/datasets/.*HF_TOKEN"),
        ({"status": 401}, "answers HTTP 401.*terms at .*/datasets/.*HF_TOKEN"),
        ({"cut_after": 0}, "cannot be reached .*run the same command again"),
    ],
)
def test_what_stays_is_told(hub, bring, fault, says):
    hub.fault("x.parquet", times=1000, **fault)
    with pytest.raises(EarmarkError, match=says):
        bring()


def test_the_api_is_asked_again_too(hub, bring):
    hub.fault("/api/datasets/some/set/revision/*", status=500, times=2)
    hub.fault("/api/datasets/some/set/paths-info/*", status=429, headers={"Retry-After": "0"})
    assert bring() is not None


def test_a_wrong_checksum_is_fetched_again_then_refused(hub, bring, tmp_path, capsys):
    hub.fault("x.parquet", corrupt=True)
    assert bring().read_bytes() == DATA
    assert "arrived with checksum" in capsys.readouterr().err
    hub.commit(REPO, {"x.parquet": DATA[::-1]})
    hub.fault("x.parquet", corrupt=True, times=1000)
    with pytest.raises(EarmarkError, match=r"x.parquet arrived with checksum \w+ instead of \w+"):
        bring()
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_symlink()]
    assert [p.read_bytes() == DATA for p in kept if p.stat().st_size > 1_000_000] == [True]


def test_a_hub_that_cannot_be_reached_is_named(bring, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EarmarkError, match=r"http://127.0.0.1:9 cannot be reached .*network"):
        bring()


def test_a_token_is_sent_to_the_hub_and_never_to_the_cdn(hub, bring, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_good")
    assert bring() is not None
    assert hub.leaks == []


def test_a_token_whose_account_has_not_accepted_the_terms_is_told_so(hub, bring, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_good")
    hub.fault("x.parquet", status=403, headers={"X-Error-Code": "GatedRepo"}, times=1000)
    with pytest.raises(EarmarkError) as caught:
        bring()
    message = str(caught.value)
    assert f"{REPO} is gated and the token in HF_TOKEN belongs to an account" in message
    assert f"accept its terms at {hub.url}/datasets/{REPO}" in message
    assert "hf_loopback_good" not in message
