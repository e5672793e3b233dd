"""Whatever a server does, each sample ends with one answer or the run with a clear error."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faulty_server import Fault, FaultyServer, events

from earmark.config import alone
from earmark.errors import EarmarkError
from earmark.inference.client import GoneError, RefusedError
from earmark.inference.infer import Job, infer
from earmark.inference.journal import Journal, Writer, shard_file
from earmark.inference.predictions import gather
from earmark.servers import answer_settings
from earmark.servers.run import Run, own_run

COUNT = 12
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


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.inference.limiter.FIRST_PAUSE", 0.002)
    monkeypatch.setattr("earmark.inference.journal.os.fsync", lambda file: None)


def wav(number: int) -> bytes:
    samples = number.to_bytes(2, "little") * 400
    head = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    head += (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + b"\x02\0\x10\0data"
    return head + len(samples).to_bytes(4, "little") + samples


def digest(number: int) -> str:
    return hashlib.sha256(wav(number)).hexdigest()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A split of a few clips, each with other samples."""
    (tmp_path / "audio").mkdir()
    rows = []
    for number in range(COUNT):
        (tmp_path / f"audio/{number}.wav").write_bytes(wav(number))
        row = {"id": f"s{number}", "audio_filepath": f"audio/{number}.wav", "text": "x"}
        rows.append({**row, "duration": 0.025, "audio_sha256": digest(number)})
    path = tmp_path / "manifest.jsonl"
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


def test_retries_come_to_an_end(manifest: Path) -> None:
    with FaultyServer(lambda audio, n: Fault(500) if audio == digest(1) else None) as server:
        found = done(job(server.url, manifest, {"max_retries": 3}, max_failed_fraction=0.1))
        assert server.asked[digest(1)] == 4
    assert found[1]["error"] == "HTTP 500: told to (after 4 attempts)"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once_and_is_never_shown(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    body = b'{"error": {"message": "Incorrect API key provided: sk-very-secret"}}'
    with FaultyServer(lambda audio, attempt: Fault(status, body)) as server:
        refused = job(server.url, manifest, {"concurrency": 2}, api_key_env="MY_KEY")
        with pytest.raises(RefusedError, match="check the key in the variable") as caught:
            infer(refused, own_run())
        assert server.asked.total() <= 2 and server.keys == {"Bearer sk-very-secret"}
    assert "sk-very-secret" not in str(caught.value)
    assert "sk-very-secret" not in "".join(capfd.readouterr())
    files = [path for path in manifest.parent.rglob("*") if path.is_file()]
    assert not any(b"sk-very-secret" in path.read_bytes() for path in files)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_a_server_repeats_is_in_no_row_and_no_log(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    page = b"<html>you came with sk-very-secret</html>"
    with FaultyServer(lambda audio, attempt: Fault(status, page)) as server:
        client = {"max_retries": 0}
        told = job(server.url, manifest, client, api_key_env="MY_KEY", max_failed_fraction=1)
        infer(told, own_run())
    assert "you came with ***" in told.predictions.read_text()
    assert "sk-very-secret" not in "".join(capfd.readouterr())
    files = [path for path in manifest.parent.rglob("*") if path.is_file()]
    assert not any(b"sk-very-secret" in path.read_bytes() for path in files)


@pytest.mark.parametrize("status", [200, 400])
def test_a_key_that_stands_where_a_reply_is_cut_short_is_not_shown_by_half(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    page = b"<html>" + b"x" * 284 + b" sk-very-secret</html>"
    with FaultyServer(lambda audio, attempt: Fault(status, page)) as server:
        client = {"max_retries": 0}
        told = job(server.url, manifest, client, api_key_env="MY_KEY", max_failed_fraction=1)
        infer(told, own_run())
    assert "xx ***" in told.predictions.read_text()
    assert "sk-" not in told.predictions.read_text() + "".join(capfd.readouterr())


def test_a_key_goes_out_though_netrc_knows_the_address(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MY_KEY", "sk-mine")
    monkeypatch.setenv("no_proxy", "*")
    with FaultyServer() as server:
        assert_whole(done(job(server.url, manifest, api_key_env="MY_KEY")), server)
        assert server.keys == {"Bearer sk-mine"}


def test_a_value_that_cannot_be_a_key_is_refused_and_not_shown(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-first\nsk-second")
    with pytest.raises(EarmarkError, match="MY_KEY is no key: it holds blanks") as caught:
        infer(job("http://127.0.0.1:1/v1", manifest, api_key_env="MY_KEY"), own_run())
    assert "sk-" not in str(caught.value)


def test_audio_that_may_not_be_read_is_named_and_stops_the_job(manifest: Path) -> None:
    (manifest.parent / "audio/3.wav").unlink()
    (manifest.parent / "audio/3.wav").mkdir()  # as good as one without rights, for root too
    with FaultyServer() as server, pytest.raises(EarmarkError, match=r"3\.wav: cannot be read: Is"):
        infer(job(server.url, manifest), own_run())


def test_a_key_that_is_not_set_is_named_before_anything_is_asked(manifest: Path) -> None:
    with FaultyServer() as server:
        with pytest.raises(EarmarkError, match="MY_MISSING_KEY, which is not set"):
            infer(job(server.url, manifest, api_key_env="MY_MISSING_KEY"), own_run())
        assert server.asked.total() == 0


def test_an_unknown_address_stops_at_once(manifest: Path) -> None:
    with FaultyServer(lambda audio, attempt: Fault(404)) as server:
        with pytest.raises(RefusedError, match="check `base_url`, `api` and `model`"):
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
    with pytest.raises(GoneError, match="what was answered is kept"):
        infer(job(server.url, manifest, {"max_retries": 100}), own_run())
    with FaultyServer() as fresh:
        found = done(job(fresh.url, manifest))
        assert fresh.asked == {digest(number): 1 for number in range(COUNT // 2, COUNT)}
    assert [row["generation"] for row in found] == [f"heard {digest(n)}" for n in range(COUNT)]


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(manifest: Path) -> None:
    with FaultyServer() as server:
        first = job(server.url, manifest)
        done(first)
        before = first.predictions.read_bytes()
        first.predictions.unlink()
        done(job(server.url, manifest, {"concurrency": 1, "max_retries": 2}))
        assert server.asked.total() == COUNT
    assert first.predictions.read_bytes() == before


def test_a_torn_tail_costs_one_question(manifest: Path) -> None:
    with FaultyServer() as server:
        first = job(server.url, manifest, {"concurrency": 1})
        done(first)
        own = shard_file(first.journal, 0, 1)
        own.write_bytes(own.read_bytes()[:-25])
        found = done(first)
        assert [row["generation"] for row in found] == [f"heard {digest(n)}" for n in range(COUNT)]
        assert server.asked == {digest(n): 1 + (n == COUNT - 1) for n in range(COUNT)}


def test_a_second_job_at_the_same_journal_waits_for_it_as_long_as_its_run_lives(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "71")
    with FaultyServer() as server:
        mine = job(server.url, manifest)
        own = shard_file(mine.journal, 0, 1)
        first = Writer(own)
        with ThreadPoolExecutor() as pool:
            later = pool.submit(lambda: Writer(own, wait=lambda: True).__exit__())
            time.sleep(0.5)
            assert not later.done()
            first.__exit__()
            later.result(timeout=10)
        said = capsys.readouterr().out
        assert said.count("waiting for it to end") == 1
        assert f"in use by process {os.getpid()} on " in said and "(SLURM job 71)" in said
        gone = Run(2**22 + 1, 0.0, shared=False)
        with Writer(own), pytest.raises(EarmarkError, match="in use by process"):
            infer(mine, gone)
        assert server.asked.total() == 0


@pytest.mark.parametrize("before, after", [(1, 3), (3, 1), (2, 5)])
def test_another_number_of_shards_asks_nothing_again(
    manifest: Path, before: int, after: int
) -> None:
    def sharded(whole: Job, shards: int) -> bytes:
        parts = []
        for shard in range(shards):
            part = whole.predictions.with_name(f"{shard}-of-{shards}.jsonl")
            infer(replace(whole, shard=shard, shards=shards, predictions=part), own_run())
            parts.append(part)
        gather(manifest, parts, whole.predictions)
        return whole.predictions.read_bytes()

    with FaultyServer() as server:
        whole = job(server.url, manifest)
        assert sharded(whole, before) == sharded(whole, after)
        assert_whole(rows(whole), server)
        assert server.asked.total() == COUNT


def test_shards_with_equal_requests_do_not_take_each_others_converted_audio_away(
    manifest: Path,
) -> None:
    line = json.loads(manifest.read_text().splitlines()[0])
    manifest.write_text("".join(json.dumps({**line, "id": f"s{n}"}) + "\n" for n in range(2)))
    with FaultyServer(root="") as server:
        both = job(server.url, manifest, server="megatron", audio_formats=["flac"])
        left = both.journal / "clips/0-of-2/of-a-killed-job.wav"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"RIFF")
        for shard in range(2):
            infer(replace(both, shard=shard, shards=2), own_run())
            shard_file(both.journal, shard, 2).unlink()
    first, second = [body["messages"][-1]["audio"]["path"] for body in server.bodies]
    assert first != second
    assert not list((both.journal / "clips").rglob("*.wav"))


def test_a_shard_that_lacks_a_row_or_has_another_is_not_gathered(manifest: Path) -> None:
    part, out = manifest.with_name("part.jsonl"), manifest.with_name("out.jsonl")
    lines = [json.dumps({"id": f"s{n}"}) + "\n" for n in range(COUNT)]
    for wrong, match in [
        (lines[:-1], "no row where .* has 's11'"),
        ([*lines[1:], lines[0]], "sample 's1' where .* has 's0'"),
        ([*lines, lines[0]], "sample 's0' is not in"),
    ]:
        part.write_text("".join(wrong))
        with pytest.raises(EarmarkError, match=match):
            gather(manifest, [part], out)
        assert not out.exists()


def test_no_more_requests_are_under_way_than_the_limit(manifest: Path) -> None:
    met = threading.Barrier(3)

    def script(audio: str, attempt: int) -> None:
        met.wait(10)  # three at once, or the test fails

    with FaultyServer(script) as server:
        assert_whole(done(job(server.url, manifest, {"concurrency": 3})), server)
        assert server.most <= 3


def test_equal_requests_are_asked_once(manifest: Path) -> None:
    first = json.loads(manifest.read_text().splitlines()[0])
    twins = [{**first, "id": name} for name in ("a", "b", "c")]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in twins))
    with FaultyServer() as server:
        found = done(job(server.url, manifest))
        assert server.asked.total() == 1
    assert [row["id"] for row in found] == ["a", "b", "c"]
    assert {row["generation"] for row in found} == {f"heard {digest(0)}"}


@pytest.mark.parametrize(
    "root, more",
    [
        ("/v1", {"audio": "input_audio"}),
        ("/v1", {"server": "vllm", "audio": "audio_url"}),
        ("/v1", {"api": "transcriptions"}),
        ("", {"server": "megatron"}),
    ],
)
def test_each_way_to_send_audio_is_understood(
    manifest: Path, root: str, more: dict[str, Any]
) -> None:
    sampling = {"temperature": 0, "max_tokens": 5, "seed": 7}
    with FaultyServer(root=root) as server:
        assert_whole(done(job(server.url, manifest, sampling=sampling, **more)), server)
        assert {str(body["seed"]) for body in server.bodies} == {"7"}
        if more.get("server") == "megatron":
            assert server.most == 1  # it may serve one request at a time


def test_what_was_answered_is_in_the_journal_before_the_next_answer_comes(manifest: Path) -> None:
    def kept() -> Iterator[int]:
        while True:
            with Journal(manifest.parent / "results/journal") as journal:
                yield journal.counts.answers

    known = kept()
    seen: list[int] = []
    with FaultyServer(lambda audio, attempt: seen.append(next(known))) as server:
        done(job(server.url, manifest, {"concurrency": 1}))
    assert seen == list(range(COUNT))


def test_a_sample_of_which_several_chunks_fail_counts_once(manifest: Path) -> None:
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    lines[5]["duration"] = 4.0
    manifest.write_text("".join(json.dumps(row) + "\n" for row in lines))
    whole = {digest(number) for number in range(COUNT) if number != 5}
    with FaultyServer(lambda audio, attempt: None if audio in whole else Fault(400)) as server:
        found = done(job(server.url, manifest, chunk_seconds=2, max_failed_fraction=0.1))
        assert server.asked.total() == COUNT + 1
    assert [row["id"] for row in found if row["error"]] == ["s5"] and found[5]["num_chunks"] == 2


def test_an_answer_that_waited_began_with_its_first_attempt(manifest: Path) -> None:
    def script(audio: str, attempt: int) -> Fault | None:
        busy = Fault(429, headers={"Retry-After": "0.5"})
        return busy if audio == digest(3) and attempt == 1 else None

    before = time.time()
    with FaultyServer(script) as server:
        row = done(job(server.url, manifest, {"concurrency": 1}))[3]
    assert row["attempts"] == 2 and row["generation_start_time"] >= before
    assert 0.5 < row["generation_end_time"] - row["generation_start_time"] < 5


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


def test_a_form_says_things_as_its_server_knows_them(manifest: Path) -> None:
    given: dict[str, Any] = {"api": "transcriptions", "sampling": {"max_tokens": 5, "seed": 7}}
    extra = {"a": {"b": [True, None]}, "flag": True, "word": "x", "n": 1.5}
    with FaultyServer() as server:
        plain = job(server.url, manifest, extra_body=extra, **given)
        done(replace(plain, request={**plain.request, "language": "de"}))
        done(job(server.url, manifest, server="vllm", **given))
        first, second = server.bodies[0], server.bodies[-1]
        assert server.asked.total() == 2 * COUNT  # a language is another request
    assert first == {
        "model": "m", "response_format": "json", "max_tokens": "5", "seed": "7", "language": "de",
        "a": '{"b": [true, null]}', "flag": "true", "word": "x", "n": "1.5",
    }  # fmt: skip
    names = {"model": "m", "response_format": "json", "max_completion_tokens": "5", "seed": "7"}
    assert second == names


def test_an_answer_that_was_cut_at_max_tokens_says_so(manifest: Path) -> None:
    choice = {"message": {"content": "and so"}, "finish_reason": "length"}
    cut = Fault(200, json.dumps({"choices": [choice]}).encode())
    with FaultyServer(lambda audio, n: cut if audio == digest(3) else None) as server:
        found = done(job(server.url, manifest))
    assert [row["id"] for row in found if row["finish_reason"] == "length"] == ["s3"]


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


def test_a_server_that_only_streams_gives_whole_answers_with_their_usage(manifest: Path) -> None:
    broken = {
        digest(1): Fault(200, events("half of an", None)),
        digest(2): Fault(200, b'data: {"error": {"message": "overloaded"}}\n\n'),
        digest(4): Fault(200, events("a body cut short"), cut=20),
    }
    with FaultyServer(lambda audio, n: broken.get(audio) if n == 1 else None) as server:
        found = done(job(server.url, manifest, stream=True))
        assert_whole(found, server)
    assert {row["num_generated_tokens"] for row in found} == {3}
    assert {row["num_input_tokens"] for row in found} == {5}
    assert {row["finish_reason"] for row in found} == {"stop"}


def test_a_full_disk_says_in_one_message_what_is_needed(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with FaultyServer() as server:
        mine = job(server.url, manifest)
        says = (
            "the disk is full; about 12.0 kB are needed for answers and predictions; every answer"
        )
        with monkeypatch.context() as patch:
            patch.setattr("earmark.inference.journal.os.write", full)
            with pytest.raises(EarmarkError, match=f"{mine.journal}: {says}.*`results_dir`"):
                infer(mine, own_run())
        with monkeypatch.context() as patch:
            patch.setattr("earmark.inference.journal.os.fsync", full)
            with pytest.raises(EarmarkError, match=says):
                infer(mine, own_run())
        asked = server.asked.total()
        done(mine)
        assert server.asked.total() <= asked + 1  # what was answered before is kept


def test_an_account_without_quota_stops_at_once(manifest: Path) -> None:
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    spent = Fault(429, json.dumps({"error": error}).encode())
    with FaultyServer(lambda audio, attempt: spent) as server:
        with pytest.raises(RefusedError, match="no quota left; what was answered is kept"):
            infer(job(server.url, manifest, {"concurrency": 2}), own_run())
        assert server.asked.total() <= 2
