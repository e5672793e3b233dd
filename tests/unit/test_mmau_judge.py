from __future__ import annotations

import re

import pytest

from earmark.mmau.judge import (
    CRITERIA,
    JUDGE_USER,
    JudgementError,
    read_judgement,
    reference_scores,
)

FORM = """CORRECTNESS: 4 - Mostly right.
RELEVANCE: 5 - On the question.
COMPLETENESS: 2 - Misses 3 of 5 sounds.
CLARITY: 3 - Plain.
OVERALL: 3.5 - Fair."""
SCORES = {"correctness": 4, "relevance": 5, "completeness": 2, "clarity": 3, "overall": 3.5}

JSON = """{"correctness": 4, "relevance": 5, "completeness": 2, "clarity": 3, "overall": 3.5}"""
JSON_LINES = """```json
{
  "correctness": 4,
  "relevance": 5,
  "completeness": 2,
  "clarity": 3,
  "overall": 3.5
}
```"""
NESTED = """{"correctness": {"score": 4, "justification": "3 of 5"},
 "relevance": {"score": 5}, "completeness": {
  "score": 2}, "clarity": {"score": "3"}, "overall": {"score": 3.5}}"""
HEADINGS = """### Correctness
**Score:** 4
Justification: 3 of 5 sounds.

### Relevance

Score: 5/5
### Completeness
- Score: 2
### Clarity
Score = 3
### Overall
Score: 3.5"""
TABLE = """| Criterion | Score | Why |
|---|---|---|
| Correctness | 4 | mostly |
| Relevance | 5 | yes |
| Completeness | 2 | misses 3 |
| Clarity | 3 | plain |
| **Overall** | **3.5** | fair |"""


def swap(old: str, new: str) -> str:
    assert old in FORM
    return FORM.replace(old, new)


def marked(before: str, after: str) -> str:
    lines = []
    for line in FORM.splitlines():
        name, _, rest = line.partition(":")
        lines.append(f"{before}{name}{after}{rest}")
    return "\n".join(lines)


READABLE = {
    "as asked": FORM,
    "lower case": FORM.lower(),
    "bold names": marked("**", "**:"),
    "bold names and colons": marked("**", ":**"),
    "headings": marked("### ", ":"),
    "bullets": marked("- **", ":**"),
    "star bullets": marked("* ", ":"),
    "numbered": "\n".join(f"{i}. {line}" for i, line in enumerate(FORM.splitlines(), 1)),
    "numbered, bold": "\n".join(f"{i}. **{li}" for i, li in enumerate(FORM.splitlines(), 1)),
    "brackets": swap("CORRECTNESS: 4", "CORRECTNESS: [4]"),
    "bold score": swap("CORRECTNESS: 4", "**CORRECTNESS:** **4**"),
    "of five": swap("CORRECTNESS: 4", "CORRECTNESS: 4/5"),
    "of five, spaced": swap("CORRECTNESS: 4", "CORRECTNESS: 4 / 5"),
    "out of five": swap("CORRECTNESS: 4", "CORRECTNESS: 4 out of 5"),
    "decimals": swap("CORRECTNESS: 4", "CORRECTNESS: 4.0"),
    "a dash": swap("CORRECTNESS: 4", "Correctness - 4"),
    "the scale beside the name": swap("CORRECTNESS: 4", "Correctness (1-5): 4"),
    "the word score": swap("CORRECTNESS: 4", "Correctness score: 4"),
    "the word score behind": swap("CORRECTNESS: 4", "CORRECTNESS: Score: 4"),
    "the score on its own line": swap("CORRECTNESS: 4", "CORRECTNESS:\n4"),
    "the score in brackets behind the name": swap("CORRECTNESS: 4", "**Correctness (4/5)**:"),
    "the scale behind the word score": swap("CORRECTNESS: 4", "Correctness Score (1-5): 4"),
    "names as headings": HEADINGS,
    "lists below the names": FORM.replace(": ", ":\n\n- **Score:** "),
    "a colon of full width": FORM.replace(": ", "："),
    "spaces that do not break": FORM.replace(": ", ":\u00a0"),
    "an overall score with its sum": swap("OVERALL: 3.5", "OVERALL: (4 + 5 + 2 + 3) / 4 = 3.5"),
    "JSON in JSON": NESTED,
    "other order": "\n".join(reversed(FORM.splitlines())),
    "one line": FORM.replace("\n", " "),
    "one line, commas": "Correctness: 4, Relevance: 5, Completeness: 2, Clarity: 3, Overall: 3.5",
    "JSON": JSON,
    "JSON in lines": JSON_LINES,
    "a table": TABLE,
    "words around it": f"Here is my evaluation.\n\n{FORM}\n\nI hope this helps: 1 to 5!",
    "Windows line ends": FORM.replace("\n", "\r\n"),
    "said twice, the same": f"{FORM}\n{FORM}",
    "the form repeated first": f"CORRECTNESS: [score] - [justification]\n{FORM}",
    "thinking first": f"<think>CORRECTNESS: 1 maybe\nRELEVANCE: 2</think>\n{FORM}",
    "thinking without its start": f"CORRECTNESS: 1 maybe</think>\n{FORM}",
}


OTHER_FORMS = {
    "behind the justification, in JSON": """{"correctness": {"justification": "agrees, 3 of 4",
     "score": 4}, "relevance": {"reason": "yes", "score": 5},
     "completeness": {"justification": "lacks one", "rating": 2},
     "clarity": {"justification": "plain", "score": 3}, "overall": {"score": 3.5}}""",
    "behind the justification, in prose": FORM.replace(": ", ": It is so. Score: "),
    "a list in JSON": """[{"criterion": "correctness", "score": 4},
     {"criterion": "relevance", "score": 5}, {"criterion": "completeness", "score": 2},
     {"criterion": "clarity", "score": 3}, {"criterion": "overall", "score": 3.5}]""",
    "keys with the word": JSON.replace('":', '_score":'),
    "tags": "".join(f"<{name}>{score}</{name}>\n" for name, score in SCORES.items()),
    "tags in tags": "".join(
        f"<{name}><score>{score}</score><why>3 of 5</why></{name}>\n"
        for name, score in SCORES.items()
    ),
    "boxed": re.sub(r"\d(\.5)?(?= -)", r"\\boxed{\g<0>}", FORM),
    "boxed text": re.sub(r"\d(\.5)?(?= -)", r"$\\boxed{\\text{\g<0>}}$", FORM),
    "within an object": f'{{"explanation": "3 of 4", "scores": {JSON}}}',
    "arguments of a call": f'{{"name": "submit", "arguments": {JSON}}}',
    "tags with the word": "".join(
        f"<{name}_score>{score}</{name}_score>\n" for name, score in SCORES.items()
    ),
    "attributes": "".join(
        f'<score criterion="{name}">{score}</score>\n' for name, score in SCORES.items()
    ),
    "a table, reasons first": "| Criterion | Why | Score |\n|---|---|---|\n"
    + "\n".join(f"| {name} | 3 of 4 | {score} |" for name, score in SCORES.items()),
    "at the line's end, in brackets": "\n".join(
        f"{name.upper()}: It has 3 of 4. ({score}/5)" for name, score in SCORES.items()
    ),
    "arrows": FORM.replace(":", " →"),
    "bold in HTML": re.sub("([A-Z]{4,}:)", r"<b>\1</b>", FORM),
    "in words": FORM.replace("4 -", "Four -").replace("2 -", "two out of five -"),
    "stars": FORM.replace("4 -", "★★★★☆ -"),
    "one sentence": " and ".join(f"{name} is {score}" for name, score in SCORES.items()),
    "scores for": "\n".join(f"Score for {name}: {score}" for name, score in SCORES.items()),
    "verbs": " ".join(f"{name.title()} deserves a {score}." for name, score in SCORES.items()),
    "no marks": "\n".join(f"{name.title()} {score}" for name, score in SCORES.items()),
    "sentences": " ".join(f"{name.title()} is {score}." for name, score in SCORES.items()),
    "sentences of five": "; ".join(
        f"the {name} is rated {score} out of 5" for name, score in SCORES.items()
    ),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_scores_are_read_where_judges_put_them_instead(form: str) -> None:
    assert read_judgement(OTHER_FORMS[form]) == SCORES


@pytest.mark.parametrize("form", READABLE)
def test_a_judgement_is_read_in_many_forms(form: str) -> None:
    assert read_judgement(READABLE[form]) == SCORES


UNREADABLE = {
    "nothing": "",
    "a refusal": "I'm sorry, but I cannot evaluate this answer.",
    "prose": "The answer is mostly right; its correctness deserves a 4, its clarity a 3.",
    "prose with marks": "I would say the correctness: 4 and the relevance: 5 are fine.",
    "a criterion short": "\n".join(FORM.splitlines()[:3]),
    "the empty form": "\n".join(f"{n.upper()}: [score] - [justification]" for n in CRITERIA),
    "the scale for a score": "\n".join(f"{n.upper()}: 1-5" for n in CRITERIA),
    "the spaced scale for a score": "\n".join(f"{n.upper()}: 1 - 5" for n in CRITERIA),
    "out of ten": swap("CORRECTNESS: 4", "CORRECTNESS: 4/10"),
    "out of five, bold, of ten": swap("CORRECTNESS: 4", "CORRECTNESS: **4**/10"),
    "of ten": swap("CORRECTNESS: 4", "CORRECTNESS: 4 of 10"),
    "a wave": swap("CORRECTNESS: 4", "CORRECTNESS: 4~5"),
    "two numbers": swap("CORRECTNESS: 4", "CORRECTNESS: 3 and 4"),
    "prose below the name": swap("CORRECTNESS: 4", "CORRECTNESS:\n- 4 sounds are named"),
    "above five": swap("CORRECTNESS: 4", "CORRECTNESS: 8"),
    "zero": swap("CORRECTNESS: 4", "CORRECTNESS: 0"),
    "below zero": swap("CORRECTNESS: 4", "CORRECTNESS: -4"),
    "per cent": swap("CORRECTNESS: 4", "CORRECTNESS: 4%"),
    "a hundred": swap("CORRECTNESS: 4", "CORRECTNESS: 45"),
    "a count in words": swap("CORRECTNESS: 4", "CORRECTNESS: Four sounds are named"),
    "a count in brackets": swap("CORRECTNESS: 4", "CORRECTNESS: Sounds (3) are named"),
    "undecided": swap("CORRECTNESS: 4", "CORRECTNESS: 3 or 4"),
    "a range": swap("CORRECTNESS: 4", "CORRECTNESS: 3-4"),
    "two scores": f"{FORM}\nCORRECTNESS: 1 - On reflection.",
    "thinking that never ends": f"<think>{FORM}",
    "loops": "CORRECTNESS: CORRECTNESS: " * 50,
    "an overall of ten": swap("OVERALL: 3.5", "OVERALL: 10"),
    "a sentence of ten": " ".join(
        f"{name.title()} is {score}/10." for name, score in SCORES.items()
    ),
    "two scores in prose": swap("CORRECTNESS: 4", "CORRECTNESS: So. Score: 4, no. Score: 3"),
    "behind, of ten": swap("CORRECTNESS: 4", "CORRECTNESS: It is so. Score: 4/10"),
    "the next item's number": "CORRECTNESS:\n1. RELEVANCE:\n2. COMPLETENESS:\n3. CLARITY:\n4.",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_judgement_is_not_read_as_one(text: str) -> None:
    with pytest.raises(JudgementError):
        read_judgement(UNREADABLE[text])


@pytest.mark.parametrize(
    ("text", "score"),
    [("Reasoning: no wonder\nJudgement: Yes", 5.0), ("**Judgment**: no.", 0.0),
     ("<think>Judgement: No</think>Judgement: Yes", 5.0)],
)  # fmt: skip
def test_a_yes_or_no_is_read(text: str, score: float) -> None:
    assert read_judgement(text, yes_no=True) == {"correctness": score}


@pytest.mark.parametrize("text", ["", FORM, "Yes", "Judgement: Yes\nJudgement: No"])
def test_what_is_no_yes_or_no_is_not_read_as_one(text: str) -> None:
    with pytest.raises(JudgementError):
        read_judgement(text, yes_no=True)


def test_a_missing_overall_is_the_mean_of_the_four() -> None:
    assert read_judgement("\n".join(FORM.splitlines()[:4]))["overall"] == 3.5


def test_an_overall_of_three_stands() -> None:
    assert read_judgement(swap("OVERALL: 3.5", "OVERALL: 3"))["overall"] == 3.0


def test_the_reference_reading_takes_three_for_what_it_cannot_find() -> None:
    assert reference_scores(FORM)["overall"] == 3.5
    assert reference_scores("I cannot say.")["overall"] == 3.0
    assert reference_scores("CORRECTNESS: 5 - yes")["overall"] == 3.5  # (5 + 3 + 3 + 3) / 4
    assert reference_scores(swap("OVERALL: 3.5", "OVERALL: 3.0"))["overall"] == 3.5
    assert reference_scores("**OVERALL**: 5")["overall"] == 3.0  # markdown defeats it


def test_the_error_names_what_is_missing() -> None:
    with pytest.raises(JudgementError, match="no score for completeness, clarity"):
        read_judgement("CORRECTNESS: 1\nRELEVANCE: 2")


def test_the_judges_prompt_asks_for_the_lines_that_are_read() -> None:
    for field in ("{question}", "{reference}", "{response}"):
        assert JUDGE_USER.count(field) == 1
    for name in (*CRITERIA, "overall"):
        assert f"\n{name.upper()}: [" in JUDGE_USER


@pytest.mark.parametrize("loop", ["* ", "CORRECTNESS:\n- ", "CORRECTNESS: (", " ", "\n", "- \t"])
def test_a_judge_that_loops_does_not_hold_the_reading_up(loop: str) -> None:
    with pytest.raises(JudgementError):  # a pattern that backtracks would take minutes
        read_judgement("CORRECTNESS: " + loop * 9000)
