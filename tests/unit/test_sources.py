"""What the workflow tells Snakemake about its scripts is what Snakemake would find by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.sourcecache import GithubFile, LocalSourceFile, infer_source_file


@pytest.fixture
def sources(clone, monkeypatch):
    monkeypatch.syspath_prepend(str(clone / "workflow"))
    import sources

    yield sources
    sys.modules.pop("sources")


@pytest.mark.parametrize("folder", ["/a/clone/workflow/rules", "/a b/ü/100%25/rules", "rules"])
def test_a_script_is_kept_where_snakemake_keeps_it(sources, folder):
    script = infer_source_file("../scripts/infer.py", sources.Source(folder))
    plain = infer_source_file("../scripts/infer.py", LocalSourceFile(folder))
    assert isinstance(script, LocalSourceFile)
    assert script == plain
    assert script.get_cache_path() == plain.get_cache_path()
    assert Path(script.get_cache_path()).name == "infer.py"


def test_only_sources_on_this_disk_are_found_once(sources):
    remote = GithubFile("someone/workflow", path="workflow/rules", tag="v1")
    rules = [SimpleNamespace(basedir=LocalSourceFile("rules")), SimpleNamespace(basedir=remote)]
    sources.find_once(SimpleNamespace(rules=rules))
    assert type(rules[0].basedir) is sources.Source
    assert rules[1].basedir is remote
