import math

import numpy as np
import pytest

from earmark.scoring.comparison import compare, holm, sign_flips
from earmark.scoring.intervals import Units, guessed_groups, mean, mean_of_rates, ratio, share


def units(*groups, strata=None):
    return Units(list(groups), len(groups), strata)


def alone(size):
    return Units(None, size)


@pytest.mark.parametrize(("hits", "of", "low"), [(3, 3, 0.29), (1, 1, 0.025), (87, 87, 0.958)])
def test_a_share_without_a_failure_has_an_interval_of_some_width(hits, of, low):
    made = share(np.ones(hits), np.ones(of), alone(of))
    assert made.low == pytest.approx(low, abs=0.003)
    assert made.high == 1.0
    nothing = share(np.zeros(of), np.ones(of), alone(of))
    assert nothing.ends == pytest.approx([0.0, 1 - made.low])


def test_a_share_of_independent_samples_is_jeffreys():
    made = share([1] * 20 + [0] * 80, [1] * 100, alone(100))
    grid = np.linspace(0, 1, 200_001)
    density = grid**19.5 * (1 - grid) ** 79.5
    below = np.cumsum(density) / density.sum()
    assert [float(np.interp(end, grid, below)) for end in made.ends] == pytest.approx(
        [0.025, 0.975], abs=1e-4
    )


def test_samples_of_few_groups_are_worth_fewer_trials():
    hits = [1] * 50 + [0] * 50
    spread = share(hits, [1] * 100, alone(100))
    calls = share(hits, [1] * 100, units(*[k // 25 for k in range(100)]))
    assert calls.groups == 4
    assert calls.high - calls.low > 3 * (spread.high - spread.low)
    agreeing = share([1] * 100, [1] * 100, units(*[k // 25 for k in range(100)]))
    assert agreeing.low == pytest.approx(0.025**0.25)  # four groups are worth four trials


def test_a_ratio_s_interval_is_students_over_groups_on_the_log_scale():
    errors, words = [4, 6, 5, 9], [100, 100, 100, 100]
    made = ratio(errors, words, units("a", "b", "c", "d"))
    left = [math.log((24 - e) / 300 / (24 / 400)) for e in errors]
    reach = 3.18244630528 * math.sqrt(sum(value**2 for value in left))
    assert made.ends == pytest.approx([0.06 * math.exp(-reach), 0.06 * math.exp(reach)])
    assert ratio(errors * 2, words * 2, units(*"abcdabcd")).ends == pytest.approx(made.ends)


@pytest.mark.parametrize(
    ("errors", "groups", "reason"),
    [
        ([1, 2], "aa", "one group"),
        ([1, 1], "ab", "alike"),
        ([0, 0], "ab", "no error"),
        ([1, 2, 3], "aab", "one group only"),
    ],
)
def test_where_no_spread_is_seen_there_is_no_interval_and_a_reason(errors, groups, reason):
    strata = ["x", "x", "y"] if len(groups) == 3 else None
    made = ratio(errors, [10] * len(errors), units(*groups, strata=strata))
    assert made.ends is None
    assert reason in made.reason


def test_all_errors_in_one_group_still_give_an_interval():
    made = ratio([0, 0, 0, 7], [50] * 4, alone(4))
    assert made.low < 7 / 200 < made.high


def test_groups_without_words_are_no_groups():
    made = ratio([1, 2, 1, 0, 0], [10, 10, 12, 0, 0], alone(5))
    assert (made.groups, made) == (3, ratio([1, 2, 1], [10, 10, 12], alone(3)))
    assert ratio([1, 0], [1, 0], alone(2)).reason == "there is one group only"
    inserted = ratio([1, 2], [4, 0], alone(2))  # words in one, insertions in both
    assert (inserted.ends, inserted.reason) == (None, "all reference words are in one group")
    two = units(*"abcd", strata=["x", "x", "y", "y"])
    assert mean_of_rates([1, 2, 1, 2], [4, 0, 4, 4], two).reason == inserted.reason


def test_groups_of_two_splits_are_not_one_and_splits_are_strata():
    errors, words = [10, 12, 25, 31], [100] * 4
    split = ["x", "x", "y", "y"]
    apart = ratio(errors, words, units(*"abab", strata=split))
    assert apart.groups == 4
    plain = mean_of_rates(errors, words, units(*"abab", strata=split))
    assert plain.low < (0.11 + 0.28) / 2 < plain.high


def test_a_mean_of_scores_is_on_the_plain_scale():
    made = mean([1, 2, 3, 4], [1, 1, 1, 1], alone(4))
    assert (made.low + made.high) / 2 == pytest.approx(2.5)
    assert mean([2, 2], [1, 1], alone(2)).reason == "all groups are alike"


def test_ids_tell_speakers_and_recordings_however_few():
    assert guessed_groups(["1089-134686-0007", "1089-134686-0008", "61-70968-0001"]) == [
        "1089", "1089", "61",
    ]  # fmt: skip
    assert guessed_groups(["4432298/12", "4432298/13", "7/1"]) == ["4432298", "4432298", "7"]
    assert guessed_groups(["one", "two"]) is None
    assert guessed_groups(["s_1", "s_2"]) is None  # a single group tells nothing


def test_two_samples_never_prove_a_difference():
    made = compare([0, 0], [50, 60], [100, 100], alone(2))
    assert made.p == 0.5
    assert (made.wins, made.losses, made.ties) == (0, 2, 0)


def test_sign_flips_are_exact_for_few_groups_and_drawn_for_many():
    assert sign_flips([3, 2, 1, 0]) == pytest.approx(2 / 8)
    assert sign_flips([1] * 11) == pytest.approx(2 / 2**11)
    assert sign_flips([]) == 1.0
    exact = sum(math.comb(40, k) for k in range(41) if abs(2 * k - 40) >= 12) / 2**40
    assert sign_flips([1] * 26 + [-1] * 14) == pytest.approx(exact, abs=0.01)
    assert 0 < sign_flips([1] * 1000) < 2e-4


def test_groups_flip_together():
    a, b = np.zeros(60), np.ones(60)
    assert compare(a, b, np.full(60, 10), alone(60)).p < 0.001
    assert compare(a, b, np.full(60, 10), units(*[k // 20 for k in range(60)])).p == 0.25


def test_holm_is_stricter_the_more_is_compared():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
