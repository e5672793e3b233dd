"""Instruction following: one rule for each ``task_identifier``, all of them in `RULES`.

The rules are those of the dataset's reference evaluator (github sonalkum/MMAUPro at 22697625).
Differences are deliberate and few: an answer without text fails whatever the rule, arguments that
are missing or of the wrong type are an error rather than a default, and an identifier that is not
in the table is an error rather than a failure of the model.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from earmark.errors import EarmarkError

SentenceCounter = Callable[[str], int]


class RuleError(EarmarkError):
    """A sample that cannot be scored by its rule.

    Attributes:
        kind: ``"unknown_rule"`` or ``"bad_kwargs"``, the name that it is counted under.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Outcome(NamedTuple):
    """Whether an answer keeps its instruction, and what was seen."""

    passed: bool
    why: str


Arguments = Mapping[str, Any]
"""What a rule may look at beside the answer: its arguments by their names in ``kwargs``, the
question's ``prompt``, and how ``sentences`` are counted."""


class Rule(NamedTuple):
    """A rule: the arguments it needs, and how an answer (stripped, not empty) is checked."""

    needs: tuple[str, ...]
    check: Callable[[str, Arguments], Outcome]


EXACTLY = ("exactly {N}", "N", "N")
AT_LEAST = ("at least {N}", "N", None)
AT_MOST = ("at most {N}", None, "N")
RANGE = ("{N1} to {N2}", "N1", "N2")
"""How a count is held against the arguments: in words, and by the names of its inclusive ends."""

Bound = tuple[str, str | None, str | None]
Count = Callable[[str, Arguments], int]


def _counted(noun: str, count: Count, bound: Bound, *needs: str) -> Rule:
    words, low, high = bound

    def check(answer: str, given: Arguments) -> Outcome:
        found = count(answer, given)
        passed = (low is None or given[low] <= found) and (high is None or found <= given[high])
        return Outcome(passed, f"{noun}: {found}, asked for {words.format(**given)}")

    return Rule((*needs, *dict.fromkeys(filter(None, (low, high)))), check)


def _true(what: str, holds: Callable[[str, Arguments], bool], *needs: str) -> Rule:
    def check(answer: str, given: Arguments) -> Outcome:
        passed = holds(answer, given)
        return Outcome(passed, what if passed else f"not so: {what}")

    return Rule(needs, check)


def _none(what: str, key: str, found: bool) -> Rule:
    """That none of the phrases under a key is found, or none is missing."""

    def check(answer: str, given: Arguments) -> Outcome:
        phrases = given[key].lower().split(", ")
        bad = [phrase for phrase in phrases if (phrase in answer.lower()) == found]
        return Outcome(not bad, f"{what}: {', '.join(bad) or 'none'}")

    return Rule((key,), check)


def _filled(parts: Iterable[str]) -> int:
    return sum(1 for part in parts if part.strip())


def _occurrences(answer: str, given: Arguments) -> int:
    return len(re.findall(rf"\b{re.escape(given['keyword'].lower())}\b", answer.lower()))


def _words(answer: str, _: Arguments) -> int:
    return len(answer.split())


def _capitals(answer: str, _: Arguments) -> int:
    return sum(word.isupper() for word in answer.split())


def _sentences(answer: str, given: Arguments) -> int:
    return int(given["sentences"](answer))


def _pattern(pattern: str) -> Count:
    return lambda answer, _: len(re.findall(pattern, answer))


def _sections(answer: str, given: Arguments) -> int:
    # White space around the splitter goes with it; what is left must hold something.
    return _filled(re.split(rf"\s*{re.escape(given['section_splitter'])}\s*", answer))


def _letters(text: str, also: str = "") -> str:
    return re.sub(f"[^a-zA-Z{also}]", "", text).lower()


def _postscript(answer: str, given: Arguments) -> bool:
    return _letters(given["postscript_marker"]) in _letters(answer)


def _starts(answer: str, given: Arguments) -> bool:
    return _letters(answer, " ").startswith(_letters(given["start_phrase"], " "))


def _ends(answer: str, given: Arguments) -> bool:
    return _letters(answer, " ").endswith(_letters(given["end_phrase"], " "))


def _repeats(answer: str, given: Arguments) -> bool:
    return answer.lower().startswith(given["prompt"].lower())


def _quoted(answer: str, _: Arguments) -> bool:
    return answer.startswith('"') and answer.endswith('"')


def _two(answer: str, _: Arguments) -> Outcome:
    parts = [part.strip().lower() for part in answer.split("******")]
    same = len(parts) == 2 and parts[0] == parts[1]
    why = "two parts, the same" if same else f"parts: {len(parts)}"
    return Outcome(len(parts) == 2 and not same, why)


# A bullet takes the white space after its asterisk along, line breaks too, as the reference does.
_BULLETS = _pattern(r"(?:\A|\n)\s*\*\s+")

RULES: dict[str, Rule] = {
    "Include Keywords": _none("keywords missing", "keywords", False),
    "Keyword Frequency": _counted("occurrences of the keyword", _occurrences, EXACTLY, "keyword"),
    "Forbidden Words": _none("forbidden words found", "forbidden_words", True),
    "Number Paragraphs": _counted("paragraphs", lambda a, _: _filled(a.split("***")), EXACTLY),
    "Number Words (at least)": _counted("words", _words, AT_LEAST),
    "Number Words (at most)": _counted("words", _words, AT_MOST),
    "Number Words (range)": _counted("words", _words, RANGE),
    "Number Sentences (at least)": _counted("sentences", _sentences, AT_LEAST),
    "Number Sentences (at most)": _counted("sentences", _sentences, AT_MOST),
    "Number Sentences (range)": _counted("sentences", _sentences, RANGE),
    "Postscript": _true("the postscript marker occurs", _postscript, "postscript_marker"),
    "Number Placeholder": _counted("placeholders", _pattern(r"\[[^\]]+\]"), AT_LEAST),
    "Number Bullets": _counted("bullets", _BULLETS, EXACTLY),
    "Title": _true("a <<title>> occurs", lambda answer, _: bool(re.search("<<[^>]+>>", answer))),
    "Minimum Number Highlighted Section": _counted("highlights", _pattern(r"\*[^*]+\*"), AT_LEAST),
    "Multiple Sections": _counted("sections", _sections, EXACTLY, "section_splitter"),
    "Repeat Prompt": _true("begins with the prompt", _repeats, "prompt"),
    "Two Responses": Rule((), _two),
    "All Uppercase": _true("all upper case", lambda answer, _: answer.isupper()),
    "All Lowercase": _true("all lower case", lambda answer, _: answer.islower()),
    "All-capital Words (at least)": _counted("all-capital words", _capitals, AT_LEAST),
    "All-capital Words (at most)": _counted("all-capital words", _capitals, AT_MOST),
    "All-capital Words (range)": _counted("all-capital words", _capitals, RANGE),
    "Start Checker": _true("begins with the phrase", _starts, "start_phrase"),
    "End Checker": _true("ends with the phrase", _ends, "end_phrase"),
    "Quotation": _true("begins and ends with a quotation mark", _quoted),
    "No Commas": _true("no comma", lambda answer, _: "," not in answer),
}
"""Every rule of the benchmark."""


def by_punctuation(text: str) -> int:
    """Count the non-blank parts between runs of ``.``, ``!`` and ``?``, as NeMo-Skills does."""
    return _filled(re.split("[.!?]+", text))


def by_punkt(text: str) -> int:
    """Count sentences with NLTK's Punkt model, as the reference evaluator does.

    Raises:
        EarmarkError: when NLTK or its model is not installed.
    """
    remedy = "`python -m nltk.downloader punkt_tab`, or set sentences: punctuation"
    try:
        from nltk.tokenize import sent_tokenize

        return len(sent_tokenize(text))
    except ImportError:
        lacks = f"NLTK, which is not installed; run `pip install nltk` and {remedy}"
    except LookupError:
        lacks = f"NLTK's Punkt model, which is not on this machine; run {remedy}"
    raise EarmarkError(f"sentences: punkt needs {lacks}")


SENTENCES: dict[str, SentenceCounter] = {"punctuation": by_punctuation, "punkt": by_punkt}
"""The ways to count sentences, since the published scorers differ, by their names in the config."""


def sentence_counter(name: str) -> SentenceCounter:
    """A way to count sentences by its name in the config; an `EarmarkError` where there is none."""
    if name not in SENTENCES:
        raise EarmarkError(
            f"sentences: {name!r} is no way to count sentences; use one of {', '.join(SENTENCES)}"
        )
    return SENTENCES[name]


def check_instruction(
    answer: str | None,
    task_identifier: object,
    kwargs: object,
    prompt: str | None = None,
    sentences: SentenceCounter = by_punctuation,
) -> Outcome:
    """Check an answer against its instruction.

    Args:
        answer: The model's answer; its outer white space does not count.
        task_identifier: The name of a rule in `RULES`.
        kwargs: The rule's arguments, as the dataset's Parquet file gives them: whole numbers may
            be floats, and keys of other rules may stand there with null.
        prompt: The prompt's transcription, which ``Repeat Prompt`` wants repeated.
        sentences: How sentences are counted.

    Raises:
        RuleError: for an identifier that is not in the table, or arguments that are missing or
            of the wrong type; a sample with this error cannot be scored.
    """
    name = task_identifier.strip() if isinstance(task_identifier, str) else ""
    if name not in RULES:
        raise RuleError(
            "unknown_rule",
            f"task_identifier {task_identifier!r} is not a rule; the rules are: {', '.join(RULES)}",
        )
    answer, rule = (answer or "").strip(), RULES[name]
    try:
        values = {**_mapping(kwargs), "prompt": (prompt or "").strip()}
        given = {key: _argument(key, values.get(key)) for key in rule.needs}
    except (TypeError, ValueError) as error:
        raise RuleError("bad_kwargs", f"rule {name!r}: {error}") from None
    if not answer:
        return Outcome(False, "empty answer")
    return rule.check(answer, {**given, "sentences": sentences})


def _mapping(kwargs: object) -> Mapping[str, Any]:
    """A rule's arguments by name; a ValueError says what they are instead."""
    if isinstance(kwargs, list):
        kwargs = dict(kwargs)  # a column of maps, as Arrow gives it
    if isinstance(kwargs, str):  # JSON within a column, as some exports have it
        try:
            kwargs = json.loads(kwargs or "{}")
        except ValueError:
            raise ValueError(f"kwargs are not JSON: {kwargs!r}") from None
    if kwargs is None or (isinstance(kwargs, Real) and math.isnan(kwargs)):  # as pandas has it
        return {}
    if not isinstance(kwargs, Mapping):
        raise ValueError(f"kwargs are not a mapping: {kwargs!r}")
    return kwargs


def _argument(key: str, value: object) -> Any:
    """An argument as its rule needs it: a whole number for ``N`` and its like, else a text."""
    if not key.startswith("N"):
        if isinstance(value, str) and value:
            return value
        raise ValueError(f"{key!r} is {value!r}, not a text")
    if isinstance(value, bool) or not isinstance(value, Real) or float(value) % 1:
        raise ValueError(f"{key!r} is {value!r}, not a whole number")
    return int(float(value))
