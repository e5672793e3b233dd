"""What is counted over predictions, how splits combine, and how it is printed."""

from __future__ import annotations

import json

import pytest

from earmark.metrics import aggregate, combine, prediction_metrics, printed


def prediction(start, end, text="x", tokens=4, error=None):
    return {
        "generation": text,
        "num_generated_tokens": tokens,
        "generation_start_time": start,
        "generation_end_time": end,
        "error": error,
    }


def split(entries, edits, words, **more):
    return {
        "avg_tokens": 10.0, "gen_seconds": 5.0, "success_rate": 50.0, "no_answer": 0.0,
        "num_entries": entries, "num_failed": 0, "substitutions": edits, "deletions": 0,
        "insertions": 0, "hits": words - edits, "ref_words": words,
        "wer": 100 * edits / words, **more,
    }  # fmt: skip


def test_generation_seconds_run_from_the_first_start_to_the_last_end():
    found = prediction_metrics([prediction(10, 14), prediction(8, 9, text=" ", tokens=None)])
    assert found["gen_seconds"] == 6
    assert found["no_answer"] == 50
    assert found["avg_tokens"] == 4
    assert found["num_entries"] == 2


def test_a_server_that_tells_no_tokens_leaves_them_unknown():
    assert prediction_metrics([prediction(0, 1, tokens=None)])["avg_tokens"] is None


def test_a_benchmarks_wer_is_all_edits_over_all_words():
    total = combine([split(1, 1, 10), split(3, 30, 90, success_rate=100.0)])
    assert total["wer"] == pytest.approx(31)
    assert total["success_rate"] == pytest.approx(87.5)
    assert total["gen_seconds"] == 10
    assert total["num_entries"] == 4


def test_the_published_aggregate_comes_out(tmp_path):
    published = {  # facts of one published run: split: (success_rate, wer, entries)
        "ami": (81.27, 12620), "earnings22": (83.97, 57390), "gigaspeech": (71.86, 25376),
        "librispeech_clean": (99.62, 2620), "librispeech_other": (98.67, 2939),
        "spgispeech": (99.99, 39341), "tedlium": (77.74, 1469), "voxpopuli": (99.51, 1842),
    }  # fmt: skip
    total = combine([split(n, 1, 10, success_rate=rate) for rate, n in published.values()])
    assert round(total["success_rate"], 2) == 86.70
    assert total["num_entries"] == 143_597


def test_the_table_is_the_published_one():
    values = {
        "avg_tokens": 735.2, "gen_seconds": 3607.4, "success_rate": 99.618, "no_answer": 0.0,
        "wer": 2.0614, "num_entries": 2620,
    }  # fmt: skip
    assert printed({"asr-leaderboard-librispeech_clean": {"pass@1": values}}).splitlines() == [
        "---------------------------- asr-leaderboard-librispeech_clean ----------------------------",
        "evaluation_mode | avg_tokens | gen_seconds | success_rate | no_answer | wer   | num_entries",
        "pass@1          | 735        | 3607        | 99.62%       | 0.00%     | 2.06% | 2620",
    ]


def test_the_aggregate_holds_the_benchmark_then_its_splits(tmp_path):
    paths = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"subset": f"b-{name}", "pass@1": split(2, 1, 10)}))
        paths.append(str(path))
    out = tmp_path / "metrics.json"
    aggregate("b", paths, str(out))
    written = json.loads(out.read_text())
    assert list(written) == ["b", "b-one", "b-two"]
    assert written["b"]["pass@1"]["wer"] == pytest.approx(10)
