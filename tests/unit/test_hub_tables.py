"""Rows in the many forms that Hub sets have: CSV, JSON Lines, and what pandas and Polars write."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import hub_sets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earmark.config import Split
from earmark.errors import EarmarkError
from earmark.files import read_jsonl

CLIPS = {f"{n}.flac": hub_sets.clip(n) for n in range(2)}


@pytest.fixture
def rows(hub, prepare):
    """The manifest of a repository with one file of rows, and two clips beside it."""

    def run(name, content, more=None, **source):
        hub.commit("some/one", {name: content, **CLIPS, **(more or {})})
        source = {"type": "hub", "repo": "some/one", "files": [name], **source}
        home = prepare(Split(benchmark="b", name="s", source=source))
        return list(read_jsonl(home / "manifest.jsonl"))

    return run


def test_ids_and_texts_of_csv_are_text_even_where_they_are_digits(rows):
    table = b'file,id,text,n\n0.flac,007,42,1\n1.flac,7,"1,5 or\nNA",2\n'
    made = rows("test.csv", table, columns={"audio": "file"}, keep=["n"], rows={"n": [1, 2]})
    found = [(row["id"], row["text"], row["n"]) for row in made]
    assert found == [("007", "42", 1), ("7", "1,5 or\nNA", 2)]


def test_json_lines_may_be_long_and_their_text_may_look_like_a_date(rows):
    written = [
        {"id": "2020-01-01 10:00:00", "audio": "0.flac", "text": "2020-01-01", "more": "x" * 3_000_000},
        {"id": "2020-01-02 10:00:00", "audio": "1.flac", "text": "2021-01-01", "more": ""},
    ]  # fmt: skip
    made = rows("test.jsonl", hub_sets.jsonl(written))
    assert [(row["id"], row["text"]) for row in made] == [(r["id"], r["text"]) for r in written]


@pytest.mark.parametrize("form", ["array", "lines", "gz", "utf-16", "field"])
def test_json_is_read_in_any_of_its_forms(rows, form):
    made = [
        {"id": n, "audio": f"{n}.flac", "text": f"é{n}", "odd": odd}
        for n, odd in ((0, 1), (1, "a"))
    ]
    data = json.dumps(made if form == "array" else {"data": made}, indent=1).encode()
    data = hub_sets.jsonl(made) if form in ("lines", "gz", "utf-16") else data
    data = gzip.compress(data) if form == "gz" else data
    data = data.decode().encode("utf-16") if form == "utf-16" else data
    name = (
        "test.jsonl.gz"
        if form == "gz"
        else "test.jsonl"
        if form in ("lines", "utf-16")
        else "test.json"
    )
    options = {"options": {"field": "data"}} if form == "field" else {}
    assert [(row["id"], row["text"]) for row in rows(name, data, **options)] == [
        ("0", "é0"),
        ("1", "é1"),
    ]


def test_tables_with_other_separators_and_encodings_are_read_or_told(rows):
    table = "id;audio;text\n1;0.flac;Grüße\n".encode("latin-1")
    (row,) = rows("a.csv", table, options={"sep": ";", "encoding": "latin-1"})
    assert row["text"] == "Grüße"
    with pytest.raises(EarmarkError, match="a.csv: not text in the encoding.*source.options"):
        rows("a.csv", table, options={"sep": ";"})
    with pytest.raises(EarmarkError, match=r"one column, 'id;audio;text'.*{sep: ';'}"):
        rows("a.csv", b"id;audio;text\n1;0.flac;x\n")
    voice = b"client\tpath\tsentence\nx\tv.mp3\tHello\n"
    columns = {"id": None, "audio": "path", "text": "sentence"}
    (row,) = rows("en/test.tsv", voice, columns=columns, more={"en/clips/v.mp3": CLIPS["0.flac"]})
    assert row["text"] == "Hello"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_table_with_a_byte_order_mark_is_read(rows, encoding):
    (row,) = rows("a.csv", "id,audio,text\n1,0.flac,Grüße\n".encode(encoding))
    assert (row["id"], row["text"]) == ("1", "Grüße")


@pytest.mark.parametrize("names", [("offset", "duration"), ("begin", "length")])
def test_rows_are_parts_of_a_file_of_the_repository(rows, names):
    written = [
        {"id": str(n), "audio": "0.flac", "text": "x", names[0]: start, names[1]: length}
        for n, (start, length) in enumerate([(0, 0.25), (0.25, 0.5), (None, None)])
    ]
    said = dict(zip(("offset", "duration"), names, strict=True)) if names[0] == "begin" else {}
    made = rows("test.jsonl", hub_sets.jsonl(written), columns=said)
    whole = made[2]["duration"]
    assert [row["duration"] for row in made] == [0.25, min(0.5, whole - 0.25), whole]
    assert len({row["audio_sha256"] for row in made}) == 3
    assert not {"offset", "begin", "length"} & set(made[0])


def test_bytes_in_rows_are_not_cut_by_a_column_that_is_called_offset(hub, prepare):
    table = pa.table({"id": ["1"], "audio": [CLIPS["0.flac"]], "text": ["x"], "offset": [0.25]})
    pq.write_table(table, stream := io.BytesIO())
    hub.commit("some/one", {"test.parquet": stream.getvalue()})
    source = {"type": "hub", "repo": "some/one", "files": ["test.parquet"]}
    home = prepare(Split(benchmark="b", name="s", source=source))
    whole = next(read_jsonl(home / "manifest.jsonl"))["duration"]
    source["columns"] = {"offset": "offset"}
    home = prepare(Split(benchmark="b", name="t", source=source))
    assert next(read_jsonl(home / "manifest.jsonl"))["duration"] == round(whole - 0.25, 6)


def test_clips_are_found_in_a_folder_by_name(rows):
    folders = {
        f"audio/{split}/{name}": clip for split in ("a", "b") for name, clip in CLIPS.items()
    }
    table, columns = b"file_name,text\n0.flac,x\n1,y\n", {"id": "file_name", "audio": "file_name"}
    made = rows("rows.csv", table, folders, clip_folder="audio/b", columns=columns)
    assert [row["id"] for row in made] == ["0.flac", "1"]
    with pytest.raises(EarmarkError, match=r"'1', and 3 files are called so: 1.flac, audio/a/1"):
        rows("more/rows.csv", b"file_name,text\n1,y\n", folders, columns=columns)
    with pytest.raises(
        EarmarkError, match=r"row 1 .*names '7.flac', and no file is; `source.clip_folder"
    ):
        rows("rows.csv", b"file_name,text\n7.flac,y\n", folders, columns=columns)


def test_a_file_that_metadata_of_a_folder_name_may_be_missing(hub, prepare):
    hub.commit("some/one", {"metadata.csv": b"file_name,text\n7.flac,x\n", **CLIPS})
    source = {"type": "hub", "repo": "some/one", "split": "train", "columns": {"id": None}}
    with pytest.raises(EarmarkError, match=r"some/one: its metadata names '7.flac', which is not"):
        prepare(Split(benchmark="b", name="s", source=source))


def test_bytes_that_are_null_beside_a_path_are_a_file_of_the_repository(rows):
    made = [{"id": "a", "audio": {"bytes": None, "path": "audio/v.flac"}, "text": "x"}]
    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("id", pa.string()), ("audio", audio), ("text", pa.string())])
    data = hub_sets.parquet(made, schema)
    (row,) = rows("test.parquet", data, more={"audio/v.flac": CLIPS["1.flac"]})
    assert row["audio_sha256"] == hashlib.sha256(CLIPS["1.flac"]).hexdigest()


def test_a_webdataset_and_an_audiofolder_are_read(hub, prepare):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for n, data in enumerate(CLIPS.values()):
            for kind, content in (("flac", data), ("txt", f"text {n}".encode())):
                info = tarfile.TarInfo(f"{n:03d}.{kind}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    hub.commit("o/wds", {"test-000.tar": stream.getvalue()})
    names = [{"file_name": name, "text": f"text {n}"} for n, name in enumerate(CLIPS)]
    clips = {f"test/{name}": data for name, data in CLIPS.items()}
    hub.commit("o/folder", {"test/metadata.jsonl": hub_sets.jsonl(names), **clips})
    for repo, columns in (
        ("o/wds", {"id": "__key__", "audio": "flac", "text": "txt"}),
        ("o/folder", {"id": None}),
    ):
        source = {"type": "hub", "repo": repo, "columns": columns}
        home = prepare(Split(benchmark="b", name=repo[2:], source=source))
        made = list(read_jsonl(home / "manifest.jsonl"))
        assert [row["text"] for row in made] == ["text 0", "text 1"]
        assert [(home / row["audio_filepath"]).read_bytes() for row in made] == list(CLIPS.values())


def test_categories_views_and_missing_numbers_are_read(rows):
    """As pandas writes categories and missing numbers, and Polars text."""
    text = pa.array(["one", "two"])
    table = pa.table({
        "id": pa.array(["a", "b"], pa.string_view()),
        "audio": pa.array(list(CLIPS)).dictionary_encode(),
        "text": text.dictionary_encode(),
        "score": [1.5, float("nan")],
    })  # fmt: skip
    stream = io.BytesIO()
    pq.write_table(table, stream)
    made = rows("test.parquet", stream.getvalue(), keep=["score"], rows={"text": ["one", "two"]})
    found = [(row["id"], row["text"], row["score"]) for row in made]
    assert found == [("a", "one", 1.5), ("b", "two", None)]
