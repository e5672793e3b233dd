"""The demo's speech and its server's contract."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from speech import SAMPLING_RATE, Speech, add_noise, say

from earmark.demo.server import BadRequest, read_messages
from earmark.files import read_jsonl


def test_the_same_sentence_sounds_the_same_whatever_was_said_before_it():
    hello, other = Speech("Hello there."), Speech("Something else.", voice="gmw/en")
    first, _, again = say([hello, other, hello])
    assert np.array_equal(first, again)
    assert 0.3 < first.size / SAMPLING_RATE < 3
    assert np.abs(first).max() > 0.05


def test_noise_has_the_ratio_that_was_asked_for_and_repeats():
    tone = 0.2 * np.sin(np.arange(16000) / 5).astype(np.float32)
    noisy = add_noise(tone, 10, seed=1)
    ratio = 10 * np.log10(np.mean(tone**2) / np.mean((noisy - tone) ** 2))
    assert ratio == pytest.approx(10, abs=0.1)
    assert np.array_equal(noisy, add_noise(tone, 10, seed=1))
    assert not np.array_equal(noisy, add_noise(tone, 10, seed=2))


def test_the_demo_is_small_and_each_split_of_speech_has_forty_clips_that_are_there(clone):
    demo = clone / "config" / "demo"
    for name in ("demo_clean", "demo_noisy"):
        rows = list(read_jsonl(demo / f"{name}.jsonl"))
        assert len(rows) == 40
        assert all((demo / row["audio_filepath"]).is_file() for row in rows)
    assert sum(path.stat().st_size for path in demo.rglob("*") if path.is_file()) < 1 << 20


def test_text_and_clips_are_taken_in_order():
    clip = base64.b64encode(b"RIFF").decode()
    parts = [
        {"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}},
        {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{clip}"}},
        {"type": "text", "text": "Which is louder?"},
    ]
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": parts}]
    assert read_messages(messages) == ("Which is louder?", [b"RIFF", b"RIFF"])


@pytest.mark.parametrize(
    "messages",
    [
        [], "hello", [{"content": "x"}], [{"role": "user", "content": 3}],
        [{"role": "user", "content": [{"type": "image_url"}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "*"}}]}],
        [{"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": "http://x"}}]}],
    ],
)  # fmt: skip
def test_what_breaks_the_contract_is_refused(messages):
    with pytest.raises(BadRequest):
        read_messages(messages)
