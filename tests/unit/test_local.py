"""A local folder as a source."""

from __future__ import annotations

import hashlib
import json

import pytest

from earmark.config import Split
from earmark.data.download import download, source_files
from earmark.data.manifest import write_manifest
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl


@pytest.fixture
def source(tmp_path, tone):
    """Three clips, listed in an order that is not the alphabet's."""
    rows = []
    for name, seconds in (("c", 0.5), ("a", 0.25), ("b", 1.0)):
        tone(f"in/{name}.wav", seconds)
        rows.append({"audio_filepath": f"{name}.wav", "text": f"this is {name}", "speaker": name})
    manifest = tmp_path / "in" / "list.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"type": "local", "manifest": str(manifest)}


def made(source, tmp_path, **settings):
    split = Split(benchmark="own", name="all", source=source, **settings)
    out, cache = tmp_path / "out", tmp_path / "cache"
    files, manifest = out / "source" / "files.json", out / "manifest.jsonl"
    download(split, files, cache)
    write_manifest(split, files, cache, manifest, out / "source.json")
    return list(read_jsonl(manifest))


def test_the_manifest_keeps_the_sources_order_and_its_other_keys(source, tmp_path):
    rows = made(source, tmp_path)
    assert [row["id"] for row in rows] == ["c", "a", "b"]
    assert [row["duration"] for row in rows] == [0.5, 0.25, 1.0]
    assert [row["speaker"] for row in rows] == ["c", "a", "b"]


def test_audio_is_named_relative_to_the_manifest_with_its_checksum(source, tmp_path):
    for row in made(source, tmp_path):
        path = tmp_path / "out" / row["audio_filepath"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["audio_sha256"]


def test_the_record_of_the_source_names_every_file(source, tmp_path):
    made(source, tmp_path)
    files = read_json(tmp_path / "out" / "source.json")["files"]
    assert len(files) == 4
    assert all(len(file["sha256"]) == 64 and file["size"] for file in files)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"text": "x"}, "row 4: no audio path under 'audio_filepath'"),
        ({"audio_filepath": ["c.wav", 7], "text": "x"}, r'nor a list of them, but \["c.wav", 7\]'),
        ({"audio_filepath": [], "text": "x"}, r"row 4: no audio path under .* but \[\]"),
        ({"audio_filepath": "gone.wav", "text": "x"}, "row 4: no such audio file"),
        ({"audio_filepath": ["c.wav", "gone.wav"], "text": "x"}, "row 4: no such .*gone.wav"),
        ({"audio_filepath": "c.wav", "text": "x"}, "row 1 and .*row 4 both have the id 'c'"),
        ({"audio_filepath": "list.jsonl", "text": "x"}, "list.jsonl: not audio"),
    ],
)
def test_a_bad_row_is_named_and_no_manifest_is_left(source, tmp_path, row, says):
    with open(source["manifest"], "a") as stream:
        stream.write(json.dumps(row) + "\n")
    with pytest.raises(EarmarkError, match=says):
        made(source, tmp_path)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


def test_a_manifest_without_utterances_is_refused(source, tmp_path):
    open(source["manifest"], "w").close()
    with pytest.raises(EarmarkError, match=r"list\.jsonl: no utterances"):
        made(source, tmp_path)


@pytest.mark.parametrize(("ids", "says"), [("aba", "row 1 and .*row 3 both have the id 'a'"), ("", "no rows")])  # fmt: skip
def test_rows_without_ids_of_their_own_and_no_rows_are_told_before_any_job(source, ids, says):
    rows = [{"id": name, "audio_filepath": "c.wav", "text": "x"} for name in ids]
    with open(source["manifest"], "w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    with pytest.raises(EarmarkError, match=rf"list\.jsonl.*{says}"):
        source_files(Split(benchmark="own", name="all", source=source))
    first = Split(benchmark="own", name="all", source=source, limit=2)
    assert not rows or len(source_files(first)) == 2  # of which each has an id of its own


def test_a_row_of_several_clips_and_no_text_is_taken_and_keys_get_their_names(source, tmp_path):
    rows = [
        {"audio_path": ["c.wav", "a.wav"], "prompt": "Which is longer?", "choices": ["1", "2"]},
        {"audio_path": ["c.wav"], "prompt": "What is it?", "choices": []},
    ]
    with open(source["manifest"], "w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    names = {"id": None, "audio": "audio_path", "text": None, "question": "prompt"}
    found = made({**source, "columns": names}, tmp_path)
    assert [row["id"] for row in found] == ["1", "2"]
    assert [row["duration"] for row in found] == [[0.5, 0.25], 0.5]
    assert [row["question"] for row in found] == ["Which is longer?", "What is it?"]
    assert [row["choices"] for row in found] == [["1", "2"], []]
    assert not any(key in row for row in found for key in ("text", "prompt", "audio_path"))
    assert len(read_json(tmp_path / "out" / "source.json")["files"]) == 3


def test_a_key_that_columns_names_and_a_row_lacks_is_named(source, tmp_path):
    with pytest.raises(EarmarkError, match="row 1: no key 'q' for `question`"):
        made({**source, "columns": {"question": "q"}}, tmp_path)
