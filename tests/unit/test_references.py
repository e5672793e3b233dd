"""References that are joined to a split's rows by a key, from the Hub or from a file."""

from __future__ import annotations

import io

import hub_sets
import pyarrow.parquet
import pytest
from hub_sets import ESB

from earmark.config import Split
from earmark.data.download import source_files
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl

TEXTS = "acme/texts"


def split_of(**references):
    source = {"type": "hub", "repo": ESB, "config": "ami", "split": "test"}
    source |= {"columns": {"text": None}, "references": {"key": "id", "text": "said", **references}}
    return Split(benchmark="asr", name="s", source=source)


@pytest.fixture
def ids(hub):
    """The ids of a set of four utterances on the Hub."""
    files = hub_sets.esb({"ami:test": 4})
    hub.commit(ESB, files)
    found = sorted(path for path in files if path.startswith("ami"))
    tables = [pyarrow.parquet.read_table(io.BytesIO(files[path])) for path in found]
    return [name for one in tables for name in one["id"].to_pylist()]


def table(ids):
    return "id,said\n" + "".join(f"{name},sentence {n}\n" for n, name in enumerate(reversed(ids)))


def test_they_come_from_another_repository_and_are_recorded(hub, prepare, ids):
    commit = hub.commit(TEXTS, {"test.csv": table(ids).encode()})
    home = prepare(split_of(repo=TEXTS, files=["test.csv"]))
    rows = list(read_jsonl(home / "manifest.jsonl"))
    assert [(row["id"], row["text"]) for row in rows] == [
        (name, f"sentence {3 - n}") for n, name in enumerate(ids)
    ]
    record = read_json(home / "source.json")["references"]
    assert (record["repo"], record["commit"]) == (TEXTS, commit)


def test_they_come_from_a_file_which_is_tracked(hub, prepare, ids, tmp_path):
    file = tmp_path / "said.csv"
    split = split_of(manifest=str(file))
    with pytest.raises(EarmarkError, match=r"source\.references\.manifest: no such file"):
        source_files(split)
    file.write_text(table(ids))
    assert source_files(split) == [str(file)]
    rows = list(read_jsonl(prepare(split) / "manifest.jsonl"))
    assert [row["text"] for row in rows] == [f"sentence {3 - n}" for n in range(4)]


@pytest.mark.parametrize(
    ("text", "change", "says"),
    [
        ("id,said\nother,x\n", {}, "no reference has the 'id'"),
        ("id,said\na,x\na,y\n", {}, "another reference has the same 'id': 'a'"),
        ("name,said\na,x\n", {}, "no key 'id'; it has 'name', 'said'"),
        ("id,said\na,x\n", {"key": "utt"}, "no key 'utt'"),
        ("utt,said\na,x\n", {"key": "utt"}, r"no column 'utt', by which .*`source\.keep`"),
    ],
)
def test_what_does_not_join_is_told(hub, prepare, ids, tmp_path, text, change, says):
    file = tmp_path / "said.csv"
    file.write_text(text)
    with pytest.raises(EarmarkError, match=says):
        prepare(split_of(manifest=str(file), **change))


def test_they_are_in_one_place():
    with pytest.raises(ValueError, match="either `repo: OWNER/NAME` or `manifest: FILE`"):
        split_of(repo=TEXTS, manifest="x.csv")
