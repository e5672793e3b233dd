"""Chatty transcripts: what a chat model says around the words that it heard.

Off unless a benchmark asks for it by name (``postprocess: chatty``), and recorded with the score:
its version, and how many answers it changed. People say "I'm sorry, I can't hear you" and "the
speaker says" too, so whoever scores takes what is left only where it has fewer errors.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from earmark.errors import EarmarkError
from earmark.scoring.text.basic import normalize_basic

# Beyond this length an answer is no short remark; patterns are tried at its start only.
_OPENING = 400

_HEARD = r"(?:audio|sound|speech|recording|voice|clip|file)"
_REFUSAL = re.compile(
    r"\b(?:as an? (?:ai|\w+ model)\b|i(?:'?m| am) (?:sorry|unable|not able)\b|i (?:can ?not|can'?t|"
    r"could ?n[o']t|couldn'?t|do not|don'?t|apologi[sz]e)\b|(?:un)?able to (?:hear|listen|access|"
    rf"process|transcribe)\b|(?:no|any|not an?) {_HEARD}\b|(?:does not|doesn'?t|did not|didn'?t) "
    r"(?:include|contain|have)\b|(?:provide|upload|attach|share|send) (?:me )?(?:the|an?|your) "
    rf"{_HEARD}|{_HEARD} (?:\w+ ){{0,3}}(?:is|was|seems|appears) (?:\w+ )?(?:silent|empty|unclear|"
    r"inaudible|missing|unintelligible))",
    re.IGNORECASE,
)
_ABOUT_AUDIO = re.compile(
    r"\b(?:audio|recording|sound file|speech|transcri(?:be|ption|pt)|listen|hear)\b", re.IGNORECASE
)
# How a refusal begins; anything else is taken for what was heard.
_BEGINNING = re.compile(
    r"^(?:i\b|i'(?:m|d)\b|sorry\b|(?:my )?apologies|unfortunately\b|as an? |no |there(?: i|')s |"
    r"(?:it|there) (?:seems|appears)|please |(?:could|can) you |your |(?:the|this) (?:audio|rec))",
    re.IGNORECASE,
)
_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[,.]\d{1,3})?"
_SPAN = rf"{_CLOCK}[ \t]*(?:-->|-|–)[ \t]*{_CLOCK}"
# Subtitles: "1 00:00:00,000 --> 00:00:02,500", a line of their own or within brackets.
_STAMP = re.compile(
    rf"(?:^|(?<=\s))(?:\d{{1,6}}\s+)?{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}"
    r"(?:[ \t]+(?:align|position|line|size|vertical|region):\S+)*(?=\s|$)"
    rf"|[\[(]\s*{_SPAN}\s*[\])]|(?:^|(?<=\n)){_SPAN}:?(?=\s)"
)
_WEBVTT = re.compile(r"^WEBVTT\b[^\n]*\n(?:\w+:[^\n]*\n)*")
_SPECIAL = re.compile(r"<\|[\w.]{0,40}\|>")
_SPEAKER = re.compile(
    r"(?:^|(?<=\n))\s*\**\[?(?:speaker|spk|person)[ _]?(?:\d{1,3}|[A-Z])\]?(?:\s*\([\d:.,\s–-]*\))?"
    r"\s*:\**\s*",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^```\w*\s*\n(.*?)\n?```$", re.DOTALL)
_TRAILERS = re.compile(
    r"(?:(?:\n|(?<=[.!?\"”'*]) )\s*(?:let me know (?:if|when)|(?:please )?feel free to|(?:i )?hope "
    r"(?:this|that) helps|is there anything else|if you (?:need|have|would|want) any)\b"
    r"|\n\s*\(?(?:let me know\b|(?:please )?note(?: that|:)|would you like\b|if you\b|"
    r"the (?:speaker|audio|recording|voice|tone)\b))[^\n]{0,300}\s*$",
    re.IGNORECASE,
)
_PAIRS = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}

# A lead-in is made of these words alone, holds one of the first two lines where it is a line of its
# own, and ends with a colon, a dash, a line break or an opening quote.
_NAMED = (
    "transcription transcript transcribed transcribe audio recording speaker speech clip content "
    "spoken narrator voice heard person man woman assistant asr transkription transcripción "
    "transcrição trascrizione 转录 转写 转录结果 转写结果 以下是转录 音频内容"
)
_OTHERS = (
    "sure certainly absolutely of course okay ok yes here heres is are the a an this that your my "
    "following as follows in from for to on at original exact verbatim full complete raw final "
    "english accurate file contents words individual someone speaking says said say saying states "
    "stated reads speaks contains based you i we he she it they provided shared sent uploaded "
    "requested given attached below above hear can help with go what was be and so male female "
    "voici la de du l hier ist die der des aquí está del aqui está ecco"
)
_NAMES = frozenset(_NAMED.split())
_SHORT_NAMES = frozenset({"text", "output", "answer", "result", "response"})
_OPENERS = frozenset({"sure", "certainly", "absolutely", "course"})
_WORDS = _NAMES | _SHORT_NAMES | frozenset(_OTHERS.split())
_LEAD = re.compile(
    r"^[^:：\n\"“‘«]{0,200}?(?:\s*[:：]\**\s*|\s*\n\s*|!\s+|\s[-–—]+\s|[\s,]*(?=[\"“«‘])|\s+(?='))"
)
_TEXT_KEYS = ("transcription", "transcript", "text", "segments", "result", "results", "chunks")


def _chatty(text: str) -> str:
    """Drop what is said around a transcript: marks of subtitles, refusals, lead-ins, quotes."""
    text = _unpacked(text.strip())
    if "<|" in text:
        text = _SPECIAL.sub("", text).strip()
    text = _WEBVTT.sub("", text)
    if _STAMP.search(text):
        text = " ".join(_STAMP.sub(" ", text).split())
    opening = text[:_OPENING].replace("’", "'")
    refused = _BEGINNING.match(opening) and _REFUSAL.search(opening)
    if refused and _ABOUT_AUDIO.search(opening):
        return ""
    text = _SPEAKER.sub("", text)
    for _ in range(3):
        text = _TRAILERS.sub("", text).strip()
    return _unquoted(_unpacked(_without_lead_in(text)))


def _unpacked(text: str) -> str:
    """The transcript out of a fence, or out of JSON."""
    fenced = _FENCE.match(text)
    body = fenced[1].strip() if fenced else text
    if body[:1] + body[-1:] in ("{}", "[]"):
        try:
            return " ".join(_texts(json.loads(body))).strip() or body
        except (ValueError, RecursionError):
            return body
    return body


def _texts(found: Any) -> Iterator[str]:
    """The transcript's pieces in a JSON value: under a key that says so, or the only ones there."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _texts(one)
    elif isinstance(found, dict):
        named = {key.lower(): value for key, value in found.items()}
        keys = [key for key in _TEXT_KEYS if key in named]
        if keys or len(named) == 1:
            yield from _texts(named[keys[0]] if keys else next(iter(named.values())))


def _without_lead_in(text: str) -> str:
    """Drop up to two lead-ins, such as ``Sure!`` on a line and ``Transcript:`` on the next."""
    for _ in range(2):
        match = _LEAD.match(text[:_OPENING])
        if match is None or not text[match.end() :].strip(" *\"'"):
            return text
        words = normalize_basic(match[0]).split()
        closed = match[0].rstrip()[-1:]
        named = _NAMES.intersection(words)
        if not named and len(words) <= 3:
            named = _SHORT_NAMES.intersection(words)
        if not named and (closed == "!" or "\n" in match[0]):
            named = _OPENERS.intersection(words)
        if not named and (closed in ":：*" or text[match.end() :][:1] in _PAIRS):
            named = frozenset(words)
        if not named or (closed == "!" and not _OPENERS.intersection(words)):
            return text
        if not _WORDS.issuperset(words):
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


class Postprocess(NamedTuple):
    """A way to prepare hypotheses before they are normalized: its name, revision and function."""

    name: str
    version: str
    apply: Callable[[str], str]


_KNOWN = {
    "none": Postprocess("none", "1", lambda text: text),
    "chatty": Postprocess("chatty", "4", _chatty),
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
