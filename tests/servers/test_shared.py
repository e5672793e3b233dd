"""Who holds a shared server, hands it on, gives it up, and what is left when one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from earmark.errors import EarmarkError
from earmark.inference.infer import infer
from earmark.servers.run import VARIABLE, Run, end_servers, runtime_folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run of several jobs: a process whose life bounds that of its servers."""
    with subprocess.Popen(["sleep", "300"]) as process:
        monkeypatch.setenv("EARMARK_TEST_RUN", str(process.pid))
        yield Run(process.pid, psutil.Process(process.pid).create_time(), shared=True)
        process.kill()


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], list[str]]:
    """Makes up a machine with so many GPUs, of names that no other test or run locks."""

    def machine(count: int) -> list[str]:
        names = [f"GPU-{os.getpid()}-{tmp_path.name}-{number}" for number in range(count)]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))
        return names

    return machine


def loads(bench: Any) -> int:
    return sum(bench.events("loaded").values())


def do(bench: Any, run: Run, name: str, *options: str, **settings: Any) -> None:
    """A job with a journal and predictions of its own."""
    infer(
        bench.job(
            bench.settings(*options, **settings),
            journal=bench.folder / name,
            predictions=bench.folder / f"{name}.jsonl",
        ),
        run,
    )


def of_the_run(run: Run, word: str) -> list[int]:
    """Processes of a run's servers, by a word of their command lines."""
    found = []
    for process in psutil.process_iter(["pid", "environ", "cmdline"]):
        environ, words = process.info["environ"] or {}, process.info["cmdline"] or []
        if environ.get("EARMARK_TEST_RUN") == str(run.pid) and word in " ".join(words):
            found.append(process.info["pid"])
    return found


ALLOCATION = f"""
import os, sys
sys.path.insert(0, sys.argv[1])
from earmark.servers.allocation import share_servers
share_servers()
print(os.environ["{VARIABLE}"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def allocation(clone, monkeypatch) -> Iterator[subprocess.Popen[str]]:
    """A process that starts supervisors for jobs, as the Snakemake of a group of them does."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")  # which has given GPUs to the jobs
    command = [sys.executable, "-c", ALLOCATION, str(clone / "workflow/scripts")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        monkeypatch.setenv(VARIABLE, process.stdout.readline().strip())
        yield process


def test_jobs_of_an_allocation_share_a_server_that_none_of_them_started(bench, allocation):
    bench.samples(3)
    for name in ("first", "second"):
        job = bench.job(bench.settings(gpus=1), journal=bench.folder / name)
        assert bench.start(job, name=name).wait() == 0, (
            bench.folder / f"{name}.json.log"
        ).read_text()
        (supervisor,) = psutil.Process(allocation.pid).children()
        assert "earmark.servers.supervisor" in supervisor.cmdline()[3]
    allocation.stdin.close()
    assert allocation.wait() == 0
    assert loads(bench) == 1
    assert set(bench.events("answered").values()) == {2}
    assert not bench.processes()
    assert not list(runtime_folder().glob(f"*{allocation.pid}*"))


def test_a_job_whose_allocation_ends_tells_those_that_would_come_after_it(bench, allocation):
    bench.samples(20)
    job = bench.start(bench.job(bench.settings("--latency", "0.3", gpus=1)))
    bench.wait_for(lambda: bench.events("answered"))
    job.terminate()
    assert job.wait() == 1
    assert allocation.wait() == -signal.SIGTERM
    end_servers(Run(allocation.pid, 0, shared=True))  # as the next one does: its socket goes


def test_a_loaded_server_is_handed_from_one_job_to_the_next(bench, run):
    bench.samples(3)
    for name in ("first", "second", "third"):
        do(bench, run, name, idle_time=30)
    assert loads(bench) == 1
    assert set(bench.events("answered").values()) == {3}
    assert bench.processes()
    end_servers(run)
    assert not bench.processes()


@pytest.mark.parametrize("key", ["installation_command", "setup_command"])
def test_a_server_that_was_prepared_otherwise_is_another_one(bench, run, key):
    bench.samples(3)
    do(bench, run, "one", idle_time=30)
    do(bench, run, "two", idle_time=30, **{key: "true"})
    assert loads(bench) == 2


def test_jobs_at_the_same_time_share_a_server_and_other_shards_do_not(bench, run):
    bench.samples(3)
    names = ("first", "second")
    options = ("--latency", "0.3")
    threads = [threading.Thread(target=_quietly, args=(bench, run, n, *options)) for n in names]
    for thread in threads:
        thread.start()
    bench.wait_for(bench.processes)
    for thread in threads:
        thread.join()
    assert loads(bench) == 1
    settings = bench.settings(*options, idle_time=30)
    for shard in range(2):
        more = {"shard": shard, "shards": 2, "journal": bench.folder / "sharded"}
        infer(bench.job(settings, predictions=bench.folder / f"s{shard}.jsonl", **more), run)
    assert loads(bench) == 2  # the first shard's server is the one that was there
    end_servers(run)


def _quietly(bench: Any, run: Run, name: str, *options: str) -> None:
    """A job in a thread, where no signal handler can be set."""
    code = bench.start(
        bench.job(
            bench.settings(*options, idle_time=30),
            journal=bench.folder / name,
            predictions=bench.folder / f"{name}.jsonl",
        ),
        run,
        name,
    ).wait(60)
    assert code == 0


def test_an_idle_server_ends_after_its_time(bench, run):
    bench.samples(2)
    do(bench, run, "first", idle_time=0.5)
    bench.wait_for(lambda: not bench.processes(), 10)


def test_an_idle_server_yields_its_gpus_at_once_to_another_model(bench, run, gpus):
    gpus(2)
    bench.samples(2)
    do(bench, run, "first", gpus=2, idle_time=600)
    (held,) = bench.processes()
    begun = time.monotonic()
    do(bench, run, "second", "--slots", "7", gpus=1, idle_time=600)
    assert time.monotonic() - begun < 15
    (running,) = bench.processes()
    assert held != running and "--slots 7" in running
    do(bench, run, "third", "--slots", "8", gpus=1, idle_time=600)
    assert len(bench.processes()) == 2  # there is a GPU for each: nobody had to go
    end_servers(run)


def test_a_busy_server_keeps_its_gpus_until_its_job_has_ended(bench, run, gpus):
    gpus(1)
    bench.samples(6)
    slow = bench.settings("--latency", "0.5", gpus=1, idle_time=600, client={"concurrency": 1})
    first = bench.job(slow, journal=bench.folder / "first", predictions=bench.folder / "1.jsonl")
    process = bench.start(first, run)
    bench.wait_for(lambda: sum(bench.events("answered").values()) > 0)
    do(bench, run, "second", "--slots", "7", gpus=1)
    assert process.wait(10) == 0 and len(bench.predictions(first.predictions)) == 6
    assert loads(bench) == 2
    end_servers(run)


def test_two_runs_with_other_runtime_folders_never_share_a_gpu(bench, run, gpus, monkeypatch):
    gpus(1)
    bench.samples(4)
    settings = bench.settings("--latency", "0.3", gpus=1, client={"concurrency": 1})
    processes = []
    for name in ("one", "two"):
        for variable in ("XDG_RUNTIME_DIR", "TMPDIR"):
            (bench.folder / name).mkdir(exist_ok=True)
            monkeypatch.setenv(variable, str(bench.folder / name))
        job = bench.job(
            settings,
            journal=bench.folder / name / "journal",
            predictions=bench.folder / f"{name}.jsonl",
        )
        processes.append(bench.start(job, name=name))  # each is a run of its own
    most = 0
    while any(process.poll() is None for process in processes):
        most = max(most, len(of_the_run(run, "stand_in.py")))
        time.sleep(0.05)
    assert most == 1 and [process.returncode for process in processes] == [0, 0]
    assert not list(runtime_folder().glob(f"gpu-{os.environ['CUDA_VISIBLE_DEVICES']}*"))


def test_a_runtime_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    real = runtime_folder()
    assert real.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("earmark.servers.run.os.getuid", lambda: f"{os.getpid()}-other")
    link = real.with_name(f"earmark-servers-{os.getpid()}-other")
    link.symlink_to(tmp_path)
    try:
        with pytest.raises(EarmarkError, match="not a folder of this user"):
            runtime_folder()
    finally:
        link.unlink()


def test_more_gpus_than_there_are_is_said_at_once(bench, run, gpus):
    gpus(1)
    bench.samples(1)
    with pytest.raises(EarmarkError, match=r"asks for gpus: 2, and this machine shows 1 "):
        do(bench, run, "first", gpus=2)


@pytest.mark.parametrize("who", ["supervisor", "launcher", "server"])
def test_a_killed_supervisor_or_launcher_or_server_costs_a_load_and_no_answer(bench, run, who):
    bench.samples(30)
    options = ("--latency", "0.1", "--grandchild")
    job = bench.job(bench.settings(*options, client={"concurrency": 2}))
    process = bench.start(job, run)
    bench.wait_for(lambda: sum(bench.events("answered").values()) > 3)
    before = {int(pid) for pid in of_the_run(run, "stand_in.py")}
    word = "stand_in.py" if who == "server" else f"earmark.servers.{who}"
    os.kill(of_the_run(run, word)[0], signal.SIGKILL)
    bench.wait_for(lambda: not before & set(of_the_run(run, "stand_in.py")), 10)
    assert process.wait(60) == 0
    assert loads(bench) == 2
    assert not [row for row in bench.predictions() if row["error"]]
    assert len(bench.predictions()) == 30
    twice = [count for count in bench.events("answered").values() if count > 1]
    assert len(twice) <= 2  # at most what was under way
    log = (bench.folder / "job.json.log").read_text()
    assert "starting it again" in log
    end_servers(run)
    bench.wait_for(lambda: not bench.processes(), 10)


def test_a_killed_job_takes_all_of_its_server_along(bench, run):
    bench.samples(30)
    options = ("--latency", "0.2", "--grandchild")
    process = bench.start(bench.job(bench.settings(*options, idle_time=600)), run)
    bench.wait_for(lambda: sum(bench.events("answered").values()) > 1)
    assert any("sleep 300" in words for words in bench.processes())
    process.kill()
    process.wait()
    bench.wait_for(lambda: not bench.processes(), 10)


@pytest.mark.parametrize("idle", [False, True], ids=["busy", "idle"])
def test_a_server_does_not_outlive_the_run_that_started_it(bench, run, idle):
    bench.samples(30)
    settings = bench.settings("--latency", "0.1", "--grandchild", idle_time=600)
    job = bench.job(settings, journal=bench.folder / "first")
    others = set(runtime_folder().glob("*.sock"))  # of other runs on this machine
    process = bench.start(job, run)
    bench.wait_for(lambda: sum(bench.events("answered").values()) > 1)
    own = set(runtime_folder().glob("*.sock")) - others
    if idle:
        assert process.wait(60) == 0
        assert bench.processes()
    keys = {path.name.split(".")[0] for path in own}
    assert keys
    os.kill(run.pid, signal.SIGKILL)
    bench.wait_for(lambda: not bench.processes(), 10)
    if not idle:
        assert process.wait(20) == 1
        assert (
            "the Snakemake run that started this job has ended"
            in (bench.folder / "job.json.log").read_text()
        )

    def left():
        return [path for path in runtime_folder().iterdir() if path.name.split(".")[0] in keys]

    bench.wait_for(lambda: not left(), 10)
