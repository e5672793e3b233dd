"""How splits combine: counts first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.scoring.metrics import combine_asr
from earmark.scoring.rates import COUNTS
from earmark.scoring.samples import Sample
from earmark.scoring.score import Scorer

PROTOCOLS = ("whisper", "open_asr_leaderboard", "basic")
BASE = {
    "avg_tokens": None, "gen_seconds": 3.0, "busy_seconds": 2.0, "success_rate": None,
    "no_answer": 0.0, "num_failed": 0,
}  # fmt: skip

word = st.sampled_from(["a", "cat", "wi", "fi", "wifi", "uh", "five", "two", "Erik", "eric", "$"])
sentence = st.lists(word, max_size=6).map(" ".join)
samples = st.lists(
    st.builds(
        Sample,
        id=st.uuids().map(str),
        reference=sentence,
        generation=sentence,
        duration=st.floats(0.1, 90),
        seconds=st.floats(0.01, 30),
    ),
    min_size=1,
    max_size=12,
)


def split(part, name="b-s"):
    scorer = Scorer(name, PROTOCOLS)
    rows = list(scorer.rows(iter(part)))
    one, raw = scorer.metrics({**BASE, "num_entries": len(rows)})
    return {"subset": name, "label": None, "pass@1": one, "raw": {"pass@1": raw}}


@settings(max_examples=40, deadline=None)
@given(samples, st.integers(0, 12))
def test_dividing_a_set_and_combining_the_parts_changes_nothing(whole, cut):
    parts = [part for part in (whole[:cut], whole[cut:]) if part]
    undivided = split(whole)
    total = combine_asr([undivided])
    combined = combine_asr([split(part, f"b-{n}") for n, part in enumerate(parts)])
    for name in PROTOCOLS:
        for key in (*COUNTS, "char_edits", "ref_chars", "scored", "skipped", "successes"):
            assert combined["protocols"][name][key] == total["protocols"][name][key]
        for rate in ("wer", "wer_micro", "cer", "success_rate"):
            assert combined["protocols"][name][rate] == total["protocols"][name][rate]
    assert combined["wer"] == total["wer"]
    assert combined["wer_basic"] == total["wer_basic"]
    assert combined["by_duration"] == undivided["pass@1"]["by_duration"]
    assert combined["wer"] == undivided["pass@1"]["wer"]
    assert combined["audio_seconds"] == pytest.approx(total["audio_seconds"])
    assert combined["hallucination"]["samples"] == total["hallucination"]["samples"]
    for name in ("p50", "p99"):
        assert combined["latency"][name] == total["latency"][name]


@settings(max_examples=40, deadline=None)
@given(samples)
def test_counts_add_up_and_rates_follow_from_them(part):
    one = split(part)["pass@1"]
    for block in one["protocols"].values():
        words = block["substitutions"] + block["deletions"] + block["hits"]
        assert block["ref_words"] == words
        assert block["scored"] + block["skipped"] == len(part)
        edits = block["substitutions"] + block["deletions"] + block["insertions"]
        assert block["wer"] == (100 * edits / words if words else None)
        if block["wer_ci"]:
            assert block["wer_ci"][0] <= block["wer_ci"][1]
    assert sum(b["num_entries"] for b in one["by_duration"].values()) == len(part)


def test_latency_percentiles_of_a_benchmark_are_good_to_one_percent():
    part = [Sample(str(n), "a", "a", 1.0, 0.1 + n / 50) for n in range(200)]
    exact = split(part)["pass@1"]["latency"]
    combined = combine_asr([split(part[:50], "b-1"), split(part[50:], "b-2")])["latency"]
    for name in ("p50", "p90", "p95", "p99"):
        assert combined[name] == pytest.approx(exact[name], rel=0.01)
    assert combined["max"] == exact["max"]


def test_protocols_that_not_all_splits_have_are_left_out_of_the_whole():
    one, other = split([Sample("a", "x", "x")]), split([Sample("b", "x", "x")], "b-2")
    del other["pass@1"]["protocols"]["basic"]
    assert set(combine_asr([one, other])["protocols"]) == {"whisper", "open_asr_leaderboard"}
