"""Clips and manifests with bytes flipped, cut out and put in: read truly, or refused in words."""

from __future__ import annotations

import io
import json
import random

import av
import numpy as np
import pytest
import soundfile

from earmark.config import Split
from earmark.data.audio import BadAudioError, examine, read
from earmark.data.download import source_files
from earmark.errors import EarmarkError

RATE = 16000
FEW, MANY = 120, 1000


def sound() -> np.ndarray:
    time = np.arange(RATE // 2) / RATE
    return (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def encoded(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind != "mp4":
        soundfile.write(stream, sound(), RATE, format=kind)
        return stream.getvalue()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound()[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            container.mux(track.encode(part))
    return stream.getvalue()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one to three stretches of up to 64 altered, cut out, doubled or put in."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(made) or 1), chance.randint(1, 64)
        stretch = made[at : at + size]
        new = {
            "flip": bytes(byte ^ (1 << chance.randrange(8)) for byte in stretch),
            "cut": b"",
            "double": bytes(stretch * 2),
            "put in": chance.randbytes(size) + bytes(stretch),
        }
        made[at : at + size] = new[chance.choice(list(new))]
    return bytes(made[: chance.randrange(len(made) + 1)]) if chance.random() < 0.2 else bytes(made)


def clips(tmp_path, count: int) -> None:
    """Each clip has the length of what can be decoded of it, or is refused."""
    kinds = {kind: encoded(kind) for kind in ("WAV", "FLAC", "OGG", "MP3", "mp4")}
    chance, taken = random.Random(1), 0
    path = tmp_path / "clip"
    for number in range(count):
        kind = chance.choice(list(kinds))
        path.write_bytes(mutated(kinds[kind], chance))
        try:
            info = examine(path)
        except BadAudioError as error:
            assert str(error) and "Traceback" not in str(error) and "<_io" not in str(error)
            continue
        if not info.duration:  # which is left out when a set is prepared
            continue
        taken += 1
        samples, rate = read(path)
        assert abs(len(samples) / rate - info.duration) < 0.06, (number, kind, info)
    assert count / 20 < taken < count  # some are read, some refused


def manifests(tmp_path, count: int) -> None:
    """Each manifest is read, or refused by its name (or that of a clip) in a sentence."""
    names = ["a.wav", "b.wav", "c.wav"]
    for name in names:
        (tmp_path / name).write_bytes(encoded("WAV"))
    rows = [{"id": n, "audio_filepath": n, "text": "one two", "duration": 0.5} for n in names]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    table = "id,audio_filepath,text\n" + "".join(f"{n},{n},one two\n" for n in names)
    forms = {
        "l.jsonl": lines, "l.json": json.dumps(rows), "l.csv": table,
        "l.tsv": table.replace(",", "\t"),
    }  # fmt: skip
    chance, taken = random.Random(2), 0
    for _ in range(count):
        form = chance.choice(list(forms))
        path = tmp_path / form
        path.write_bytes(mutated(forms[form].encode(), chance))
        split = Split(benchmark="b", name="s", source={"type": "local", "manifest": str(path)})
        try:
            taken += bool(source_files(split))
        except EarmarkError as error:
            assert form in str(error), error
    assert 0 < taken < count


def test_a_few_mutated_clips(tmp_path):
    clips(tmp_path, FEW)


def test_a_few_mutated_manifests(tmp_path):
    manifests(tmp_path, FEW)


@pytest.mark.slow
def test_a_thousand_mutated_clips(tmp_path):
    clips(tmp_path, MANY)


@pytest.mark.slow
def test_a_thousand_mutated_manifests(tmp_path):
    manifests(tmp_path, MANY)
