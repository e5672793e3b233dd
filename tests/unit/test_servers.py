"""Each type of server: its command line, what it refuses, and how it comes up or is explained."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from earmark.config import Model, alone
from earmark.errors import EarmarkError
from earmark.servers import TYPES, answer_settings, check
from earmark.servers.base import api_key
from earmark.servers.container import wrapped
from earmark.servers.health import free_port, healthy
from earmark.servers.run import own_run, snakemake_mode
from earmark.servers.shared import hold

SERVER = (
    "import http.server, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(int(sys.argv[2])); self.end_headers()\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n"
)


def settings(**given: Any) -> Model:
    given = {"model": "org/model", **given}
    return alone({"models": {"m": given}}).models["m"]


def command(**given: Any) -> str:
    full = settings(**given)
    return " ".join(TYPES[full.server].command(full, 8123))


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def test_the_command_line_of_megatron(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"server": "megatron", "model": "/ckpt", "gpus": 4}
    with pytest.raises(EarmarkError, match="nodes: 2: .* needs SLURM"):
        command(**given, nodes=2)
    rest = (
        "/opt/Megatron-LM/tools/run_text_generation_server.py --load /ckpt "
        "--tensor-model-parallel-size 4 --pipeline-model-parallel-size 1 --use-checkpoint-args "
        "--max-tokens-to-oom 12000000 --micro-batch-size 1 --port 8123 --model-config a.yaml"
    )
    args = ["--model-config", "a.yaml"]
    assert command(**given, server_args=args) == f"torchrun --nproc_per_node 4 {rest}"
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    given, rest = {**given, "nodes": 2}, rest.replace("parallel-size 1", "parallel-size 2")
    srun = "srun --overlap --kill-on-bad-exit=1 --nodes=2 --ntasks=8 --ntasks-per-node=4"
    python = "--overcommit --cpu-bind=none python"
    assert command(**given, server_args=args) == f"{srun} {python} {rest}"
    assert command(server="megatron", gpus=1).startswith("python /opt/Megatron-LM/tools/")
    own = command(server="megatron", gpus=1, server_entrypoint="/mine/serve.py")
    assert own.startswith("python /mine/serve.py --load")
    variables = TYPES["megatron"].environment(settings(server="megatron"))
    assert variables["CUDA_DEVICE_MAX_CONNECTIONS"] == "1"


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"server": "vllm"}, "vllm serve org/model --host 127.0.0.1 --port 8123"),
        (
            {"server": "vllm", "gpus": 2, "revision": "abc", "server_args": "--seed 1"},
            "vllm serve org/model --host 127.0.0.1 --port 8123 --tensor-parallel-size 2 "
            "--revision abc --seed 1",
        ),
        (
            {"server": "vllm", "server_entrypoint": "python -m mine"},
            "python -m mine org/model --host 127.0.0.1 --port 8123",
        ),
        (
            {"server": "sglang", "gpus": 8, "server_args": ["--dtype", "half"]},
            "python -m sglang.launch_server --model-path org/model --host 127.0.0.1 --port 8123 "
            "--tp 8 --dtype half",
        ),
        (
            {"server": "command", "command": "'my server' {model} -p {port} -g {gpus} {other}"},
            "my server org/model -p 8123 -g 0 {other}",
        ),
        (
            {"server": "demo", "server_args": "--workers 1"},
            f"{sys.executable} -m earmark.demo.server --port 8123 --workers 1",
        ),
    ],
)
def test_the_command_line_of_a_server(given: dict[str, Any], expected: str) -> None:
    assert command(**given) == expected


@pytest.mark.parametrize("key", ["top_k", "min_p", "repetition_penalty"])
def test_megatron_refuses_what_it_does_not_know_before_anything_starts(key: str) -> None:
    with pytest.raises(EarmarkError, match=rf"models\.m\.sampling\.{key}: a megatron server"):
        check("models.m", settings(server="megatron", sampling={key: 1}))
    with pytest.raises(EarmarkError, match=rf"models\.m\.extra_body\.{key}: a megatron server"):
        check("models.m", settings(server="megatron", extra_body={key: 1}))
    check("models.m", settings(server="vllm", sampling={key: 1}))
    with pytest.raises(EarmarkError, match="put it in extra_body"):
        check("models.m", settings(server="openai", base_url="http://h/v1", sampling={key: 1}))


@pytest.mark.parametrize(
    "given, match",
    [
        ({"server": "megatron", "extra_body": {"tools": []}}, r"extra_body\.tools"),
        ({"server": "vllm", "extra_body": {"stream": True}}, r"extra_body\.stream: `stream: true`"),
        ({"server": "megatron", "stream": True}, "stream: a megatron server refuses it"),
        ({"server": "vllm", "api": "transcriptions", "stream": True}, "stream: transcriptions"),
        ({"server": "vllm", "audio": "path"}, "audio: a vllm server does not take 'path'"),
        ({"server": "megatron", "audio": "input_audio"}, "audio: a megatron server does not"),
        ({"server": "openai"}, "base_url: missing"),
        ({"server": "command"}, "command: missing"),
        ({"server": "command", "command": "serve {model}"}, r"command: \{port\} is missing"),
        ({"server": "command", "command": "serve '{port}"}, "command: cannot be read"),
        ({"server": "vllm", "gpus": 8, "nodes": 2}, "nodes: a vllm server over several nodes"),
        (
            {"server": "megatron", "nodes": 2, "container": "x/y:1"},
            "nodes: docker runs on one node",
        ),
        ({"server": "vllm", "num_seeds": 3}, "num_seeds: several predictions without"),
        ({"server": "vllm", "env": {"HF_TOKEN": "x"}}, r"env\.HF_TOKEN: a secret does not"),
        ({"server": "vllm", "server_args": "--api-key=x"}, "server_args: --api-key puts a secret"),
        ({"server": "openai", "base_url": "http://u:p@h/v1"}, "base_url: no address .* no user"),
    ],
)
def test_what_a_server_would_refuse_is_an_error_at_once(given: dict[str, Any], match: str) -> None:
    with pytest.raises(EarmarkError, match=rf"models\.m\.{match}"):
        check("models.m", settings(**given))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(EarmarkError) as caught:
        check(
            "models.m",
            settings(server="megatron", sampling={"top_k": 1, "min_p": 0}, audio="input_audio"),
        )
    assert len(str(caught.value).splitlines()) == 3


def test_operational_arguments_are_no_part_of_the_model() -> None:
    def serving(args: str) -> list[str]:
        full = settings(server="vllm", server_args=args)
        found: list[str] = answer_settings(full, {})["serving"]
        return found

    assert serving("--max-num-seqs 8 --dtype half --enforce-eager") == ["--dtype", "half"]
    assert serving("--gpu-memory-utilization=0.5") == []


def test_a_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", " sk-1\n")
    assert api_key("MINE") == "sk-1"
    assert api_key(None) is None
    with pytest.raises(EarmarkError, match="NOT_MINE, which is not set"):
        api_key("NOT_MINE")


@pytest.mark.parametrize(
    "image, expected",
    [
        ("a.sif", "apptainer exec --nv --env A=b a.sif serve"),
        ("x/y:1", "docker run --rm --init --name n --network host --ipc=host --gpus all"),
        ("a.sqsh", "srun --overlap --ntasks=1 --container-image=a.sqsh serve"),
    ],
)
def test_a_container_wraps_the_command(image: str, expected: str) -> None:
    words = wrapped(["serve"], settings(server="vllm", container=image, gpus=1), {"A": "b"}, "n")
    assert " ".join(words).startswith(expected) and words[-1] == "serve"


@pytest.mark.parametrize(
    "line, mode",
    [
        ("snakemake --cores 2", "default"),
        ("/usr/bin/python3 -m snakemake --mode remote", "remote"),
        ("python /x/bin/snakemake --mode=subprocess", "subprocess"),
        ("vim snakemake.py", None),
    ],
)
def test_the_run_is_told_from_the_command_line(line: str, mode: str | None) -> None:
    assert snakemake_mode(line.split()) == mode


def test_where_nothing_listens_nothing_is_healthy() -> None:
    assert not healthy(free_port(), "/v1", 1)


def started(folder: Path, code: str, **more: Any) -> str:
    """Start a server of these lines of Python; its URL, once it is ready."""
    script = folder / "serve.py"
    script.write_text(code)
    words = [sys.executable, str(script), "{port}", str(more.pop("status", 200))]
    full = settings(server="command", command=words, **more)

    async def come_and_go() -> str:
        server = await hold(full, folder / "server.log", run=own_run())
        await server.release(well=True)
        return server.url

    return asyncio.run(asyncio.wait_for(come_and_go(), 30))


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_with_or_without_a_health_page_comes_up(tmp_path: Path, status: int) -> None:
    url = started(tmp_path, SERVER, status=status)
    assert url.startswith("http://127.0.0.1:") and url.endswith("/v1")
    port = int(url.split(":")[2].split("/")[0])
    assert not healthy(port, "/v1", 1)  # its job has ended, and it with it


def test_a_server_that_exits_while_loading_is_reported_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    code = "print('\\n'.join(f'line {n}' for n in range(99)))\nraise SystemExit('CUDA is out')"
    begun = time.monotonic()
    with pytest.raises(EarmarkError) as caught:
        started(tmp_path, code, health_timeout=600)
    assert time.monotonic() - begun < 30
    said = str(caught.value)
    assert "while loading, with exit code 1" in said and said.endswith("CUDA is out")
    assert "line 98" in said and "line 9\n" not in said and str(tmp_path / "server.log") in said


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    full = settings(server="command", command="no-such-server {port}")
    with pytest.raises(EarmarkError, match="no-such-server: No such file"):
        asyncio.run(hold(full, tmp_path / "server.log", run=own_run()))


def test_a_server_that_never_is_healthy_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match=r"not ready after 0\.5 s \(health_timeout\)"):
        started(tmp_path, SERVER, status=503, health_timeout=0.5)
