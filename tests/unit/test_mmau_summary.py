from __future__ import annotations

from typing import Any

import pytest

from earmark.mmau.summary import by_group, overall, reference_score, verdict_metrics
from earmark.mmau.verdicts import closed_verdict, instruction_verdict, open_verdict

FOUR = "CORRECTNESS: {0}\nRELEVANCE: {0}\nCOMPLETENESS: {0}\nCLARITY: {0}\nOVERALL: {0}"


def closed(**more: Any) -> dict[str, Any]:
    return {"id": "c", "category": "sound", "choices": ["Dog", "Cat"], "answer": " dog ", **more}


def matched(choice: str | None) -> dict[str, Any]:
    return {"id": "c", "match": choice, "margin": 0.25, "similarities": [0.5, 0.25]}


def opened(score: int | None, texts: list[str] | None = None) -> dict[str, Any]:
    if score is None:
        return {"id": "o", "judgements": texts or [], "scores": None, "why": "no score for clarity"}
    names = ["correctness", "relevance", "completeness", "clarity", "overall"]
    return {
        "id": "o",
        "judgements": [FOUR.format(score)],
        "scores": dict.fromkeys(names, float(score)),
    }


def test_a_match_is_right_when_it_equals_the_answer_but_for_case_and_outer_space() -> None:
    right = closed_verdict(closed(), "it barks", matched("Dog"))
    assert (right["correct"], right["excluded"], right["reference"]) == (True, None, 1.0)
    assert right["why"] == "matched 'Dog' by a margin of 0.250"
    assert closed_verdict(closed(), "it meows", matched("Cat"))["correct"] is False


def test_an_empty_answer_to_a_closed_question_is_wrong() -> None:
    verdict = closed_verdict(closed(), " ", matched(None))
    assert (verdict["correct"], verdict["why"]) == (False, "empty answer")


@pytest.mark.parametrize("choices", [[], None, ["Dog"]])
def test_a_row_without_two_choices_is_counted_apart(choices: Any) -> None:
    verdict = closed_verdict(closed(choices=choices), "dog", matched(None))
    assert (verdict["correct"], verdict["excluded"], verdict["reference"]) == (
        None,
        "no_choices",
        None,
    )


def test_an_answer_that_is_none_of_the_choices_is_named_and_not_scored() -> None:
    verdict = closed_verdict(closed(answer="Bird"), "dog", matched("Dog"))
    assert (verdict["correct"], verdict["excluded"]) == (None, "answer_not_in_choices")
    assert verdict["why"] == "the answer 'Bird' is none of the choices: 'Dog', 'Cat'"


def test_an_instruction_that_cannot_be_checked_is_counted_by_kind() -> None:
    row = {"id": "i", "category": "instruction following", "task_identifier": "Rhyme", "kwargs": {}}
    unknown = instruction_verdict(row, "abc")
    assert (unknown["correct"], unknown["excluded"]) == (None, "unknown_rule")
    lacking = instruction_verdict({**row, "task_identifier": "Start Checker"}, "abc")
    assert (lacking["correct"], lacking["excluded"]) == (None, "bad_kwargs")
    found = verdict_metrics([unknown, lacking])
    assert found["success_rate"] is None and found["num_scored"] == 0
    assert found["unknown_rule"] == found["bad_kwargs"] == 1


def test_correctness_of_three_is_a_success() -> None:
    row = {"id": "o", "category": "open"}
    assert open_verdict(row, "a dog", opened(3))["correct"] is True
    assert open_verdict(row, "a dog", opened(2))["correct"] is False


def test_unread_judgements_are_counted_and_leave_the_averages_alone() -> None:
    row = {"id": "o", "category": "open"}
    verdicts = [
        open_verdict(row, "a dog", opened(5)),
        open_verdict(row, "a dog", opened(2)),
        open_verdict(row, "a dog", opened(None, ["I cannot say.", "Nor now."])),
        open_verdict(row, "a dog", opened(None)),
    ]
    found = verdict_metrics(verdicts)
    assert found["judge_unparsed"] == 1 and found["judge_failed"] == 1
    assert found["success_rate"] == 50.0
    assert found["avg_overall"] == found["avg_clarity"] == pytest.approx(70.0)
    assert found["good_response_rate"] == found["poor_response_rate"] == 50.0
    # The reference takes 3 of 5 for both, and for them alone.
    assert reference_score([found]) == pytest.approx(100 * (1.0 + 0.4 + 0.6 + 0.6) / 4)


def test_a_judge_that_reads_everything_shows_zero_unparsed() -> None:
    row = {"id": "o", "category": "open"}
    assert verdict_metrics([open_verdict(row, "a dog", opened(5))])["judge_unparsed"] == 0


def test_an_empty_answer_gets_the_lowest_scores_without_a_judge() -> None:
    verdict = open_verdict({"id": "o", "category": "open"}, "", {})
    assert verdict["correct"] is False and verdict["scores"]["overall"] == 1.0


def published(tokens: int, seconds: int, rate: float, entries: int) -> dict[str, Any]:
    return {
        "avg_tokens": tokens,
        "gen_seconds": seconds,
        "success_rate": rate,
        "no_answer": 0.0,
        "num_entries": entries,
    }


def test_the_whole_of_the_published_run_comes_out() -> None:
    parts = [
        published(82, 196, 14.88, 625),
        published(0, 102, 21.84, 87),
        published(2, 6581, 33.88, 4593),
    ]
    found = overall(parts)
    assert f"{found['success_rate']:.2f}" == "31.44"
    assert found["gen_seconds"] == 6879
    assert f"{found['avg_tokens']:.0f}" == "11"
    assert found["num_entries"] == 5305


def test_a_category_without_a_rate_has_no_say_in_the_whole() -> None:
    found = overall([published(1, 1, 50.0, 10), {**published(1, 1, 0, 90), "success_rate": None}])
    assert found["success_rate"] == 50.0


def test_the_reference_score_drops_rows_without_choices() -> None:
    verdicts = [
        closed_verdict(closed(), "dog", matched("Dog")),
        closed_verdict(closed(), "dog", matched("Cat")),
        closed_verdict(closed(choices=[]), "dog", matched(None)),
    ]
    found = verdict_metrics(verdicts)
    assert reference_score([found]) == 50.0
    assert (found["success_rate"], found["no_choices"]) == (50.0, 1)


def test_rates_are_given_by_length_and_by_each_skill() -> None:
    skills = {"perceptual_skills": ["pitch", "timbre"], "length_type": "short"}
    verdicts = [
        closed_verdict(closed(**skills), "dog", matched("Dog")),
        closed_verdict(closed(id="d", perceptual_skills=["pitch"]), "dog", matched("Cat")),
        closed_verdict(closed(id="e", choices=[], **skills), "dog", matched(None)),
    ]
    found = by_group(verdicts)
    assert list(found) == ["length_type", "perceptual_skills"]
    assert found["length_type"]["short"]["success_rate"] == 100.0
    assert found["perceptual_skills"]["pitch"] == {
        "success_rate": 50.0,
        "success_rate_ci": [0.0, 100.0],
        "num_entries": 3,
        "num_scored": 2,
        "num_correct": 1,
    }


def test_seeds_of_a_sample_are_drawn_together() -> None:
    skill = {"perceptual_skills": ["pitch"]}
    row = closed(**skill)
    verdicts = [closed_verdict(row, "dog", matched(choice)) for choice in ("Dog", "Cat")]
    found = by_group(verdicts)["perceptual_skills"]["pitch"]
    assert (found["num_entries"], found["num_scored"]) == (1, 2)
    assert found["success_rate_ci"] == [50.0, 50.0]  # of one sample nothing varies
