"""Files are written whole or not at all, and read with errors that name the line."""

from __future__ import annotations

import pytest

from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, whole_file, write_json, write_jsonl


def test_a_file_appears_only_when_complete_and_keeps_its_old_content_otherwise(tmp_path):
    path = tmp_path / "new" / "rows.jsonl"
    assert write_jsonl(path, [{"a": 1}, {"b": "é"}]) == 2
    assert list(read_jsonl(path)) == [{"a": 1}, {"b": "é"}]

    def broken():
        yield {"a": 2}
        raise ValueError

    with pytest.raises(ValueError):
        write_jsonl(path, broken())
    assert list(read_jsonl(path)) == [{"a": 1}, {"b": "é"}]
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]


def test_bytes_and_documents_are_written_too(tmp_path):
    with whole_file(tmp_path / "b", "wb") as stream:
        stream.write(b"\0\1")
    assert (tmp_path / "b").read_bytes() == b"\0\1"
    write_json(tmp_path / "c.json", {"x": None})
    assert read_json(tmp_path / "c.json") == {"x": None}


def test_lone_surrogates_survive(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", [{"text": "a\ud800b"}])
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == [{"text": "a\ud800b"}]


@pytest.mark.parametrize(
    ("content", "says"),
    [('{"a": 1}\n\n{"b"\n', "rows.jsonl, line 3: not JSON"), ("[1]\n", "line 1: a JSON object")],
)
def test_a_bad_line_is_named(tmp_path, content, says):
    (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(EarmarkError, match=says):
        list(read_jsonl(tmp_path / "rows.jsonl"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EarmarkError, match=r"gone\.jsonl: cannot be read: No such file"):
        list(read_jsonl(tmp_path / "gone.jsonl"))
    with pytest.raises(EarmarkError, match=r"gone\.json: cannot be read"):
        read_json(tmp_path / "gone.json")
