"""Transfers from a Hub that misbehaves: what is tried again, what is not, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.data.hub import failures, transfer
from earmark.data.hub.ranges import RangeSet
from earmark.data.hub.repository import Repository, local_file
from earmark.data.hub.transfer import Wanted, fetch
from earmark.errors import EarmarkError

REPO = "some/set"
DATA = np.random.default_rng(0).bytes(5_000_000)


@pytest.fixture
def bring(hub, tmp_path, monkeypatch):
    """Fetches ``x.parquet`` (or ranges of it) and returns its local file."""
    monkeypatch.setattr(transfer, "SMALLEST", 1_000_000)
    monkeypatch.setattr(transfer, "BLOCK", 50_000)
    hub.commit(REPO, {"x.parquet": DATA, "small.txt": b"hello\n"})

    def run(path="x.parquet", ranges=None):
        repository = Repository(REPO, "main", tmp_path)
        (file,) = repository.files([path])
        local = local_file(tmp_path, REPO, file)
        fetch(repository, [Wanted(file, local, ranges)], "test")
        return local

    return run


def test_a_file_arrives_whole_and_verified(hub, bring):
    assert bring().path.read_bytes() == DATA
    assert bring("small.txt").path.read_bytes() == b"hello\n"
    assert hub.sent("*x.parquet?signature=x") == len(DATA)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500, "times": 3},
        {"status": 503},
        {"cut_after": 300_000, "times": 4},
    ],
)
def test_what_passes_is_tried_again_and_nothing_comes_twice(hub, bring, fault):
    hub.fault("x.parquet", **fault)
    assert bring().path.read_bytes() == DATA
    good = sum(s.sent for s in hub.seen if s.status == 206)
    assert good == len(DATA)


def test_retry_after_is_obeyed(hub, bring, monkeypatch):
    waited = []
    monkeypatch.setattr(failures.time, "sleep", waited.append)
    hub.fault("x.parquet", status=429, headers={"Retry-After": "17"})
    bring()
    assert waited == [17.0]
    hub.commit(REPO, {"x.parquet": DATA[::-1]})
    hub.fault("x.parquet", status=429, headers={"RateLimit": '"resolvers";r=0;t=23'})
    bring()
    assert waited == [17.0, 23.0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"status": 500}, "answers HTTP 500, 6 times over.*run the same command again"),
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
    if fault == {"status": 403}:
        assert len([s for s in hub.seen if s.status == 403]) <= transfer.WORKERS


def test_the_api_is_asked_again_too(hub, bring):
    hub.fault("/api/datasets/some/set/revision/*", status=500, times=2)
    hub.fault("/api/datasets/some/set/paths-info/*", status=429, headers={"Retry-After": "0"})
    assert bring().whole


def test_after_an_interruption_only_the_rest_is_fetched(hub, bring, monkeypatch):
    monkeypatch.setattr(transfer, "WORKERS", 1)
    hub.fault("x.parquet", cut_after=600_000)
    fault = hub.fault("x.parquet", status=403, times=1000)
    with pytest.raises(EarmarkError):
        bring()
    fault.times = 0
    before = sum(s.sent for s in hub.seen if s.status == 206)
    assert before == 600_000
    hub.forget()
    assert bring().path.read_bytes() == DATA
    assert hub.sent("*x.parquet?signature=x") == len(DATA) - before


def test_a_wrong_checksum_is_fetched_again_then_refused(hub, bring, tmp_path, capsys):
    hub.fault("x.parquet", corrupt=True, times=5)
    assert bring().path.read_bytes() == DATA
    assert "arrived with checksum" in capsys.readouterr().err
    hub.commit(REPO, {"x.parquet": DATA[::-1]})
    hub.fault("x.parquet", corrupt=True, times=1000)
    with pytest.raises(EarmarkError, match=r"x.parquet arrived with checksum \w+ instead of \w+"):
        bring()
    assert [
        p.name for p in (tmp_path / "some--set").iterdir() if p.stat().st_size == 5_000_000
    ] == [local_name(DATA)]


def local_name(data):
    import hashlib

    return f"{hashlib.sha256(data).hexdigest()[:16]}-x.parquet"


def test_a_whole_file_may_arrive_compressed(hub, bring):
    """Some proxies compress text, whatever they are asked for; httpx unpacks it."""
    hub.fault("small.txt", gzip=True, ignore_range=True)
    assert bring("small.txt").path.read_bytes() == b"hello\n"


def test_a_server_that_ignores_ranges_is_told_apart(hub, bring):
    hub.fault("x.parquet", ignore_range=True, times=1000)
    with pytest.raises(EarmarkError, match="may not know ranges"):
        bring(ranges=RangeSet([(100, 200)]))


def test_parts_are_fetched_once_and_then_the_rest(hub, bring):
    local = bring(ranges=RangeSet([(100, 200), (10_000, 20_000)]))
    assert not local.whole
    with local.open() as stream:
        stream.seek(10_000)
        assert stream.read(10_000) == DATA[10_000:20_000]
    assert hub.sent("*x.parquet?signature=x") == 10_100
    bring(ranges=RangeSet([(150, 200), (15_000, 21_000)]))
    assert hub.sent("*x.parquet?signature=x") == 11_100
    assert bring().path.read_bytes() == DATA
    assert hub.sent("*x.parquet?signature=x") == len(DATA)


def test_a_hub_that_cannot_be_reached_is_named(bring, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EarmarkError, match=r"http://127.0.0.1:9 cannot be reached .*network"):
        bring()


def test_a_token_is_sent_to_the_hub_and_never_to_the_cdn(hub, bring, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_good")
    assert bring().whole
    assert hub.leaks == []


def test_a_token_that_the_hub_does_not_know_is_told_so(hub, bring, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_good")
    hub.fault("x.parquet", status=401, times=1000)
    with pytest.raises(EarmarkError, match=f"refused the token.*terms are at .*/datasets/{REPO}"):
        bring()


def test_a_token_whose_account_has_not_accepted_the_terms_is_told_so(hub, bring, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_good")
    hub.fault("x.parquet", status=403, headers={"X-Error-Code": "GatedRepo"}, times=1000)
    with pytest.raises(EarmarkError) as caught:
        bring()
    message = str(caught.value)
    assert f"{REPO} is gated and the token in HF_TOKEN belongs to an account" in message
    assert f"accept its terms at {hub.url}/datasets/{REPO}" in message
    assert "hf_loopback_good" not in message
