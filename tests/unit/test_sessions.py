"""Recordings in chunks (`session`): cut as a whole, and never left in part."""

from __future__ import annotations

import json

import pytest
from hub_sets import clip, parquet

from earmark.config import Split, resolve
from earmark.data.download import download
from earmark.data.manifest import write_manifest
from earmark.errors import EarmarkError
from earmark.files import read_jsonl
from earmark.scoring.score import check_scoring

SESSION = {"group": "call", "order": "place"}
CHUNKS = ["b"] * 3 + ["a"] * 2 + ["b"] + ["c"] * 4  # the last chunk of b comes later


def split(**keys):
    return Split(benchmark="own", name="calls", session=SESSION, **keys)


@pytest.mark.parametrize(
    ("keys", "calls"),
    [
        ({}, "abc"),
        ({"limit": 1}, "b"),  # one at least
        ({"limit": 5}, "b"),
        ({"limit": 6}, "ab"),
        ({"limit": 9}, "ab"),
        ({"limit": 10}, "abc"),
        ({"limit": 6, "sample": {"n": 100}}, "ab"),
    ],
)
def test_a_cut_takes_the_first_whole_recordings_that_fit_and_one_at_least(keys, calls):
    chosen = split(**keys).chosen(len(CHUNKS), CHUNKS)
    assert list(chosen) == [place for place, call in enumerate(CHUNKS) if call in calls]


def test_a_sample_is_of_whole_recordings_and_the_same_for_the_same_seed():
    def drawn(n, seed):
        chosen = split(sample={"n": n, "seed": seed}).chosen(len(CHUNKS), CHUNKS)
        calls = {CHUNKS[place] for place in chosen}
        assert list(chosen) == [place for place, call in enumerate(CHUNKS) if call in calls]
        assert len(chosen) <= n or len(calls) == 1
        return "".join(sorted(calls))

    assert all(drawn(n, seed) == drawn(n, seed) for n in (1, 6, 8) for seed in range(5))
    assert {drawn(4, seed) for seed in range(20)} == {"a", "b", "c"}
    assert {drawn(8, seed) for seed in range(20)} >= {"ab", "ac", "bc"}


def test_the_label_says_that_recordings_are_whole():
    cut = split(limit=5, sample={"n": 3})
    assert cut.label() == (
        "first 5 rows of whole sessions; 3 random rows of whole sessions, seed 0"
    )


def test_a_look_at_the_whole_leaderboard_needs_no_exception(clone):
    for cut in ({"limit": 100}, {"sample": {"n": 100}}):
        given = {
            "benchmarks": {"open-asr-leaderboard": cut},
            "models": {"m": {"server": "demo", "model": "m"}},
        }
        check_scoring(resolve(given, clone).splits)


@pytest.mark.parametrize("column", ["call", "called"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_set_of_the_hub_is_cut_by_whole_recordings(hub, prepare, form, column):
    calls = ["b", "b", "a", "a", "a", "c"]
    rows = [
        {"audio": {"bytes": clip(n), "path": f"{n}.flac"}, "id": f"{n}", "text": "x",
         column: call, "place": n}
        for n, call in enumerate(calls)
    ]  # fmt: skip
    files = {"test.parquet": parquet(rows)}
    if form == "csv":
        lines = [f"{n},{n}.flac,x,{call},{n}" for n, call in enumerate(calls)]
        files = {"test.csv": "\n".join([f"id,audio,text,{column},place", *lines]).encode()}
        files |= {f"{n}.flac": clip(n) for n in range(len(calls))}
    hub.commit("own/calls", files)
    columns = {"call": column}
    source = {
        "type": "hub",
        "repo": "own/calls",
        "columns": columns,
        "keep": ["place"],
        "files": [f"test.{form}"],
    }
    for limit, ids in ((2, "01"), (4, "01"), (5, "01234")):
        home = prepare(split(source=source, limit=limit))
        assert "".join(row["id"] for row in read_jsonl(home / "manifest.jsonl")) == ids
    home = prepare(split(source={**source, "rows": {column: ["a"]}}))
    assert len(list(read_jsonl(home / "manifest.jsonl"))) == 3
    with pytest.raises(
        EarmarkError, match="source.rows: leaves out 2 of the chunks of session 'a'"
    ):
        prepare(split(source={**source, "rows": {"place": [2, 5]}}))


@pytest.fixture
def calls(tmp_path, tone):
    """Two calls of three chunks, the last of the first being short."""
    rows = []
    for n, call in enumerate("aaabbb"):
        tone(f"{n}.wav", 0.05 if n == 2 else 0.5)
        rows.append({"id": f"u{n}", "audio_filepath": f"{n}.wav", "text": "x", "call": call,
                     "place": n % 3})  # fmt: skip

    def made(**keys):
        (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        source = {"type": "local", "manifest": str(tmp_path / "list.jsonl")}
        files = tmp_path / "out" / "source" / "files.json"
        chosen = split(source=source, **keys)
        download(chosen, files, tmp_path / "cache")
        manifest = tmp_path / "out" / "manifest.jsonl"
        write_manifest(
            chosen, files, tmp_path / "cache", manifest, tmp_path / "out" / "source.json"
        )
        return [row["id"] for row in read_jsonl(manifest)]

    made.rows, made.folder = rows, tmp_path
    return made


def test_a_chunk_that_a_rule_leaves_out_is_told_even_the_last(calls):
    with pytest.raises(EarmarkError, match=r"session 'a': .* row 3 \(id u2\): 0.05 s\. Keep it"):
        calls()
    assert not (calls.folder / "out" / "manifest.jsonl").exists()
    assert len(calls(exclude={"shorter_than": 0.01})) == 6
    (calls.folder / "5.wav").write_bytes(b"no sound")
    with pytest.raises(EarmarkError, match=r"session 'b': .*\(id u5\): .*5.wav: not audio"):
        calls(exclude={"shorter_than": 0.01}, skip_bad_audio=True)


def test_a_recording_may_be_left_out_as_a_whole(calls):
    short = {"exclude": {"shorter_than": 0.01}}
    assert calls(ids=["u3", "u4", "u5"], **short) == ["u3", "u4", "u5"]
    with pytest.raises(EarmarkError, match=r"session 'b': .*row 6 \(id u5\): not in `ids`"):
        calls(ids=["u3", "u4"], **short)
    for row in calls.rows[:3]:
        row["text"] = ""
    assert calls() == ["u3", "u4", "u5"]
    assert calls(limit=3, exclude={"shorter_than": 0.01, "empty_text": False}) == ["u0", "u1", "u2"]
