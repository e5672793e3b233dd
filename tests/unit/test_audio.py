"""Audio headers: right for every format, and clips that were cut short are found."""

from __future__ import annotations

import io

import hub_sets
import numpy as np
import pytest
import soundfile

from earmark.audio import BadAudioError, header, probe
from earmark.audio.flac import crc16
from earmark.errors import EarmarkError

FORMATS = [
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"),
    ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"),
    ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@pytest.mark.parametrize(("channels", "rate", "seconds"), [(1, 16000, 3.3), (2, 48000, 0.26)])
def test_the_header_says_what_libsndfile_decodes(kind, subtype, channels, rate, seconds):
    data = hub_sets.clip(1, seconds, kind, rate, channels, subtype)
    samples, true_rate = soundfile.read(io.BytesIO(data))
    info = header(data)
    assert info.sampling_rate == true_rate
    assert info.channels == channels
    assert info.duration == pytest.approx(len(samples) / true_rate, abs=1e-9)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "RF64"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
def test_a_clip_that_was_cut_short_is_found(kind, part):
    data = hub_sets.clip(2, 3.0, kind)
    with pytest.raises(BadAudioError):
        header(data[: int(part * len(data))])


def test_a_flac_clip_that_lacks_its_last_byte_is_found():
    data = hub_sets.clip(3, 3.0)
    with pytest.raises(BadAudioError, match="damaged or was cut short"):
        header(data[:-1])


def test_a_flac_clip_whose_last_frame_is_altered_is_found():
    data = bytearray(hub_sets.clip(3, 3.0))
    data[-20] ^= 1
    with pytest.raises(BadAudioError, match="last frame is damaged"):
        header(bytes(data))


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.256, 0.2561, 7.0, 61.0])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 192000])
def test_whole_flac_clips_of_any_length_and_rate_are_accepted(seconds, rate):
    data = hub_sets.clip(4, seconds, rate=rate)
    assert header(data).duration == int(seconds * rate) / rate


def test_a_flac_clip_between_id3_tags_is_read():
    data = hub_sets.clip(5)
    tagged = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + data + b"TAG" + bytes(125)
    assert header(tagged) == header(data)


def test_a_wav_written_to_a_pipe_reaches_to_the_end():
    data = bytearray(hub_sets.clip(6, kind="WAV"))
    at = data.find(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    assert header(bytes(data)).duration == 0.5


@pytest.mark.parametrize(
    "data", [b"", b"not audio at all, whatever its name says", b"RIFF", b"fLaC"]
)
def test_what_is_no_audio_is_refused(data):
    with pytest.raises(BadAudioError):
        header(data)


def test_the_checksum_of_a_frame_is_that_of_the_standard():
    def slow(data: bytes) -> int:
        value = 0
        for byte in data:
            value ^= byte << 8
            for _ in range(8):
                value = (value << 1 ^ 0x18005) if value & 0x8000 else value << 1
        return value & 0xFFFF

    assert crc16(b"123456789") == slow(b"123456789") == 0xFEE8
    for size in (1, 2, 4095, 4096, 4097, 8193):
        data = np.random.default_rng(size).bytes(size)
        assert crc16(data) == slow(data)


def test_a_file_is_named_when_it_is_no_audio(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF....WAVE")
    with pytest.raises(EarmarkError, match=r"x\.wav: .*cut short"):
        probe(path)
    with pytest.raises(EarmarkError, match=r"y\.wav: no such audio file"):
        probe(tmp_path / "y.wav")
