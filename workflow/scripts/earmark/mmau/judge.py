"""Open-ended answers: what the judge is asked, and how its judgement is read.

The protocol is that of the reference evaluator (github sonalkum/MMAUPro): four criteria and an
overall score, 1 to 5, one a line. The wording is ours. Where the reference reads a score that it
cannot find as 3 of 5, `read_judgement` says that the judgement cannot be read;
`reference_overall` reads as the reference does, for ``reference_score`` alone.
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
_NAME = rf"""
    (?: (?:^|[\n,;|{{]) [ \t]*
        (?:[-•+][ \t]+|[*]+[ \t]+)? {_MARK}* [ \t]* (?:\d+[.)][ \t]*)? {_MARK}*
        (?P<name>(?i:{_NAMES}))          # at the start of a line, or of an item in a list or table
      | \b(?P<shout>{_NAMES.upper()})    # or in capitals, anywhere
    )
    (?-x:{_MARK}*)[ \t]*"""
_LINE = re.compile(
    rf"""
    {_NAME} (?:\([^)\n]{{0,99}}\))?[ \t]* (?:(?i:score|rating)[ \t]*(?:\([^)\n]{{0,99}}\))?)?
    (?-x:{_MARK}|\))*[ \t]*
    (?:
        [:=|–—-]                         # what stands between a name and its score
        (?-x:{_MARK}|[ \t])* (?:\{{\s*"?)? (?P<turn>\s*\n\s*(?:[-•+*][ \t]+)?)? (?-x:{_MARK})*
        (?P<word>(?i:score|rating) (?-x:{_MARK})* [ \t]*[:=]?[ \t]*)?
      | \s*\n\s* (?:[-•+*][ \t]+)? (?-x:{_MARK})*  # or the name is a heading of its own
        (?i:score|rating) (?-x:{_MARK})* [ \t]*[:=]
    )
    (?-x:{_MARK}|[ \t])*
    (?P<score>\d+(?:\.\d+)?)
    (?P<rest>[^\n]*)
    """,
    re.VERBOSE,
)
_INSIDE = re.compile(  # the score in brackets behind the name: `Correctness (4/5)`
    rf"""{_NAME} (?:(?<=\()|\() (?i:score|rating)?[ \t]*[:=]?[ \t]*
    (?P<score>[1-5](?:\.\d+)?) [ \t]*(?:(?:/|out[ ]of)[ \t]*5(?:\.0)?)?[ \t]*\)""",
    re.VERBOSE,
)
_OUT_OF = re.compile(r"[*_`\])]*\s*(?:/|out of|of)\s*[*_`\[(]*(\d+(?:\.\d+)?)")
_ALONE = re.compile(r"[*_`\])]*[ \t]*(?:$|[-–—:/]|out of)")  # what may follow on a line of its own
_NO_SCORE = re.compile(  # a range, a share or a sum
    r"[.,]?\d|\s*%|\s*[-–—]\d|\s*[-–—]\s*\d+(?:\.\d+)?\W*$|\s+(?:to|or|and)\s+\d|\s*[+~]\s*\d"
)


def _plain(text: str) -> str:
    """Without runs of white space and marks, on which the patterns would take long."""
    text = re.sub(r"[^\S\n]+", " ", text.replace("：", ":"))
    text = re.sub(r" ?\n[ \n]*", "\n", text)
    return re.sub(rf"(?:{_MARK} ?){{5,}}", "**", text)


def _score(match: re.Match[str]) -> float | None:
    """The score that a line gives, None where it gives none (a range, a sum, another scale)."""
    rest = match["rest"]
    if match["turn"] and not match["word"] and not _ALONE.match(rest):
        return None  # the number of the next item in a list, or prose, not a score
    if scale := _OUT_OF.match(rest):
        return float(match["score"]) if float(scale[1]) == 5 else None
    return None if _NO_SCORE.match(rest) else float(match["score"])


def _found(text: str) -> dict[str, set[float]]:
    """The scores that stand beside each name."""
    found: dict[str, set[float]] = {name: set() for name in SCORES}
    start = 0
    while match := _LINE.search(text, start):
        # The rest of the line may hold the next score: one line may give all five.
        start = match.end("score")
        if (score := _score(match)) is not None:
            found[(match["name"] or match["shout"]).lower()].add(score)
    bare = {name for name, values in found.items() if not values}
    for match in _INSIDE.finditer(text):
        if (name := (match["name"] or match["shout"]).lower()) in bare:
            found[name].add(float(match["score"]))
    return found


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
    found = _found(_plain(text.rpartition("</think>")[2]))
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
