"""Audio headers: right for every format, and clips that were cut short are found."""

from __future__ import annotations

import io

import hub_sets
import numpy as np
import pytest
import soundfile

from earmark.data.audio import BadAudioError, header, probe
from earmark.data.audio.flac import PERIOD, STRETCH, checksums_hold
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


@pytest.mark.parametrize("id3", [b"", b"TAG" + bytes(125)])
def test_a_flac_clip_before_an_ape_tag_is_read(id3):
    data, item = hub_sets.clip(5), b"abc" * 2000
    size = (len(item) + 32).to_bytes(4, "little")
    head, foot = (
        b"APETAGEX" + bytes(4) + size + bytes(7) + b + bytes(8) for b in (b"\xa0", b"\x80")
    )
    assert header(data + head + item + foot + id3) == header(data)
    with pytest.raises(BadAudioError):
        header(data[:-1] + head + item + foot + id3)


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


@pytest.mark.parametrize("size", [2, 3, 15, 4096, 32766, 32767, 32768, 65534, 200_001])
def test_the_checksums_of_frames_are_those_of_the_standard(size):
    def crc16(data: bytes) -> int:
        value = 0
        for byte in data:
            value ^= byte << 8
            for _ in range(8):
                value = (value << 1 ^ 0x18005) if value & 0x8000 else value << 1
        return value & 0xFFFF

    assert crc16(b"123456789") == 0xFEE8  # as catalogues of checksums have it
    rng = np.random.default_rng(size)
    frame = rng.bytes(size)
    frame += crc16(frame).to_bytes(2, "big")
    assert checksums_hold(b"xx" + frame, 2, 2 + len(frame))
    for _ in range(50):
        broken = bytearray(frame)
        broken[rng.integers(len(frame))] ^= 1 << rng.integers(8)
        assert not checksums_hold(bytes(broken), 0, len(broken))


@pytest.mark.parametrize(
    ("kind", "subtype"), [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_one_altered_bit_inside_a_clip_with_checksums_is_found(tmp_path, kind, subtype, part):
    data = bytearray(hub_sets.clip(7, 3.0, kind, subtype=subtype))
    data[int(part * len(data))] ^= 16
    with pytest.raises(BadAudioError, match="damaged"):
        header(bytes(data))
    with pytest.raises(BadAudioError, match="damaged"):
        header(memoryview(bytes(data)))
    path = tmp_path / "clip"
    path.write_bytes(data)
    with pytest.raises(BadAudioError, match="clip: .*damaged"):
        probe(path)


def test_an_mp3_whose_chain_of_frames_is_broken_is_found():
    data = hub_sets.clip(7, 3.0, "MP3")
    assert header(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + data + b"TAG" + bytes(125))
    middle = len(data) // 2
    for filler in (bytes(1000), b"\xff" * 1000, np.random.default_rng(0).bytes(1000)):
        with pytest.raises(BadAudioError, match="damaged: no frame at byte"):
            header(data[:middle] + filler + data[middle + 1000 :])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0.0, 0.5, 0.9])
def test_whole_mp3_clips_of_any_rate_are_accepted(rate, channels, level):
    samples = np.random.default_rng(rate).normal(scale=0.1, size=(rate, channels))
    for mode in ("CONSTANT", "VARIABLE"):
        stream = io.BytesIO()
        soundfile.write(stream, samples, rate, format="MP3", compression_level=level,
                        bitrate_mode=mode)  # fmt: skip
        assert header(stream.getvalue()).duration == pytest.approx(1.0, abs=0.2)


def test_a_large_flac_file_is_checked_without_holding_it(tmp_path):
    path = tmp_path / "long.flac"
    samples = np.random.default_rng(8).integers(-32768, 32767, 48000 * 200 * 2, dtype=np.int16)
    soundfile.write(path, samples.reshape(-1, 2), 48000, compression_level=0)
    assert path.stat().st_size > 2 * STRETCH * PERIOD
    assert probe(path).duration == 200
    with path.open("r+b") as stream:
        stream.seek(20_000_000)
        stream.write(b"?")
    with pytest.raises(BadAudioError, match="damaged"):
        probe(path)


def test_a_file_is_named_when_it_is_no_audio(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF....WAVE")
    with pytest.raises(EarmarkError, match=r"x\.wav: .*cut short"):
        probe(path)
    with pytest.raises(EarmarkError, match=r"y\.wav: no such audio file"):
        probe(tmp_path / "y.wav")
