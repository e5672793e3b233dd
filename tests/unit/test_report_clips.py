"""Which clips a report draws and copies, and what of its texts an anonymous one leaves out."""

from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile
from report_samples import write_run

from earmark.errors import EarmarkError
from earmark.report.anonymous import scrubber
from earmark.report.build import bundle
from earmark.report.clips import Clips, waveform, waveforms
from earmark.report.gather import gather


def test_the_worst_of_each_model_are_chosen_and_what_is_not_scored_is_not():
    costs = [[0, 3, None, 3, 1], [5, 0, 9, 0, 0]]
    assert Clips(worst=2).rows(costs) == [0, 1, 2, 3]
    assert Clips(worst=0).rows(costs) == []
    assert Clips(worst=9).rows([[None, 1]]) == [1]


def test_a_waveform_is_of_the_loudest_of_each_part(tmp_path):
    sound = np.zeros((48000, 2), np.float32)
    sound[24000:, 1] = np.linspace(0, 0.25, 24000)
    soundfile.write(tmp_path / "a.flac", sound, 16000)
    peaks = waveform(tmp_path / "a.flac")
    assert len(peaks) == 240
    assert set(peaks[:120]) == {0}
    assert peaks[-1] == 100
    assert peaks[180] == pytest.approx(50, abs=1)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    entries = [
        {"audio_filepath": "a.flac", "duration": 3.0},
        {"audio_filepath": ["gone.wav", "a.flac"], "duration": [3.0, 3.0]},
        {"audio_filepath": "a.flac", "duration": 3000.0},
        {"audio_filepath": "b.wav", "duration": 3.0},
        {"text": "no audio"},
    ]
    found = waveforms(tmp_path / "manifest.jsonl", entries, range(5))
    assert found == {"0": [peaks], "1": [[], peaks]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("model: /lustre/us er/m.nemo; api: chat", "model: …; api: chat"),
        ("~/runs/a.yaml, ../other/b.yaml and C:\\Users\\ann\\c.wav", "…, … and …"),
        ("http://10.0.0.7:8000/v1: refused by node7.site:8000, 10.0.0.7", "… refused by …, …"),
        ("/scratch: full; '/lustre', /mnt/(old)/it's&me/x.wav", "…: full; '…', …"),
        ("ann@gpu7:/raid/x, $HOME/a, ~ann/b, [fe80::1]:8000", "……, …, …, …"),
        ("openai/whisper-tiny, 24/7, he/she, 12:30", "openai/whisper-tiny, 24/7, he/she, 12:30"),
    ],
)
def test_places_are_left_out_of_texts(tmp_path, text, left):
    scrub = scrubber(gather(write_run(tmp_path, {"m": ["a b"]}, ["a b"])))
    assert scrub([text]) == [left]
    assert scrub({"text": text, "more": {"at": f"{tmp_path}/x y"}})["text"] == text
    assert str(tmp_path) not in scrub(f"{tmp_path}/x y")


def test_a_long_text_without_spaces_is_scrubbed_at_once(tmp_path):
    scrub = scrubber(gather(write_run(tmp_path, {"m": ["a b"]}, ["a b"])))
    start = time.monotonic()
    scrub("a." * 20_000)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("target", "why"), [("held", "not empty"), ("held/a.txt/x", "Not a dir")])
def test_a_bundle_goes_into_the_folder_one_is_in_and_bad_places_are_told(
    tmp_path, monkeypatch, target, why
):
    run = write_run(tmp_path, {"m": ["a b"]}, ["a b"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "held").mkdir()
    (tmp_path / "held/a.txt").write_text("")
    with pytest.raises(EarmarkError, match=why):
        bundle(run, tmp_path / target)
    monkeypatch.chdir(tmp_path / "empty")
    bundle(run, ".")
    assert (tmp_path / "empty/report.html").is_file()
