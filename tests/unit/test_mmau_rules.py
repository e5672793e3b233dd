from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.mmau.rules import (
    RULES,
    RuleError,
    by_punctuation,
    check_instruction,
    sentence_counter,
)

# Cases made at random, with the verdicts of the dataset's reference evaluator.
CASES = Path(__file__).parents[1] / "data" / "mmau_rules.jsonl"

PROMPT = "What do you hear?"

# rule, kwargs, an answer that just passes, an answer that just fails
BOUNDARIES: list[tuple[str, dict[str, Any], str, str]] = [
    ("Include Keywords", {"keywords": "Rain, wind"}, "RAINY and windy", "rain and thunder"),
    ("Include Keywords", {"keywords": "a,b"}, "see A,B", "see a, b"),
    ("Keyword Frequency", {"keyword": "dog", "N": 2.0}, "Dog, dog! dogs", "dog dog dog"),
    ("Keyword Frequency", {"keyword": "dog", "N": 1.0}, "a dog. hotdog", "dogs and hotdogs"),
    ("Keyword Frequency", {"keyword": "c.t", "N": 1.0}, "c.t cat", "cat"),
    ("Forbidden Words", {"forbidden_words": "cat, dog"}, "c at, do g", "a bobCAT"),
    ("Number Paragraphs", {"N": 2.0}, "one *** two ***", "one *** two *** three"),
    ("Number Paragraphs", {"N": 1.0}, "*** one ******", "one\n\n***\n\ntwo"),
    ("Number Words (at least)", {"N": 3.0}, "a b\tc", "a b"),
    ("Number Words (at most)", {"N": 3.0}, "a b\nc", "a b c d"),
    ("Number Words (range)", {"N1": 2.0, "N2": 3.0}, "a b", "a"),
    ("Number Words (range)", {"N1": 2.0, "N2": 3.0}, "a b c", "a b c d"),
    ("Number Sentences (at least)", {"N": 2.0}, "One. Two", "One... "),
    ("Number Sentences (at most)", {"N": 2.0}, "One?! Two.", "One. Two! Three"),
    ("Number Sentences (range)", {"N1": 1.0, "N2": 2.0}, "One.", "One. Two. Three."),
    ("Number Sentences (range)", {"N1": 2.0, "N2": 2.0}, "One. Two.", "One."),
    ("Postscript", {"postscript_marker": "P.S."}, "Bye. p s: thanks", "Bye. s.p."),
    ("Number Placeholder", {"N": 2.0}, "[a] [b c]", "[a] []"),
    ("Number Bullets", {"N": 2.0}, "* a\n  * b", "* a\n*b"),
    ("Number Bullets", {"N": 1.0}, "x\n* a * b", "x * a"),
    ("Title", {}, "so: <<A dog>>", "<<>> <A dog>"),
    ("Minimum Number Highlighted Section", {"N": 2.0}, "*a* and *b*", "*a* and *b"),
    ("Minimum Number Highlighted Section", {"N": 1.0}, "*a\nb*", "**"),
    ("Multiple Sections", {"section_splitter": "§", "N": 2.0}, "§ a § b", "§ a § b § c"),
    ("Multiple Sections", {"section_splitter": "Part", "N": 1.0}, "Part a", "part a Part b"),
    ("Repeat Prompt", {}, "  WHAT DO YOU HEAR? A dog.", "You ask: what do you hear? A dog."),
    ("Two Responses", {}, "a ****** b", "a ****** A "),
    ("Two Responses", {}, "a ******", "a ****** b ****** c"),
    ("All Uppercase", {}, "ABC 1!", "ABc"),
    ("All Uppercase", {}, "É", "123"),
    ("All Lowercase", {}, "abc 1!", "abC"),
    ("All-capital Words (at least)", {"N": 2.0}, "AB A c", "AB Cd"),
    ("All-capital Words (at most)", {"N": 1.0}, "AB c d", "AB CD e"),
    ("All-capital Words (range)", {"N1": 1.0, "N2": 2.0}, "AB CD", "ab"),
    ("All-capital Words (range)", {"N1": 1.0, "N2": 2.0}, "AB c", "AB CD EF"),
    ("Start Checker", {"start_phrase": "The dog, barks"}, "the, Dog barks!", "A dog barks"),
    ("End Checker", {"end_phrase": "the end."}, "It is The End!", "the end. Bye"),
    ("Quotation", {}, ' "a" b" ', '"a" b'),
    ("No Commas", {}, "a; b", "a, b"),
]


@pytest.mark.parametrize(("rule", "kwargs", "passing", "failing"), BOUNDARIES)
def test_a_rule_passes_and_fails_at_its_boundary(
    rule: str, kwargs: dict[str, Any], passing: str, failing: str
) -> None:
    assert check_instruction(passing, rule, kwargs, PROMPT).passed
    assert not check_instruction(failing, rule, kwargs, PROMPT).passed


def test_every_rule_has_boundary_cases() -> None:
    assert {rule for rule, *_ in BOUNDARIES} == set(RULES)


@pytest.mark.parametrize("parquet", [False, True])
def test_verdicts_are_those_of_the_reference(parquet: bool) -> None:
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    assert {case["task_identifier"] for case in cases} == set(RULES)
    absent = (
        dict.fromkeys(["N", "N1", "N2", "keyword", "keywords", "end_phrase"]) if parquet else {}
    )
    wrong = []
    for case in cases:
        kwargs = {
            key: float(value) if parquet and isinstance(value, int) else value
            for key, value in case["kwargs"].items()
        }
        outcome = check_instruction(
            case["response"], case["task_identifier"], {**absent, **kwargs}, case["question"]
        )
        if outcome.passed != case["expected"]:
            wrong.append(case)
    assert wrong == []


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("answer", ["", " \n", None])
def test_an_empty_answer_fails_every_rule(rule: str, answer: str | None) -> None:
    kwargs = {"N": 0.0, "N1": 0.0, "N2": 9.0}
    texts = ["keywords", "keyword", "forbidden_words", "postscript_marker", "section_splitter"]
    kwargs |= dict.fromkeys([*texts, "start_phrase", "end_phrase"], "x")
    assert not check_instruction(answer, rule, kwargs, PROMPT).passed


@pytest.mark.parametrize("name", ["No commas", "Letter Frequency", "", None, 3])
def test_an_unknown_identifier_is_named_and_not_scored(name: object) -> None:
    with pytest.raises(RuleError) as error:
        check_instruction("abc", name, {})
    assert repr(name) in str(error.value) and "No Commas" in str(error.value)
    assert error.value.kind == "unknown_rule" and isinstance(error.value, EarmarkError)


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.needs])
@pytest.mark.parametrize("kwargs", [{}, None, {"N": None, "N2": float("nan")}, {"keyword": ""}])
def test_missing_arguments_are_an_error_even_for_an_empty_answer(rule: str, kwargs: Any) -> None:
    with pytest.raises(RuleError) as error:
        check_instruction("", rule, kwargs)
    assert error.value.kind == "bad_kwargs"
    assert repr(rule) in str(error.value)


@pytest.mark.parametrize("value", [2.5, "3", True, float("inf"), [3]])
def test_a_number_that_is_not_whole_is_an_error(value: object) -> None:
    with pytest.raises(RuleError, match="not a whole number"):
        check_instruction("a b c", "Number Words (at least)", {"N": value})


def test_arguments_may_be_json_text() -> None:
    assert check_instruction("a b", "Number Words (at least)", '{"N": 2.0}').passed
    with pytest.raises(RuleError, match="not JSON"):
        check_instruction("a b", "Number Words (at least)", "{N: 2}")


def test_the_reason_says_what_was_counted_and_what_was_asked() -> None:
    outcome = check_instruction("a b", "Number Words (range)", {"N1": 3.0, "N2": 5.0})
    assert outcome.why == "words: 2, asked for 3 to 5"


def test_the_sentence_counter_is_exchangeable() -> None:
    kwargs = {"N": 1.0}
    assert not check_instruction("Dr. Smith barks.", "Number Sentences (at most)", kwargs).passed
    assert check_instruction(
        "Dr. Smith barks.", "Number Sentences (at most)", kwargs, sentences=lambda _: 1
    ).passed
    assert sentence_counter("punctuation") is by_punctuation
    with pytest.raises(EarmarkError, match="punctuation, punkt"):
        sentence_counter("spacy")


@pytest.fixture
def nltk(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A stand-in for NLTK, which no package of ours brings."""
    module = ModuleType("nltk.tokenize")
    monkeypatch.setitem(sys.modules, "nltk", ModuleType("nltk"))
    monkeypatch.setitem(sys.modules, "nltk.tokenize", module)
    yield module


def test_punkt_counts_as_nltk_does(nltk: ModuleType) -> None:
    nltk.sent_tokenize = lambda text: ["Dr. Smith barks.", "Twice."]  # type: ignore[attr-defined]
    assert sentence_counter("punkt")("Dr. Smith barks. Twice.") == 2


def test_punkt_without_its_model_says_how_to_get_it(nltk: ModuleType) -> None:
    def absent(text: str) -> list[str]:
        raise LookupError("Resource punkt_tab not found")

    nltk.sent_tokenize = absent  # type: ignore[attr-defined]
    with pytest.raises(EarmarkError, match=r"python -m nltk.downloader punkt_tab"):
        sentence_counter("punkt")("One.")


def test_punkt_without_nltk_says_how_to_get_it(nltk: ModuleType) -> None:
    with pytest.raises(EarmarkError, match=r"`pip install nltk` and"):
        sentence_counter("punkt")("One.")


@pytest.mark.parametrize("number", [np.float64(2), np.int64(2), np.float32(2), 2.0, 2])
def test_numbers_may_be_of_any_kind(number: object) -> None:
    assert check_instruction("a b", "Number Words (at least)", {"N": number}).passed


def test_arguments_may_be_pairs_as_arrow_gives_maps() -> None:
    pairs = [("N", 2.0), ("keyword", None)]
    assert check_instruction("a b", "Number Words (at least)", pairs).passed
