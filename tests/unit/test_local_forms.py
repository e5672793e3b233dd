"""Manifests as people have them: names that clash, other Unicode forms, tars, lengths that lie."""

from __future__ import annotations

import json
import shutil
import tarfile
import unicodedata

import pytest

from earmark.config import Split
from earmark.data.download import download, source_files
from earmark.data.manifest import write_manifest
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl


@pytest.fixture
def listed(tmp_path, tone):
    """Makes the source of a manifest of these rows, and their clips of half a second."""

    def make(*rows, clips=()):
        for name in clips:
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            tone(f"in/{name}", 0.5)
        manifest = tmp_path / "in" / "list.jsonl"
        manifest.write_text("".join(json.dumps({"text": "x", **row}) + "\n" for row in rows))
        return {"type": "local", "manifest": str(manifest)}

    return make


def made(source, tmp_path, **settings):
    split = Split(benchmark="own", name="all", source=source, **settings)
    files, manifest = tmp_path / "out/source/files.json", tmp_path / "out/manifest.jsonl"
    download(split, files, tmp_path / "cache")
    write_manifest(split, files, tmp_path / "cache", manifest, tmp_path / "out/source.json")
    return list(read_jsonl(manifest))


def names(*files, **more):
    return [{"audio_filepath": name, **more} for name in files]


def test_ids_have_their_folder_where_names_of_files_clash(listed, tmp_path):
    files = ("a/001.wav", "b/001.wav", "b/002.wav")
    rows = made(listed(*names(*files), clips=files), tmp_path)
    assert [row["id"] for row in rows] == ["a/001", "b/001", "002"]


def test_ids_have_their_offset_where_rows_are_of_one_file(listed, tmp_path):
    parts = [{"audio_filepath": "talk.wav", "offset": at, "duration": 0.2} for at in (0, 0.25)]
    rows = made(listed(*parts, clips=["talk.wav"]), tmp_path)
    assert [row["id"] for row in rows] == ["talk-0", "talk-0.25"]
    assert [row["duration"] for row in rows] == [0.2, 0.2]


def test_parts_may_be_named_by_other_keys(listed, tmp_path):
    parts = [{"audio_filepath": "talk.wav", "from": at, "len": 0.2} for at in (0, 0.25)]
    source = listed(*parts, clips=["talk.wav"])
    source["columns"] = {"offset": "from", "duration": "len"}
    rows = made(source, tmp_path)
    assert [(row["id"], row["duration"]) for row in rows] == [("talk-0", 0.2), ("talk-0.25", 0.2)]


@pytest.mark.parametrize("offset", ["0.5", -1, True])
def test_an_offset_that_is_no_number_of_seconds_is_told(listed, tmp_path, offset):
    source = listed(*names("a.wav", offset=offset), clips=["a.wav"])
    with pytest.raises(EarmarkError, match="list.jsonl, row 1: `offset`: seconds from 0"):
        made(source, tmp_path)


def test_text_alone_needs_no_clips(listed, tmp_path):
    (row,) = made(listed(*names("gone.wav", shard_id=0), clips=["a.wav"]), tmp_path, audio=False)
    assert (row["id"], row["text"]) == ("gone", "x")


def test_a_path_with_backslashes_is_found(listed, tmp_path):
    (row,) = made(listed(*names("clips\\a.wav"), clips=["clips/a.wav"]), tmp_path)
    assert row["duration"] == 0.5


def test_an_offset_behind_the_end_is_told(listed, tmp_path):
    source = listed(*names("a.wav", offset=5), clips=["a.wav"])
    with pytest.raises(
        EarmarkError, match=r"row 1 \(id a\): .*no sound of it is at its .offset., 5 s"
    ):
        made(source, tmp_path)


def written(tmp_path, listed, name, text):
    listed(clips=["a.wav", "b.wav"])
    (tmp_path / "in" / name).write_text(text)
    return {"type": "local", "manifest": str(tmp_path / "in" / name)}


@pytest.mark.parametrize("word", ["None", "null", "NA", "nan", "007"])
def test_words_that_mean_nothing_to_programs_are_words(listed, tmp_path, word):
    table = f"audio_filepath,text,n\na.wav,{word},\n"
    (row,) = made(written(tmp_path, listed, "l.csv", table), tmp_path)
    assert (row["text"], row["n"]) == (word, None)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("l.csv", "audio_filepath,text\na.wav,hello, you\n", "more fields than the header"),
        ("l.tsv", 'audio_filepath\ttext\na.wav\t"hi\nb.wav\t"you\n', "quote left open"),
    ],
)
def test_fields_that_are_not_where_they_seem_are_told(listed, tmp_path, name, text, told):
    source = written(tmp_path, listed, name, text)
    with pytest.raises(EarmarkError, match=f"{name}: .*{told}"):
        made(source, tmp_path)
    if name == "l.tsv":
        source["options"] = {"quoting": 3}
        assert [row["text"] for row in made(source, tmp_path)] == ['"hi', '"you']


def test_the_same_row_twice_is_still_an_error(listed, tmp_path):
    with pytest.raises(EarmarkError, match="both have the id 'a'"):
        made(listed(*names("a.wav", "a.wav"), clips=["a.wav"]), tmp_path)


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_a_name_is_found_in_the_other_unicode_form(listed, tmp_path, on_disk):
    there = unicodedata.normalize(on_disk, "café é.wav")
    asked = unicodedata.normalize({"NFC": "NFD", "NFD": "NFC"}[on_disk], there)
    (row,) = made(listed(*names(asked), clips=[there]), tmp_path)
    assert row["duration"] == 0.5


def test_file_urls_the_home_and_variables_are_paths(listed, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "in"))
    monkeypatch.setenv("CLIPS", str(tmp_path / "in"))
    url = (tmp_path / "in" / "a b.wav").as_uri()
    source = listed(*names(url, "~/c.wav", "$CLIPS/d.wav"), clips=["a b.wav", "c.wav", "d.wav"])
    assert [row["id"] for row in made(source, tmp_path)] == ["a b", "c", "d"]


def test_tarred_sets_are_read(listed, tmp_path):
    source = listed(*names("s0.wav", "s1.wav", shard_id=3), clips=["s0.wav", "s1.wav"])
    folder = tmp_path / "in"
    with tarfile.open(folder / "audio_3.tar", "w") as tar:
        tar.add(folder / "s0.wav", "s0.wav")
        tar.add(folder / "s1.wav", "./s1.wav")
    (folder / "s0.wav").unlink()
    (folder / "s1.wav").unlink()
    split = Split(benchmark="own", name="all", source=source)
    assert str(folder / "audio_3.tar") in source_files(split)
    assert [(row["id"], row["duration"]) for row in made(source, tmp_path)] == [
        ("s0", 0.5), ("s1", 0.5),
    ]  # fmt: skip
    parts = [*names("s0-sub1.wav", shard_id=3), *names("s0-sub2.wav", shard_id=3, offset=0.3)]
    assert [(row["id"], row["duration"]) for row in made(listed(*parts), tmp_path)] == [
        ("s0-sub1", 0.5), ("s0-sub2", 0.2),
    ]  # fmt: skip
    source = listed(*names("s0.wav", "s1.wav", shard_id=3))
    shutil.move(folder / "audio_3.tar", folder / "other.tar")
    with pytest.raises(EarmarkError, match=r"audio_3\.tar: no such archive; rows with `shard_id`"):
        source_files(split)
    (folder / "audio_3.tar").write_bytes(b"\x1f\x8b packed")
    with pytest.raises(EarmarkError, match="not a tar archive without compression"):
        source_files(split)
    with tarfile.open(folder / "audio_3.tar", "w") as tar:
        tar.add(folder / "other.tar", "s0.wav")
    with pytest.raises(EarmarkError, match=r"row 2: there is no 's1.wav' in .*audio_3.tar"):
        source_files(split)


@pytest.mark.parametrize(("said", "told"), [(100, True), (0.2, True), (0.51, False), (None, False)])
def test_a_length_far_from_the_clips_is_told(listed, tmp_path, capsys, said, told):
    made(listed(*names("a.wav", duration=said), clips=["a.wav"]), tmp_path)
    sentence = f"row 1 (id a): the source says {said} s, the clip has 0.500 s"
    assert (sentence in capsys.readouterr().err) == told
    assert read_json(tmp_path / "out" / "source.json")["rows"].get("other_duration", 0) == told


def test_rows_are_chosen_by_their_ids(listed, tmp_path):
    files = ("a.wav", "b.wav", "c.wav")
    source = listed(*names(*files), clips=files)
    assert [row["id"] for row in made(source, tmp_path, ids=["c", "a"])] == ["a", "c"]
    split = Split(benchmark="own", name="all", source=source, ids=["b", "d"])
    assert split.label() == "2 rows by id"
    with pytest.raises(EarmarkError, match="ids: no row has one of: 'd'"):
        source_files(split)
