"""What is asked: fingerprints that journals are kept under, and chunks that lose no sample."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from earmark.config import Model
from earmark.data.audio import BadAudioError
from earmark.errors import EarmarkError
from earmark.inference.messages import Messages, audio_bytes
from earmark.inference.requests import Request, Requests

ROW = {
    "id": "s0", "audio_filepath": "audio/0.wav", "duration": 61.5, "audio_sha256": "ab" * 32,
    "what": "this",
}  # fmt: skip
CHAT: dict[str, Any] = {
    "model": "m", "revision": None, "api": "chat", "sampling": {}, "extra_body": {},
    "prompt": {"system": "Be brief.", "user": "Transcribe {what}.", "suffix": "!"}, "audio": True,
    "audio_formats": ["wav", "mp3"], "audio_rate": 16000, "chunk_seconds": None, "num_seeds": 1,
    "serving": [],
}  # fmt: skip
SAMPLING = {"temperature": 0, "max_tokens": 5, "seed": 7}
FORM = {
    "revision": "abc", "api": "transcriptions", "sampling": {"max_tokens": 5},
    "extra_body": {"a": {"b": [1, True]}}, "audio_formats": ["wav", "flac", "mp3", "ogg"],
    "serving": ["--dtype", "half", "--port-x", "3"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "seed", "fingerprints"),
    [
        ({}, None, ["789d83759cfa7cd32bbb977dc939c724a236716d"]),
        (
            {"sampling": SAMPLING, "chunk_seconds": 30, "audio_formats": ["flac"]},
            7,
            [
                "5a8b908b69e6bab3b9e1e5c402a495b56b9d9754",
                "0f71bdfdd99140f1f10af53deb12635a814c807b",
                "db48e6b35e71aca960930b34017a54e105098e19",
            ],
        ),
        (FORM, None, ["5d876d8945597a9ab20e64362ba5930b070969c7"]),
        ({"audio": False}, 3, ["eee80312bf980d88adec26004a7356c3cd02dd9c"]),
    ],
)
def test_fingerprints_of_journals_that_users_have_stay_what_they_are(
    settings: dict[str, Any], seed: int | None, fingerprints: list[str]
) -> None:
    sample = Requests({**CHAT, **settings}, Path("data")).sample(ROW, seed)
    assert [request.fingerprint for request in sample.requests] == fingerprints
    if len(fingerprints) == 3:
        assert sample.fingerprint == "a19f0f948ff7fb09bde075aa1bbac502f5973eb3"


def test_a_language_is_part_of_a_request_only_where_it_is_sent() -> None:
    def key(**settings: Any) -> str:
        return Requests({**CHAT, **settings}, Path("data")).sample(ROW).fingerprint

    assert key(**FORM, language="de") != key(**FORM) == key(**FORM, language=None)
    assert key(language="de") == key()


@pytest.mark.parametrize("rate", [11025, 16000, 44100])
def test_chunks_are_the_whole_recording_and_nothing_twice(tmp_path: Path, rate: int) -> None:
    samples = np.random.default_rng(0).integers(-9000, 9000, int(7.7 * rate), dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, rate)
    settings = {**CHAT, "chunk_seconds": 1.2341, "audio_rate": rate}
    row = {**ROW, "audio_filepath": "a.wav", "duration": len(samples) / rate}
    clips = [request.clips[0] for request in Requests(settings, tmp_path).sample(row).requests]
    heard = [soundfile.read(io.BytesIO(audio_bytes(clip)[0]), dtype="int16")[0] for clip in clips]
    assert len(heard) == 6
    assert np.array_equal(np.concatenate(heard), samples)


def test_a_clip_that_cannot_be_decoded_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.opus").write_bytes(b"no audio")
    requests = Requests(CHAT, tmp_path)
    (broken,) = requests.sample({**ROW, "audio_filepath": "a.opus"}).requests
    with pytest.raises(BadAudioError, match=r"a\.opus: cannot be decoded"):
        audio_bytes(broken.clips[0])
    (absent,) = requests.sample({**ROW, "audio_filepath": "b.opus"}).requests
    with pytest.raises(EarmarkError, match=r"b\.opus: not there"):
        audio_bytes(absent.clips[0])


@pytest.mark.parametrize("text", ["né 😀\u2028\x00", "half a pair: \ud83d"])
def test_a_document_holds_the_text_that_was_given(tmp_path: Path, text: str) -> None:
    messages = Messages(Model(server="vllm", model="m"), tmp_path)
    body = messages.message(Request("s", "f", text, text, (), None)).body
    assert [one["content"] for one in json.loads(body)["messages"]] == [text, text]
