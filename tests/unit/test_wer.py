"""Word errors: counts and alignments."""

from __future__ import annotations

import json

import jiwer
import kaldialign
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.errors import EarmarkError
from earmark.scoring import word_errors as wer
from earmark.scoring.samples import Sample, pair
from earmark.scoring.text import protocol
from earmark.scoring.word_errors import Counts, align, character_edits, count, total

# Few and overlapping words, so that ties and compounds abound.
words = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "c", "abc", "bc"]), max_size=9)
ALIGNMENTS = ["levenshtein", "merge_compounds"]


def test_the_counts_of_published_scorers_come_out(clone):
    expected = json.loads((clone / "tests/data/wer_expected_sample.json").read_text())
    lines = (clone / "tests/data/wer_pairs_sample.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [Sample(row["id"], row["text"], row["pred_text"]) for row in map(json.loads, lines)]
    for name in ("whisper", "open_asr_leaderboard"):
        scored = [one for one in (pair(s, protocol(name)) for s in samples) if one.scored]
        counts = total(one.counts for one in scored)
        for key in ("ref_words", "substitutions", "deletions", "insertions"):
            assert getattr(counts, key) == expected[name][key], (name, key)
        assert counts.rate == expected[name]["wer"]
        if "scored" in expected[name]:
            assert len(scored) == expected[name]["scored"]
        else:
            wins = sum(one.success for one in scored)
            assert wins / len(scored) == expected[name]["success_rate"]


@settings(max_examples=300, deadline=None)
@given(words, words)
def test_levenshtein_counts_as_jiwer(ref, hyp):
    found = jiwer.process_words(" ".join(ref), " ".join(hyp))
    assert count(ref, hyp, "levenshtein") == Counts(
        found.substitutions, found.deletions, found.insertions, found.hits
    )


@settings(max_examples=300, deadline=None)
@given(words, words)
def test_merging_counts_as_kaldialign(ref, hyp):
    found = kaldialign.batch_error_rate([tuple(ref)], [tuple(hyp)], merge_compounds=True)
    counts = count(ref, hyp, "merge_compounds")
    assert (counts.substitutions, counts.deletions, counts.insertions) == (
        found["sub"], found["del"], found["ins"],
    )  # fmt: skip
    assert counts.ref_words == len(ref)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@settings(max_examples=300, deadline=None)
@given(ref=words, hyp=words)
def test_an_alignment_has_the_counted_edits_and_all_words(alignment, ref, hyp):
    edits = align(ref, hyp, alignment)
    counts = count(ref, hyp, alignment)
    by_operation = [
        sum(edit[0] == operation for edit in edits) for operation in ("replace", "delete", "insert")
    ]
    assert by_operation == [counts.substitutions, counts.deletions, counts.insertions]
    assert [word for _, part, _ in edits for word in part.split()] == ref
    assert [word for _, _, part in edits for word in part.split()] == hyp
    assert counts.hits == len(ref) - counts.substitutions - counts.deletions


@given(st.lists(st.builds(Counts, *[st.integers(0, 50)] * 4), max_size=8), st.integers(0, 8))
def test_counts_add_up_however_they_are_divided(parts, cut):
    whole = total(parts)
    assert total(parts[:cut]) + total(parts[cut:]) == whole
    assert whole.edits == sum(part.edits for part in parts)
    assert whole.ref_words == sum(part.ref_words for part in parts)


def test_compounds_are_no_error_when_merged():
    ref, hyp = ["a", "white", "paper", "on", "wifi"], ["a", "whitepaper", "on", "wi", "fi"]
    assert count(ref, hyp, "merge_compounds") == Counts(hits=5)
    assert count(ref, hyp, "levenshtein").edits == 4
    assert ("equal", "white paper", "whitepaper") in align(ref, hyp, "merge_compounds")


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_lone_surrogates_and_any_script_are_counted(alignment):
    ref, hyp = ["\ud800x", "中文", "😀", "שלום"], ["\ud800x", "中文", "😀😀", "שלום"]
    assert count(ref, hyp, alignment) == Counts(substitutions=1, hits=3)
    assert align(ref, hyp, alignment)[0] == ("equal", "\ud800x", "\ud800x")


def test_a_pair_too_long_to_merge_is_refused_with_the_sample():
    long = Sample("talk-7", "a b " * 3000, "c d " * 3000)
    with pytest.raises(EarmarkError, match=r"'talk-7'.*6000 reference words against 6000"):
        pair(long, protocol("open_asr_leaderboard"), normalized=True)
    assert pair(long, protocol("whisper"), normalized=True).counts.substitutions == 6000


@given(st.text(max_size=30), st.text(max_size=30))
def test_character_edits_are_the_least_number(ref, hyp):
    edits = character_edits(ref, hyp)
    assert abs(len(ref) - len(hyp)) <= edits <= max(len(ref), len(hyp))
    assert (edits == 0) == (ref == hyp)


def test_character_edits_of_long_texts_are_counted_word_by_word(monkeypatch):
    ref, hyp = "the cat sat down", "the bat sat down there"
    exact = character_edits(ref, hyp)
    monkeypatch.setattr(wer, "_MOST_CHARACTER_CELLS", 10)
    assert character_edits(ref, hyp) == exact == 7
