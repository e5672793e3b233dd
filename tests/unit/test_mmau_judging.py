from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from judge_server import GOOD, StandIn

from earmark.config import alone
from earmark.errors import EarmarkError
from earmark.mmau.judge import PROMPTS
from earmark.mmau.judging import Judge, judge_all, judge_settings
from earmark.mmau.summary import modes, table, whole
from earmark.mmau.verdicts import open_verdict

SAMPLES = [
    ({"id": str(n), "category": "open", "question": f"Q{n}?", "answer": f"R{n}"}, f"answer {n}")
    for n in range(10)
]


def a_judge(url: str, folder: Path, **more: Any) -> Judge:
    given = {"server": "openai", "base_url": url, "model": "judge", "client": {"max_retries": 0}}
    given |= more
    judge = alone({"judge": given}).judge
    return Judge("judging", judge_settings(judge), judge, folder / "j", folder / "log")


def test_garbage_is_asked_about_once_more_then_counted_and_left_out(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        return "I would rather not say." if "answer 3" in text or "answer 8" in text else GOOD

    with StandIn(answer) as server:
        rows = judge_all(a_judge(server.url, tmp_path), SAMPLES)
        assert len(server.chats) == 12  # ten, and two once more
        assert {chat.get("seed") for chat in server.chats} == {None, 1}
        assert all(chat["temperature"] == 0.1 for chat in server.chats)
        judge_all(a_judge(server.url, tmp_path), SAMPLES)
        assert len(server.chats) == 12  # all of them are in the journal
    assert rows[3]["judgements"] == ["I would rather not say."] * 2
    assert rows[3]["scores"] is None and "no score for correctness" in rows[3]["why"]
    verdicts = [open_verdict(row, a, j) for (row, a), j in zip(SAMPLES, rows, strict=True)]
    found = modes(table(verdicts))["pass@1"]
    assert found["judge_unparsed"] == 2
    assert found["success_rate"] == found["avg_overall"] == 100.0
    # NeMo-Skills and the reference take 3 of 5 for what they cannot read.
    assert found["success_rate_nemo_skills"] == pytest.approx(10 * (8 * 1.0 + 2 * 0.6))
    total = whole([{"pass@1": found}], [table(verdicts)])["pass@1"]
    assert total["reference_score"] == pytest.approx(10 * (8 * 1.0 + 2 * 0.6))


def test_a_second_judgement_that_can_be_read_counts(tmp_path: Path) -> None:
    with StandIn(lambda body: GOOD if body.get("seed") else "no") as server:
        rows = judge_all(a_judge(server.url, tmp_path), SAMPLES[:2])
    assert [row["judgements"] for row in rows] == [["no", GOOD]] * 2
    assert rows[0]["scores"]["overall"] == 5.0


def test_nothing_is_asked_about_an_empty_answer(tmp_path: Path) -> None:
    with StandIn() as server:
        rows = judge_all(a_judge(server.url, tmp_path), [(SAMPLES[0][0], " ")])
        assert server.chats == []
    assert rows[0]["scores"] is None and rows[0]["judgements"] == []


def test_an_answer_without_a_reference_is_not_judged_unless_the_prompt_needs_none(
    tmp_path: Path,
) -> None:
    samples = [({**SAMPLES[0][0], "answer": given}, "x") for given in (None, " ", 0)]
    samples = [({**row, "id": str(n)}, answer) for n, (row, answer) in enumerate(samples)]
    with StandIn() as server:
        one = a_judge(server.url, tmp_path)
        rows = judge_all(one, samples)
        assert len(server.chats) == 1  # 0 is a reference
        found = [open_verdict(row, a, j) for (row, a), j in zip(samples, rows, strict=True)]
        assert [row["excluded"] for row in found] == ["no_reference", "no_reference", None]
        assert "no reference under `answer`" in found[0]["why"]
        assert [row["reference"] for row in found] == [None, None, 1.0]
        one.wanted["prompt"]["user"] = "Is this good English? {response}"
        assert all(row["scores"] for row in judge_all(one, samples))


def test_a_dead_judge_stops_with_a_clear_error_and_loses_nothing(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("earmark.inference.client.SILENCE", 0.3)
    with StandIn() as server:
        alive = a_judge(server.url, tmp_path)
        judge_all(alive, SAMPLES[:4])
        asked = len(server.chats)
    with pytest.raises(EarmarkError, match=r"connect|answer|Connect"):
        judge_all(alive, SAMPLES)
    with StandIn() as server:
        again = a_judge(server.url, tmp_path)
        judge_all(again, SAMPLES)
        assert asked == 4 and len(server.chats) == 6


def test_the_judge_sees_question_reference_and_response(tmp_path: Path) -> None:
    tricky = [({"id": "1", "question": "What {reference}?", "answer": "a {dog}"}, "{x} 100 %")]
    with StandIn() as server:
        judge_all(a_judge(server.url, tmp_path), tricky)
        system, user = server.chats[0]["messages"]
    assert system["role"] == "system" and "objective evaluator" in system["content"]
    text = str(user["content"])
    assert all(part in text for part in ("What {reference}?", "a {dog}", "{x} 100 %"))


def test_a_judge_of_yes_and_no_is_chosen_by_name(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if "answer 2" in text:
            return GOOD  # five scores are no Yes
        return "Reasoning: they differ.\n**Judgement:** " + ("No" if "answer 1" in text else "Yes")

    with StandIn(answer) as server:
        one = a_judge(server.url, tmp_path, prompt="nemo_skills_yes_no")
        rows = judge_all(one, SAMPLES[:4])
        asked = server.chats[0]["messages"][-1]["content"]
    assert "Judgement: [Yes or No]" in str(asked) and "Question: Q" in str(asked)
    found = [open_verdict(row, a, j) for (row, a), j in zip(SAMPLES, rows, strict=False)]
    assert [row["correct"] for row in found] == [True, False, None, True]
    block = modes(table(found))["pass@1"]
    assert block["success_rate"] == pytest.approx(200 / 3) and block["judge_unparsed"] == 1
    assert block["success_rate_nemo_skills"] == 50.0  # where what is no Yes is a No


def test_prompts_by_name_differ_and_the_default_is_ours() -> None:
    given = {"server": "openai", "model": "m"}
    named = {
        name: judge_settings(alone({"judge": {**given, "prompt": name}}).judge) for name in PROMPTS
    }
    assert judge_settings(alone({"judge": given}).judge) == named["earmark"]
    assert len({one["prompt"]["user"] for one in named.values()}) == 3
    assert [name for name, one in named.items() if one.get("yes_no")] == ["nemo_skills_yes_no"]
    with pytest.raises(
        EarmarkError,
        match=r'judge.prompt: mapping or one of "earmark", "nemo_skills", .* found "nemo"',
    ):
        judge_settings(alone({"judge": {**given, "prompt": "nemo"}}).judge)


def test_a_prompt_without_a_place_for_the_answer_is_refused() -> None:
    given = {"server": "openai", "model": "m", "prompt": {"user": "Judge {question}."}}
    with pytest.raises(EarmarkError, match=r"judge.prompt.user: \{response\} missing"):
        judge_settings(alone({"judge": given}).judge)
