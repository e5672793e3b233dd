"""Chatty transcripts: what a chat model says around the words that it heard.

Off unless a benchmark asks for it by name (``postprocess: chatty``), and recorded with the score:
its version, and how many answers it changed. People say "I'm sorry, I can't hear you" and "the
speaker says" too, so what the reference has as well is never dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from earmark.errors import EarmarkError
from earmark.scoring.text.basic import normalize_basic

# Beyond this length an answer is no short remark; patterns are tried at its start only.
_OPENING = 400

_REFUSAL = re.compile(
    r"\b(?:as an ai\b|i(?:'?m| am) (?:sorry|unable|not able)\b|i (?:can ?not|can'?t|do not|don'?t) "
    r"(?:have access|access|hear|listen|process|transcribe|play)\b|(?:un)?able to (?:hear|listen|"
    r"access|process|transcribe)\b|(?:no|any) (?:audio|sound|speech) (?:was|is|file|has been)\b)",
    re.IGNORECASE,
)
_ABOUT_AUDIO = re.compile(
    r"\b(?:audio|recording|sound file|transcri(?:be|ption|pt)|listen|hear)\b", re.IGNORECASE
)
_FIRST_PERSON = re.compile(r"^(?:i\b|i'm\b|sorry\b|unfortunately\b|as an ai\b|no )", re.IGNORECASE)
_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[,.]\d{1,3})?"
# Subtitles: "1 00:00:00,000 --> 00:00:02,500", a line of their own or within brackets.
_STAMP = re.compile(
    rf"(?:^|(?<=\s))(?:\d{{1,6}}\s+)?{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}(?=\s|$)"
    rf"|\[\s*{_CLOCK}\s*(?:-->|-|–)\s*{_CLOCK}\s*\]"
)
_WEBVTT = re.compile(r"^WEBVTT\b[^\n]*\n")
_SPECIAL = re.compile(r"<\|[\w.]{0,40}\|>")
_SPEAKER = re.compile(
    r"(?:^|(?<=\n))\s*\[?(?:speaker|spk)[ _]?(?:\d{1,3}|[A-Z])\]?\s*:\s*", re.IGNORECASE
)
_FENCE = re.compile(r"^```\w*\s*\n(.*?)\n?```$", re.DOTALL)
_TRAILERS = re.compile(
    r"\n\s*(?:let me know\b|(?:please )?feel free\b|(?:i )?hope (?:this|that) helps\b|"
    r"is there anything else\b|(?:please )?note(?: that|:)|would you like\b|"
    r"if you (?:need|have|would|want)\b)[^\n]{0,300}\s*$",
    re.IGNORECASE,
)
_PAIRS = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}

# A lead-in is made of these words alone, holds one of the first two lines, and ends with a colon, a
# line break or an opening quote.
_NAMED = (
    "transcription transcript transcribed transcribe audio recording speaker speech clip content "
    "spoken narrator voice heard person man woman"
)
_OTHERS = (
    "sure certainly absolutely of course okay ok yes here heres is the a an this that your my "
    "following as follows in from for to on at original exact verbatim full complete raw final "
    "english accurate file contents words individual someone speaking says said states stated "
    "saying reads say speaks contains based you i we provided shared sent uploaded requested "
    "given attached below above hear can what was are be it and so"
)
_NAMES = frozenset(_NAMED.split())
_SHORT_NAMES = frozenset({"text", "output", "answer", "result", "response"})
_WORDS = _NAMES | _SHORT_NAMES | frozenset(_OTHERS.split())
_LEAD = re.compile(r"^[^:\n\"“‘«]{0,200}?(?:\s*:\**\s*|\s*\n\s*|[\s,]*(?=[\"“«‘])|\s+(?='))")


def _chatty(text: str, reference: str) -> str:
    """Drop what is said around a transcript: marks of subtitles, refusals, lead-ins, quotes."""
    text = _unpacked(text.strip())
    if "<|" in text:
        text = _SPECIAL.sub("", text).strip()
    text = _WEBVTT.sub("", text)
    if _STAMP.search(text):
        text = " ".join(_STAMP.sub(" ", text).split())
    opening = text[:_OPENING]
    refused = _FIRST_PERSON.match(opening) and _REFUSAL.search(opening)
    if refused and _ABOUT_AUDIO.search(opening) and not _REFUSAL.search(reference):
        return ""
    if not normalize_basic(reference).startswith("speaker"):
        text = _SPEAKER.sub("", text)
    text = _TRAILERS.sub("", text).strip()
    return _unquoted(_without_lead_in(text, normalize_basic(reference).split()))


def _unpacked(text: str) -> str:
    """The transcript out of a fence or a JSON object of one text."""
    fenced = _FENCE.match(text)
    body = fenced[1].strip() if fenced else text
    if body.startswith("{") and body.endswith("}"):
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return body
        texts = {key.lower(): value for key, value in found.items() if isinstance(value, str)}
        named = [texts[key] for key in ("transcription", "transcript", "text") if key in texts]
        if named or len(texts) == 1:
            return (named or list(texts.values()))[0].strip()
    return body


def _without_lead_in(text: str, reference: list[str]) -> str:
    """Drop up to two lead-ins, such as ``Sure!`` on a line and ``Transcript:`` on the next."""
    for _ in range(2):
        match = _LEAD.match(text[:_OPENING])
        if match is None or not text[match.end() :].strip(" *\"'"):
            return text
        words = normalize_basic(match[0]).split()
        named = _NAMES.intersection(words)
        if not named and not (len(words) <= 3 and _SHORT_NAMES.intersection(words)):
            named = frozenset({"sure", "certainly"}.intersection(words))
            if not named or "\n" not in match[0]:
                return text
        if not _WORDS.issuperset(words) or named.intersection(reference[: len(words) + 3]):
            return text
        text = text[match.end() :].lstrip("* \n\t")
    return text


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
    """A way to prepare hypotheses before they are normalized; its name and version are recorded.

    Attributes:
        name: What users write.
        version: Its revision.
        apply: From an answer and the reference to the hypothesis.
    """

    name: str
    version: str
    apply: Callable[[str, str], str] = field(repr=False)


_KNOWN = {
    "none": Postprocess("none", "1", lambda text, reference: text),
    "chatty": Postprocess("chatty", "3", _chatty),
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
