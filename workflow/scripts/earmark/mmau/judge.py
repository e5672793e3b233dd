"""Open-ended answers: what the judge is asked, and how its judgement is read.

The protocol is that of the reference evaluator (github sonalkum/MMAUPro): four criteria and an
overall score, 1 to 5, one a line. The wording is ours. Where the reference reads a score that it
cannot find as 3 of 5, `read_judgement` says that the judgement cannot be read;
`reference_overall` reads as the reference does, for ``official_score`` alone.
"""

from __future__ import annotations

import re

CRITERIA = ("correctness", "relevance", "completeness", "clarity")
SCORES = (*CRITERIA, "overall")

#: The judge's prompt, by default; a row of a judging manifest fills in its fields.
JUDGE_SYSTEM = "You are a helpful and objective evaluator of answers."

JUDGE_USER = """\
A model listened to audio and answered a question about it. Judge its answer against the \
reference answer, which a person wrote and which you may take to be right.

Question:
{question}

Reference answer:
{reference}

Model's answer:
{response}

Give each of these four criteria a score from 1 (worst) to 5 (best):
- correctness: do the facts in the answer agree with the reference?
- relevance: does it answer the question that was asked?
- completeness: does it cover what matters in the reference?
- clarity: is it easy to follow?

Then give an overall score, the average of the four. Answer with these five lines and nothing \
else, each with one short sentence of justification:
CORRECTNESS: [score] - [justification]
RELEVANCE: [score] - [justification]
COMPLETENESS: [score] - [justification]
CLARITY: [score] - [justification]
OVERALL: [average] - [justification]
"""


class JudgementError(ValueError):
    """A judgement whose scores cannot be read; the message says what is missing or unclear."""


_MARK = r"[*_`\"'#\[\](>]"  # what markdown, quotes and brackets may put around a word or a number
_NAMES = "|".join(SCORES)
_LINE = re.compile(
    rf"""
    (?: (?:^|[\n,;|{{]) [ \t]*
        (?:[-•+][ \t]+|[*]+[ \t]+)? {_MARK}* [ \t]* (?:\d+[.)][ \t]*)? {_MARK}*
        (?P<name>(?i:{_NAMES}))          # at the start of a line, or of an item in a list or table
      | \b(?P<shout>{_NAMES.upper()})    # or in capitals, anywhere
    )
    (?-x:{_MARK}*)[ \t]*(?:\([^)\n]*\))?[ \t]*(?i:score|rating)?
    (?-x:{_MARK}|\))*[ \t]*
    [:=|–—-]                             # what stands between a name and its score
    (?-x:{_MARK}|[ \t])* (?P<turn>\n[ \t]*)? (?i:(?:score|rating)[ \t]*[:=]?[ \t]*)?
    (?-x:{_MARK})*
    (?P<score>\d+(?:\.\d+)?)
    (?P<rest>[^\n]*)
    """,
    re.VERBOSE,
)
_OUT_OF = re.compile(r"[*_`\])]*\s*(?:/|out of)\s*[*_`\[(]*(\d+(?:\.\d+)?)")
_A_RANGE = re.compile(r"[.,]?\d|\s*%|\s*[-–—]\d|\s*[-–—]\s*\d+(?:\.\d+)?\W*$|\s+(?:to|or)\s+\d")


def _score(match: re.Match[str]) -> float | None:
    """The score that a line gives, None where it gives none (a range, another scale)."""
    rest = match["rest"]
    if match["turn"] and re.match(r"[.)]", rest):
        return None  # the number of the next item in a list, not a score
    if scale := _OUT_OF.match(rest):
        return float(match["score"]) if float(scale[1]) == 5 else None
    return None if _A_RANGE.match(rest) else float(match["score"])


def read_judgement(text: str) -> dict[str, float]:
    """Read the five scores of a judgement.

    Form is free: markdown, decimals, ``4/5``, lists, tables, JSON, and the lines in any order.
    What is accepted is not: each criterion needs one score from 1 to 5 beside its name; a line that
    is given twice must say the same. Where no overall score is given, it is the mean of the four.
    Text within ``<think>`` is not the judgement.

    Returns:
        A score for each of `SCORES`.

    Raises:
        JudgementError: naming the criteria without a score, or with two.
    """
    text = re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.DOTALL)
    text = text.rpartition("</think>")[2]
    found: dict[str, set[float]] = {name: set() for name in SCORES}
    start = 0
    while match := _LINE.search(text, start):
        # The rest of the line may hold the next score: one line may give all five.
        start = match.end("score")
        if (score := _score(match)) is not None:
            found[(match["name"] or match["shout"]).lower()].add(score)
    scores: dict[str, float] = {}
    for name, values in found.items():
        if len(values) > 1:
            raise JudgementError(f"two scores for {name}: {', '.join(map(str, values))}")
        for value in values:
            if not 1 <= value <= 5:
                raise JudgementError(f"{name} is {value:g}, not within 1 to 5")
            scores[name] = value
    missing = [name for name in CRITERIA if name not in scores]
    if missing:
        raise JudgementError(f"no score for {', '.join(missing)}")
    scores.setdefault("overall", sum(scores[name] for name in CRITERIA) / len(CRITERIA))
    return scores


def reference_overall(text: str) -> float:
    """Read a judgement's overall score as the reference evaluator does, 3 of 5 where it is silent.

    A criterion counts with the digits after ``NAME:``, else as 3; an overall score that is missing
    or exactly 3 is replaced by the mean of the four criteria.
    """

    def after(name: str, number: str) -> float:
        match = re.search(rf"{name}:\s*({number})", text, re.IGNORECASE)
        return float(match[1]) if match else 3.0

    overall = after("overall", r"\d+(?:\.\d+)?")
    if overall != 3.0:
        return overall
    return sum(after(name, r"\d+") for name in CRITERIA) / len(CRITERIA)
