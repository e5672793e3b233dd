"""Rows in the many forms that Hub sets have: CSV, JSON Lines, and what pandas and Polars write."""

from __future__ import annotations

import io
import json

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

    def run(name, content, **source):
        hub.commit("some/one", {name: content, **CLIPS})
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


def test_an_array_in_place_of_json_lines_is_told(rows):
    array = json.dumps([{"id": "a", "audio": "0.flac", "text": "x"}], indent=1).encode()
    with pytest.raises(EarmarkError, match=r"test\.json .*one JSON array.* JSON Lines"):
        rows("test.json", array)


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
