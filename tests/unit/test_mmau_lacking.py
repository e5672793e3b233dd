from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from earmark.config import resolve
from earmark.errors import EarmarkError
from earmark.mmau.lacking import lacking

MODEL = {"m": {"server": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}}


def told(clone: Path, splits: Any, **more: Any) -> list[str]:
    benchmarks = {"mmau-pro": {"splits": splits}}
    return list(lacking(resolve({"benchmarks": benchmarks, "models": MODEL, **more}, clone)))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)


def test_what_the_defaults_lack_is_told_when_a_run_begins(clone: Path) -> None:
    judge, matcher = told(clone, "all")
    assert "export NVIDIA_API_KEY=" in judge
    assert ".venv-nv-embed/bin/python does not exist" in matcher


def test_what_no_split_needs_is_not_told(clone: Path) -> None:
    assert told(clone, ["instruction_following"]) == []


def test_sentences_that_cannot_be_counted_are_told(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = {"instruction_following": {"sentences": "punkt"}}
    monkeypatch.setitem(sys.modules, "nltk", None)
    (found,) = told(clone, split)
    assert "`pip install nltk`" in found
    monkeypatch.setattr("earmark.mmau.lacking.find_spec", lambda name: name)
    assert told(clone, split) == []


def test_what_is_there_is_not_told(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "x")
    assert told(clone, "all", matcher={"type": "nv-embed", "python": sys.executable}) == []


def test_a_matcher_whose_key_is_not_set_is_told(clone: Path) -> None:
    matcher = {"type": "embeddings", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    (found,) = told(clone, ["closed_form"], matcher={**matcher, "api_key_env": "NO_SUCH_KEY"})
    assert "matcher.api_key_env: NO_SUCH_KEY is not set" in found


def test_a_matcher_with_a_password_in_its_url_is_refused(clone: Path) -> None:
    matcher = {"type": "embeddings", "model": "m", "base_url": "http://a:secret@127.0.0.1:9/v1"}
    with pytest.raises(EarmarkError, match="matcher.base_url") as error:
        told(clone, ["closed_form"], matcher=matcher)
    assert "secret" not in str(error.value)
