"""A split's score."""

from __future__ import annotations

import json

import pytest

from earmark.errors import EarmarkError
from earmark.score import score


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def answer(name, text):
    return {
        "id": name, "generation": text, "error": None, "finish_reason": "stop",
        "num_generated_tokens": 3, "generation_start_time": 1.0, "generation_end_time": 2.0,
    }  # fmt: skip


def scored(tmp_path, pairs):
    manifest = write(
        tmp_path / "manifest.jsonl",
        [{"id": str(i), "text": ref, "duration": 1.0} for i, (ref, _) in enumerate(pairs)],
    )
    predictions = write(
        tmp_path / "predictions.jsonl", [answer(str(i), hyp) for i, (_, hyp) in enumerate(pairs)]
    )
    score(
        "b-s", "asr", manifest, predictions,
        str(tmp_path / "scores.jsonl"), str(tmp_path / "metrics.json"),
    )  # fmt: skip
    metrics = json.loads((tmp_path / "metrics.json").read_text())["pass@1"]
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    return metrics, rows


def test_edits_are_counted_over_all_reference_words(tmp_path):
    metrics, rows = scored(
        tmp_path,
        [
            ("The cat sat down.", "the cat sat down"),  # 4 hits
            ("A red house", "a blue house again"),  # 1 substitution, 1 insertion
            ("one more thing to say", "more thing say"),  # 2 deletions
        ],
    )
    counts = [metrics[k] for k in ("substitutions", "deletions", "insertions", "ref_words")]
    assert counts == [1, 2, 1, 12]
    assert metrics["wer"] == pytest.approx(100 * 4 / 12)
    assert len(rows) == 3


def test_an_empty_answer_counts_as_one_word_and_as_no_answer(tmp_path):
    metrics, _ = scored(tmp_path, [("hello there", ""), ("good day", "good day")])
    assert metrics["no_answer"] == 50
    assert metrics["substitutions"] + metrics["deletions"] == 2
    assert metrics["success_rate"] == 50


def test_predictions_of_other_samples_are_refused(tmp_path):
    manifest = write(tmp_path / "m.jsonl", [{"id": "a", "text": "x"}, {"id": "b", "text": "y"}])
    swapped = write(tmp_path / "p.jsonl", [answer("b", "y"), answer("a", "x")])
    out = str(tmp_path / "s.jsonl"), str(tmp_path / "m.json")
    with pytest.raises(EarmarkError, match="line 1: the prediction is of 'b'.*has 'a' there"):
        score("b-s", "asr", manifest, swapped, *out)
    short = write(tmp_path / "p.jsonl", [answer("a", "x")])
    with pytest.raises(EarmarkError, match="1 predictions for the 2 rows"):
        score("b-s", "asr", manifest, short, *out)
