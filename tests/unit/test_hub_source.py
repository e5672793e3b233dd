"""Sets on the Hub, prepared from a loopback Hub with the real client: what comes, and what it becomes."""

from __future__ import annotations

import hashlib
import io
import json

import hub_sets
import pyarrow as pa
import pytest
import soundfile
from hub_sets import ESB
from loopback_hub import TOKEN

from earmark.config import Split, resolve
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl

MODEL = {"m": {"server": "demo", "model": "m"}}


def esb_split(config="librispeech", split="test.clean", **settings):
    source = {"type": "hub", "repo": ESB, "config": config, "split": split}
    source |= settings.pop("source", {})
    return Split(benchmark="asr", name=settings.pop("name", "s"), source=source, **settings)


def declared(clone, name, selection):
    config = {"benchmarks": {name: selection}, "models": MODEL}
    return resolve(config, clone).benchmarks[name]


def rows_of(home):
    return list(read_jsonl(home / "manifest.jsonl"))


def source_rows(files, prefix):
    """What pyarrow itself reads from the files of a split."""
    import pyarrow.parquet

    return [
        row
        for path in sorted(files)
        if path.startswith(prefix)
        for row in pyarrow.parquet.read_table(io.BytesIO(files[path])).to_pylist()
    ]


def test_clips_are_written_as_they_came_in_the_sources_order(hub, prepare):
    files = hub_sets.esb({"librispeech:test.clean": 10, "librispeech:test.other": 3})
    commit = hub.commit(ESB, files)
    home = prepare(esb_split())
    rows, originals = rows_of(home), source_rows(files, "librispeech/test.clean")
    assert [row["id"] for row in rows] == [row["id"] for row in originals]
    assert [row["text"] for row in rows] == [row["text"] for row in originals]
    for row, original in zip(rows, originals, strict=True):
        data = (home / row["audio_filepath"]).read_bytes()
        assert data == original["audio"]["bytes"]
        assert row["audio_sha256"] == hashlib.sha256(data).hexdigest()
        samples, rate = soundfile.read(io.BytesIO(data))
        assert row["duration"] == pytest.approx(len(samples) / rate, abs=1e-6)
    record = read_json(home / "source.json")
    assert (record["repo"], record["revision"], record["commit"]) == (ESB, "main", commit)
    for entry in record["files"]:
        assert entry["size"] == len(files[entry["path"]])
        assert entry["sha256"] == hashlib.sha256(files[entry["path"]]).hexdigest()


def test_only_the_files_that_a_split_needs_are_fetched(hub, prepare):
    files = hub_sets.esb({"librispeech:test.clean": 6, "ami:test": 6})
    hub.commit(ESB, files)
    prepare(esb_split())
    assert hub.sent("*/ami/*") == 0
    parquet = sum(len(data) for path, data in files.items() if path.startswith("librispeech"))
    assert hub.sent("*.parquet?signature=x") == parquet


def test_the_eight_sets_are_declared_as_the_hub_has_them(hub, prepare, clone):
    sets = "voxpopuli tedlium gigaspeech spgispeech earnings22 ami".split()
    sizes = {"librispeech:test.clean": 2, "librispeech:test.other": 2}
    hub.commit(ESB, hub_sets.esb(sizes | {f"{name}:test": 2 for name in sets}))
    splits = declared(clone, "asr-leaderboard", {"splits": "all"})
    assert len(splits) == 8
    for split in splits.values():
        assert len(rows_of(prepare(split))) == 2


def test_a_prepared_set_is_not_fetched_again(hub, prepare):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 6}))
    first = (prepare(esb_split()) / "manifest.jsonl").read_bytes()
    hub.forget()
    assert (prepare(esb_split()) / "manifest.jsonl").read_bytes() == first
    assert hub.sent("*.parquet*") == 0


def test_a_branch_is_resolved_once_and_another_commit_shares_what_is_alike(hub, prepare):
    files = hub_sets.esb({"librispeech:test.clean": 6, "ami:test": 4})
    old = hub.commit(ESB, files)
    prepare(esb_split(name="old"))
    changed = hub_sets.esb({"librispeech:test.clean": 6, "ami:test": 4}, seed=7)
    one = "librispeech/test.clean-00001-of-00002.parquet"
    hub.commit(ESB, {one: changed[one]})
    hub.forget()
    home = prepare(esb_split(name="new"))
    assert hub.sent("*.parquet?signature=x") == len(changed[one])
    assert read_json(home / "source.json")["commit"] != old
    pinned = prepare(esb_split(name="pinned", source={"revision": old}))
    assert read_json(pinned / "source.json")["commit"] == old
    assert rows_of(pinned) != rows_of(home)


def test_ids_with_slashes_and_case_collisions_get_safe_names(hub, prepare):
    ids = ["a/b", "a_b", "A_B", "../up", "/abs", "x" * 300]
    rows = [{**hub_sets.esb_row("x", n), "id": name} for n, name in enumerate(ids)]
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, hub_sets.esb_schema())})
    home = prepare(esb_split("x", "test"))
    made = rows_of(home)
    assert [row["id"] for row in made] == ids
    names = [row["audio_filepath"] for row in made]
    assert len({name.casefold() for name in names}) == len(ids)
    for name, row in zip(names, rows, strict=True):
        path = (home / name).resolve()
        assert path.parent == (home / "audio").resolve()
        assert path.read_bytes() == row["audio"]["bytes"]


def test_short_clips_and_empty_references_are_left_out_and_counted(hub, prepare, capsys):
    rows = [
        hub_sets.esb_row("x", 0),
        hub_sets.esb_row("x", 1, seconds=0.05),
        hub_sets.esb_row("x", 2, text="  "),
        {**hub_sets.esb_row("x", 3), "text": None},
        hub_sets.esb_row("x", 4, seconds=0.1),
    ]
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, hub_sets.esb_schema())})
    home = prepare(esb_split("x", "test"))
    assert [row["id"][-1] for row in rows_of(home)] == ["0", "4"]
    counts = read_json(home / "source.json")["rows"]
    assert counts["left_out"] == {"empty reference": 2, "shorter than 0.1 s": 1}
    assert (counts["in_split"], counts["in_manifest"]) == (5, 2)
    log = capsys.readouterr().err
    assert "row 2 of x/test.parquet" in log
    assert "1 rows left out: shorter than 0.1 s" in log


def test_duplicate_ids_are_named_with_both_rows(hub, prepare):
    rows = [{**hub_sets.esb_row("x", n), "id": "same" if n in (1, 5) else str(n)} for n in range(7)]
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, hub_sets.esb_schema())})
    with pytest.raises(EarmarkError, match="row 2 of x/test.parquet and row 6 of .* id 'same'"):
        prepare(esb_split("x", "test"))
    home = prepare(esb_split("x", "test", name="n", source={"columns": {"id": None}}))
    assert [row["id"] for row in rows_of(home)][:2] == ["n-000001", "n-000002"]


def altered(data, at=0.5):
    middle = int(at * len(data))
    return data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("kind", "damage", "says"),
    [
        ("FLAC", lambda data: data[:-100], "cut short"),
        ("FLAC", altered, "cut short or damaged: its 0.50 s"),
        ("WAV", lambda data: data[:-100], "cut short: 15900 of 16000 bytes"),
        ("OGG", lambda data: altered(data, 0.9), "damaged: a checksum does not hold"),
        ("MP3", lambda data: data[:900] + bytes(600) + data[1500:], "cut short or damaged"),
        ("FLAC", lambda _: b"<html>not found</html>", "a web page"),
    ],
)
def test_a_corrupt_clip_stops_the_job_or_is_left_out_and_counted(hub, prepare, kind, damage, says):
    rows = [hub_sets.esb_row("x", n, kind=kind) for n in range(4)]
    rows[2]["audio"]["bytes"] = damage(rows[2]["audio"]["bytes"])
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, hub_sets.esb_schema())})
    with pytest.raises(EarmarkError, match=rf"row 3 of x/test.parquet \(id .*0002\): .*{says}"):
        prepare(esb_split("x", "test"))
    home = prepare(esb_split("x", "test", name="lenient", skip_bad_audio=True))
    assert [row["id"][-1] for row in rows_of(home)] == ["0", "1", "3"]
    assert read_json(home / "source.json")["rows"]["left_out"] == {"bad audio": 1}


@pytest.mark.parametrize("audio", [None, {"bytes": None, "path": "a.flac"}, {"bytes": b""}])
def test_a_row_without_a_clip_is_damaged_too(hub, prepare, audio):
    rows = [hub_sets.esb_row("x", 0), {**hub_sets.esb_row("x", 1), "audio": audio}]
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, hub_sets.esb_schema())})
    with pytest.raises(EarmarkError, match=r"row 2 of x/test.parquet \(id .*0001\): .*no bytes"):
        prepare(esb_split("x", "test"))
    home = prepare(esb_split("x", "test", name="lenient", skip_bad_audio=True))
    assert read_json(home / "source.json")["rows"]["left_out"] == {"bad audio": 1}


def test_a_corrupt_parquet_file_is_named(hub, prepare, tmp_path):
    files = hub_sets.esb({"librispeech:test.clean": 40}, shards=1)
    path = "librispeech/test.clean-00000-of-00001.parquet"
    broken = bytearray(files[path])
    middle = len(broken) // 2
    broken[middle : middle + 40000] = b"\xff" * 40000
    hub.commit(ESB, {**files, path: bytes(broken)})
    with pytest.raises(EarmarkError, match=r"test.clean-00000-of-00001.parquet: its rows cannot"):
        prepare(esb_split())
    assert not (tmp_path / "data/asr/s/manifest.jsonl").exists()
    hub.commit(ESB, {**files, path: files[path][:5000]})
    with pytest.raises(EarmarkError, match=r"test.clean-00000-of-00001.parquet: its rows cannot"):
        prepare(esb_split())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            {"columns": {"text": "transcript"}},
            r"no column 'transcript'; it has audio, .*Set `source.columns.text`",
        ),
        (
            {"columns": {"text": "audio_length_s"}},
            r"row 1 of .*'audio_length_s' holds float where `text` needs text",
        ),
        ({"columns": {"audio": "audio_length_s"}}, r"`audio` needs bytes .*source.columns.audio"),
        ({"keep": ["speaker"]}, r"no column 'speaker'.*Set `source.keep`"),
        ({"rows": {"lang": ["en"]}}, r"no column 'lang'.*Set `source.rows`"),
        ({"config": "librispeach"}, r"'librispeach' not found.*librispeech.*source.config"),
        ({"split": "test"}, r"no split 'test'.*test.clean"),
        (
            {"files": ["nope/*.parquet"]},
            r"No .*files found.*Set .*`source.files`; the repository has .*librispeech",
        ),
        ({"revision": "v9"}, r"no revision 'v9': set `revision`"),
        ({"repo": "hf-audio/none"}, r"no dataset hf-audio/none .*check `repo`"),
    ],
)
def test_what_is_not_there_is_told_with_the_key_to_change(hub, prepare, source, says):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 2}))
    with pytest.raises(EarmarkError, match=says):
        prepare(esb_split(source=source))


def test_a_few_rows_transfer_a_few_row_groups(hub, prepare):
    files = hub_sets.esb({"ami:test": 400}, shards=2, group=10)
    hub.commit(ESB, files)
    whole = sum(len(data) for path, data in files.items() if path.endswith(".parquet"))
    home = prepare(esb_split("ami", "test", limit=25))
    originals = source_rows(files, "ami/")
    assert [row["id"] for row in rows_of(home)] == [row["id"] for row in originals[:25]]
    assert hub.sent("*.parquet?signature=x") < 0.15 * whole
    assert read_json(home / "source.json")["label"] == "first 25 rows"
    hub.forget()
    home = prepare(esb_split("ami", "test", name="random", sample={"n": 5, "seed": 1}))
    picked = [row["id"] for row in rows_of(home)]
    assert picked == [row["id"] for row in originals if row["id"] in picked]
    assert len(picked) == 5
    assert hub.sent("*.parquet?signature=x") < 0.2 * whole  # five row groups of forty, and footers


def test_without_audio_kilobytes_are_transferred(hub, prepare):
    files = hub_sets.esb({"ami:test": 100}, shards=1, group=50)
    hub.commit(ESB, files)
    home = prepare(esb_split("ami", "test", audio=False))
    rows = rows_of(home)
    assert len(rows) == 100
    assert set(rows[0]) == {"id", "text"}
    assert not (home / "audio").exists()
    assert hub.sent("*.parquet?signature=x") < 100_000
    assert read_json(home / "source.json")["label"] == "text only"


def test_any_other_set_is_prepared_from_yaml_alone(hub, prepare, clone, tmp_path):
    clips = {f"clips/{n}.mp3": hub_sets.clip(n, kind="MP3") for n in range(3)}
    rows = [{"file_name": f"{n}.mp3", "sentence": f"text {n}", "age": 40 + n} for n in range(3)]
    hub.commit("some/one", {**clips, "clips/metadata.jsonl": hub_sets.jsonl(rows)})
    path = tmp_path / "own.yaml"
    path.write_text(
        "prompt: {user: Write down what you hear.}\n"
        "splits:\n  test:\n    source:\n      type: hub\n      repo: some/one\n"
        "      files: [clips/metadata.jsonl]\n"
        "      columns: {id: null, audio: file_name, text: sentence, speaker_age: age}\n"
    )
    (split,) = declared(clone, "own", {"file": str(path)}).values()
    home = prepare(split)
    made = rows_of(home)
    assert [row["speaker_age"] for row in made] == [40, 41, 42]
    assert [(home / row["audio_filepath"]).read_bytes() for row in made] == list(clips.values())


def test_the_hubs_own_conversion_is_read_as_docs_say(hub, prepare):
    files = hub_sets.esb({"de_de:test": 4}, shards=1)
    (data,) = (data for path, data in files.items() if path.endswith(".parquet"))
    hub.commit("google/fleurs", {"README.md": b"# sets made by a script"})
    hub.commit("google/fleurs", {"de_de/test/0000.parquet": data}, branch="refs/convert/parquet")
    source = {"type": "hub", "repo": "google/fleurs", "revision": "refs/convert/parquet",
              "config": "de_de", "split": "test", "keep": ["dataset"]}  # fmt: skip
    rows = rows_of(prepare(Split(benchmark="x", name="s", source=source)))
    assert [row["dataset"] for row in rows] == ["de_de"] * 4


def test_a_gated_set_says_where_to_go_and_leaves_nothing(hub, prepare, tmp_path, monkeypatch):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 2}), gated=True)
    with pytest.raises(EarmarkError) as caught:
        prepare(esb_split())
    assert f"{ESB} is gated" in str(caught.value)
    assert f"{hub.url}/datasets/{ESB}" in str(caught.value)
    assert "HF_TOKEN" in str(caught.value)
    held = [p for p in tmp_path.rglob("*") if p.is_file() and p.stat().st_size]
    assert not [p for p in held if p.name != "CACHEDIR.TAG"]
    monkeypatch.setenv("HF_TOKEN", "hf_loopback_wrong_secret")
    with pytest.raises(EarmarkError, match="refused the token in HF_TOKEN") as caught:
        prepare(esb_split())
    assert "wrong_secret" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert len(rows_of(prepare(esb_split()))) == 2


def test_a_full_disk_is_told_before_the_transfer(hub, prepare, monkeypatch):
    import shutil
    from collections import namedtuple

    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 6}))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    with pytest.raises(EarmarkError, match=r"kB more are needed and 1.0 kB are free"):
        prepare(esb_split())
    assert hub.sent("*.parquet?signature=x") == 0


@pytest.mark.parametrize(("after", "size"), [(0, "up to"), (300, "about")])
def test_a_disk_that_fills_up_is_told_and_leaves_no_manifest(
    hub, prepare, monkeypatch, tmp_path, after, size
):
    import errno
    from pathlib import Path

    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 400}))
    opened, count = Path.open, iter(range(10**6))

    def full(self, *args, **kwargs):
        if self.name.endswith(".part") and args == ("xb",) and next(count) >= after:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    monkeypatch.setattr("earmark.data.clips.ClipStore.WAITING", 8)
    with pytest.raises(EarmarkError, match=rf"disk is full \(quota\); {size} .* needed, .* of 400"):
        prepare(esb_split())
    home = tmp_path / "data/asr/s"
    assert sorted(path.name for path in home.iterdir()) == ["source"]


def test_a_folder_that_cannot_be_written_is_named(hub, prepare, monkeypatch):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 6}))

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.mkdir", refuse)
        with pytest.raises(
            EarmarkError, match=r"/data/asr/s/source: cannot be written: Permission"
        ):
            prepare(esb_split())


def test_a_dataset_that_was_renamed_is_found_under_its_old_name(hub, prepare):
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 6}))
    hub.renamed["old/name"] = ESB
    assert len(rows_of(prepare(esb_split(source={"repo": "old/name"})))) == 6


def test_a_large_split_is_spread_over_folders(hub, prepare, monkeypatch):
    monkeypatch.setattr("earmark.data.clips.ClipStore.FOLDER", 4)
    hub.commit(ESB, hub_sets.esb({"librispeech:test.clean": 10}))
    home = prepare(esb_split())
    folders = [row["audio_filepath"].split("/")[1] for row in rows_of(home)]
    assert folders == ["000"] * 4 + ["001"] * 4 + ["002"] * 2
    assert all((home / row["audio_filepath"]).is_file() for row in rows_of(home))


def test_no_key_of_the_source_overwrites_one_of_ours(hub, prepare):
    rows = [{**hub_sets.esb_row("x", n), "duration": "long"} for n in range(2)]
    schema = hub_sets.esb_schema().append(pa.field("duration", pa.string()))
    hub.commit(ESB, {"x/test.parquet": hub_sets.parquet(rows, schema)})
    home = prepare(esb_split("x", "test", source={"keep": ["duration"]}))
    assert [row["duration"] for row in rows_of(home)] == [0.5, 0.5]
    assert json.loads((home / "manifest.jsonl").read_text().splitlines()[0])["id"]
