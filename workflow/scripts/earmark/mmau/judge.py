"""Open-ended answers: what the judge is asked, and how its judgement is read.

The protocol is that of the reference evaluator (github sonalkum/MMAUPro): four criteria and an
overall score, 1 to 5, one a line. Where the reference reads a score that it cannot find as 3 of 5,
`read_judgement` says that the judgement cannot be read; `reference_scores` reads as the reference
does, for the rates that follow it alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from earmark.scoring.text import reasoning

if TYPE_CHECKING:
    from earmark.config.benchmarks import Judged

CRITERIA = ("correctness", "relevance", "completeness", "clarity")
SCORES = (*CRITERIA, "overall")

PROMPTS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("judges.yaml").read_text(encoding="utf-8")
)
"""What judges are asked: ``system``, ``user`` and ``yes_no``, by the config's ``judge.prompt``."""

JUDGE_USER: str = PROMPTS["earmark"]["user"]


class JudgementError(ValueError):
    """A judgement whose scores cannot be read; the message says what is missing or unclear."""


_NAMES = "|".join(SCORES)
_NUMBER = r"(?P<score>\d+(?:\.\d+)?)"
_SCALE = r"(?:\([^)\n]{0,99}\)\ ?)?"  # such as `(1-5)`
_WORD = r"(?i:score|rating)\ ?(?:of\ )?"
_NAME = rf"""(?:
    (?:^|[\n,;|])\ ?(?:[-•+]\ )?(?:\d+[.)]\ ?)?(?i:{_WORD}for\ )?
      (?P<name>(?i:{_NAMES}))             # first in a line or an item
    | \b(?P<shout>{_NAMES.upper()})       # or in capitals, anywhere
    )\ ?"""
_LINE = re.compile(
    rf"""{_NAME}{_SCALE}(?:{_WORD}{_SCALE})?
    (?:
        [:=|–—→-]>?\ ?                                                   # between name and score
        (?P<turn>\n(?:[-•+]\ )?)? (?P<word>{_WORD}[:=]?\ ?)?
      | \n(?:[-•+]\ )?{_WORD}[:=]\ ?                                     # or the name is a heading
    )
    {_NUMBER}(?P<rest>[^\n]*)""",
    re.VERBOSE,
)
_INSIDE = re.compile(  # in brackets behind the name: `Correctness (4/5)`
    rf"{_NAME}\((?:{_WORD}[:=]?\ ?)?{_NUMBER}(?P<rest>[^)\n]{{0,9}})\)", re.VERBOSE
)
_SHARE = r"(?P<rest>(?:\ ?(?:/|out\ of)\ ?\d+)?)"
_IS = re.compile(  # in a sentence of its own: `Correctness is 4.`, or nothing but `Correctness 4`
    rf"""(?:^|[\n.,;:!]|\band\b)\ ?(?:and\ )?(?i:the\ )?(?P<name>(?i:{_NAMES}))(?:\ {_WORD})?\ ?
    (?:(?:is|gets|deserves|receives|earns|:)\ )?(?:(?:rated|scored|given)\ )?(?:at\ )?(?:an?\ )?
    (?:{_WORD})?{_NUMBER}{_SHARE}(?=[.,;\n]|\ and\b(?!\ \d)|$)""",
    re.VERBOSE,
)
_HEAD = re.compile(rf"{_NAME}{_SCALE}(?:[:=|–—-]|\n)", re.VERBOSE)
_LATER = (  # behind the justification: `CORRECTNESS: It agrees. Score: 4`, or at its end: `(4/5)`
    re.compile(rf"\b{_WORD}(?:[:=]|is\b)\ ?{_NUMBER}{_SHARE}", re.VERBOSE),
    re.compile(rf"(?:\(|\|\ ?){_NUMBER}{_SHARE}\ ?[)|][.|\ ]*(?=\n|$)", re.VERBOSE),
)
_OUT_OF = re.compile(r"\s*(?:/|out of|of)\s*(\d+(?:\.\d+)?)")
_ALONE = re.compile(r" ?(?:$|[-–—:/,]|out of)")  # what may follow on a line of its own
_NO_SCORE = re.compile(  # a range, a share or a sum
    r"[.,]?\d|\s*%|\s*[-–—]\d|\s*[-–—]\s*\d+(?:\.\d+)?\W*$|\s+(?:to|or|and)\s+\d|\s*[+~]\s*\d"
)
_DIGITS = ("one", "two", "three", "four", "five")
_SPELLED = rf"(?i)(?<=[:=] )(?:{'|'.join(_DIGITS)})(?= ?(?:[.,;/(–—-]|\n|out of|$))"
_YES_NO = re.compile(r"^\W*(?:judge?ment|verdict)\W+(yes|no)\b", re.IGNORECASE | re.MULTILINE)
_VALUE = re.compile(r"[\s*_\"'`#.:()\[\]]*(.+?)[\s*_\"'`.!()\[\]]*", re.DOTALL)


def _plain(text: str) -> str:
    """A judgement without its markup: markdown, quotes, JSON's braces, tags, LaTeX's boxes."""
    text = re.sub(r"</?(?:b|strong|i|em)>", "", text.replace("：", ":").replace("<br>", "\n"))
    for _ in range(2):  # one within the other
        text = re.sub(r"\\(?:boxed|text\w*|math\w*) ?\{([^{}\n]*)\}", r"\1", text)
    text = re.sub(r"</[A-Za-z_]{1,30}>", "\n", text)
    text = re.sub(r"<([A-Za-z_]{1,30})((?: [^<>]{1,99})?)>", r"\n\1:\2: ", text).replace("::", ":")
    text = re.sub(r"[*`\"'#\[\]>$\\☆]", "", re.sub(r"[}_]", " ", text.replace("{", "\n")))
    text = re.sub(r"[★⭐]{1,5}", lambda stars: str(len(stars[0])), text)
    text = re.sub(_SPELLED, lambda word: str(_DIGITS.index(word[0].lower()) + 1), text)
    text = re.sub(rf"(?i)\b(?:criterion|metric|name) ?[:=] ?({_NAMES}) ?[,:]", r"\n\1:", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[ \n]*", "\n", text).strip()


def _score(match: re.Match[str]) -> float | None:
    """The score that a match gives, None where it gives none (a range, a sum, another scale)."""
    rest, groups = match["rest"], match.groupdict()
    if groups.get("turn") and not groups["word"] and not _ALONE.match(rest):
        return None  # the number of the next item in a list, or prose, not a score
    if scale := _OUT_OF.match(rest):
        return float(match["score"]) if float(scale[1]) == 5 else None
    return None if _NO_SCORE.match(rest) else float(match["score"])


def _name(match: re.Match[str]) -> str:
    return str(match["name"] or match.groupdict().get("shout")).lower()


def _stated(text: str) -> dict[str, set[float]]:
    """The scores that stand beside each name, else those that are said of it in another way."""
    found: dict[str, set[float]] = {name: set() for name in SCORES}
    start = 0
    while match := _LINE.search(text, start):
        # The rest of the line may hold the next score: one line may give all five.
        start = match.end("score")
        if (score := _score(match)) is not None:
            found[_name(match)].add(score)
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    later = [
        [
            (_name(head), match)
            for head, end in zip(heads, ends, strict=True)
            for match in form.finditer(text[head.end() : end])
        ]
        for form in _LATER
    ]
    inside = [(_name(match), match) for form in (_INSIDE, _IS) for match in form.finditer(text)]
    for said in (inside, *later):
        bare = {name for name, values in found.items() if not values}
        for name, match in said:
            if name in bare and (score := _score(match)) is not None:
                found[name].add(score)
    return found


def read_judgement(text: str, yes_no: bool = False) -> dict[str, float]:
    """Read the five scores of a judgement, or its Yes or No.

    Form is free: markdown, decimals, ``4/5``, lists, tables, JSON, tags, sentences, a score behind
    its justification, and the lines in any order. What is accepted is not: each criterion needs one
    score from 1 to 5 that is said to be its; a line that is given twice must say the same. Where no
    overall score is given, it is the mean of the four. Reasoning is not the judgement.

    Args:
        text: What the judge wrote.
        yes_no: Whether it was asked for ``Judgement: Yes`` or ``Judgement: No``.

    Returns:
        A score for each of `SCORES`; of a Yes or No ``correctness`` alone, 5 or 0.

    Raises:
        JudgementError: naming the criteria without a score, or with two.
    """
    text = reasoning.answer(text)[0]
    if yes_no:
        said = {match[1].lower() for match in _YES_NO.finditer(text)}
        if len(said) != 1:
            raise JudgementError("both Yes and No" if said else "no line `Judgement: Yes` or `No`")
        return {"correctness": 5.0 if said == {"yes"} else 0.0}
    scores: dict[str, float] = {}
    for name, values in _stated(_plain(text)).items():
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


def reference_scores(text: str) -> dict[str, float]:
    """Read a judgement as the reference evaluator does, 3 of 5 where it is silent.

    A criterion counts with the digits after ``NAME:``, else as 3; an overall score that is missing
    or exactly 3 is replaced by the mean of the four criteria.
    """

    def after(name: str, number: str) -> float:
        match = re.search(rf"{name}:\s*({number})", text, re.IGNORECASE)
        return float(match[1]) if match else 3.0

    found = {name: after(name, r"\d+") for name in CRITERIA}
    overall = after("overall", r"\d+(?:\.\d+)?")
    mean = sum(found.values()) / len(found)
    return {**found, "overall": overall if overall != 3.0 else mean}


def read_value(text: str, rule: Judged) -> float | None:
    """Read a judgement as a benchmark configures; None where it has no value on the scale, or two.

    Args:
        text: What the judge wrote; reasoning is not the judgement.
        rule: `Split.judged`: where the value stands, what words are worth, and the scale.
    """
    text = reasoning.answer(text)[0].strip()
    if rule.pattern is None:
        alone = _VALUE.fullmatch(text)
        said = {alone[1]} if alone else set()
    else:
        matches = re.finditer(rule.pattern, text)
        said = {next(filter(None, match.groups()), match[0]) for match in matches}
    worth = {word.casefold(): value for word, value in rule.values.items()}
    values = {worth.get(one.strip().casefold()) if worth else _number(one) for one in said}
    (value,) = values if len(values) == 1 else (None,)
    return value if value is not None and rule.scale[0] <= value <= rule.scale[1] else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) else None
