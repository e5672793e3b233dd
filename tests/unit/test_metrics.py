"""What is counted over predictions, how splits combine, and how it is printed."""

from __future__ import annotations

import json

import pytest

from earmark.scoring.metrics import aggregate, combine, combine_asr, prediction_metrics, printed
from earmark.scoring.samples import Sample
from earmark.scoring.score import Scorer


def prediction(start, end, text="x", tokens=4, error=None):
    return {
        "generation": text,
        "num_generated_tokens": tokens,
        "generation_start_time": start,
        "generation_end_time": end,
        "error": error,
    }


def split(entries, **more):
    return {
        "avg_tokens": 10.0, "gen_seconds": 5.0, "busy_seconds": 4.0, "success_rate": 50.0,
        "no_answer": 0.0, "num_entries": entries, "num_failed": 0, **more,
    }  # fmt: skip


def scored(subset, pairs, protocols=("whisper", "open_asr_leaderboard"), **more):
    """A split's metrics as the score step writes them."""
    scorer = Scorer(subset, protocols)
    samples = [
        Sample(str(i), reference, hypothesis, duration=4.0, seconds=0.5)
        for i, (reference, hypothesis) in enumerate(pairs)
    ]
    list(scorer.rows(iter(samples)))
    one, raw = scorer.metrics(split(len(pairs), **more))
    return {
        "subset": subset, "scoring": "asr", "label": None, "pass@1": one, "raw": {"pass@1": raw},
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
    total = combine_asr([scored("b-one", [("a", "a")]), scored("b-two", [("a", "b")])])
    assert total["busy_seconds"] == 8
    assert total["rtfx_wall"] == 8 / 8


def test_a_server_that_tells_no_tokens_leaves_them_unknown():
    assert prediction_metrics([prediction(0, 1, tokens=None)])["avg_tokens"] is None


def test_a_benchmarks_wer_is_all_edits_over_all_words():
    short = scored("b-short", [("a cat sat", "a dog sat")])
    long = scored("b-long", [("we will see what comes of it", "we will see what comes of it")])
    total = combine_asr([short, long])
    assert total["wer"] == total["protocols"]["whisper"]["wer_micro"] == pytest.approx(10)
    assert total["wer_macro"] == pytest.approx((100 / 3 + 0) / 2)
    assert total["gen_seconds"] == 10
    assert total["num_entries"] == 2


def test_both_protocols_stand_side_by_side_in_metrics_and_in_print():
    pairs = [("It's all right, Erik.", "it is alright eric"), ("uh huh okay", "okay")]
    total = {"b-s": {"pass@1": scored("b-s", pairs)["pass@1"]}}
    one = total["b-s"]["pass@1"]
    assert one["wer"] > 0
    assert one["wer_open_asr_leaderboard"] == 0
    assert one["protocol"] == "whisper"
    assert "c0d2f624" in one["protocol_version"]
    assert "d1e99b25" in one["protocols"]["open_asr_leaderboard"]["version"]
    _title, head, values, *notes = printed(total).splitlines()
    assert "| wer    | wer_open_asr_leaderboard | num_entries" in head
    assert "| 57.14% | 0.00%                    | 2" in values
    assert notes[0].startswith("whisper: wer 57.14% [")
    assert notes[1].startswith("open_asr_leaderboard: wer 0.00% [0.00, 0.00]")


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


def test_the_aggregate_holds_the_benchmark_then_its_splits(tmp_path):
    paths = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        words = "one two three four five six seven eight nine ten"
        pairs = [(words.replace(" ", " x "), words.replace(" ", " x ").replace("five", "six"))]
        path.write_text(json.dumps(scored(f"b-{name}", pairs)))
        paths.append(str(path))
    out = tmp_path / "metrics.json"
    aggregate("b", paths, str(out))
    written = json.loads(out.read_text())
    assert list(written) == ["b", "b-one", "b-two"]
    assert written["b"]["pass@1"]["wer"] == pytest.approx(100 / 19)


def test_results_of_part_of_a_split_are_labelled_wherever_they_are_printed(tmp_path):
    from earmark.files import read_json, write_jsonl
    from earmark.scoring.metrics import aggregate, printed
    from earmark.scoring.score import score

    rows = [{"id": str(n), "text": "a b c", "duration": 1.0} for n in range(3)]
    answers = [
        {"id": row["id"], "generation": "a b d", "error": None, "finish_reason": "stop",
         "num_generated_tokens": 3, "num_input_tokens": 1, "generation_start_time": 0.0,
         "generation_end_time": 1.0, "attempts": 1, "request": "x"}
        for row in rows
    ]  # fmt: skip
    write_jsonl(tmp_path / "manifest.jsonl", rows)
    write_jsonl(tmp_path / "predictions.jsonl", answers)
    for split, label in (("one", "text only; first 3 rows"), ("two", None)):
        score(
            f"b-{split}", "asr", str(tmp_path / "manifest.jsonl"),
            str(tmp_path / "predictions.jsonl"), str(tmp_path / f"{split}.jsonl"),
            str(tmp_path / f"{split}.metrics.json"), label=label,
        )  # fmt: skip
    aggregate(
        "b", [str(tmp_path / f"{s}.metrics.json") for s in ("one", "two")],
        str(tmp_path / "metrics.json"),
    )  # fmt: skip
    found = read_json(tmp_path / "metrics.json")
    assert found["b"]["pass@1"]["label"] == "text only; first 3 rows"
    assert found["b-one"]["pass@1"]["label"] == "text only; first 3 rows"
    assert "label" not in found["b-two"]["pass@1"]
    assert printed(found).count("label: text only; first 3 rows") == 2
