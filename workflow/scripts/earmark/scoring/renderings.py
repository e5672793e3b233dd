"""Reference renderings: where its words are right, does a model write them as the reference does?

``colour`` or ``color``, ``T. V.`` or ``TV``, ``twenty`` or ``20``, ``e-mail`` or ``email``: English
normalizers make one of both, and which one a model writes may be what it has learned from a
benchmark. The protocol is that of huggingface/open_asr_leaderboard at 0b767e3c
(``benchmark_fitting``): each form becomes a marker of its family, in reference and hypothesis, the
rest is normalized, and a form counts where its marker is aligned with one of the same family.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from earmark.scoring.fitting import PROTOCOL, agreement
from earmark.scoring.samples import Sample
from earmark.scoring.text import protocol, tables

CLASSES = ("spelling", "initialism", "number", "lexical")

_LISTED = {kind: words.split() for kind, words in tables.rows("renderings")}
_HYPHEN = r"(?:\s+|[-‐‑‒–—])"
_DIGITS = re.compile(r"(?<![\w$€£¥.:\-])(\d{1,2})(st|nd|rd|th)?(?![\w%$€£¥.:\-])", re.IGNORECASE)
_BEFORE_YEAR = re.compile(r"(?:['’]|(?:fiscal\s+year|fy|year)\s*['’]?)\s*$", re.IGNORECASE)
_AFTER_YEAR = re.compile(r"\s*(?:fiscal\s+year|year)\b", re.IGNORECASE)
_LETTERS = (r"(?:[A-Za-z]\.\s*)+[A-Za-z]\.?", r"(?:[A-Za-z]\s+)+[A-Za-z]")


class Form(NamedTuple):
    """A form in a text: where it stands, its class, its family, and which of the family it is."""

    start: int
    end: int
    kind: str
    family: str
    form: str


def _words(*patterns: str) -> re.Pattern[str]:
    """Any of some patterns, the longest first, as whole words in any case."""
    ordered = sorted(patterns, key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(ordered)})(?![A-Za-z])", re.IGNORECASE)


def _worded() -> tuple[dict[str, tuple[str, str, str]], re.Pattern[str]]:
    """Class, family and form of spellings, and of 11 to 99 and 11th to 99th in words."""
    from num2words import num2words

    prefixes, words = tuple(_LISTED["prefix"]), set(_LISTED["spelling"])
    found: dict[str, tuple[str, str, str]] = {}
    for british, american in tables.spelling(PROTOCOL).items():
        if british.startswith(prefixes) or british in words:
            found[british] = ("spelling", american, "british")
            found.setdefault(american, ("spelling", american, "american"))
    for kind in ("cardinal", "ordinal"):
        for value in range(11, 100):
            written = num2words(value, to=kind).replace("-", " ")
            found[written] = ("number", f"{kind} {value}", "words")
    return found, _words(*(re.escape(form).replace("\\ ", _HYPHEN) for form in found))


_WORDED, _ANY_WORDED = _worded()
_LEXICAL = [
    ("mister", "expanded", _words("mister")),
    ("mister", "abbreviated", _words(r"mr\.?")),
    ("etcetera", "split", _words(r"et\s+cetera")),
    ("etcetera", "joined", _words("etcetera")),
    ("etcetera", "abbreviated", _words(r"etc\.?")),
]
for _pair in ("e mail", "e commerce", "wi fi", "sci fi", "x ray", "t shirt"):
    _joined = _pair.replace(" ", "")
    _LEXICAL += [(_joined, "split", _words(_pair.replace(" ", _HYPHEN)))]
    _LEXICAL += [(_joined, "joined", _words(_joined))]
_INITIALISMS = [_words(one) for one in (*_LETTERS, "|".join(_LISTED["initialism"]))]


def forms(text: str, of_reference: bool = False) -> list[Form]:
    """The forms that a raw text has, in order; of those that overlap the first, or the longest.

    Args:
        text: The text.
        of_reference: Whether it is a reference: there a bare ``mr`` is no form, as it may be
            another thing.
    """
    found = sorted(_every(text), key=lambda one: (one.start, one.start - one.end))
    apart: list[Form] = []
    for one in found:
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    bare = ("mister", "abbreviated")
    return [one for one in apart
            if not of_reference or (one.family, one.form) != bare
            or "." in text[one.start : one.end]]  # fmt: skip


def _every(text: str) -> Iterator[Form]:
    for match in _ANY_WORDED.finditer(text):
        yield Form(*match.span(), *_WORDED[re.sub(_HYPHEN, " ", match[0].casefold())])
    for family, form, pattern in _LEXICAL:
        for match in pattern.finditer(text):
            yield Form(*match.span(), "lexical", family, form)
    for pattern in _INITIALISMS:
        for match in pattern.finditer(text):
            letters = re.sub(r"[.\s]", "", match[0]).casefold()
            if letters in _LISTED["initialism"]:
                yield Form(*match.span(), "initialism", letters, _punctuated(match[0]))
    for match in _DIGITS.finditer(text):
        if (counted := _digits(text, match)) is not None:
            yield Form(*match.span(), "number", counted, "digits")


def _punctuated(raw: str) -> str:
    if "." in raw:
        return "spaced and dotted" if re.search(r"\.\s+", raw) else "dotted"
    return "spaced" if re.search(r"\s", raw) else "joined"


def _digits(text: str, match: re.Match[str]) -> str | None:
    """The family of a number in digits; None where it is no count, such as a year."""
    value, ending = int(match[1]), match[2]
    endings = {1: "st", 2: "nd", 3: "rd"}
    right = "th" if value in (11, 12, 13) else endings.get(value % 10, "th")
    if not 11 <= value <= 99 or (ending and ending.casefold() != right):
        return None
    before, after = text[max(0, match.start() - 30) : match.start()], text[match.end() :][:20]
    if _BEFORE_YEAR.search(before) or _AFTER_YEAR.match(after):
        return None
    return f"{'ordinal' if ending else 'cardinal'} {value}"


def _marker(form: Form) -> str:
    """A word of letters that stands for a family, and that normalizing leaves as it is."""
    code = f"{form.kind} {form.family}".encode()
    return "zz" + "".join(chr(97 + byte // 16) + chr(97 + byte % 16) for byte in code) + "zz"


def _marked(text: str, of_reference: bool = False) -> tuple[list[str], dict[int, Form]] | None:
    """The normalized words, and which of them stand for a form; None where one was lost."""
    found, pieces, start = forms(text, of_reference), [], 0
    for form in found:
        pieces += [text[start : form.start], f" {_marker(form)} "]
        start = form.end
    words = protocol(PROTOCOL).normalize("".join([*pieces, text[start:]])).split()
    places: dict[int, Form] = {}
    for place, word in enumerate(words):
        if len(places) < len(found) and word == _marker(found[len(places)]):
            places[place] = found[len(places)]
    return (words, places) if len(places) == len(found) else None


def pairs(reference: str, hypothesis: str) -> list[tuple[Form, Form]]:
    """The forms of a reference, each with that of the hypothesis in its place, of one family."""
    ours = _marked(" ".join(reference.split()), of_reference=True)
    theirs = _marked(hypothesis) if ours and ours[1] else None
    if ours is None or theirs is None:
        return []
    matcher = SequenceMatcher(None, ours[0], theirs[0], autojunk=False)
    found = []
    for start, other, size in matcher.get_matching_blocks():
        for offset in range(size):
            form, said = ours[1].get(start + offset), theirs[1].get(other + offset)
            if form and said and (form.kind, form.family) == (said.kind, said.family):
                found.append((form, said))
    return found


def rendering_agreement(samples: Iterable[Sample]) -> dict[str, Any]:
    """The agreement of a model with a benchmark's renderings.

    Returns:
        ``rate`` (of the forms that could be compared, those that are the reference's; a fraction,
        None without any) with its interval ``rate_ci`` over utterances (or speakers, where samples
        have a group) and ``n``, and the same by class.
    """
    rows = [
        (sample.group or sample.id, form.kind, form.form == said.form)
        for sample in samples
        for form, said in pairs(sample.reference, sample.generation)
    ]

    def rates(kind: str | None) -> dict[str, Any]:
        chosen = [row for row in rows if kind in (None, row[1])]
        made = agreement([agreed for *_, agreed in chosen], [group for group, *_ in chosen])
        return {**made, "n": len(chosen)}

    return {**rates(None), "classes": {kind: rates(kind) for kind in CLASSES}}
