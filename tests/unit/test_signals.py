"""Signs of hallucination."""

from __future__ import annotations

import pytest

from earmark.scoring.hallucination import repeated_phrase, signals, summary
from earmark.scoring.word_errors import align


def shown(reference, hypothesis, duration=10.0):
    ref, hyp = reference.split(), hypothesis.split()
    return signals(hypothesis, duration, ref, hyp, align(ref, hyp, "levenshtein"))


def test_an_ordinary_answer_shows_none():
    assert shown("we saw the cat", "we saw a cat") == {}


def test_more_than_25_characters_a_second_are_told():
    assert shown("a", "x" * 26, duration=1.0)["chars_per_second"] == 26
    assert "chars_per_second" not in shown("a", "x" * 25, duration=1.0)
    assert "chars_per_second" not in shown("a", "x" * 26, duration=None)


def test_a_phrase_over_and_over_is_told_unless_it_was_said():
    text = "well " + "thank you " * 6 + "bye"
    found = shown("well thank you bye", text)
    assert found["repeated_ngrams"] == {"words": "thank you", "times": 6}
    assert found["insertions_in_a_row"] == 10
    assert "repeated_ngrams" not in shown(text, text)
    assert repeated_phrase(["a", "b", "c", "a", "b", "c", "a", "b", "d"]) is None
    assert repeated_phrase(["a", "b", "c", "a", "b", "c", "a", "b", "c"]) == (["a", "b", "c"], 3)


LINE = "感谢您的观看请不要忘记点赞订阅转发和打赏支持明镜与点点栏目"


@pytest.mark.parametrize("before", ["", "请在这里等一下", "".join(map(chr, range(0x4E00, 0x6000)))])
@pytest.mark.parametrize("characters", [True, False])
def test_a_loop_without_spaces_is_told_wherever_it_starts(before, characters):
    split = list if characters else str.split
    said, heard = split(before), split(before + LINE * 2000)
    found = signals(before + LINE * 2000, None, said, heard, [])
    assert found["repeated_ngrams"] == {"words": LINE, "times": 2000}
    assert signals(before + LINE * 2000, None, heard, heard, []) == {}


def test_words_out_of_nowhere_are_told_from_five_on():
    assert shown("good day", "good v w x y z day") == {"insertions_in_a_row": 5}
    assert shown("good day", "good w x y z day") == {}


def test_samples_are_pointed_at():
    shown = [("u1", ["chars_per_second"]), ("u2", []), ("u3", ["chars_per_second", "x"])]
    assert summary(shown) == {
        "samples": 2,
        "chars_per_second": {"count": 2, "ids": ["u1", "u3"]},
        "x": {"count": 1, "ids": ["u3"]},
    }
