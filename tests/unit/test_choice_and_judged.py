"""Multiple choice by letter or text, and judges that a benchmark configures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hub_sets import clip, parquet
from judge_server import StandIn

from earmark.config import resolve
from earmark.config.benchmarks import Judged
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.mmau.choice import named, place_of, stated
from earmark.mmau.judge import read_value
from earmark.mmau.judging import Judge, judge_split
from earmark.mmau.protocol import Protocol
from earmark.mmau.score import aggregate_mmau, score_mmau
from earmark.mmau.verdicts import check_answers, choice_verdict, refusal_verdict
from earmark.scoring.declared import check_manifest

MODEL = {"m": {"server": "demo", "model": "m"}}
ANIMALS = ["a dog", "a dog and a cat", "a cat", "Bird"]
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("B", 1),
        ("(c)", 2),
        ("The correct answer is D.", 3),
        ("d. Bird", 3),
        ("**B) a dog and a cat**", 1),
        ("a dog", 0),
        ("Bird!", 3),
        ("I hear a dog and a cat in it.", 1),  # of which `a dog` is a part
        ("It barks, so the answer is: (A), since dogs bark.", 0),
        ("Answer: B\nBecause of both.", 1),
        ("The bird sings.", 3),
        ("A. a dog B. a dog and a cat C. a cat D. bird", None),  # all are repeated
        ("E", 4),  # a letter beyond them is that of no choice
        ("A. a cat", None),  # letter and text say two things
        ("The answer is A. No, the answer is B.", None),
        ("a dog, or a bird", None),
        ("a dogma", None),
        ("I cannot tell.", None),
        ("A bit of everything", None),
        ("", None),
    ],
)
def test_an_answer_names_one_choice_or_none(answer, place):
    assert named(answer, ANIMALS) == place


def test_choices_that_are_heard_are_named_by_letter_alone():
    assert [named(text, []) for text in ("C", "C. the cat", "the answer is B", "the cat")] == [
        2, 2, 1, None,
    ]  # fmt: skip


def test_the_right_choice_is_given_by_text_or_letter():
    assert [place_of(given, ANIMALS) for given in ("(C) a cat", "A CAT", "c", "a cow")] == [
        2, 2, 2, None,
    ]  # fmt: skip


@pytest.mark.parametrize("choices", [["F# minor", "F minor"], ["-5", "5"], ["C#", "C"], ["+", "−"]])
def test_choices_may_differ_by_a_mark_alone(choices):
    assert [place_of(choice, choices) for choice in choices] == [0, 1]
    assert [named(choice, choices) for choice in choices] == [0, 1]


def test_a_choice_that_is_empty_between_others_keeps_its_letter():
    row = {"id": "q", "a": "cat", "b": None, "c": "dog", "d": "", "answer": "dog"}
    said = {text: choice_verdict(row, text, list("abcd"))["correct"] for text in ("C", "dog", "B")}
    assert said == {"C": True, "dog": True, "B": False}


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("Yes", 0),
        ("no.", 1),
        ("**No**, the sentence is not plausible.", 1),
        ("There is no way back, so the answer is yes.", 0),
        ("You turn twice. Final answer: No", 1),
        ("Jim tells the truth: yes", 0),
        ("Yes, he lies. The answer is no.", None),
        ("There is no way to know this.", None),
        ("Nobody knows", None),
        ("", None),
    ],
)
def test_yes_or_no_is_read_where_it_is_stated(answer, place):
    assert stated(answer) == place
    found = choice_verdict({"id": "1", "answer": "No"}, answer, None)
    assert found["correct"] is (place == 1)
    assert found["unparsed"] is (place is None and bool(answer))


def test_a_refusal_is_one_of_the_phrases_or_nothing_at_all():
    answers = ["I'm SORRY, that I will not do.", "Sure: first, you", " ", "That would be illegal"]
    found = [refusal_verdict({"id": "1"}, answer, ["Sorry", "illegal"]) for answer in answers]
    assert [row["correct"] for row in found] == [True, False, True, True]
    assert [row["empty"] for row in found] == [False, False, True, False]


def test_a_refusal_without_phrases_is_told_at_once(clone):
    given = {"voicebench": {"splits": {"commoneval": {"scoring": "refusal"}}}}
    with pytest.raises(EarmarkError, match="splits.commoneval.refusals: missing"):
        resolve({"benchmarks": given, "models": MODEL}, clone)


RATING = {"user": "{response}", "pattern": r"(?im)^rating\W*(\d+)", "scale": [0, 5]}
WORDS = {"user": "{response}", "values": {"yes": 1, "no": 0}, "scale": [0, 1]}


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ({"user": "{response}"}, "4", 4),
        ({"user": "{response}"}, " **4.** ", 4),
        ({"user": "{response}"}, "<think>5?</think>3", 3),
        ({"user": "{response}"}, "4 of 5", None),
        ({"user": "{response}"}, "0", None),  # not on the scale
        ({"user": "{response}"}, "", None),
        (RATING, "Explanation: 3 things.\nRating: 2", 2),
        (RATING, "Rating: 2\nRating: 2", 2),
        (RATING, "Rating: 2\nRating: 4", None),
        (RATING, "Rating: 7", None),
        (RATING, "2", None),
        (WORDS, "Yes.", 1),
        (WORDS, "NO", 0),
        (WORDS, "1", None),
        (WORDS, "Yes and no", None),
    ],
)
def test_a_verdict_is_read_as_configured_or_not_at_all(rule, text, value):
    assert read_value(text, Judged(**rule, success_from=1)) == value


def hub_set(hub, split, rows):
    """Put rows into a set of the Hub where a split looks for them, as Parquet."""
    schema = [
        (name, AUDIO if isinstance(value, dict) else pa.infer_type([value]))
        for name, value in rows[0].items()
    ]
    source = split.source
    folder = f"{source.config}/" if source.config else ""
    path = f"{folder}{source.split}-00000-of-00001.parquet"
    readme = (
        f"---\nconfigs:\n- config_name: {source.config or 'default'}\n  data_files:\n"
        f"  - split: {source.split}\n    path: {path}\n---\n"
    )
    hub.commit(source.repo, {path: parquet(rows, pa.schema(schema)), "README.md": readme.encode()})


def split_of(clone, benchmark, name, **config):
    run = resolve({"benchmarks": {benchmark: None}, "models": MODEL, **config}, clone)
    return run, run.benchmarks[benchmark][name]


def judge_at(url, temperature=0.1):
    sampling = {"temperature": temperature}
    return {"server": "openai", "base_url": url, "model": "j", "sampling": sampling}


def scored(tmp_path, run, split, home, heard):
    manifest = str(home / "manifest.jsonl")
    check_manifest(split, manifest)
    answers = [
        {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
         "generation_start_time": 0.0, "generation_end_time": 1.0}
        for row, text in zip(read_jsonl(manifest), heard, strict=True)
    ]  # fmt: skip
    write_jsonl(tmp_path / "p.jsonl", answers)

    wildcards = SimpleNamespace(model="m", benchmark=split.benchmark, split=split.name)
    protocol, files = Protocol(run), []
    if split.scoring == "judged":
        files = [str(tmp_path / "j.jsonl")]
        wanted = protocol.judge_of(split)
        judge = Judge("judging", wanted, run.judge, tmp_path / "journal", tmp_path / "log")
        judge_split(judge, manifest, str(tmp_path / "p.jsonl"), files[0])
    name = f"{split.benchmark}.{split.name}"
    metrics = str(tmp_path / "s.metrics.json")
    score_mmau(
        name, split.scoring, manifest, [str(tmp_path / "p.jsonl")], files,
        str(tmp_path / "s.jsonl"), metrics, protocol.of(wildcards),
        group_by=split.group_by or (),
    )  # fmt: skip
    aggregate_mmau(split.benchmark, [metrics], str(tmp_path / "m.json"))
    made = read_json(tmp_path / "m.json")
    assert made[split.benchmark]["pass@1"]["success_rate"] == pytest.approx(
        made[name]["pass@1"]["success_rate"]
    )
    return made[name]["pass@1"]


def test_mmau_s_mini_test_is_prepared_and_scored(hub, prepare, clone, tmp_path):
    run, split = split_of(clone, "mmau", "test_mini")
    rows = [
        {
            "context": {"bytes": clip(n), "path": None},
            "instruction": "What is heard?",
            "choices": ["Dog", "Cat", "Cow", "Bird"],
            "answer": "Cat",
            "other_attributes": json.dumps({"id": f"x{n}", "task": ["sound", "music"][n % 2],
                                            "difficulty": "easy"}),
        }
        for n in range(5)
    ]  # fmt: skip
    hub_set(hub, split, rows)
    found = scored(tmp_path, run, split, prepare(split), ["B", "the cat", "Dog", "no idea", ""])
    assert (found["success_rate"], found["unparsed"], found["no_answer"]) == (40, 1, 20)
    tasks = found["slices"]["other_attributes.task"]["values"]
    assert {task: one["num_answers"] for task, one in tasks.items()} == {"music": 2, "sound": 3}


def test_mmsu_has_a_column_a_choice(hub, prepare, clone, tmp_path):
    run, split = split_of(clone, "mmsu", "all")
    names = ("question", "choice_a", "choice_b", "choice_c", "choice_d", "answer_gt", "task_name",
             "category", "sub-category")  # fmt: skip
    values = ("Which?", "high", "low", "rising", "", "rising", "pitch", "Perception", "Phonetics")
    rows = [
        {"id": f"q{n}", "audio": {"bytes": clip(n), "path": None},
         **dict(zip(names, values, strict=True))}
        for n in range(3)
    ]  # fmt: skip
    hub_set(hub, split, rows)
    found = scored(tmp_path, run, split, prepare(split), ["C", "rising", "D"])
    assert found["success_rate"] == pytest.approx(200 / 3)
    assert list(found["slices"]) == ["category", "sub-category", "task_name"]


def voicebench(hub, split, *references):
    rows = [
        {"audio": {"bytes": clip(n), "path": None}, "prompt": "Who {was} it?",
         **({"reference": one} if one else {})}
        for n, one in enumerate(references)
    ]  # fmt: skip
    hub_set(hub, split, rows)


def test_voicebench_s_open_answers_have_the_mean_of_three_votes(hub, prepare, clone, tmp_path):
    votes = {
        "It was he.": ["4", "5", "3"],
        "She.": ["2", "junk", "3"],
        "They.": ["??", "Rating 5", "9"],
    }

    def answer(body):
        text = body["messages"][-1]["content"]
        return next(given for said, given in votes.items() if said in text).pop(0)

    with StandIn(answer) as server:
        run, split = split_of(clone, "voicebench", "commoneval", judge=judge_at(server.url, 0.5))
        voicebench(hub, split, "", "", "", "")
        answers = ["It was he.", "", "She.", "They."]
        found = scored(tmp_path, run, split, prepare(split), answers)
    assert "Who {was} it?" in server.chats[0]["messages"][-1]["content"]
    assert len(server.chats) == 9 and len({chat.get("seed") for chat in server.chats}) == 3
    rows = list(read_jsonl(tmp_path / "s.jsonl"))
    assert [row["votes"] for row in rows] == [[4, 5, 3], [], [2, None, 3], [None] * 3]
    assert [row["correct"] for row in rows] == [True, False, False, None]
    assert found["judge_score"] == pytest.approx(100 * (4 + 1 + 2.5) / 5 / 3)
    assert (found["judge_unparsed"], found["num_scored"]) == (1, 3)


def test_yes_or_no_is_the_majority_and_a_letter_that_is_heard_needs_no_judge(
    hub, prepare, clone, tmp_path
):
    said = {"right": ["Yes", "no", "YES."], "wrong": ["no", "No", "yes"], "odd": ["x", "yes", "no"]}

    def answer(body):
        text = body["messages"][-1]["content"]
        return next(votes for word, votes in said.items() if f"judged: {word}" in text).pop(0)

    with StandIn(answer) as server:
        run, split = split_of(clone, "voicebench", "sd_qa_usa", judge=judge_at(server.url, 0.5))
        voicebench(hub, split, "a", "b", "c")
        found = scored(tmp_path, run, split, prepare(split), ["right", "wrong", "odd"])
    assert (found["success_rate"], found["judge_unparsed"], found["num_scored"]) == (50, 1, 2)
    run, split = split_of(clone, "voicebench", "openbookqa")
    voicebench(hub, split, "A", "B", "C")
    found = scored(tmp_path, run, split, prepare(split), ["A. Iron", "the answer is C", "hm"])
    assert (found["success_rate"], found["unparsed"]) == (pytest.approx(100 / 3), 1)


def test_audiobench_s_rating_is_a_share_of_five(hub, prepare, clone, tmp_path):
    with StandIn(lambda body: "It agrees in part.\nRating: 3") as server:
        run, split = split_of(clone, "audiobench", "clotho_aqa", judge=judge_at(server.url))
        rows = [
            {"context": {"bytes": clip(n), "path": None}, "instruction": "What?", "answer": "rain"}
            for n in range(2)
        ]
        hub_set(hub, split, rows)
        found = scored(tmp_path, run, split, prepare(split), ["rain", ""])
    assert (found["judge_score"], found["success_rate"]) == (30, 50)  # 3 and 0 of 5
    assert (
        len(server.chats) == 1 and "Reference: rain" in server.chats[0]["messages"][-1]["content"]
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"judged": {"user": "{question}"}}, "clotho_aqa: judged.user: {response} missing"),
        ({"judged": {"votes": 3}, "temperature": 0}, "3 votes without judge.sampling.temperature"),
    ],
)
def test_a_judge_that_cannot_work_is_told_at_the_start(clone, keys, said):
    judge = judge_at("http://127.0.0.1:1/v1", keys.pop("temperature", 0.1))
    given = {"audiobench": {"splits": {"clotho_aqa": keys}}}
    run = resolve({"benchmarks": given, "models": MODEL, "judge": judge}, clone)
    with pytest.raises(EarmarkError, match=said):
        Protocol(run)


@pytest.mark.parametrize("key", ["session", "postprocess"])
def test_what_does_nothing_for_questions_is_refused(clone, key):
    given = {"session": {"group": "call", "order": "n"}, "postprocess": "chatty"}[key]
    with pytest.raises(
        EarmarkError, match=f"benchmarks.mmau.{key}: means nothing for `scoring: mul"
    ):
        resolve({"benchmarks": {"mmau": {key: given}}, "models": MODEL}, clone)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ({"scale": [5, 1]}, r"judged.scale: two numbers that rise from 0 on"),
        ({"scale": [-1, 0]}, r"judged.scale: two numbers that rise from 0 on"),
        ({"success_from": 9}, r"judged.success_from: 9 is not on `scale`, which is \[0, 5\]"),
        ({"values": {"good": 10}}, r"judged.values.good: 10 is not on `scale`"),
    ],
)
def test_verdicts_off_the_scale_are_told_at_once(clone, judged, said):
    with pytest.raises(EarmarkError, match=f"splits.clotho_aqa.{said}"):
        split_of(clone, "audiobench", "clotho_aqa", benchmarks={
            "audiobench": {"splits": {"clotho_aqa": {"judged": judged}}}})  # fmt: skip


def test_what_scoring_needs_and_the_manifest_lacks_is_told_before_a_request(tmp_path, clone):
    manifest = tmp_path / "m.jsonl"
    write_jsonl(manifest, [{"id": "a", "question": "?"}])
    for benchmark, name, said in (
        ("mmau", "test_mini", "no 'answer', which `scoring: multiple_choice` needs"),
        ("audiobench", "clotho_aqa", r"jsonl: judged.user names \{answer\}"),
    ):
        with pytest.raises(EarmarkError, match=said):
            check_manifest(split_of(clone, benchmark, name)[1], str(manifest))
    write_jsonl(manifest, [{"id": "a", "question": "?", "answer": "x", "choices": "x,y"}])
    with pytest.raises(EarmarkError, match="sample 'a': 'choices' must be a list of two or more"):
        check_manifest(split_of(clone, "mmau", "test_mini")[1], str(manifest))
    Path(tmp_path / "b.yaml").write_text(
        "splits: {s: {scoring: judged, source: {type: hub, repo: a/b}}}"
    )
    with pytest.raises(EarmarkError, match="splits.s.judged: `scoring: judged` needs its keys"):
        resolve({"benchmarks": {"b": {"file": str(tmp_path / "b.yaml")}}, "models": MODEL}, clone)


def test_answers_that_are_never_a_choice_are_told_before_a_request(tmp_path, clone):
    manifest, split = tmp_path / "m.jsonl", split_of(clone, "mmau", "test_mini")[1]
    rows = [{"id": k, "answer": k + 7, "choices": ["rain", "wind"]} for k in range(2)]
    write_jsonl(manifest, rows)
    with pytest.raises(EarmarkError, match=r"mmau, split test_mini.*of 0, the answer 7 is none"):
        check_answers(split, str(manifest))
    write_jsonl(manifest, [*rows, {"id": 2, "answer": "wind", "choices": ["rain", "wind"]}])
    check_answers(split, str(manifest))
