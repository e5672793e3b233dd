"""Servers that misbehave: every sample ends with one answer, or the run with a clear error."""

from __future__ import annotations

import hashlib
import json
import random
import signal

import pytest

from earmark.errors import EarmarkError
from earmark.inference.infer import infer
from earmark.inference.predictions import gather


@pytest.mark.parametrize(
    "fault", ["429", "500", "503", "408", "garbage", "empty", "truncated", "reset", "hang"]
)
def test_a_passing_fault_is_tried_again_and_ends_with_every_answer_once(bench, fault):
    bench.samples(8)
    rows = bench.infer("--faults", f"{fault},none,none")
    assert [row["id"] for row in rows] == [f"s{k}" for k in range(8)]
    assert all(row["error"] is None and row["generation"] for row in rows)
    assert max(row["attempts"] for row in rows) == 2
    bench.answered_once(8)


def test_a_storm_of_429_fails_nothing_though_it_outlasts_the_retries(bench):
    bench.samples(6)
    bench.infer("--faults", "429", "--times", "6", client={"max_retries": 2})
    bench.answered_once(6)


def test_a_fault_that_stays_is_an_error_of_its_sample_once_the_retries_are_used_up(bench):
    bench.samples(4)
    rows = bench.infer(
        "--faults", "500,none,none,none", "--times", "99", max_failed_fraction=0.5,
        client={"max_retries": 1},
    )  # fmt: skip
    (failed,) = [row for row in rows if row["error"]]
    assert "HTTP 500" in failed["error"] and failed["attempts"] == 2
    assert failed["generation"] == ""


def test_audio_that_a_server_refuses_fails_its_sample_at_once_and_no_other(bench):
    bench.samples(4, seconds=[0.1, 0.5, 0.1, 0.1])
    rows = bench.infer("--refuse-seconds", "0.4", max_failed_fraction=0.25, client={"timeout": 30})
    assert [bool(row["error"]) for row in rows] == [False, True, False, False]
    assert rows[1]["error"] == "HTTP 400: wrong audio" and rows[1]["attempts"] == 1


def test_too_many_failed_samples_stop_the_job_and_are_named(bench):
    bench.samples(40, seconds=0.5)
    # The fifth failure is one too many; those that were under way beside it may end with it.
    with pytest.raises(
        EarmarkError, match=r"^[5-8] of 40 samples failed, more than max_failed_fraction \(0.1\)"
    ) as caught:
        bench.infer("--refuse-seconds", "0.4", max_failed_fraction=0.1, client={"timeout": 30})
    assert "s0: HTTP 400: wrong audio" in str(caught.value)
    assert not (bench.folder / "predictions.jsonl").exists()
    assert sum(bench.events("asked").values()) < 12  # it stopped, rather than ask all 40


def test_a_refused_key_stops_the_job_at_once_and_is_shown_nowhere(bench, monkeypatch, capfd):
    monkeypatch.setenv("STAND_IN_KEY", "sk-wrong-5up3rs3cr3t")
    bench.samples(30)
    with pytest.raises(EarmarkError) as caught:
        bench.infer("--key", "right", api_key_env="STAND_IN_KEY")
    assert "api_key_env" in str(caught.value) and "HTTP 401" in str(caught.value)
    everything = str(caught.value) + "".join(capfd.readouterr())
    for path in bench.folder.rglob("*"):
        everything += path.read_text(errors="replace") if path.is_file() else ""
    assert "5up3rs3cr3t" not in everything


def test_a_key_that_is_not_in_the_environment_is_named_by_its_variable(bench, monkeypatch):
    monkeypatch.delenv("STAND_IN_KEY", raising=False)
    bench.samples(1)
    with pytest.raises(EarmarkError, match="STAND_IN_KEY, which is not set"):
        bench.infer(api_key_env="STAND_IN_KEY")


def test_a_model_that_is_not_served_stops_the_job_with_the_servers_words(bench):
    bench.samples(20)
    with pytest.raises(EarmarkError, match="model 'other' is not served"):
        bench.infer(model="other")


def test_a_slow_start_is_waited_for(bench):
    bench.samples(2)
    bench.infer("--load-seconds", "1")
    bench.answered_once(2)


def test_a_server_that_is_never_healthy_is_ended_after_health_timeout(bench):
    bench.samples(2)
    with pytest.raises(EarmarkError, match=r"not ready after 1\.5 s \(health_timeout\)"):
        bench.infer("--never-healthy", health_timeout=1.5)


def test_a_server_that_exits_while_loading_is_reported_with_its_logs_end(bench):
    bench.samples(2)
    with pytest.raises(EarmarkError) as caught:
        bench.infer("--exit-while-loading", health_timeout=600)
    assert "ended while loading, with exit code 7" in str(caught.value)
    first = str(caught.value).splitlines()[0]
    assert "first error in its log: RuntimeError: the checkpoint is damaged (log: /" in first
    assert len(str(caught.value).splitlines()) < 15


def test_a_program_that_does_not_exist_is_named(bench):
    bench.samples(1)
    with pytest.raises(EarmarkError, match="no-such-server: No such file"):
        bench.infer(command="no-such-server --port {port}")


def test_a_server_that_dies_in_the_middle_is_started_again_and_the_run_goes_on(bench, monkeypatch):
    # The limit on requests under way is the session's: no client makes another.
    monkeypatch.setattr("earmark.inference.client.ConcurrencyLimit", None)
    bench.samples(12)
    rows = bench.infer("--exit-after", "5", "--latency", "0.02")
    assert not [row for row in rows if row["error"]]
    assert bench.events("loaded")[""] == 2
    bench.answered_once(12)


def test_a_server_that_dies_too_often_ends_the_job_with_its_reason(bench):
    bench.samples(12)
    with pytest.raises(EarmarkError, match="max_server_restarts") as caught:
        bench.infer("--poison", " ", max_server_restarts=1)
    assert "with exit code 5" in str(caught.value)
    assert bench.events("loaded")[""] == 2


def test_a_sample_on_which_the_server_dies_fails_alone(bench):
    bench.samples(6)
    poison = hashlib.sha256((bench.manifest.parent / "3.wav").read_bytes()).hexdigest()[:12]
    rows = bench.infer("--poison", poison, "--latency", "0.05", max_failed_fraction=0.2)
    assert [bool(row["error"]) for row in rows] == [k == 3 for k in range(6)]
    assert "the server died" in rows[3]["error"] and "ValueError: poison" in rows[3]["error"]
    assert str(bench.folder / "server.log") in rows[3]["error"]


@pytest.mark.parametrize("ill", ["hang", "500", "503"])
def test_a_server_that_lives_and_answers_nothing_any_more_is_started_again(bench, ill, capfd):
    bench.samples(14)
    rows = bench.infer(
        "--ill", ill, "--ill-after", "5", "--latency", "0.02", unhealthy_timeout=2,
        client={"timeout": 3, "max_retries": 20 if ill == "503" else 2},
    )  # fmt: skip
    assert not [row for row in rows if row["error"]]
    assert bench.events("loaded")[""] == 2
    bench.answered_once(14)
    said = capfd.readouterr().out
    assert ("not healthy" if ill == "503" else "answered no request for") in said
    assert "the first error in its log: torch.OutOfMemoryError: CUDA is out (log: /" in said


def test_a_server_is_given_up_after_a_requests_time_though_retries_are_left(bench, monkeypatch):
    monkeypatch.setattr("earmark.servers.shared.PAUSE", 1.0)
    bench.samples(8)
    rows = bench.infer(
        "--ill", "hang", "--ill-after", "3", unhealthy_timeout=1,
        client={"timeout": 2, "max_retries": 99},
    )  # fmt: skip
    assert not [row for row in rows if row["error"]]
    assert bench.events("loaded")[""] == 2


@pytest.mark.slow
def test_a_sample_on_which_the_server_hangs_fails_alone(bench):
    bench.samples(6)
    poison = hashlib.sha256((bench.manifest.parent / "3.wav").read_bytes()).hexdigest()[:12]
    rows = bench.infer(
        "--ill", "hang", "--poison", poison, max_failed_fraction=0.2,
        client={"timeout": 2, "max_retries": 1},
    )  # fmt: skip
    assert [bool(row["error"]) for row in rows] == [k == 3 for k in range(6)]
    assert "did not answer each time this was asked" in rows[3]["error"]
    assert "torch.OutOfMemoryError: CUDA is out" in rows[3]["error"]


def test_an_endpoint_at_which_nobody_listens_stops_the_job(bench, monkeypatch):
    monkeypatch.setattr("earmark.inference.client.SILENCE", 0.5)
    bench.samples(50)
    settings = bench.settings(
        server="openai", base_url="http://127.0.0.1:9/v1", client={"max_retries": 1}
    )
    with pytest.raises(EarmarkError, match=r"nothing has answered at http://127\.0\.0\.1:9/v1"):
        infer(bench.job(settings))


def comparable(path):
    """The file's bytes but for the two clock readings of each row."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        del row["generation_start_time"], row["generation_end_time"]
    return json.dumps(rows).encode()


def test_a_job_killed_twice_ends_with_the_same_predictions_and_asks_nothing_twice(bench):
    bench.samples(40)
    settings = bench.settings("--latency", "0.02")
    undisturbed = bench.job(
        settings, journal=bench.folder / "other", predictions=bench.folder / "undisturbed.jsonl"
    )
    infer(undisturbed)
    bench.record.unlink()
    job = bench.job(settings)
    chance = random.Random()
    for least in (1, 14):
        process = bench.start(job)
        stop = least + chance.randrange(10)
        bench.wait_for(lambda stop=stop: sum(bench.events("answered").values()) >= stop)
        process.send_signal(signal.SIGKILL)
        process.wait()
        bench.wait_for(lambda: not bench.processes())
        assert not job.predictions.exists()
    kept = b"".join(path.read_bytes() for path in job.journal.glob("*.jsonl"))
    process = bench.start(job)
    assert process.wait(60) == 0
    assert comparable(job.predictions) == comparable(undisturbed.predictions)
    twice = [count for count in bench.events("answered").values() if count > 1]
    assert len(twice) <= 2 * 4  # at most what was in flight at each kill
    rows = {json.loads(line)["request"]: line for line in kept.splitlines() if line.endswith(b"}")}
    final = {
        json.loads(line)["request"]: line for line in job.predictions.read_bytes().splitlines()
    }
    assert rows and all(final[request] == line for request, line in rows.items())


def test_sigterm_ends_the_job_and_its_server_and_keeps_the_answers(bench):
    bench.samples(30)
    job = bench.job(bench.settings("--latency", "0.05"))
    process = bench.start(job)
    bench.wait_for(lambda: sum(bench.events("answered").values()) > 4)
    process.terminate()
    assert process.wait(20) == 1
    assert "ended by SIGTERM" in (bench.folder / "job.json.log").read_text()
    assert not bench.processes()
    infer(job)
    assert len(bench.predictions()) == 30


def test_another_number_of_shards_asks_nothing_again_and_gathers_in_order(bench):
    bench.samples(11)
    settings = bench.settings()
    whole = bench.job(settings)
    infer(whole)
    bench.record.unlink()
    parts = []
    for shard in range(3):
        part = bench.folder / f"{shard}.jsonl"
        infer(bench.job(settings, shard=shard, shards=3, predictions=part))
        parts.append(part)
    gathered = bench.folder / "gathered.jsonl"
    gather(bench.manifest, parts, gathered)
    assert gathered.read_bytes() == whole.predictions.read_bytes()
    assert not bench.record.exists()  # no server was even started
    parts[1].write_text("".join(parts[1].read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(EarmarkError, match="no row where"):
        gather(bench.manifest, parts, bench.folder / "x.jsonl")


def test_only_what_changed_is_asked_again(bench):
    bench.samples(5)
    bench.infer()
    bench.record.unlink()
    bench.infer(client={"concurrency": 1, "timeout": 9}, health_timeout=33)
    assert not bench.record.exists()
    rows = bench.rows()
    rows[2]["id"], rows[3]["text"] = "renamed", "another reference"
    bench.write(rows[::-1])
    assert [row["id"] for row in bench.infer()] == ["s4", "s3", "renamed", "s1", "s0"]
    assert not bench.record.exists()
    bench.infer(sampling={"temperature": 0.5})
    bench.answered_once(5)


def test_errors_are_asked_again_by_the_next_run(bench):
    bench.samples(3, seconds=[0.1, 0.5, 0.1])
    bench.infer("--refuse-seconds", "0.4", max_failed_fraction=1.0)
    # What is served counts; the same server without its fault is another run of the same job.
    settings = bench.settings("--refuse-seconds", "0.4")
    command = [*settings.command[:-2], "--refuse-seconds", "9"]
    settings = settings.model_copy(update={"command": command})
    job = bench.job(bench.settings("--refuse-seconds", "0.4"))
    infer(bench.job(settings, request=job.request))
    assert not [row for row in bench.predictions() if row["error"]]
    bench.answered_once(3)


def test_equal_requests_are_asked_once(bench):
    bench.samples(3)
    rows = bench.rows()
    bench.write([*rows, {**rows[0], "id": "again"}])
    predictions = bench.infer()
    assert predictions[3]["generation"] == predictions[0]["generation"]
    bench.answered_once(3)
