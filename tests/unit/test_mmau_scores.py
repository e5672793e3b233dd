"""Scores and aggregates of MMAU-Pro through their files: the published run, intervals, seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.mmau.score import aggregate_category, aggregate_mmau, score_mmau
from earmark.mmau.summary import best, majority, table

JUDGED = {"correctness": 5.0, "relevance": 4.0, "completeness": 3.0, "clarity": 3.0}


def prediction(name: str, text: str, tokens: int, end: float) -> dict[str, Any]:
    return {
        "id": name,
        "generation": text,
        "error": None,
        "num_generated_tokens": tokens,
        "generation_start_time": 0.0,
        "generation_end_time": end,
    }


def row(way: str, name: str) -> dict[str, Any]:
    if way == "closed_form":
        return {"id": name, "category": "sound", "choices": ["yes", "no"], "answer": "yes"}
    if way == "open_ended":
        return {"id": name, "category": "open", "question": "?", "answer": "yes"}
    rule = {"task_identifier": "All Lowercase", "kwargs": {}}
    return {"id": name, "category": "instruction following", "question": "?", **rule}


def beside(way: str, name: str, right: bool) -> dict[str, Any]:
    if way == "closed_form":
        return {"id": name, "match": "yes" if right else "no", "margin": 0.1, "similarities": []}
    scores = {**JUDGED, "correctness": 5.0 if right else 1.0, "overall": 3.75}
    return {"id": name, "judgements": ["OVERALL: 3.75"], "scores": scores, "why": None}


class Folder:
    """Splits as the steps before scoring leave them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def score(
        self, way: str, rights: list[list[bool]], tokens: int = 1, seconds: float = 1.0
    ) -> Path:
        """Score a split; ``rights`` says for each seed which answers are right."""
        names = [f"{way}-{number}" for number in range(len(rights[0]))]
        write_jsonl(self.path / f"{way}.manifest", [row(way, name) for name in names])
        predictions, others = [], []
        for seed, right in enumerate(rights):
            answered = self.path / f"{way}.{seed}.predictions"
            texts = ["yes" if one else "NO" for one in right]
            pairs = zip(names, texts, strict=True)
            write_jsonl(answered, (prediction(n, text, tokens, seconds) for n, text in pairs))
            predictions.append(str(answered))
            if way != "instruction_following":
                other = self.path / f"{way}.{seed}.beside"
                pairs_right = zip(names, right, strict=True)
                write_jsonl(other, (beside(way, name, one) for name, one in pairs_right))
                others.append(str(other))
        metrics = self.path / f"{way}.metrics.json"
        score_mmau(
            f"mmau-pro.{way}", way, str(self.path / f"{way}.manifest"), predictions, others,
            str(self.path / f"{way}.jsonl"), str(metrics), {"prompt": {"user": "{question}"}},
        )  # fmt: skip
        return metrics


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_published_run_is_printed_as_published(folder: Folder, capsys: Any) -> None:
    splits = [
        folder.score("open_ended", [[n < 93 for n in range(625)]], 82, 196),
        folder.score("instruction_following", [[n < 19 for n in range(87)]], 0, 102),
        folder.score("closed_form", [[n < 1556 for n in range(4593)]], 2, 6581),
    ]
    whole = folder.path / "eval-results/mmau-pro/metrics.json"
    capsys.readouterr()
    aggregate_mmau("mmau-pro", map(str, splits), str(whole))
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert "- mmau-pro -" in lines[0]
    cells = dict(zip(*(map(str.strip, line.split("|")) for line in lines[1:3]), strict=True))
    assert cells["evaluation_mode"] == "pass@1"
    assert (cells["success_rate"], cells["gen_seconds"]) == ("31.44%", "6879")
    assert (cells["avg_tokens"], cells["num_entries"]) == ("11", "5305")
    for rate in ("14.88%", "21.84%", "33.88%"):
        assert rate in printed
    found = read_json(whole)
    assert list(found) == [
        "mmau-pro", "mmau-pro.open_ended", "mmau-pro.instruction_following",
        "mmau-pro.closed_form", "mmau-pro.closed_form-sound",
    ]  # fmt: skip
    total = found["mmau-pro"]["pass@1"]
    low, high = total["success_rate_ci"]
    assert 29.5 < low < total["success_rate"] < high < 33.5  # 2 × 0.64 points on each side
    low, high = total["reference_score_ci"]
    reference = 100 * (1556 + 19 + 625 * 0.75) / 5305
    assert total["reference_score"] == pytest.approx(reference)
    assert low < reference < high


def test_a_category_has_its_own_file_and_what_it_rests_on(folder: Folder) -> None:
    split = folder.score("closed_form", [[True, False]])
    own, details = folder.path / "metrics.json", folder.path / "details.json"
    aggregate_category(str(split), str(own), str(details))
    assert list(read_json(own)) == ["mmau-pro.closed_form", "mmau-pro.closed_form-sound"]
    assert read_json(details)["protocol"] == {"prompt": {"user": "{question}"}}


def test_every_rate_has_its_interval(folder: Folder) -> None:
    split = read_json(folder.score("open_ended", [[n % 2 == 0 for n in range(100)]]))["pass@1"]
    for name in ("success_rate", "avg_correctness", "avg_overall", "good_response_rate"):
        assert f"{name}_ci" in split, name
    low, high = split["success_rate_ci"]
    assert 35 < low < 45 and 55 < high < 65  # 50 ± 1.96 × 5
    low, high = split["avg_correctness_ci"]
    assert 50 < low < 56 and 64 < high < 70  # 60 ± 1.96 × 4
    assert split["avg_overall_ci"] is None  # all alike: nothing to tell an interval by
    low, high = split["poor_response_rate_ci"]
    assert low == 0.0 and 2 < high < 5


def test_several_seeds_give_the_mean_the_best_and_the_majority(folder: Folder) -> None:
    # Of the three seeds of each sample none is right, or one, two, all.
    rights = [[False, False, True, True], [False, True, False, True], [False, False, True, True]]
    splits = [
        folder.score(way, rights) for way in ("closed_form", "open_ended", "instruction_following")
    ]
    for split in splits:
        found = read_json(split)
        rates = {mode: found[mode]["success_rate"] for mode in found if "@" in mode}
        assert rates == {"pass@1[avg-of-3]": 50.0, "pass@3": 75.0, "majority@3": 50.0}
        assert found["pass@3"]["num_entries"] == 4
        assert found["pass@3"]["success_rate_ci"][1] == 100.0
    rows = list(read_jsonl(folder.path / "closed_form.jsonl"))
    assert [one["seed"] for one in rows] == [0] * 4 + [1] * 4 + [2] * 4
    whole = folder.path / "whole.json"
    aggregate_mmau("mmau-pro", map(str, splits), str(whole))
    modes = read_json(whole)["mmau-pro"]
    assert list(modes) == ["pass@1[avg-of-3]", "pass@3", "majority@3"]
    assert modes["pass@3"]["success_rate"] == 75.0
    assert modes["pass@3"]["reference_score"] > modes["pass@1[avg-of-3]"]["reference_score"]
    sub = read_json(whole)["mmau-pro.closed_form-sound"]
    assert sub["majority@3"]["success_rate"] == 50.0


def test_what_one_seed_could_not_score_is_counted_and_has_no_say(folder: Folder) -> None:
    folder.score("open_ended", [[True, True], [True, False]])
    judged = list(read_jsonl(folder.path / "open_ended.1.beside"))
    judged[0] |= {"scores": None, "why": "no score for clarity"}
    write_jsonl(folder.path / "open_ended.1.beside", judged)
    files = [[str(folder.path / f"open_ended.{n}.{kind}") for n in (0, 1)]
             for kind in ("predictions", "beside")]  # fmt: skip
    metrics = folder.path / "again.json"
    score_mmau(
        "mmau-pro.open_ended", "open_ended", str(folder.path / "open_ended.manifest"), *files,
        str(folder.path / "again.jsonl"), str(metrics), {},
    )  # fmt: skip
    found = read_json(metrics)
    assert found["pass@1[avg-of-2]"]["judge_unparsed"] == 1
    assert found["pass@1[avg-of-2]"]["success_rate"] == 50.0  # the mean of 100 and 0
    assert found["majority@2"]["success_rate"] == 50.0
    assert found["unscored"] == [
        {
            "id": "open_ended-0",
            "seed": 1,
            "excluded": "judge_unparsed",
            "why": "no score for clarity",
        }
    ]


def chosen(choose: Any, *rights: bool | None, **more: list[Any]) -> int:
    """Which of one sample's verdicts is chosen."""
    rows = [{"correct": right, "seed": seed} for seed, right in enumerate(rights)]
    for key, values in more.items():
        for one, value in zip(rows, values, strict=True):
            one[key] = value
    return int(choose(table(rows))["seed"].iloc[0])


def test_the_majority_of_closed_form_answers_is_the_choice_matched_most() -> None:
    assert chosen(majority, False, True, True, False, match=["B", "A", "A", "C"]) == 1
    assert chosen(majority, False, False, True, match=[None, None, "A"]) == 0
    assert chosen(majority, None, None, match=[None, None]) == 0


def test_the_majority_of_other_answers_is_more_than_half() -> None:
    assert chosen(majority, True, False) == 1
    assert chosen(majority, False, True, True) == 1
    assert chosen(majority, None, True, None) == 1


def test_the_best_of_right_answers_is_the_one_judged_highest() -> None:
    scores = [{"overall": 5.0}, {"overall": 3.0}, {"overall": 4.0}, None]
    assert chosen(best, False, True, True, None, scores=scores) == 2
    assert chosen(best, None, False, scores=[None, {"overall": 1.0}]) == 1


THOUGHT = "<think>The rule wants, it seems, NO commas. So:</think>"


def test_reasoning_is_taken_out_before_rules_and_counted(folder: Folder) -> None:
    texts = [f"{THOUGHT}\nlow", f"{THOUGHT}a, b", "<think>cut short", "low"]
    kinds = ["All Lowercase", "No Commas", "No Commas", "All Lowercase"]
    rows = [
        {**row("instruction_following", str(n)), "task_identifier": kind}
        for n, kind in enumerate(kinds)
    ]
    write_jsonl(folder.path / "m", rows)
    answers = (prediction(str(n), text, 1, 1.0) for n, text in enumerate(texts))
    write_jsonl(folder.path / "p", answers)
    names = [str(folder.path / name) for name in ("i.jsonl", "i.metrics.json")]
    score_mmau("i", "instruction_following", str(folder.path / "m"), [str(folder.path / "p")], [],
               *names, {})  # fmt: skip
    found = [(one["correct"], one["why"]) for one in read_jsonl(names[0])]
    assert [right for right, _ in found] == [True, False, False, True]
    assert found[2][1] == "empty answer"
    block = read_json(names[1])["pass@1"]
    assert (block["reasoning_removed"], block["no_answer"]) == (3, 25.0)


def test_questions_without_a_category_have_no_sub_category(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {key: value for key, value in row("closed_form", "x").items() if key != "category"}
    monkeypatch.setitem(globals(), "row", lambda way, name: {**bare, "id": name})
    metrics = read_json(folder.score("closed_form", [[True, False]]))
    assert metrics["subsets"] == {}
    assert metrics["pass@1"]["success_rate"] == 50.0
