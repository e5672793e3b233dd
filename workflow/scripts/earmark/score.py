"""The score step: a row per sample, and the split's metrics."""

from __future__ import annotations

from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_json, write_jsonl
from earmark.metrics import COUNTS, prediction_metrics, word_error_rate


def score(
    subset: str, scoring: str, manifest: str, predictions: str, scores: str, metrics: str
) -> None:
    """Score one split.

    Args:
        subset: What the split is called in metrics: ``<benchmark>-<split>``.
        scoring: How to score; ``asr``.
        manifest: The split's manifest.
        predictions: The model's predictions, in manifest order.
        scores: The file to write, a row per sample.
        metrics: The file to write, the split's metrics.

    Raises:
        EarmarkError: when manifest and predictions do not pair up; names the sample.
    """
    rows = paired(manifest, predictions)
    scored = [_words(entry, answer) for entry, answer in rows]
    found = prediction_metrics([answer for _, answer in rows])
    counts = {count: sum(row[count] for row in scored) for count in COUNTS}
    wins = sum(row["wer"] is not None and row["wer"] < 50 for row in scored)
    one: dict[str, Any] = {
        **found,
        "success_rate": 100 * wins / len(scored),
        "wer": word_error_rate(counts),
        **counts,
    }
    write_jsonl(scores, scored)
    write_json(metrics, {"subset": subset, "scoring": scoring, "label": None, "pass@1": one})


def paired(manifest: str, predictions: str) -> list[tuple[Row, Row]]:
    """Manifest rows with their predictions.

    Raises:
        EarmarkError: when one is longer than the other, or the ids differ; names the line.
    """
    entries, answers = list(read_jsonl(manifest)), list(read_jsonl(predictions))
    if len(entries) != len(answers):
        raise EarmarkError(
            f"{predictions}: {len(answers)} predictions for the {len(entries)} rows of {manifest}"
        )
    for number, (entry, answer) in enumerate(zip(entries, answers, strict=True), start=1):
        if entry["id"] != answer["id"]:
            raise EarmarkError(
                f"{predictions}, line {number}: the prediction is of {answer['id']!r}, but "
                f"{manifest} has {entry['id']!r} there"
            )
    return list(zip(entries, answers, strict=True))


def _words(entry: Row, answer: Row) -> Row:
    import jiwer

    from earmark.text import protocol

    normalize = protocol("whisper").normalize
    reference, hypothesis = normalize(entry["text"]), normalize(answer["generation"])
    words = jiwer.process_words(reference or "empty", hypothesis or "empty")
    counts = {
        "substitutions": words.substitutions,
        "deletions": words.deletions,
        "insertions": words.insertions,
        "hits": words.hits,
        "ref_words": words.substitutions + words.deletions + words.hits,
    }
    return {
        "id": entry["id"],
        "reference": reference,
        "hypothesis": hypothesis,
        "wer": word_error_rate(counts),
        **counts,
    }
