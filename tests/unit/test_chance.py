from __future__ import annotations

from collections import Counter

from earmark.config import Model
from earmark.inference.predictions import random_choices
from earmark.servers import check

ROWS = [{"id": str(n), "choices": ["a", "b", "c", "d"]} for n in range(400)]


def test_chance_draws_each_choice_about_as_often_and_the_same_for_the_same_seed() -> None:
    drawn = [row["generation"] for row in random_choices(ROWS, 0)]
    assert all(70 < count < 130 for count in Counter(drawn).values())
    assert drawn == [row["generation"] for row in random_choices(ROWS, 0)]
    assert drawn != [row["generation"] for row in random_choices(ROWS, 1)]
    assert drawn[5] == next(iter(random_choices(ROWS[5:], 0)))["generation"]


def test_chance_may_have_several_seeds_without_a_temperature() -> None:
    given = {"server": "random-choice", "model": "chance", "num_seeds": 5}
    check("models.chance", Model.model_validate(given))


def test_without_choices_chance_has_no_answer() -> None:
    for given in ({}, {"choices": "dog"}, {"choices": 3}, {"choices": [None]}):
        assert next(iter(random_choices([{"id": "x", **given}], 0)))["generation"] == ""
