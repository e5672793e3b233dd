"""What a model answered, without what it thought on the way: tags and channels of reasoning."""

from __future__ import annotations

import re

_KINDS = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|reason)"
_TAG = re.compile(rf"<(/?){_KINDS}>|◁(/?){_KINDS}▷|\[(/?)THINK\]", re.IGNORECASE)
_FINAL = re.compile(r"<\|channel\|>\s*final\b(?:(?!<\|message\|>).){0,99}<\|message\|>", re.DOTALL)
_END = re.compile(r"<\|(?:end|return|start|channel)\|>")
_ANSWER = re.compile(r"</?answer>", re.IGNORECASE)
_TRANSCRIPT = re.compile(r"</?asr_text>")


def answer(generation: str) -> tuple[str, bool]:
    """The answer in what a model generated.

    Blocks such as ``<think>…</think>`` go; of one whose start was not generated, everything to its
    end, and of one that was cut short, everything from its start, so that no answer may be left.
    Of harmony's channels the last ``final`` one is the answer, of ``<answer>…</answer>`` the
    content, and of Qwen3-ASR's ``language English<asr_text>…`` what stands behind the mark.

    Args:
        generation: What the model generated.

    Returns:
        The answer, stripped where something was removed, and whether something was.
    """
    text = generation
    if "<|channel|>" in text:
        finals = list(_FINAL.finditer(text))
        text = _END.split(text[finals[-1].end() :], maxsplit=1)[0] if finals else ""
    text = _inside(_ANSWER, _outside(text))
    text = _inside(_TRANSCRIPT, text)
    return (generation, False) if text == generation else (text.strip(), True)


def _outside(text: str) -> str:
    """What stands outside blocks of reasoning."""
    kept: list[str] = []
    start, within = 0, False
    for tag in _TAG.finditer(text):
        if any(tag.groups()):
            if not within:  # the block's start was not generated
                kept.clear()
            start, within = tag.end(), False
        elif not within:
            kept.append(text[start : tag.start()])
            within = True
    return "".join(kept if within else [*kept, text[start:]])


def _inside(tag: re.Pattern[str], text: str) -> str:
    """What stands inside the last block of a kind; the text itself where there is none."""
    tags = list(tag.finditer(text))
    starts = [k for k, one in enumerate(tags) if "/" not in one[0]]
    if not starts:  # the block's start was not generated
        return text[: tags[0].start()] if tags else text
    ends = [one.start() for one in tags[starts[-1] + 1 :]]
    return text[tags[starts[-1]].end() : ends[0] if ends else len(text)]
