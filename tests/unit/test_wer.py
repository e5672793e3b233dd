"""Word errors: counts and alignments."""

from __future__ import annotations

import json
import tracemalloc

import jiwer
import kaldialign
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.scoring import word_errors as wer
from earmark.scoring.long_pairs import align_merging
from earmark.scoring.rates import speech_metrics
from earmark.scoring.samples import Sample, Scorer, pair
from earmark.scoring.table import Columns
from earmark.scoring.text import protocol
from earmark.scoring.word_errors import Counts, align, character_edits, counted

# Few and overlapping words, so that ties and compounds abound.
words = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "c", "abc", "bc"]), max_size=9)
ALIGNMENTS = ["levenshtein", "merge_compounds"]


def count(ref, hyp, alignment):
    return counted(align(ref, hyp, alignment), len(ref))


def test_the_counts_of_published_scorers_come_out(clone):
    expected = json.loads((clone / "tests/data/wer_expected_sample.json").read_text())
    lines = (clone / "tests/data/wer_pairs_sample.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [Sample(row["id"], row["text"], row["pred_text"]) for row in map(json.loads, lines)]
    for name in ("whisper", "open_asr_leaderboard"):
        scored = [one for one in (pair(s, protocol(name)) for s in samples) if one.scored]
        for key in ("ref_words", "substitutions", "deletions", "insertions"):
            assert sum(getattr(one.counts, key) for one in scored) == expected[name][key]
        assert len(scored) == expected[name].get("scored", 200)


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
def test_edits_turn_the_reference_into_the_hypothesis(alignment, ref, hyp):
    made = list(ref)
    for _, at, hyp_at, words, heard in reversed(align(ref, hyp, alignment)):
        assert ref[at : at + len(words.split())] == words.split()
        assert hyp[hyp_at : hyp_at + len(heard.split())] == heard.split()
        made[at : at + len(words.split())] = heard.split()
    assert made == hyp


@settings(max_examples=300, deadline=None)
@given(ref=words.filter(bool), hyp=words.filter(bool))
def test_a_long_pair_is_aligned_with_the_choices_of_a_short_one(ref, hyp):
    found = align_merging(ref, hyp)
    assert found == align(ref, hyp, "merge_compounds")
    assert json.dumps(found)  # as a row of the scores file holds it


def test_compounds_are_no_error_when_merged():
    ref, hyp = ["a", "white", "paper", "on", "wifi"], ["a", "whitepaper", "on", "wi", "fi"]
    assert count(ref, hyp, "merge_compounds") == Counts(hits=5)
    assert count(ref, hyp, "levenshtein").edits == 4
    assert ("merge", 1, 1, "white paper", "whitepaper") in align(ref, hyp, "merge_compounds")


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_lone_surrogates_and_any_script_are_counted(alignment):
    ref, hyp = ["\ud800x", "中文", "😀", "שלום"], ["\ud800x", "中文", "😀😀", "שלום"]
    assert count(ref, hyp, alignment) == Counts(substitutions=1, hits=3)
    assert align(ref, hyp, alignment) == [("replace", 2, 2, "😀", "😀😀")]
    assert count(["\ud800"], ["\ud801"], alignment) == Counts(substitutions=1)


def test_long_pairs_are_scored_by_every_protocol_in_little_memory():
    ref = " ".join(f"w{n % 700}" for n in range(5000))
    hyp = ref.replace("w7 ", "x ") + " y z"
    tracemalloc.start()
    for name in ("whisper", "open_asr_leaderboard"):
        found = pair(Sample("talk-7", ref, hyp), protocol(name), normalized=True)
        assert found.counts == Counts(substitutions=8, insertions=2, hits=4992)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_a_pair_beyond_all_memory_has_no_number_by_that_protocol_alone(monkeypatch):
    monkeypatch.setattr(wer, "_MOST_CELLS_IN_KALDIALIGN", 3)
    monkeypatch.setattr(wer, "_MOST_CELLS", 4)
    scorer = Scorer.named(["whisper", "open_asr_leaderboard"])
    columns = Columns("b-s", "whisper")
    columns.add(scorer.row(Sample("talk-7", "cat dog cow", "sun moon")))
    found = speech_metrics(columns.table(), None)
    assert found["wer"] == 100
    block = found["protocols"]["open_asr_leaderboard"]
    assert block["wer"] is block["wer_ci"] is block["cer"] is None
    assert "'talk-7': 3 reference words against 2 hypothesis words" in block["why"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_character_edits_are_the_least_number(ref, hyp):
    edits = character_edits(ref, hyp)
    assert abs(len(ref) - len(hyp)) <= edits <= max(len(ref), len(hyp))
    assert (edits == 0) == (ref == hyp)
