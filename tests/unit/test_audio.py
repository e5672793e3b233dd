"""Audio as it is: lengths that are true for every format, and damage that is found by decoding."""

from __future__ import annotations

import io
import struct
from itertools import pairwise

import hub_sets
import numpy as np
import pytest
import soundfile

from earmark.data.audio import BadAudioError, examine, read


@pytest.fixture
def examined(tmp_path):
    """Examines bytes as a file, both ways; ``check`` picks one."""

    def run(data, check="full"):
        path = tmp_path / "clip"
        path.write_bytes(data)
        return examine(path, check)

    return run


KINDS = [
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("AIFF", "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 2), (48000, 1)])
def test_length_rate_and_channels_are_true_and_samples_are_read(
    tmp_path, examined, kind, subtype, rate, channels
):
    data = hub_sets.clip(1, 1.3, kind, rate, channels, subtype)
    for check in ("full", "header"):
        info = examined(data, check)
        assert info.duration == pytest.approx(1.3, abs=0.03)
        assert info.channels == channels
        assert info.sampling_rate == (48000 if subtype == "OPUS" else rate)
    whole, found = read(data)
    assert whole.dtype == np.float32
    assert (len(whole) / found, whole.shape[1]) == (pytest.approx(1.3, abs=0.03), channels)
    part, found = read(tmp_path / "clip", 0.5, 0.25)
    assert len(part) == round(0.25 * found)
    first = round(0.5 * found)
    assert np.allclose(part, whole[first : first + len(part)], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS[4:9])
@pytest.mark.parametrize("part", [0.3, 0.6])
def test_damage_inside_a_clip_is_found_where_its_format_can_tell(examined, kind, part):
    data = bytearray(hub_sets.clip(7, 3.0, kind[0], subtype=kind[1]))
    at = int(part * len(data))
    if (
        kind[0] == "MP3"
    ):  # no checksums: a few altered bytes within a frame sound, and are not found
        data[at : at + 1000] = bytes(1000)
    else:
        data[at] ^= 16
    with pytest.raises(BadAudioError, match="damaged"):
        examined(bytes(data))


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "AIFF"])
def test_a_clip_that_was_cut_short_is_found(examined, kind):
    data = hub_sets.clip(3, 2.0, kind)
    if kind == "AIFF":
        assert examined(data[: len(data) // 2]).duration < 1.1  # no promise: what is there plays
        return
    for cut in (100, len(data) // 2):
        with pytest.raises(BadAudioError, match="cut short"):
            examined(data[:-cut])


def test_frames_that_are_promised_and_do_not_come_are_found(examined):
    tag = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)  # libsndfile takes its length for sound
    with pytest.raises(BadAudioError, match="its 2.00 s cannot be decoded to the end"):
        examined(tag + hub_sets.clip(3, 2.0, "WAV")[:-20])


def test_frames_that_fail_between_good_ones_are_found_where_no_length_is_told(examined):
    data = bytearray(hub_sets.clip(7, 3.0, "MP3").replace(b"Xing", bytes(4)))
    starts = [at for at in range(len(data)) if data[at : at + 2] == data[:2]]
    for start, end in pairwise(starts[20:33]):
        data[start + 4 : end] = b"\xff" * (end - start - 4)
    with pytest.raises(BadAudioError, match="damaged: 2.7. s can be decoded"):
        examined(bytes(data))


def test_bytes_around_the_sound_do_no_harm(examined):
    for kind in ("FLAC", "MP3"):
        data = hub_sets.clip(5, 1.0, kind)
        tag = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
        for around in (
            tag + data,
            data + bytes(3000),
            data + b"TAG" + bytes(125),
            data + b"U" * 700,
        ):
            assert examined(around).duration == pytest.approx(1.0, abs=0.05)
    assert examined(bytes(900) + hub_sets.clip(5, 1.0, "MP3")).duration == pytest.approx(
        1.0, abs=0.15
    )


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, "over"])
def test_a_wav_whose_header_gives_a_wrong_size_is_read_to_its_end(examined, size):
    data = bytearray(hub_sets.clip(6, kind="WAV"))
    at = data.find(b"data") + 4
    size = struct.unpack_from("<I", data, at)[0] + 44 if size == "over" else size
    struct.pack_into("<I", data, at, size)
    assert examined(bytes(data)).duration == pytest.approx(0.5)


def test_a_flac_whose_length_is_unknown_is_counted_and_read(examined):
    data = bytearray(hub_sets.clip(6, 1.0))
    data[21] &= 0xF0  # 36 bits of STREAMINFO that say how many samples there are
    data[22:26] = bytes(4)
    assert examined(bytes(data)).duration == pytest.approx(1.0)
    assert len(read(bytes(data), 0.5)[0]) == 8000


def test_an_mp3_that_does_not_tell_its_length_has_that_of_its_frames(examined):
    stream, noise = io.BytesIO(), np.random.default_rng(1).normal(scale=0.2, size=16000)
    samples = np.concatenate([np.zeros(160000), noise])
    soundfile.write(stream, samples, 16000, format="MP3", bitrate_mode="VARIABLE")
    data = stream.getvalue()
    untold = data[: data.find(b"\xff", 300)].count(b"Xing") and data.replace(b"Xing", b"\0\0\0\0")
    assert examined(untold or data).duration == pytest.approx(11.0, abs=0.15)  # with its padding


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no bytes in it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>not found</html>", "a web page"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "not audio .* first bytes are 23 45 58"),
        (b"RIFF", "not audio"),
        (b"fLaC", "not audio"),
    ],
)
def test_what_is_no_audio_is_told_by_name(examined, data, says):
    with pytest.raises(BadAudioError, match=says) as caught:
        examined(data)
    assert "object at" not in str(caught.value)
