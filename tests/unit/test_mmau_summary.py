from __future__ import annotations

from typing import Any

import pytest

from earmark.mmau.choice import letter_of
from earmark.mmau.summary import by_group, modes, table, whole
from earmark.mmau.verdicts import closed_verdict, instruction_verdict, open_verdict

FOUR = "CORRECTNESS: {0}\nRELEVANCE: {0}\nCOMPLETENESS: {0}\nCLARITY: {0}\nOVERALL: {0}"


def block(verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    return modes(table(verdicts))["pass@1"]


def total(*parts: list[dict[str, Any]]) -> dict[str, Any]:
    tables = [table(verdicts) for verdicts in parts]
    return whole([modes(one) for one in tables], tables)["pass@1"]


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
    found = block([unknown, lacking])
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
    found = block(verdicts)
    assert found["judge_unparsed"] == 1 and found["judge_failed"] == 1
    assert found["success_rate"] == 50.0
    assert found["avg_overall"] == found["avg_clarity"] == pytest.approx(70.0)
    assert found["good_response_rate"] == found["poor_response_rate"] == 50.0
    # The reference takes 3 of 5 for both, and for them alone.
    score = 100 * (1.0 + 0.4 + 0.6 + 0.6) / 4
    assert total(verdicts)["reference_score"] == pytest.approx(score)
    assert found["success_rate_nemo_skills"] == pytest.approx(score)


def test_a_judge_that_reads_everything_shows_zero_unparsed() -> None:
    row = {"id": "o", "category": "open"}
    assert block([open_verdict(row, "a dog", opened(5))])["judge_unparsed"] == 0


def test_an_empty_answer_gets_the_lowest_scores_without_a_judge() -> None:
    verdict = open_verdict({"id": "o", "category": "open"}, "", {})
    assert verdict["correct"] is False and verdict["scores"]["overall"] == 1.0


def test_a_category_without_a_rate_has_no_say_in_the_whole() -> None:
    parts = [[closed_verdict(closed(), "dog", matched("Dog"))],
             [closed_verdict(closed(choices=[]), "dog", matched(None))] * 9]  # fmt: skip
    found = total(*parts)
    assert (found["success_rate"], found["num_entries"]) == (100.0, 10)


def test_the_reference_score_drops_rows_without_choices() -> None:
    verdicts = [
        closed_verdict(closed(), "dog", matched("Dog")),
        closed_verdict(closed(), "dog", matched("Cat")),
        closed_verdict(closed(choices=[]), "dog", matched(None)),
    ]
    assert total(verdicts)["reference_score"] == 50.0
    found = block(verdicts)
    assert (found["success_rate"], found["no_choices"]) == (50.0, 1)


CHOICES = ["violin", "flute", "drum", "piano"]


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("b.", "B"), ("(C)", "C"), ("**D**", "D"), ("Answer: D", "D"), ("A)", "A"),
        ("The answer is (b).", "B"), ("\\boxed{C}", "C"), ("Option A", "A"), ("E", "E"),
        ("The correct option is C.", "C"), ("flute", None), ("B. flute", None), ("", None),
        ("I hear a drum", None), ("a violin", None), ("I am B", None),
        (r"\(\boxed{B}\)", "B"), (r"\mathbf{B}", "B"), ("“B”", "B"), ("Ｂ", "B"), ("B!", "B"),
        ("#### B", "B"), ("Answer = B", "B"), ("I think it's B.", "B"), ("Sure! B", "B"),
        ("I would choose option B.", "B"), ("Based on the audio, the answer is B.", "B"),
        ("Selected option: B", "B"),
    ],
)  # fmt: skip
def test_answers_that_are_a_letter_are_known(answer: str, letter: str | None) -> None:
    assert letter_of(answer, CHOICES) == letter


def test_a_letter_that_may_be_the_name_of_another_choice_is_none() -> None:
    assert letter_of("C", ["A minor", "C major", "D major"]) is None
    assert letter_of("A", ["flute", "A major"]) is None
    assert letter_of("A", ["A dog", "A cat"]) == letter_of("A", ["A Dog", "A Cat"]) == "A"
    assert letter_of("b", ["A", "B"]) is None  # the choice itself


def test_letters_are_counted_and_mapped_beside_the_reference_s_rate() -> None:
    row = closed(choices=CHOICES, answer="flute")
    verdicts = [
        closed_verdict(row, answer, matched(match))
        for answer, match in [("B", "drum"), ("(D)", "flute"), ("Answer: E", "flute"), ("flute", "flute")]
    ]  # fmt: skip
    found = block(verdicts)
    assert (found["letter_answers"], found["success_rate"]) == (3, 75.0)
    assert found["success_rate_mapped"] == 50.0
    low, high = found["success_rate_mapped_ci"]
    assert 5 < low < 20 and 80 < high < 95
    opened_ = [open_verdict({"id": "o"}, "x", opened(5))] * 4
    assert total(verdicts, opened_)["success_rate_mapped"] == 75.0  # of the others theirs


def test_with_seeds_letters_are_mapped_before_the_best_is_chosen() -> None:
    row = closed(choices=CHOICES, answer="flute")
    verdicts = [
        {**closed_verdict(row, answer, matched("drum")), "seed": seed}
        for seed, answer in enumerate(["A", "B", "b"])
    ]
    found = modes(table(verdicts))
    assert {mode: one["success_rate_mapped"] for mode, one in found.items()} == {
        "pass@1[avg-of-3]": pytest.approx(200 / 3), "pass@3": 100.0, "majority@3": 100.0,
    }  # fmt: skip
    assert {one["success_rate"] for one in found.values()} == {0.0}


def test_rates_are_given_by_length_and_by_each_skill() -> None:
    skills = {"perceptual_skills": ["pitch", "timbre"], "length_type": "short"}
    verdicts = [
        closed_verdict(closed(**skills), "dog", matched("Dog")),
        closed_verdict(closed(id="d", perceptual_skills=["pitch"]), "dog", matched("Cat")),
        closed_verdict(closed(id="e", choices=[], **skills), "dog", matched(None)),
    ]
    found = by_group(table(verdicts))
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
    verdicts = [
        {**closed_verdict(row, "dog", matched(choice)), "seed": seed}
        for seed, choice in enumerate(("Dog", "Cat"))
    ]
    found = by_group(table(verdicts))["perceptual_skills"]["pitch"]
    assert (found["num_entries"], found["num_scored"]) == (1, 2)
    assert found["success_rate_ci"] is None  # of one sample nothing can be told
