"""Reasoning is taken out of what a model generates, in the forms that models have for it."""

from __future__ import annotations

import pytest

from earmark.scoring.text.reasoning import answer

SAID = "Turn left at the mill."

FORMS = {
    "a block": f"<think>\nLevel > 3, [noise] low.\n</think>\n{SAID}",
    "an empty block": f"<think>\n\n</think>\n\n{SAID}",
    "another name": f"<thinking>so</thinking> {SAID}",
    "in capitals": f"<THINK>so</THINK>{SAID}",
    "seed": f"<seed:think>so</seed:think>{SAID}",
    "reasoning": f"<reasoning>so</reasoning>{SAID}",
    "triangles": f"◁think▷so◁/think▷{SAID}",
    "brackets": f"[THINK]so[/THINK]{SAID}",
    "closed alone": f"So it is.\n</think>\n\n{SAID}",
    "twice": f"<think>a</think><think>b</think>{SAID}",
    "nested": f"<think>a <think>b</think> c</think>{SAID}",
    "an answer": f"<think>so</think><answer>{SAID}</answer>",
    "an answer alone": f"So: <answer> {SAID} </answer>.",
    "an answer that is not closed": f"<answer>{SAID}",
    "channels": "<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final"
    f"<|message|>{SAID}<|return|>",
    "analysis": f"<analysis>so</analysis>\n{SAID}",
    "two kinds": f"<thinking>a <reflection>b</reflection></thinking><reflection>c</reflection>{SAID}",
    "a scratchpad": f"<scratchpad>so</scratchpad>{SAID}",
    "spaces in the tag": f"< think >so< /think >{SAID}",
    "an attribute": f'<think lang="en">so</think>{SAID}',
    "an empty tag": f"<think/>{SAID}",
    "thought and solution": "<|begin_of_thought|>so<|end_of_thought|>\n\n"
    f"<|begin_of_solution|>{SAID}<|end_of_solution|>",
    "marks of special tokens": f"<|think|>so<|/think|>{SAID}",
    "a channel that closes": f"<|channel>thought\nso<channel|>{SAID}",
    "unused tokens": f"<unused94>thought\nso<unused95>{SAID}",
    "channels without marks": f"analysisThe user wants words.assistantfinal{SAID}",
    "in words": f"Here is my thought process: so.\n\nHere is my response: {SAID}",
    "a final answer": f"<thought>so</thought><final_answer>{SAID}</final_answer>",
    "a transcript": f"language English<asr_text>{SAID}",
    "a transcript alone": f"<asr_text>{SAID}</asr_text>",
}
NOTHING = {
    "cut short": "<think>The speaker seems to",
    "a channel cut short": "<|channel|>analysis<|message|>The speaker",
    "silence": "language None<asr_text>",
}
UNTOUCHED = [
    "",
    SAID,
    " a < b and b > a ",
    "[laughs] well",
    "<b>bold</b>",
    "I think, therefore",
    "[thinking] well",
]


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_what_is_left(form: str) -> None:
    assert answer(FORMS[form]) == (SAID, True)


@pytest.mark.parametrize("form", NOTHING)
def test_thoughts_without_an_answer_are_no_answer(form: str) -> None:
    assert answer(NOTHING[form]) == ("", True)


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_has_no_reasoning_is_left_as_it_is(text: str) -> None:
    assert answer(text) == (text, False)


@pytest.mark.parametrize(
    "loop", ["<think>", "</think>", "<think></think>", "<answer>", "<|channel|>"]
)
def test_a_model_that_loops_does_not_hold_it_up(loop: str) -> None:
    answer(loop * 20000)  # a pattern that backtracks would take minutes
