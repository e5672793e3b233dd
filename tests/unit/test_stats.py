"""Error bars and comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.scoring import statistics as stats


def test_the_interval_is_that_of_drawing_utterances_one_by_one():
    chance = np.random.default_rng(3)
    words = chance.integers(1, 30, 800)
    edits = chance.binomial(words, 0.12)
    drawn = chance.integers(0, 800, (4000, 800))
    naive = stats.interval(stats.percent(edits[drawn].sum(axis=1), words[drawn].sum(axis=1)))
    ours = stats.interval(
        stats.percent(*stats.resample([edits, words], stats.generator("x"), replicates=4000))
    )
    assert ours == pytest.approx(naive, abs=0.12)


def test_an_interval_leaves_out_two_and_a_half_percent_at_either_end():
    assert stats.interval([float("nan"), *range(1001)]) == pytest.approx([25, 975])
    assert stats.interval([float("nan")]) is None


def test_the_same_names_give_the_same_interval_and_others_do_not():
    edits, words = [0, 1, 2, 0, 5] * 20, [4, 5, 6, 7, 8] * 20
    one, again, other = (
        stats.resample([edits, words], stats.generator(name))[0] for name in ("a", "a", "b")
    )
    assert (one == again).all()
    assert (one != other).any()


@given(st.lists(st.tuples(st.integers(-5, 9), st.integers(0, 2**40)), min_size=1, max_size=30))
def test_distinct_rows_stand_for_all_rows(rows):
    table = np.array(rows, dtype=np.int64)
    cells, counts = stats._distinct(table)
    assert counts.sum() == len(rows)
    assert (cells * counts[:, None]).sum(axis=0).tolist() == table.sum(axis=0).tolist()
    assert len({tuple(cell) for cell in cells}) == len(cells)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("1089-134686-0007", "1089"),
        ("YOU0000000315_S0000660", "YOU0000000315"),
        ("4432298/12", "4432298"),
        ("AMI_EN2002a_H00_MEE071_0001234_0001567", "AMI_EN2002a_H00_MEE071"),
        ("002bb4be1d2cdbd3/14.wav", "002bb4be1d2cdbd3"),
    ],
)
def test_ids_tell_the_speaker_or_recording(name, group):
    others = [f"{n}xy-{m}" for n in range(10) for m in range(2)]
    assert stats.groups([name, *others])[0] == group


def test_ids_that_tell_nothing_leave_utterances_alone():
    assert stats.groups([f"demo-{n:03}" for n in range(40)]) is None  # one group is none
    assert stats.groups([f"{n}xy-1" for n in range(40)]) is None  # groups of one


def test_drawing_recordings_widens_the_interval_where_their_utterances_agree():
    edits = [0] * 200 + [5] * 200
    members = [f"r{n // 20}" for n in range(400)]
    widths = []
    for who in (None, members):
        sums = stats.resample(
            [stats.summed(edits, who), stats.summed([10] * 400, who)], stats.generator("w")
        )
        low, high = stats.interval(stats.percent(*sums))
        widths.append(high - low)
    assert widths[1] > 3 * widths[0]


def test_a_clear_difference_is_told_and_none_is_not():
    chance = np.random.default_rng(1)
    words = chance.integers(5, 20, 500)
    a, b = chance.binomial(words, 0.10), chance.binomial(words, 0.15)
    made, _ = stats.compare(a, b, words, None, stats.generator("c"))
    assert made.difference == pytest.approx(100 * (b.sum() - a.sum()) / words.sum())
    assert made.interval[0] > 0
    assert made.p_bootstrap < 0.01
    assert made.p_matched < 0.01
    assert made.z > 0
    same, _ = stats.compare(a, a, words, None, stats.generator("c"))
    assert (same.difference, same.p_bootstrap, same.p_matched, same.z) == (0, 1, 1, None)


def test_the_matched_pairs_statistic_is_the_mean_over_its_error():
    z, p = stats.matched_pairs([0, 1, 2, 3], [1, 1, 4, 4])
    differences = np.array([1, 0, 2, 1])
    assert z == pytest.approx(differences.mean() / (differences.std(ddof=1) / 2))
    assert p == pytest.approx(0.0143, abs=1e-3)


@given(st.lists(st.integers(0, 2**31 - 1), max_size=20))
def test_packed_sums_come_back(numbers):
    assert stats.unpacked(stats.packed(np.array(numbers, dtype=np.int64))).tolist() == numbers
