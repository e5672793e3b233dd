"""The demo's speech and its server's contract."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from earmark.demo.corpus import sentences
from earmark.demo.server import BadRequest, read_messages
from earmark.demo.speech import SAMPLING_RATE, Speech, add_noise, say
from earmark.errors import EarmarkError


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


def test_an_unknown_voice_is_named():
    with pytest.raises(EarmarkError, match="no voice 'nobody'"):
        list(say([Speech("Hello.", voice="nobody")]))


def test_each_demo_split_has_forty_sentences_or_more(clone):
    for name in ("demo_clean", "demo_noisy"):
        assert len(sentences(clone / "config" / "demo" / f"{name}.tsv")) >= 40


def test_a_sentence_with_too_many_columns_is_named(tmp_path):
    (tmp_path / "s.tsv").write_text("# comment\na\tb\tc\n")
    with pytest.raises(EarmarkError, match=r"s\.tsv, line 2: 3 columns"):
        sentences(tmp_path / "s.tsv")


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
