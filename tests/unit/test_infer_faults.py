"""Whatever a server does, each sample ends with one answer or the run with a clear error."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import COUNT, assert_whole, digest, done, job
from faulty_server import Fault, FaultyServer

from earmark.errors import EarmarkError
from earmark.inference.infer import infer
from earmark.servers.run import own_run

pytestmark = pytest.mark.usefixtures("impatient")
LONG = b'{"choices": [{"message": {"content": "half of a long answer"}}]}'
PASSING = {
    "429": Fault(429),
    "429 with Retry-After": Fault(429, headers={"Retry-After": "0"}),
    "429 with a Retry-After that is none": Fault(429, headers={"Retry-After": "soon"}),
    "408": Fault(408),
    "409": Fault(409),
    "500": Fault(500),
    "502 in HTML": Fault(502, b"<html>Bad Gateway</html>"),
    "503": Fault(503),
    "an HTML page as 200": Fault(200, b"<html>Welcome</html>"),
    "garbage": Fault(200, b"\xff\xfe\x00garbage"),
    "brackets without an end": Fault(200, b"[" * 100_000),
    "half a document": Fault(200, LONG[:30]),
    "a body cut short": Fault(200, LONG, cut=20),
    "empty choices": Fault(200, b'{"choices": []}'),
    "null choices": Fault(200, b'{"choices": null}'),
    "no message": Fault(200, b'{"choices": [{}]}'),
    "a list": Fault(200, b"[]"),
    "nothing at all": Fault(200, b""),
    "an error as 200": Fault(200, b'{"error": {"message": "overloaded"}}'),
    "a closed connection": Fault(drop=True),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_tried_again_until_every_answer_is_there_once(
    manifest: Path, name: str
) -> None:
    with FaultyServer(lambda audio, attempt: PASSING[name] if attempt <= 2 else None) as server:
        found = done(job(server.url, manifest, {"concurrency": 4}))
        assert_whole(found, server)
        assert all(count == 3 for count in server.asked.values())
        assert all(row["attempts"] == 3 for row in found)


def test_a_hung_request_is_given_up_after_its_timeout_and_asked_again(manifest: Path) -> None:
    def script(audio: str, attempt: int) -> Fault | None:
        return Fault(hang=True) if audio == digest(3) and attempt == 1 else None

    with FaultyServer(script) as server:
        found = done(job(server.url, manifest, {"concurrency": 4, "timeout": 1.0}))
        assert_whole(found, server)
        assert server.asked[digest(3)] == 2


def test_retry_after_is_kept_to_by_every_request(manifest: Path) -> None:
    def script(audio: str, attempt: int) -> Fault | None:
        first = audio == digest(0) and attempt == 1
        return Fault(429, headers={"Retry-After": "1"}) if first else None

    with FaultyServer(script) as server:
        assert_whole(done(job(server.url, manifest, {"concurrency": 1})), server)
        assert server.times[1] - server.times[0] >= 1.0


def test_a_storm_of_429_fails_nothing_however_few_retries_there_are(manifest: Path) -> None:
    with FaultyServer(lambda audio, attempt: Fault(429) if attempt <= 5 else None) as server:
        assert_whole(done(job(server.url, manifest, {"max_retries": 1})), server)


@pytest.mark.parametrize(
    ("headers", "health", "fails"),
    [({}, 404, True), ({}, 200, False), ({"Retry-After": "0"}, 500, False)],
)
def test_a_503_asks_for_patience_only_from_a_server_that_is_well(
    manifest: Path, headers: dict[str, str], health: int, fails: bool
) -> None:
    def script(audio: str, attempt: int) -> Fault | None:
        return Fault(503, headers=headers) if audio == digest(3) and attempt <= 4 else None

    with FaultyServer(script) as server:
        server.health = health
        found = done(job(server.url, manifest, {"max_retries": 2}, max_failed_fraction=0.1))
        assert server.asked[digest(3)] == (3 if fails else 5)
    assert found[3]["error"] == ("HTTP 503: told to (after 3 attempts)" if fails else None)


def test_retries_come_to_an_end(manifest: Path) -> None:
    with FaultyServer(lambda audio, n: Fault(500) if audio == digest(1) else None) as server:
        found = done(job(server.url, manifest, {"max_retries": 3}, max_failed_fraction=0.1))
        assert server.asked[digest(1)] == 4
    assert found[1]["error"] == "HTTP 500: told to (after 4 attempts)"


def test_a_time_out_lowers_the_limit_and_names_the_key_to_change(
    manifest: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    lowered: list[float] = []
    limit = "earmark.inference.client.ConcurrencyLimit.overloaded"
    monkeypatch.setattr(limit, lambda self, started, wish=None: lowered.append(started))
    client = {"timeout": 0.3, "max_retries": 0}
    with FaultyServer(lambda audio, n: Fault(hang=True) if audio == digest(3) else None) as server:
        found = done(job(server.url, manifest, client, max_failed_fraction=0.1))
    says = "no reply within 0.3 s; raise client.timeout, or lower client.concurrency"
    assert found[3]["error"] == f"{says} (after 1 attempts)" and len(lowered) == 1
    assert f"a request has {says}" in capfd.readouterr().out


def test_an_answer_that_waited_began_with_its_first_attempt(manifest: Path) -> None:
    def script(audio: str, attempt: int) -> Fault | None:
        busy = Fault(429, headers={"Retry-After": "0.5"})
        return busy if audio == digest(3) and attempt == 1 else None

    before = time.time()
    with FaultyServer(script) as server:
        row = done(job(server.url, manifest, {"concurrency": 1}))[3]
    assert row["attempts"] == 2 and row["generation_start_time"] >= before
    assert 0.5 < row["generation_end_time"] - row["generation_start_time"] < 5


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_sample_is_asked_once_and_costs_that_sample_alone(
    manifest: Path, status: int
) -> None:
    bad = Fault(status, b'{"error": {"message": "audio too odd"}}')
    with FaultyServer(lambda audio, attempt: bad if audio == digest(5) else None) as server:
        found = done(job(server.url, manifest, max_failed_fraction=0.1))
        assert server.asked == {digest(number): 1 for number in range(COUNT)}
    assert found[5]["error"] == f"HTTP {status}: audio too odd" and found[5]["generation"] == ""
    assert [row["error"] for row in found if row["id"] != "s5"] == [None] * (COUNT - 1)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "The audio is longer than 30 s"),
        (413, "Request Entity Too Large"),
        (400, "bad header"),
    ],
)
def test_audio_that_is_too_long_for_a_server_names_the_key_that_cuts_it(
    manifest: Path, status: int, says: str
) -> None:
    bad = Fault(status, json.dumps({"error": {"message": says}}).encode())
    with FaultyServer(lambda audio, n: bad if audio == digest(3) else None) as server:
        error = done(job(server.url, manifest, max_failed_fraction=0.1))[3]["error"]
    hint = "; `chunk_seconds` cuts audio that is too long" if says != "bad header" else ""
    assert error == f"HTTP {status}: {says}{hint}"


def test_a_failed_sample_is_asked_again_by_the_next_run_and_it_alone(manifest: Path) -> None:
    with FaultyServer(lambda audio, n: Fault(400) if audio == digest(5) else None) as server:
        done(job(server.url, manifest, max_failed_fraction=0.1))
        server.script = lambda audio, attempt: None
        assert_whole(done(job(server.url, manifest)), server)
        assert server.asked.total() == COUNT + 1


def test_more_failures_than_allowed_stop_the_run_and_write_no_predictions(manifest: Path) -> None:
    with FaultyServer(lambda audio, attempt: Fault(400)) as server:
        broken = job(server.url, manifest, {"concurrency": 1}, max_failed_fraction=0.1)
        with pytest.raises(EarmarkError, match=r"2 of 12 samples failed.*\n  s0: HTTP 400: told"):
            infer(broken, own_run())
        assert server.asked.total() == 2
    assert not broken.predictions.exists()


def test_a_sample_of_which_several_chunks_fail_counts_once(manifest: Path) -> None:
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    lines[5]["duration"] = 4.0
    manifest.write_text("".join(json.dumps(row) + "\n" for row in lines))
    whole = {digest(number) for number in range(COUNT) if number != 5}
    with FaultyServer(lambda audio, attempt: None if audio in whole else Fault(400)) as server:
        found = done(job(server.url, manifest, chunk_seconds=2, max_failed_fraction=0.1))
        assert server.asked.total() == COUNT + 1
    assert [row["id"] for row in found if row["error"]] == ["s5"] and found[5]["num_chunks"] == 2


def test_an_unknown_address_stops_at_once(manifest: Path) -> None:
    with FaultyServer(lambda audio, attempt: Fault(404)) as server:
        with pytest.raises(EarmarkError, match="check `base_url`, `api` and `model`"):
            infer(job(server.url, manifest, {"concurrency": 2}), own_run())
        assert server.asked.total() <= 2


def test_an_account_without_quota_stops_at_once(manifest: Path) -> None:
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    spent = Fault(429, json.dumps({"error": error}).encode())
    with FaultyServer(lambda audio, attempt: spent) as server:
        with pytest.raises(EarmarkError, match="no quota left; what was answered is kept"):
            infer(job(server.url, manifest, {"concurrency": 2}), own_run())
        assert server.asked.total() <= 2


def test_a_dead_server_stops_the_run_what_was_answered_is_kept_and_the_rest_asked_later(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.inference.client.SILENCE", 0.2)
    with FaultyServer() as server:
        half = manifest.with_name("half.jsonl")
        half.write_text("".join(manifest.read_text().splitlines(keepends=True)[: COUNT // 2]))
        done(replace(job(server.url, manifest), manifest=half))
    with pytest.raises(EarmarkError, match="what was answered is kept"):
        infer(job(server.url, manifest, {"max_retries": 100}), own_run())
    with FaultyServer() as fresh:
        found = done(job(fresh.url, manifest))
        assert fresh.asked == {digest(number): 1 for number in range(COUNT // 2, COUNT)}
    assert [row["generation"] for row in found] == [f"heard {digest(n)}" for n in range(COUNT)]


def test_audio_that_may_not_be_read_is_named_and_stops_the_job(manifest: Path) -> None:
    (manifest.parent / "audio/3.wav").unlink()
    (manifest.parent / "audio/3.wav").mkdir()  # as good as one without rights, for root too
    with FaultyServer() as server, pytest.raises(EarmarkError, match=r"3\.wav: cannot be read: Is"):
        infer(job(server.url, manifest), own_run())
