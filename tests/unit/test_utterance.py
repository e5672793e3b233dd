"""File names made of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from earmark.config import Split
from earmark.data.clips import safe_name


def named(ids):
    taken = set()
    return [safe_name(id_, taken) for id_ in ids]


def test_names_keep_what_is_safe_and_tell_apart_what_is_not():
    made = named(["a/b", "a_b", "A_B", "../../etc/passwd", "", ".hidden", "é"])
    assert made[0] == "a_b"
    assert made[1].startswith("a_b-")
    assert made[2].startswith("A_B-")
    assert made[3] == "_.._etc_passwd"
    assert made[5] == "hidden"


@given(st.lists(st.text(max_size=300), max_size=50))
def test_names_are_safe_and_unique_on_any_file_system(ids):
    made = named(ids)
    assert len({name.casefold() for name in made}) == len(ids)
    for name in made:
        assert 0 < len(name) < 200
        assert "/" not in name
        assert not name.startswith(".")
        assert name.isascii()


def test_the_same_ids_get_the_same_names():
    ids = ["a/b", "a_b", "A/B", "a:b"]
    assert named(ids[:1]) == ["a_b"]
    assert named(ids) == named(ids)


def split(**keys):
    return Split(benchmark="b", name="s", **keys)


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order():
    first = split(sample={"n": 50, "seed": 3}).chosen(1000)
    again = split(sample={"n": 50, "seed": 3}).chosen(1000)
    assert list(first) == sorted(set(first)) == list(again)
    assert list(first) != list(split(sample={"n": 50, "seed": 4}).chosen(1000))
    assert list(split(limit=3).chosen(10)) == [0, 1, 2]
    assert list(split(limit=3).chosen(2)) == [0, 1]
    assert list(split(sample={"n": 9}).chosen(4)) == [0, 1, 2, 3]
    assert list(split(limit=5, sample={"n": 9}).chosen(1000)) == [0, 1, 2, 3, 4]
    assert max(split(limit=100, sample={"n": 50}).chosen(1000)) < 100


def test_the_label_says_what_was_left_out():
    assert split().label() is None
    assert split(limit=100).label(audio=False) == "text only; first 100 rows"
    assert split(sample={"n": 5, "seed": 2}).label() == "5 random rows, seed 2"
