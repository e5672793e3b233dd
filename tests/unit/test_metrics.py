"""What is counted over predictions, how splits combine, and how it is printed."""

from __future__ import annotations

import json

import pytest

from earmark.files import write_jsonl
from earmark.scoring.metrics import combine, prediction_metrics
from earmark.scoring.printed import printed
from earmark.scoring.score import aggregate, score


def prediction(start, end, text="x", tokens=4, error=None):
    return {
        "generation": text,
        "num_generated_tokens": tokens,
        "generation_start_time": start,
        "generation_end_time": end,
        "error": error,
    }


@pytest.fixture
def total(tmp_path):
    """Scores splits, given as pairs of texts, and returns the benchmark's metrics."""

    def made(label=None, **splits):
        paths = []
        for name, pairs in splits.items():
            rows = [
                {"id": str(n), "text": ref, "duration": 4.0} for n, (ref, _) in enumerate(pairs)
            ]
            answers = [
                {"id": str(n), **prediction(10.0 * n, 10 * n + 4.0, hyp), "finish_reason": "length"}
                for n, (_, hyp) in enumerate(pairs)
            ]
            write_jsonl(tmp_path / "m.jsonl", rows)
            write_jsonl(tmp_path / "p.jsonl", answers)
            stem = str(tmp_path / name)
            score(
                f"b-{name}", str(tmp_path / "m.jsonl"), str(tmp_path / "p.jsonl"),
                f"{stem}.jsonl", f"{stem}.metrics.json", label=label if name == "one" else None,
            )  # fmt: skip
            paths.append(f"{stem}.metrics.json")
        aggregate("b", paths, str(tmp_path / "metrics.json"))
        return json.loads((tmp_path / "metrics.json").read_text())

    return made


def split(entries, **more):
    return {
        "avg_tokens": 10.0, "gen_seconds": 5.0, "busy_seconds": 4.0, "success_rate": 50.0,
        "no_answer": 0.0, "num_entries": entries,
        "num_failed": 0, "num_truncated": 0, **more,
    }  # fmt: skip


def test_generation_seconds_run_from_the_first_start_to_the_last_end():
    found = prediction_metrics([prediction(10, 14), prediction(8, 9, text=" ", tokens=None)])
    assert found["gen_seconds"] == 6
    assert found["no_answer"] == 50
    assert found["avg_tokens"] == 4
    assert found["num_entries"] == 2


def test_speed_counts_only_the_time_in_which_a_request_was_under_way():
    """A run that was stopped for a day is no slower than one in a single go."""
    day = 24 * 3600
    spans = [(day + 1, day + 4), (0, 5), (2, 3), (4, 7), (day, day + 2)]
    found = prediction_metrics([prediction(*span) for span in spans])
    assert found["busy_seconds"] == 7 + 4
    assert found["gen_seconds"] == day + 4


def test_a_server_that_tells_no_tokens_leaves_them_unknown():
    assert prediction_metrics([prediction(0, 1, tokens=None)])["avg_tokens"] is None


def test_a_benchmarks_wer_is_all_edits_over_all_words(total):
    long = "we will see what comes of it"
    found = total(one=[("a cat sat", "a dog sat")], two=[(long, long), ("a", "a")])
    assert list(found) == ["b", "b-one", "b-two"]
    whole = found["b"]["pass@1"]
    block, leaderboard = whole["protocols"].values()
    assert whole["wer"] == block["wer_micro"] == pytest.approx(100 / 11)
    assert whole["wer_macro_splits"] == pytest.approx((100 / 3 + 0) / 2)
    assert leaderboard["wer_macro_splits"] == (33.33 + 0) / 2  # a leaderboard averages its table
    assert whole["wer_macro_samples"] == pytest.approx((100 / 3 + 0 + 0) / 3)
    assert (whole["gen_seconds"], whole["busy_seconds"]) == (4 + 14, 4 + 8)
    assert (whole["num_entries"], whole["num_truncated"]) == (3, 3)
    assert (whole["audio_seconds"], whole["rtfx_wall"]) == (12, 1)
    assert total(one=[("a b", "a c")])["b"]["pass@1"]["wer_macro_splits"] == 50


def test_both_protocols_stand_side_by_side_in_metrics_and_in_print(total):
    found = total(s=[("It's all right, Erik.", "it is alright eric"), ("uh huh okay", "okay")])
    one = found["b-s"]["pass@1"]
    assert one["wer"] > 0
    assert one["wer_open_asr_leaderboard"] == 0
    assert one["protocol"] == "whisper"
    assert "c0d2f624" in one["protocol_version"]
    assert "d1e99b25" in one["protocols"]["open_asr_leaderboard"]["version"]
    _title, head, values, *notes = printed({"b-s": found["b-s"]}).splitlines()
    assert "| wer    | wer_open_asr_leaderboard | num_entries" in head
    assert "| 57.14% | 0.00%                    | 2" in values
    assert "substitutions 2, insertions 0, deletions 2, ref_words 7 (" in notes[0]
    assert notes[0].startswith("whisper: wer 57.14% [")
    assert notes[1].startswith("open_asr_leaderboard: wer 0.00%, cer 0.00%, ")


def test_the_published_aggregate_comes_out(tmp_path):
    published = {  # facts of one published run: split: (success_rate, wer, entries)
        "ami": (81.27, 12620), "earnings22": (83.97, 57390), "gigaspeech": (71.86, 25376),
        "librispeech_clean": (99.62, 2620), "librispeech_other": (98.67, 2939),
        "spgispeech": (99.99, 39341), "tedlium": (77.74, 1469), "voxpopuli": (99.51, 1842),
    }  # fmt: skip
    total = combine([split(n, success_rate=rate) for rate, n in published.values()])
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


def test_results_of_part_of_a_split_are_labelled_wherever_they_are_printed(total):
    found = total("text only; first 3 rows", one=[("a b c", "a b d")], two=[("a", "a")])
    assert found["b"]["pass@1"]["label"] == "text only; first 3 rows"
    assert found["b-one"]["pass@1"]["label"] == "text only; first 3 rows"
    assert "label" not in found["b-two"]["pass@1"]
    assert printed(found).count("label: text only; first 3 rows") == 2
