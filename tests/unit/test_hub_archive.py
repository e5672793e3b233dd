"""Clips in an archive on the Hub: MMAU-Pro, ranges of its zip, and members that are refused."""

from __future__ import annotations

import io
import zipfile

import hub_sets
import pytest
from hub_sets import MMAU

from earmark.config import Split, resolve
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl

MODEL = {"m": {"server": "demo", "model": "m"}}


def declared(clone, name, selection):
    config = {"benchmarks": {name: selection}, "models": MODEL}
    return resolve(config, clone).benchmarks[name]


def rows_of(home):
    return list(read_jsonl(home / "manifest.jsonl"))


def test_mmau_pro_survives_with_its_quirks(hub, prepare, clone):
    hub.commit(MMAU, hub_sets.mmau())
    originals = {row["id"]: (row, clips) for row, clips in hub_sets.mmau_rows()}
    splits = declared(clone, "mmau-pro", {})
    homes = {name: prepare(split) for name, split in splits.items()}
    made = {name: rows_of(home) for name, home in homes.items()}
    assert {name: len(rows) for name, rows in made.items()} == {
        "closed_form": 32, "open_ended": 8, "instruction_following": 8,
    }  # fmt: skip
    for name, rows in made.items():
        for row in rows:
            original, clips = originals[row["id"]]
            paths = row["audio_filepath"]
            assert isinstance(paths, list) == (len(clips) > 1)
            for path, data in zip([paths] if isinstance(paths, str) else paths, clips, strict=True):
                assert (homes[name] / path).read_bytes() == data
            for key in ("choices", "answer", "category", "sub-cat", "perceptual_skills",
                        "reasoning_skills", "transcription", "task_identifier", "question"):  # fmt: skip
                assert row[key] == original[key]
            assert row["kwargs"] == {k: v for k, v in original["kwargs"].items() if v is not None}
    spatial = [row for row in made["closed_form"] if row["category"] == "spatial_audio"]
    assert {c for row in spatial for c in flat(row["channels"])} == {4}
    assert any(row["choices"] == [] for row in made["closed_form"])


def flat(value):
    return value if isinstance(value, list) else [value]


def test_one_category_transfers_the_rows_the_directory_and_its_clips(hub, prepare, clone):
    files = hub_sets.mmau()
    hub.commit(MMAU, files)
    (split,) = declared(clone, "mmau-pro", {"splits": ["instruction_following"]}).values()
    prepare(split)
    with zipfile.ZipFile(io.BytesIO(files["data.zip"])) as archive:
        directory = len(files["data.zip"]) - archive.start_dir
        infos = {info.filename: info for info in archive.infolist()}
    names = [
        name
        for row, _ in hub_sets.mmau_rows()
        if row["category"] == "instruction following"
        for name in row["audio_path"]
    ]
    members = sum(infos[name].compress_size + 30 + len(name) for name in names)
    assert hub.sent("*test.parquet?signature=x") == len(files["test.parquet"])
    # The directory is sought in the last 64 KiB.
    assert hub.sent("*data.zip?signature=x") == max(directory, 1 << 16) + members


@pytest.mark.parametrize("order", [1, -1])
def test_splits_share_the_archive_once_it_is_whole(hub, prepare, clone, order):
    files = hub_sets.mmau()
    hub.commit(MMAU, files)
    splits = declared(clone, "mmau-pro", {})
    for split in list(splits.values())[::order]:
        prepare(split)
    whole = len(files["data.zip"])
    sent = hub.sent("*data.zip?signature=x")
    if order == 1:  # closed_form first, which brings all of it, after a look at its directory
        assert sent == whole + (1 << 16)
    else:  # clips of the two smaller splits came one by one before
        assert sent < 1.2 * whole
    assert hub.sent("*test.parquet?signature=x") == len(files["test.parquet"])


def test_an_archive_of_which_most_is_needed_is_fetched_whole(hub, prepare, clone):
    hub.commit(MMAU, hub_sets.mmau())
    home = prepare(declared(clone, "mmau-pro", {})["closed_form"])
    assert list((home.parents[1] / "hub-cache").rglob("data.zip"))
    assert len([s for s in hub.seen if "data.zip?" in s.path]) < 6


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("../up.wav", {}, "leads outside"),
        ("/abs.wav", {}, "leads outside"),
        ("data/link.wav", {"external_attr": 0o120777 << 16}, "it is a link"),
        ("data/huge.wav", {"file_size": 5 << 30}, "would unpack to 5.4 GB"),
        ("data/gone.wav", None, "has no member 'data/gone.wav'"),
    ],
)
def test_dangerous_members_are_refused_by_name(hub, prepare, tmp_path, name, change, says):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data/good.wav", hub_sets.clip(1, kind="WAV"))
        if change is not None:
            info = zipfile.ZipInfo(name)
            info.external_attr = change.get("external_attr", 0)
            archive.writestr(info, b"RIFF" + bytes(1000))
            info.file_size = change.get("file_size", info.file_size)
    row = {"id": "1", "audio_path": [name], "question": "?"}
    hub.commit("o/n", {"test.jsonl": hub_sets.jsonl([row]), "data.zip": stream.getvalue()})
    source = {
        "type": "hub", "repo": "o/n", "files": ["test.jsonl"], "archive": "data.zip",
        "columns": {"audio": "audio_path", "text": None}, "keep": ["question"],
    }  # fmt: skip
    with pytest.raises(EarmarkError, match=f"row 1 of test.jsonl: o/n: data.zip: .*{says}"):
        prepare(Split(benchmark="x", name="s", source=source))
    assert not list(tmp_path.rglob("*.wav"))


def test_a_corrupt_member_is_named(hub, prepare):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for n in range(9):
            archive.writestr(f"data/{n}.wav", hub_sets.clip(n, kind="WAV"))
    data = bytearray(stream.getvalue())
    data[20000] ^= 1
    rows = [{"id": str(n), "audio_path": [f"data/{n}.wav"]} for n in range(9)]
    hub.commit("o/n", {"test.jsonl": hub_sets.jsonl(rows), "data.zip": bytes(data)})
    source = {"type": "hub", "repo": "o/n", "files": ["*.jsonl"], "archive": "data.zip",
              "columns": {"audio": "audio_path", "text": None}}  # fmt: skip
    with pytest.raises(EarmarkError, match=r"row 2 of test.jsonl \(id 1\): clip 'data/1.wav'"):
        prepare(Split(benchmark="x", name="s", source=source))


@pytest.mark.parametrize("damage", ["header", "null"])
def test_a_clip_that_cannot_be_had_is_named_with_its_row_or_left_out(hub, prepare, damage):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for n in range(3):
            archive.writestr(f"{n}.wav", hub_sets.clip(n, kind="WAV"))
    data = bytearray(stream.getvalue())
    names = [["0.wav"], ["1.wav", "2.wav"], ["2.wav"]]
    if damage == "header":
        at = data.find(b"PK\3\4", 4)
        data[at : at + 4] = b"XXXX"
    else:
        names[1][0] = None
    rows = [{"id": f"q{n}", "audio_path": name} for n, name in enumerate(names)]
    hub.commit("o/n", {"test.jsonl": hub_sets.jsonl(rows), "data.zip": bytes(data)})
    source = {"type": "hub", "repo": "o/n", "files": ["*.jsonl"], "archive": "data.zip",
              "columns": {"audio": "audio_path", "text": None}}  # fmt: skip
    with pytest.raises(EarmarkError, match=r"row 2 of test.jsonl \(id q1\): clip .*skip_bad_audio"):
        prepare(Split(benchmark="x", name="s", source=source))
    home = prepare(Split(benchmark="x", name="s", source=source, skip_bad_audio=True))
    assert [row["id"] for row in rows_of(home)] == ["q0", "q2"]
    assert read_json(home / "source.json")["rows"]["left_out"] == {"bad audio": 1}


@pytest.mark.parametrize("part", [0.5, 0.99])
def test_an_archive_that_was_cut_short_is_named(hub, prepare, part):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for n in range(9):
            archive.writestr(f"data/{n}.wav", hub_sets.clip(n, kind="WAV"))
    data = stream.getvalue()
    rows = [{"id": str(n), "audio_path": [f"data/{n}.wav"]} for n in range(9)]
    cut = data[: int(part * len(data))]
    hub.commit("o/n", {"test.jsonl": hub_sets.jsonl(rows), "data.zip": cut})
    source = {"type": "hub", "repo": "o/n", "files": ["*.jsonl"], "archive": "data.zip",
              "columns": {"audio": "audio_path", "text": None}}  # fmt: skip
    with pytest.raises(EarmarkError, match=r"o/n: data.zip: .* cut short"):
        prepare(Split(benchmark="x", name="s", source=source))
