"""docs/servers.md: what it tells users to copy works."""

from __future__ import annotations

import re

import pytest
import yaml

from earmark.config import resolve
from earmark.errors import EarmarkError
from earmark.servers import TYPES, check

BASE = {
    "benchmarks": {"demo": {"splits": "all"}},
    "models": {"m": {"server": "demo", "model": "m"}},
}


def blocks(clone) -> list[str]:
    text = (clone / "docs" / "servers.md").read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def models(clone, block: str):
    run = resolve({**BASE, **yaml.safe_load(block)}, clone)
    for model in run.models.values():
        check(f"models.{model.name}", model)
    return run.models.values()


def test_every_config_in_the_page_resolves_and_suits_its_server(clone):
    for block in blocks(clone):
        assert models(clone, block)


def test_the_page_has_a_config_for_each_server_type(clone):
    shown = {m.server for block in blocks(clone) for m in models(clone, block)}
    assert shown == set(TYPES)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_started_server_of_the_page_gets_a_command_line_with_its_port(clone, kind):
    for block in blocks(clone):
        for model in models(clone, block):
            if model.server == kind and TYPES[kind].starts and not model.base_url:
                assert "54321" in TYPES[kind].command(model, 54321)


def test_the_page_names_what_each_type_refuses(clone):
    text = (clone / "docs" / "servers.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `megatron` \| `temp.*$", text, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", row)) - {"megatron"}
    assert named == TYPES["megatron"].accepts | TYPES["megatron"].refuses


def test_a_broken_block_would_be_noticed(clone):
    block = next(b for b in blocks(clone) if "server: megatron" in b)
    with pytest.raises(EarmarkError, match=r"sampling\.top_k"):
        models(clone, block.replace("temperature: 0", "temperature: 0, top_k: 5"))
