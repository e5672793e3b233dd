"""File names made of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from earmark.data.sampling import chosen, label
from earmark.data.utterance import FileNames


def test_names_keep_what_is_safe_and_tell_apart_what_is_not():
    names = FileNames()
    made = [
        names.name(id_) for id_ in ("a/b", "a_b", "A_B", "../../etc/passwd", "", ".hidden", "é")
    ]
    assert made[0] == "a_b"
    assert made[1].startswith("a_b-")
    assert made[2].startswith("A_B-")
    assert made[3] == "_.._etc_passwd"
    assert made[5] == "hidden"


@given(st.lists(st.text(max_size=300), max_size=50))
def test_names_are_safe_and_unique_on_any_file_system(ids):
    names = FileNames()
    made = [names.name(id_) for id_ in ids]
    assert len({name.casefold() for name in made}) == len(ids)
    for name in made:
        assert 0 < len(name) < 200
        assert "/" not in name
        assert not name.startswith(".")
        assert name.isascii()


def test_the_same_ids_get_the_same_names():
    ids = ["a/b", "a_b", "A/B", "a:b"]
    assert list(map(FileNames().name, ids[:1])) == ["a_b"]
    one, two = FileNames(), FileNames()
    assert [one.name(i) for i in ids] == [two.name(i) for i in ids]


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order():
    first = chosen(1000, None, {"n": 50, "seed": 3})
    assert list(first) == sorted(set(first)) == list(chosen(1000, None, {"n": 50, "seed": 3}))
    assert list(first) != list(chosen(1000, None, {"n": 50, "seed": 4}))
    assert list(chosen(10, 3, None)) == [0, 1, 2]
    assert list(chosen(2, 3, None)) == [0, 1]
    assert list(chosen(4, None, {"n": 9})) == [0, 1, 2, 3]
    assert list(chosen(1000, 5, {"n": 9})) == [0, 1, 2, 3, 4]
    assert max(chosen(1000, 100, {"n": 50})) < 100


def test_the_label_says_what_was_left_out():
    assert label(True, None, None) is None
    assert label(False, 100, None) == "text only; first 100 rows"
    assert label(True, None, {"n": 5, "seed": 2}) == "5 random rows, seed 2"
