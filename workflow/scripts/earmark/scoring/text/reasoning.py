"""What a model answered, without what it thought on the way: tags and channels of reasoning."""

from __future__ import annotations

import re

_KINDS = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reason)"
_OPEN = rf"(?:<{_KINDS}>|◁{_KINDS}▷|\[THINK\])"
_CLOSE = rf"(?:</{_KINDS}>|◁/{_KINDS}▷|\[/THINK\])"
_BLOCK = re.compile(rf"{_OPEN}.*?{_CLOSE}", re.IGNORECASE | re.DOTALL)
_TO_CLOSE = re.compile(rf".*{_CLOSE}", re.IGNORECASE | re.DOTALL)
_FROM_OPEN = re.compile(rf"{_OPEN}.*", re.IGNORECASE | re.DOTALL)
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r".*<\|channel\|>\s*final\b[^<]*<\|message\|>", re.DOTALL)
_END = re.compile(r"<\|(?:end|return|start|channel)\|>.*", re.DOTALL)
_ANSWER = re.compile(r".*<answer>(.*?)(?:</answer>.*|\Z)", re.IGNORECASE | re.DOTALL)
_TRANSCRIPT = "<asr_text>"


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
    if not any(mark in generation for mark in "<◁["):
        return generation, False
    text = generation
    if _CHANNEL in text:
        final = _FINAL.match(text)
        text = _END.sub("", text[final.end() :]) if final else ""
    text = _BLOCK.sub("", text)
    text = _TO_CLOSE.sub("", text)
    text = _FROM_OPEN.sub("", text)
    text = _ANSWER.sub(r"\1", text)
    if _TRANSCRIPT in text:
        text = text.rpartition(_TRANSCRIPT)[2].removesuffix("</asr_text>")
    return (generation, False) if text == generation else (text.strip(), True)
