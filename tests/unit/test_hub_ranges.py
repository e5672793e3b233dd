"""Byte ranges and partial files: what resuming rests on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.data.hub.partial import PartialFile
from earmark.data.hub.ranges import RangeSet
from earmark.errors import EarmarkError

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@given(RANGES, st.integers(0, 60), st.integers(0, 60))
def test_a_range_set_is_the_set_of_its_bytes(ranges, start, end):
    found = RangeSet()
    for first, last in ranges:
        found.add(first, last)
    there = {n for first, last in ranges for n in range(first, last)}
    assert {n for first, last in found for n in range(first, last)} == there
    assert found.size == len(there)
    missing = {n for first, last in found.missing(start, end) for n in range(first, last)}
    assert missing == set(range(start, end)) - there
    pairs = list(found)
    assert all(a[1] < b[0] for a, b in pairwise(pairs))


def test_a_partial_file_is_found_again_as_it_was_left(tmp_path):
    file = PartialFile(tmp_path / "x", 100)
    file.write(10, b"a" * 20)
    file.write(50, b"b" * 10)
    again = PartialFile(tmp_path / "x", 100)
    assert list(again.present) == [(10, 30), (50, 60)]
    with again.open() as stream:
        stream.seek(12)
        assert stream.read(5) == b"aaaaa"


def test_a_torn_last_line_of_the_journal_is_dropped(tmp_path):
    file = PartialFile(tmp_path / "x", 100)
    file.write(0, b"a" * 20)
    with file.journal.open("ab") as journal:
        journal.write(b"20 90")
    again = PartialFile(tmp_path / "x", 100)
    assert list(again.present) == [(0, 20)]
    again.write(40, b"c")
    assert list(PartialFile(tmp_path / "x", 100).present) == [(0, 20), (40, 41)]


def test_a_byte_that_is_not_here_is_never_read_as_zero(tmp_path):
    file = PartialFile(tmp_path / "x", 100)
    file.write(0, b"a" * 20)
    with file.open() as stream, pytest.raises(EarmarkError, match="were not downloaded"):
        stream.seek(20)
        stream.read(1)
