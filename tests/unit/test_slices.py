"""Rates of slices: by columns of the manifest, with the gap between the best and the worst."""

from __future__ import annotations

import numpy as np
import pytest
from report_samples import write_run

from earmark.config import resolve
from earmark.errors import EarmarkError
from earmark.files import read_json, write_json, write_jsonl
from earmark.report import formats
from earmark.report.build import build
from earmark.report.gather import gather
from earmark.report.sliced import sliced_tables
from earmark.scoring.declared import check_columns, check_manifest
from earmark.scoring.intervals import Units, gap
from earmark.scoring.score import aggregate, check_scoring, score
from earmark.scoring.slices import sliced, values

MODEL = {"m": {"server": "demo", "model": "m"}}


def scored(tmp_path, rows, heard, **units):
    write_jsonl(tmp_path / "manifest.jsonl", rows)
    write_jsonl(
        tmp_path / "p.jsonl",
        (
            {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
             "generation_start_time": 0.0, "generation_end_time": 1.0}
            for row, text in zip(rows, heard, strict=True)
        ),
    )  # fmt: skip
    files = [str(tmp_path / name) for name in ("manifest.jsonl", "p.jsonl", "s.jsonl")]
    score("b-s", *files, str(tmp_path / "s.metrics.json"), ["basic"], **units)
    aggregate("b", [str(tmp_path / "s.metrics.json")], str(tmp_path / "m.json"))
    return read_json(tmp_path / "m.json")


def rows_of(*columns):
    return [
        {"id": f"u{n}", "text": "one two three four", "duration": 3.0 * (n + 1), **column}
        for n, column in enumerate(columns)
    ]


def test_every_value_has_its_rate_and_the_gap_is_between_the_best_and_the_worst(tmp_path):
    rows = rows_of(*({"gender": "fm"[n % 2], "speaker": f"s{n % 4}"} for n in range(8)))
    heard = ["one two three four"] * 4 + ["one two three", "one two"] * 2
    made = scored(tmp_path, rows, heard, group={"column": "speaker"},
                  group_by=["gender", {"duration": [10]}])  # fmt: skip
    for block in (made["b"]["pass@1"], made["b-s"]["pass@1"]):
        found = block["protocols"]["basic"]["slices"]
        genders = found["gender"]["values"]
        assert [genders[g]["wer"] for g in "fm"] == [pytest.approx(12.5), pytest.approx(25)]
        assert (found["gender"]["gap"]["best"], found["gender"]["gap"]["worst"]) == ("f", "m")
        assert found["gender"]["gap"]["difference"] == pytest.approx(12.5)
        assert list(found["duration"]["values"]) == ["under 10", "10 or more"]
        assert genders["f"]["num_answers"] == 4 and genders["f"]["groups"] == 2


def test_a_sample_without_a_value_is_counted_apart(tmp_path):
    made = scored(tmp_path, rows_of({"a": "x"}, {"a": "x"}, {}), ["one two three four"] * 3,
                  group_by=["a"])  # fmt: skip
    found = made["b-s"]["pass@1"]["slices"]["a"]
    assert (found["without"], list(found["values"]), found["gap"]) == (1, ["x"], None)


def test_a_speaker_s_own_rate_has_an_interval_over_utterances():
    by = [{"speaker": "a"}] * 4 + [{"speaker": "b"}] * 4
    made = sliced(by, np.array([1, 2, 1, 3, 4, 5, 4, 7]), np.full(8, 10),
                  (["a"] * 4 + ["b"] * 4, None), "wer", lower=True)["speaker"]  # fmt: skip
    assert made["values"]["a"]["groups"] == 4 and made["values"]["a"]["wer_ci"]
    low, high = made["gap"]["interval"]
    assert made["gap"]["difference"] == pytest.approx(32.5)
    assert low < 32.5 < high


def test_a_gap_s_interval_holds_where_speakers_are_in_both_parts_and_where_they_are_not():
    random = np.random.default_rng(7)
    for shared in (True, False):
        held = 0
        for _ in range(400):
            own = np.repeat(random.normal(0.2, 0.08, 12), 10).clip(0.02)
            second = (
                random.random(120) < 0.5
                if shared
                else np.repeat(random.permutation(12) % 2, 10) > 0
            )
            errors = random.binomial(20, (own + 0.05 * second).clip(0, 1))
            units = Units([str(k // 10) for k in range(120)], 120)
            counts = np.stack([errors, np.full(120, 20)], axis=1).astype(float)
            made = gap(lambda sums: sums[..., 0] / sums[..., 1], counts, second, units)
            held += made.low < 0.05 < made.high
        assert 0.92 < held / 400 < 0.995, shared


def test_of_many_values_without_any_difference_the_gap_s_interval_holds_zero():
    random = np.random.default_rng(3)
    outside = 0
    for _ in range(100):
        by = [{"room": f"r{k % 20}"} for k in range(400)]
        errors = random.binomial(20, 0.2, 400)
        made = sliced(by, errors, np.full(400, 20), ([str(k) for k in range(400)], None), "wer",
                      lower=True)["room"]["gap"]  # fmt: skip
        outside += not made["interval"][0] < 0 < made["interval"][1]
    assert outside <= 8


def test_the_tables_show_values_or_of_many_the_best_and_the_worst(tmp_path):
    run = write_run(tmp_path, {"m": ["one two", "five six"]}, ["one two", "five ten"])
    path = next(tmp_path.rglob("one.metrics.json"))
    metrics = read_json(path)
    block = metrics["pass@1"]["protocols"]["whisper"]
    block["slices"] = sliced(
        [{"a": "x"}] * 2 + [{"a": "y|z"}] * 2, np.array([0, 1, 3, 4]), np.full(4, 10),
        (list("1234"), None), "wer", lower=True,
    )  # fmt: skip
    write_json(path, metrics)
    (table,) = sliced_tables(gather(run))
    text = formats.as_markdown([table], intervals=True)
    assert "one by a" in text and "30.00" in text and "y|z" in [c.title for c in table.columns]
    assert table.cells[table.cells.key == "set-one a gap"].note.tolist() == ["x against y|z"]


def test_of_many_values_each_model_s_best_and_worst_are_shown_and_the_page_has_them(tmp_path):
    run = write_run(tmp_path, {"m": ["one two", "five six"]}, ["one two", "five ten"])
    path = next(tmp_path.rglob("one.metrics.json"))
    metrics = read_json(path)
    by = [{"room": f"<b>{n // 2}"} for n in range(40)]
    metrics["pass@1"]["protocols"]["whisper"]["slices"] = sliced(
        by, np.arange(40), np.full(40, 100), ([str(n) for n in range(40)], None), "wer", lower=True
    )
    write_json(path, metrics)
    build(run, tmp_path / "out")
    (table,) = sliced_tables(gather(run))
    assert [one.title for one in table.columns] == ["best value", "worst value", "gap"]
    assert table.cells.note.tolist() == ["<b>0", "<b>19", "<b>0 against <b>19"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "set one by room" in page and "&lt;b&gt;19" in page and "<b>19" not in page
    assert "room" not in (tmp_path / "out" / "leaderboard.csv").read_text()


def declared(tmp_path, clone, rows, **keys):
    write_jsonl(tmp_path / "set.jsonl", rows)
    (tmp_path / "b.yaml").write_text("splits: {s: null}\n")
    source = {"type": "local", "manifest": str(tmp_path / "set.jsonl")}
    given = {"file": str(tmp_path / "b.yaml"), "source": source, **keys}
    return resolve({"benchmarks": {"b": given}, "models": MODEL}, clone).benchmarks["b"]["s"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"group_by": ["accent"]}, "group_by: no sample has a value of 'accent'"),
        ({"group_by": [{"nan": [1]}]}, "group_by: no sample has a value of 'nan'"),
        ({"group_by": [{"a": [1]}]}, "sample 'u0': group_by: a: a number was expected"),
        ({"session": {"group": "a", "order": "n"}}, "session 'x': chunk 2 follows 0"),
        ({"session": {"group": "b", "order": "n"}}, "session 'y': its first chunk is 2"),
        ({"session": {"group": "b", "order": "m"}}, "'y': its first chunk is 1, where 0 was"),
        (
            {"session": {"group": "a", "order": "m"}, "protocols": ["basic@b"]},
            "benchmark b, split s: .* session 'x': sample 'u1' has another reference",
        ),
        ({"session": {"group": "c", "order": "n"}}, "'c' and a number 'n' are needed, found None"),
        ({"group": {"column": "speaker"}}, "no 'speaker', which group.column names"),
    ],
)
def test_a_manifest_that_is_not_as_declared_is_told_before_any_request(tmp_path, clone, keys, said):
    rows = rows_of({"a": "x", "b": "x", "n": 0, "m": 0}, {"a": "x", "b": "y", "n": 2, "m": 1})
    rows = [{**row, "nan": float("nan")} for row in rows]
    split = declared(tmp_path, clone, rows, **keys)
    check_columns([split])
    with pytest.raises(EarmarkError, match=said):
        check_manifest(split, str(tmp_path / "set.jsonl"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"group_by": ["accent"]}, "group_by: the manifest will have no column 'accent'"),
        ({"group_by": ["id", "id"]}, "split librispeech_clean: group_by: 'id' is named twice"),
        ({"group_by": [{"duration": [5, 2]}]}, r"bounds that rise were expected"),
        ({"session": {"group": "call", "order": "id"}}, "session.group: the manifest will have no"),
        ({"protocols": ["basic@written"]}, "protocols: the manifest will have no column 'written'"),
        ({"source": {"columns": {"text": None}}}, "clean: source.columns.text: null, and `scoring"),
    ],
)
def test_a_column_that_a_set_of_the_hub_will_lack_is_told_at_once(clone, keys, said):
    given = {"splits": {"librispeech_clean": keys}}
    run = resolve({"benchmarks": {"asr-leaderboard": given}, "models": MODEL}, clone)
    with pytest.raises(EarmarkError, match=said):
        check_columns(run.splits)


@pytest.mark.parametrize(
    ("language", "protocol", "said"),
    [
        (
            "ja_jp",
            "open_asr_leaderboard_multilingual",
            "split s: protocols: protocol open_asr_lead",
        ),
        ("de", "whisper", "split s: protocols: protocol whisper is for English"),
        (None, "nemo_skills_multilingual", "say which: `language`"),
    ],
)
def test_a_language_without_rules_is_told_before_any_job(tmp_path, clone, language, protocol, said):
    keys = {"protocols": [protocol], **({"language": language} if language else {})}
    split = declared(tmp_path, clone, rows_of({}), **keys)
    with pytest.raises(EarmarkError, match=said):
        check_scoring([split])


def test_lists_and_numbers_are_values_too():
    row = {"skills": ["a", "b"], "age": 31, "duration": [1.0, 2.0], "none": None}
    by = ["skills", "age", "duration", "none", {"age2": [1]}]
    assert values(row, by, "x") == {"skills": "a, b", "age": "31", "duration": "2 to 5"}


def test_too_few_groups_give_a_gap_without_an_interval_and_the_reason():
    by = [{"a": "x"}] * 2 + [{"a": "y"}] * 2
    errors, words, ids = np.array([0, 5, 5, 9]), np.full(4, 10), list("1234")
    found = sliced(by, errors, words, (ids, None), "wer", lower=True)["a"]
    assert found["gap"] == {
        "best": "x", "worst": "y", "difference": pytest.approx(45), "interval": None, "pairs": 1,
        "why": "one of them has fewer than 3 groups",
    }  # fmt: skip
    by += [{"a": value} for value in "xyzz"]
    errors, words = np.array([*errors, 2, 6, 0, 0]), np.full(8, 10)
    found = sliced(by, errors, words, (list("12345678"), None), "wer", lower=True)["a"]
    assert (found["gap"]["best"], found["gap"]["pairs"]) == ("x", 1)  # z has two samples
    assert found["gap"]["interval"][0] < found["gap"]["difference"] < found["gap"]["interval"][1]


def test_a_value_without_an_interval_says_why():
    by = [{"a": "x"}, {"a": "y"}, {"a": "y"}]
    found = sliced(by, np.array([1, 0, 0]), np.full(3, 9), (list("123"), None), "wer", lower=True)
    rows = found["a"]["values"]
    assert (rows["x"]["wer_ci"], rows["x"]["wer_ci_why"]) == (None, "there is one group only")
    assert rows["y"]["wer_ci_why"] == "there is no error to tell the spread by"
    made = sliced(
        by, np.array([1, 0, 1]), np.ones(3), (list("123"), None), "success_rate", lower=False
    )
    assert "success_rate_ci_why" not in made["a"]["values"]["y"]
