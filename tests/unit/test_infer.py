"""A job asks what its journal lacks, once, and writes a row a sample, in order."""

from __future__ import annotations

import errno
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
from asking import COUNT, assert_whole, digest, done, job, rows
from faulty_server import Fault, FaultyServer, events

from earmark.errors import EarmarkError
from earmark.inference.infer import Job, infer
from earmark.inference.journal import Journal, Writer, shard_file
from earmark.inference.predictions import gather
from earmark.servers.run import Run, own_run

pytestmark = pytest.mark.usefixtures("impatient")


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
                yield len(journal.answers)

    known = kept()
    seen: list[int] = []
    with FaultyServer(lambda audio, attempt: seen.append(next(known))) as server:
        done(job(server.url, manifest, {"concurrency": 1}))
    assert seen == list(range(COUNT))


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
