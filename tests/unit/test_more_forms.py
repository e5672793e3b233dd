"""What a tester brought: files that were refused though readable, or read wrongly without a word."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.cli import main
from earmark.config import Split
from earmark.data.audio import examine, read
from earmark.data.local import Entry, _named, source_files
from earmark.errors import EarmarkError


def sound(path, rate, seconds=2.0, channels=1, **how):
    samples = np.random.default_rng(0).normal(0, 0.1, (int(seconds * rate), channels))
    soundfile.write(path, samples, rate, **how)
    return path.read_bytes()


@pytest.mark.parametrize("rates", [(16000, 44100), (44100, 16000)])
@pytest.mark.parametrize("channels", [(1, 1), (2, 1), (1, 2)])
def test_joined_mp3_files_may_differ_in_rate_and_channels(tmp_path, rates, channels):
    parts = zip(rates, channels, strict=True)
    data = [sound(tmp_path / "a.mp3", rate, channels=count) for rate, count in parts]
    (tmp_path / "b.mp3").write_bytes(b"".join(data))
    samples, rate = read(tmp_path / "b.mp3")
    assert 3.9 < examine(tmp_path / "b.mp3").duration < 4.2
    assert 3.9 < len(samples) / rate < 4.2


def test_wav_with_a_tag_before_it_is_read(tmp_path):
    tag = b"ID3\3\0\0" + bytes([0, 0, 39, 8]) + bytes(39 * 128 + 8)
    (tmp_path / "a.wav").write_bytes(tag + sound(tmp_path / "a.wav", 16000))
    assert examine(tmp_path / "a.wav").duration == 2


def entry(path):
    return Entry(1, "", {}, [path], [Path("/x", path)])


def test_ids_of_many_folders_have_them():
    names = _named([entry(f"{n}/audio.wav") for n in range(5000)], "offset")
    assert (names[7], len(set(names))) == ("7/audio", 5000)


def test_ids_of_one_stem_in_two_formats_have_their_suffix():
    named = _named([entry("a.wav"), entry("a.flac"), entry("b/a.wav")], "offset")
    assert named == ["a.wav", "a.flac", "b/a"]


@pytest.mark.parametrize("name", ["~nobody/a.wav", "x" * 300 + ".wav"])
def test_names_that_cannot_be_are_told(tmp_path, name):
    (tmp_path / "m.jsonl").write_text(json.dumps({"audio_filepath": name, "text": "x"}))
    source = {"type": "local", "manifest": str(tmp_path / "m.jsonl")}
    with pytest.raises(EarmarkError, match="row 1: no such audio file"):
        source_files(Split(benchmark="b", name="s", source=source))


@pytest.mark.parametrize("duration", [-1, "", "2.0"])
def test_a_duration_that_parts_nothing_is_no_reason_to_refuse(tmp_path, duration):
    sound(tmp_path / "a.wav", 16000)
    row = {"audio_filepath": "a.wav", "text": "x", "duration": duration}
    (tmp_path / "m.jsonl").write_text(json.dumps(row))
    source = {"type": "local", "manifest": str(tmp_path / "m.jsonl")}
    assert len(source_files(Split(benchmark="b", name="s", source=source))) == 2


TABLES = {
    "a.csv": (b"id,text,pred_text\n1,a b,a b,\n2,c,c,\n", 2),  # a comma at the end of each row
    "b.CSV": (b"text;pred_text\na b;a b\n", 1),
    "c.csv.gz": (gzip.compress(b"text,pred_text\na b,a b\n"), 1),
    "d.csv": (b"parent_id,chunk_index,text,pred_text\n,,a,a\n,,c,c\n", 2),
    "e.csv": (b"parent_id,chunk_index,text,pred_text\np,0.0,a b,a\np,1.0,a b,b\n", 1),
}


@pytest.mark.parametrize("name", TABLES)
def test_result_tables_are_read_with_their_own_columns(tmp_path, capsys, name):
    content, samples = TABLES[name]
    (tmp_path / name).write_bytes(content)
    assert main(["wer", "--json", str(tmp_path / name)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["num_entries"], line["wer"]) == (samples, 0)


def test_result_tables_whose_rows_do_not_fit_are_told(tmp_path, capsys):
    for name, content, said in (
        ("a.csv", 'text,pred_text\n"a, b c",a, b c\n', "more fields than the header"),
        ("b.tsv", 'text\tpred_text\n"a\ta\n"b\tb\n', "a quote left open"),
    ):
        (tmp_path / name).write_text(content)
        assert main(["wer", str(tmp_path / name)]) == 1
        assert said in capsys.readouterr().err


def test_a_table_may_come_on_standard_input(tmp_path, capsys, monkeypatch):
    (tmp_path / "in").write_text("text,pred_text\na b,a b\n")
    with (tmp_path / "in").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["wer", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["wer"] == 0


def listing(tmp_path, content, name="l.jsonl", **source):
    (tmp_path / name).write_bytes(content)
    return Split(
        benchmark="b",
        name="s",
        source={"type": "local", "manifest": str(tmp_path / name), **source},
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b'{"audio_filepath": "https://x.org/a.wav", "text": "a"}', "is an address; name a file"),
        (b'{"audio_filepath": "a.wav"}', "no reference text under 'text'"),
    ],
)
def test_manifests_that_are_none_are_told(tmp_path, tone, content, told):
    tone("a.wav")
    with pytest.raises(EarmarkError, match=f"l.jsonl.*{told}"):
        source_files(listing(tmp_path, content))


def test_a_packed_manifest_needs_no_suffix_nor_its_clips(tmp_path, tone):
    tone("LJ001.wav")
    content = gzip.compress(b'{"audio_filepath": "LJ001", "text": "a"}')
    assert source_files(listing(tmp_path, content))[1:] == [str(tmp_path / "LJ001.wav")]


def test_a_row_without_text_beside_rows_with_it_has_an_empty_reference(tmp_path, tone):
    tone("a.wav")
    tone("b.wav")
    content = b'{"audio_filepath": "a.wav"}\n{"audio_filepath": "b.wav", "text": "b"}\n'
    assert len(source_files(listing(tmp_path, content))) == 3


def test_a_quote_left_open_to_the_end_says_how_to_read_it(tmp_path):
    with pytest.raises(EarmarkError, match=r"l.tsv: .*{quoting: 3}"):
        source_files(listing(tmp_path, b'audio_filepath\ttext\na.wav\t"hi\n', "l.tsv"))


def test_numbers_in_result_files_are_their_digits(tmp_path, capsys):
    row = {"id": 1, "text": 42, "pred_text": "42", "speaker": 7}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["wer", str(tmp_path / "r.jsonl"), "--group", "speaker", "--json"]) == 0
    assert '"wer": 0.0' in capsys.readouterr().out


def test_hub_rows_may_be_nested_and_name_clips_by_address(hub, prepare, tmp_path):
    clip = sound(tmp_path / "a.wav", 16000, 0.5)
    address = f"{hub.url}/datasets/some/one/resolve/main/"
    rows = [
        {"id": "0", "audio": "clips\\é.wav", "said": {"text": "x"}},
        {"id": "1", "audio": address + "clips/b.wav", "said": {"text": "y"}, "spk": 3},
    ]
    files = {"clips/é.wav": clip, "clips/b.wav": clip}
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    hub.commit("some/one", {"test.jsonl": content, **files})
    source = {"type": "hub", "repo": "some/one", "files": ["test.jsonl"], "keep": ["spk"]}
    source["columns"] = {"text": "said.text"}
    home = prepare(Split(benchmark="b", name="s", source=source))
    made = [json.loads(line) for line in (home / "manifest.jsonl").read_text().splitlines()]
    assert [(row["text"], row["spk"]) for row in made] == [("x", None), ("y", 3)]
