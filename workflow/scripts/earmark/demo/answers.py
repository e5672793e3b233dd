"""How the demo's model answers questions and judges: by the likeness of texts, nothing more."""

import re
from collections.abc import Sequence

import numpy as np

from earmark.mmau.judge import JUDGE_USER
from earmark.mmau.matchers import demo

JUDGE = "minilm-likeness-judge"
"""The judge's name on the wire. It is an embedding model: its scores compare with nothing."""

_CHOICE = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)
_ASKED = re.compile(
    re.sub(r"\\\{(question|reference|response)\\\}", r"(?P<\1>.*)", re.escape(JUDGE_USER.strip())),
    re.DOTALL,
)


def likeness(texts: Sequence[str]) -> list[float]:
    """Cosine similarity of the first text with each of the others."""
    vectors = demo.load()([text.strip() or "." for text in texts]).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [float(value) for value in vectors[1:] @ vectors[0]]


def answer(prompt: str, heard: str) -> str:
    """The choice that is most like what was heard, or what was heard where there are no choices.

    Args:
        prompt: The user's text, with choices as ``A. …`` lines or without.
        heard: The transcript of the audio.
    """
    choices = [text for _, text in _CHOICE.findall(prompt)]
    if len(choices) < 2:
        return heard
    question = prompt.split("\n\n")[0]
    scores = likeness([f"{question} {heard}", *choices])
    best: str = choices[int(np.argmax(scores))]
    return best


def judgement(prompt: str) -> str | None:
    """A judgement in the form that judges are asked for; None for a prompt that is not the judge's.

    Correctness and completeness are the answer's likeness to the reference, relevance that to the
    question; clarity is not judged, and is 3.
    """
    asked = _ASKED.search(prompt)
    if asked is None:
        return None
    to_reference, to_question = likeness([asked["response"], asked["reference"], asked["question"]])
    near, apt = (1 + round(4 * max(0.0, value)) for value in (to_reference, to_question))
    overall = (near + apt + near + 3) / 4
    return (
        f"CORRECTNESS: {near} - likeness to the reference {to_reference:.2f}\n"
        f"RELEVANCE: {apt} - likeness to the question {to_question:.2f}\n"
        f"COMPLETENESS: {near} - as correctness\n"
        "CLARITY: 3 - not judged\n"
        f"OVERALL: {overall:g} - the average; an embedding model's, comparable with nothing"
    )
