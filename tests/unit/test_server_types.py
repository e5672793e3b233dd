"""What each type of server is told, and what it refuses before anything is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.config import Model, alone
from earmark.errors import EarmarkError
from earmark.inference.journal import Journal, Writer
from earmark.inference.requests import chunks
from earmark.servers import TYPES, check, kinds

MODEL = {"model": "m", "api": "chat", "sampling": {}, "extra_body": {}}


def model(**given):
    return Model.model_validate({**MODEL, **given})


def checked(settings):
    config = {"models": {"x": {**MODEL, **settings}}}
    check("c.yaml: models.x", alone(config, "c.yaml").models["x"])


@pytest.mark.parametrize("key", ["top_k", "min_p", "repetition_penalty"])
def test_megatron_refuses_what_its_server_would(key):
    with pytest.raises(EarmarkError, match=rf"models\.x\.sampling\.{key}: a megatron server"):
        check("models.x", model(server="megatron", sampling={key: 1}))


def test_a_secret_in_a_config_is_refused_and_not_repeated():
    with pytest.raises(EarmarkError, match="env.HF_TOKEN") as caught:
        check("models.x", model(server="vllm", env={"HF_TOKEN": "hf_abc"}))
    assert "hf_abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"server": "megatron", "api": "transcriptions"}, "api: a megatron server has no transc"),
        ({"server": "vllm", "server_args": '--a "b'}, "server_args: cannot be read as a shell"),
        ({"server": "sglang", "server_entrypoint": "'x"}, "server_entrypoint: cannot be read"),
        ({"server": "vllm", "server_args": ["--port", 9]}, "server_args: leave --port out"),
        ({"server": "command", "command": "x --api-key=sk-1 {port}"}, "command: --api-key puts"),
        ({"server": "openai", "base_url": "http://x:99999/v1"}, "base_url: no address"),
        ({"server": "openai", "base_url": "http:///v1"}, "base_url: no address"),
        ({"server": "openai", "base_url": "http://a b/v1"}, "base_url: no address"),
        ({"server": "openai", "base_url": "https://x/v1?key=sk-1"}, "base_url: no address"),
        ({"server": "openai", "base_url": "https://sk-1@x/v1"}, "base_url: no address"),
    ],
)
def test_what_would_fail_an_hour_later_is_refused_at_once(settings, says):
    with pytest.raises(EarmarkError) as caught:
        checked(settings)
    assert str(caught.value).startswith(f"c.yaml: models.x.{says}")
    assert "sk-1" not in str(caught.value)


def test_a_file_is_all_that_a_type_needs():
    files = {path.stem for path in Path(kinds.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(TYPES) == {name.replace("_", "-") for name in files}


def test_addresses_of_all_kinds_are_taken():
    for host in ("api.example.com", "127.0.0.1:8000", "[::1]:8000", "gpu-node-7:8000"):
        checked({"server": "openai", "base_url": f"http://{host}/v1"})


def test_operational_arguments_are_no_part_of_the_model():
    words = ["--gpu-memory-utilization", "0.9", "--quantization", "fp8"]
    assert TYPES["vllm"].serving(model(server="vllm", server_args=words)) == [
        "--quantization",
        "fp8",
    ]


def test_a_tail_under_a_second_joins_its_neighbour():
    assert chunks(60.5, 30) == [(0, 30), (30, None)]
    assert chunks(61.5, 30) == [(0, 30), (30, 60), (60, None)]
    assert chunks(29, 30) == [(0, None)]


def test_a_torn_line_is_dropped_and_the_next_answer_is_whole(tmp_path):
    path = tmp_path / "0-of-1.jsonl"
    whole = json.dumps({"request": "ab" * 20, "error": None})
    path.write_text(whole + "\n" + '{"request": "cd')
    with Journal(tmp_path) as journal:
        assert len(journal.answers) == 1 and journal.torn == 1
    with Writer(path) as writer:
        writer.append({"request": "ef" * 20, "error": None})
        with pytest.raises(EarmarkError, match=r"in use by process \d+"):
            Writer(path)
    with Journal(tmp_path) as journal:
        assert len(journal.answers) == 2 and len(journal.damaged) == 0
