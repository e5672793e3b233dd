"""What each type of server is told, and what it refuses before anything is started."""

from __future__ import annotations

import json

import pytest

from earmark.errors import EarmarkError
from earmark.journal import Journal, Writer
from earmark.requests import chunks
from earmark.servers import TYPES, check

MODEL = {"model": "m", "api": "chat", "sampling": {}, "extra_body": {}}


@pytest.mark.parametrize("key", ["top_k", "min_p", "repetition_penalty"])
def test_megatron_refuses_what_its_server_would(key):
    with pytest.raises(EarmarkError, match=rf"models\.x\.sampling\.{key}: a megatron server"):
        check("x", {**MODEL, "server": "megatron", "sampling": {key: 1}})


def test_a_secret_in_a_config_is_refused_and_not_repeated():
    with pytest.raises(EarmarkError, match="env.HF_TOKEN") as caught:
        check("x", {**MODEL, "server": "vllm", "env": {"HF_TOKEN": "hf_abc"}})
    assert "hf_abc" not in str(caught.value)


def test_operational_arguments_are_no_part_of_the_model():
    words = ["--gpu-memory-utilization", "0.9", "--quantization", "fp8"]
    assert TYPES["vllm"].serving({"server_args": words}) == ["--quantization", "fp8"]


def test_a_tail_under_a_second_joins_its_neighbour():
    assert chunks(60.5, 30) == [(0, 30), (30, None)]
    assert chunks(61.5, 30) == [(0, 30), (30, 60), (60, None)]
    assert chunks(29, 30) == [(0, None)]


def test_a_torn_line_is_dropped_and_the_next_answer_is_whole(tmp_path):
    path = tmp_path / "0-of-1.jsonl"
    whole = json.dumps({"request": "ab" * 20, "error": None})
    path.write_text(whole + "\n" + '{"request": "cd')
    with Journal(tmp_path) as journal:
        assert journal.counts.answers == 1 and journal.counts.torn == 1
    with Writer(path) as writer:
        writer.append({"request": "ef" * 20, "error": None})
        with pytest.raises(EarmarkError, match=r"in use by process \d+"):
            Writer(path)
    with Journal(tmp_path) as journal:
        assert journal.counts.answers == 2 and journal.counts.damaged == 0
