"""What a model answered, without what it thought on the way: tags and channels of reasoning."""

import re

_KINDS = (
    r"(?:[a-z]{1,20}:)?(?:(?:think(?:ing)?|thoughts?)(?:[ _-]process)?|reason(?:ing)?|analysis|"
    r"reflection|scratch[ _-]?pad|(?:inner[ _-])?monologue|rationale|cot|"
    r"chain[ _-]of[ _-]thoughts?)"
)
_TAG = re.compile(  # a group is matched where the tag closes
    rf"<\s?(/?)\s?{_KINDS}(?:\s[^<>]{{0,40}}(?<!/))?>|◁(/?){_KINDS}▷|(?-i:\[(/?)THINK\])"
    r"|<\|(?:begin|(end))_of_thought\|>|<\|(/?)think(?:ing)?\|>"
    r"|<(?:\|channel>\s?(?:thought|analysis)\b|(channel\|>))|<unused9(?:4|(5))>",
    re.IGNORECASE,
)
_EMPTY = re.compile(rf"<\s?{_KINDS}\s?/>", re.IGNORECASE)
_UNMARKED = re.compile(  # harmony's without its marks, and Granite's
    r"\s*(?:analysis(?=[A-Z\s]).*assistantfinal|here is my thought process:.*here is my response:)",
    re.DOTALL | re.IGNORECASE,
)
_FINAL = re.compile(r"<\|channel\|>\s*final\b(?:(?!<\|message\|>).){0,99}<\|message\|>", re.DOTALL)
_END = re.compile(r"<\|(?:end|return|start|channel)\|>")
_ANSWER = re.compile(
    r"<\s?/?\s?(?:(?:final[ _-]?)?(?:answer|response|output|solution)|final)\s?>"
    r"|<\|(?:begin|end)_of_solution\|>",
    re.IGNORECASE,
)
_TRANSCRIPT = re.compile(r"</?(?:asr_text|transcript(?:ion)?)>", re.IGNORECASE)


def answer(generation: str) -> tuple[str, bool]:
    """The answer in what a model generated.

    Blocks such as ``<think>…</think>`` go; of one whose start was not generated, everything to its
    end, and of one that was cut short, everything from its start, so that no answer may be left.
    Of harmony's channels the last ``final`` one is the answer, of ``<answer>…</answer>`` and its
    kin the content, and of Qwen3-ASR's ``language English<asr_text>…`` what stands behind the mark.

    Args:
        generation: What the model generated.

    Returns:
        The answer, stripped where something was removed, and whether something was.
    """
    text = generation
    if "<|channel|>" in text:
        finals = list(_FINAL.finditer(text))
        text = _END.split(text[finals[-1].end() :], maxsplit=1)[0] if finals else ""
    text = _UNMARKED.sub("", text, count=1) if _UNMARKED.match(text) else text
    text = _inside(_ANSWER, _outside(_EMPTY.sub("", text)))
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
    starts = [k for k, one in enumerate(tags) if "/" not in one[0] and "end_of" not in one[0]]
    if not starts:  # the block's start was not generated
        return text[: tags[0].start()] if tags else text
    ends = [one.start() for one in tags[starts[-1] + 1 :]]
    return text[tags[starts[-1]].end() : ends[0] if ends else len(text)]
