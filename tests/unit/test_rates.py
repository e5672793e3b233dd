"""How splits combine: counts first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.scoring.rates import speech_metrics
from earmark.scoring.samples import Sample, Scorer
from earmark.scoring.table import COUNTS, Columns, below_each_other

PROTOCOLS = ("whisper", "open_asr_leaderboard", "basic")

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


def table(part, name="b-s", protocols=PROTOCOLS):
    columns = Columns(name, protocols[0])
    for row in Scorer.named(protocols).rows(iter(part)):
        columns.add(row)
    return columns.table()


@settings(max_examples=12, deadline=None)
@given(samples, st.integers(0, 12))
def test_dividing_a_set_and_combining_the_parts_changes_nothing(whole, cut):
    parts = [part for part in (whole[:cut], whole[cut:]) if part]
    total = speech_metrics(table(whole), 2.0)
    tables = [table(part, f"b-{n}") for n, part in enumerate(parts)]
    combined = speech_metrics(below_each_other(tables), 2.0, of_splits=True)
    for name in PROTOCOLS:
        for key in (*COUNTS, "char_edits", "ref_chars", "scored", "skipped", "successes"):
            assert combined["protocols"][name][key] == total["protocols"][name][key]
        for rate in ("wer", "cer", "success_rate"):
            assert combined["protocols"][name][rate] == total["protocols"][name][rate]
    assert combined["wer"] == total["wer"]
    assert combined["wer_basic"] == total["wer_basic"]
    assert combined["by_duration"] == total["by_duration"]
    assert combined["audio_seconds"] == pytest.approx(total["audio_seconds"])
    assert combined["hallucination"]["samples"] == total["hallucination"]["samples"]
    for name in ("p50", "p99"):
        assert combined["latency"][name] == total["latency"][name]


@settings(max_examples=12, deadline=None)
@given(samples)
def test_counts_add_up_and_rates_follow_from_them(part):
    one = speech_metrics(table(part), None)
    for block in one["protocols"].values():
        words = block["substitutions"] + block["deletions"] + block["hits"]
        assert block["ref_words"] == words
        assert block["scored"] + block["skipped"] == len(part)
        edits = block["substitutions"] + block["deletions"] + block["insertions"]
        assert block["wer"] == (100 * edits / words if words else None)
        if block["wer_ci"]:
            assert block["wer_ci"][0] <= block["wer_ci"][1]
        assert (block["wer_ci"] is None) == ("wer_ci_why" in block)
    assert sum(b["num_entries"] for b in one["by_duration"].values()) == len(part)


def test_protocols_that_not_all_splits_have_are_left_out_of_the_whole():
    one = table([Sample("a", "x", "x")])
    other = table([Sample("b", "x", "x")], "b-2", PROTOCOLS[:2])
    found = speech_metrics(below_each_other([one, other]), None, of_splits=True)
    assert set(found["protocols"]) == {"whisper", "open_asr_leaderboard"}


def test_the_audio_of_several_answers_counts_once():
    columns = Columns("b-s", "whisper")
    for seed, heard in enumerate(("a b", "a c")):
        row = Scorer.named(["whisper"]).row(Sample("u", "a b", heard, 6.0, 2.0))
        columns.add(row, seed)
    found = speech_metrics(columns.table(), 3.0)
    assert (found["audio_seconds"], found["rtfx_wall"], found["rtfx_request"]) == (6, 2, 3)
    assert found["by_duration"]["5-10s"]["num_entries"] == 1
    assert found["by_duration"]["5-10s"]["wer"] == found["wer"] == 25


def test_splits_that_are_averaged_together_count_as_one():
    heard = {"b-1": "a b", "b-2": "a x", "b-3": "x x"}
    parts = [
        table([Sample(f"{n}-{k}", "a b", text if k else "x b") for k in range(3)], n, ["basic"])
        for n, text in heard.items()
    ]
    whole = below_each_other(parts)
    plain = speech_metrics(whole, None, of_splits=True)["protocols"]["basic"]
    one = 100 / 6
    assert plain["wer_macro_splits"] == pytest.approx((one + 3 * one + 5 * one) / 3)
    together = {"b-2": "both", "b-3": "both"}
    nested = speech_metrics(whole, None, True, together)["protocols"]["basic"]
    assert nested["wer_means"] == {"both": pytest.approx(4 * one)}
    assert nested["wer_macro_splits"] == pytest.approx((one + 4 * one) / 2)
    low, high = nested["wer_macro_splits_ci"]
    assert low < nested["wer_macro_splits"] < high
