"""Chatty transcripts: what a chat model says around the words that it heard.

Off unless a benchmark asks for it by name (``postprocess: chatty``), and recorded with the score.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from earmark.errors import EarmarkError

# Beyond this length an answer is no short remark; patterns are tried at its start only.
_OPENING = 400

_REFUSAL = re.compile(
    r"\b(?:as an ai\b|i(?:'m| am) (?:sorry|unable|not able)\b|i (?:can ?not|can't|do not|don't) "
    r"(?:have access|access|hear|listen|process|transcribe|play)\b|(?:un)?able to (?:hear|listen|"
    r"access|process|transcribe)\b|(?:no|any) (?:audio|sound|speech) (?:was|is|file|has been)\b)",
    re.IGNORECASE,
)
_ABOUT_AUDIO = re.compile(
    r"\b(?:audio|recording|sound file|transcri(?:be|ption|pt)|listen|hear)\b", re.IGNORECASE
)
_FIRST_PERSON = re.compile(r"^(?:i\b|i'm\b|sorry\b|unfortunately\b|as an ai\b|no )", re.IGNORECASE)
_STAMP = re.compile(
    r"(?:^|(?<=\s))(?:\d{1,6}\s+)?\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}[ \t]*-->[ \t]*"
    r"\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}(?=\s|$)"
)
_LEAD_IN = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok)[,.!]?\s+)?"
    r"(?:here(?:'s| is)\s+(?:the|a|your)\s+(?:\w+\s+){0,2}transcri(?:ption|pt)(?:\s+of\s+the\s+"
    r"(?:\w+\s+){0,2}(?:audio|speech|recording|clip|file))?"
    r"|(?:the\s+)?(?:audio\s+|speech\s+)?transcri(?:ption|pt)(?:\s+of\s+the\s+(?:\w+\s+){0,2}"
    r"(?:audio|speech|recording|clip|file))?(?:\s+(?:is|reads))?(?:\s+as\s+follows)?"
    r"|(?:the\s+)?(?:audio|speech|recording|speaker|person|voice|clip)\s+"
    r"(?:says|said|states|is\s+saying|reads))"
    r"\s*(?::\s*|(?=[\"“'‘]))",
    re.IGNORECASE,
)
_PAIRS = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}


def _chatty(text: str) -> str:
    """Drop subtitle stamps, a refusal, a lead-in and the quotes around the rest."""
    text = text.strip()
    if "-->" in text:
        text = " ".join(_STAMP.sub(" ", text).split())
    opening = text[:_OPENING]
    if _FIRST_PERSON.match(opening) and _REFUSAL.search(opening) and _ABOUT_AUDIO.search(opening):
        return ""
    lead_in = _LEAD_IN.match(opening)
    if lead_in:
        text = text[lead_in.end() :].strip()
    return _unquoted(text)


def _unquoted(text: str) -> str:
    """Drop a pair of quotes that encloses the whole text, with a full stop behind it or none."""
    body = text[:-1] if len(text) > 2 and text[-1] in ".," else text
    closing = _PAIRS.get(body[:1])
    if closing is None or len(body) < 2 or body[-1] != closing:
        return text
    inner = body[1:-1]
    if closing in '"”«»`' and closing in inner:
        return text  # two quotations, not one
    return inner.strip()


@dataclass(frozen=True)
class Postprocess:
    """A way to prepare hypotheses before they are normalized; its name and version are recorded."""

    name: str
    version: str
    apply: Callable[[str], str] = field(repr=False)


_KNOWN = {
    "none": Postprocess("none", "1", lambda text: text),
    "chatty": Postprocess("chatty", "1", _chatty),
}

#: The names of the ways, for messages and schemas.
POSTPROCESS_NAMES = tuple(_KNOWN)


def postprocess(name: str) -> Postprocess:
    """Return the way of that name.

    Raises:
        EarmarkError: when there is none; the message lists the names.
    """
    if name not in _KNOWN:
        raise EarmarkError(f"unknown postprocess {name!r}: known are {', '.join(_KNOWN)}")
    return _KNOWN[name]
