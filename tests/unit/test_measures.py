from __future__ import annotations

import json
import random
import re
import sys
import unicodedata

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.cli import main
from earmark.config.benchmarks import MEASURES, BenchmarkSplit, Split
from earmark.errors import EarmarkError
from earmark.files import read_json, write_jsonl
from earmark.scoring.intervals import Units, by_group
from earmark.scoring.measured import (
    aggregate_measured,
    check_entries,
    score_measured,
)
from earmark.scoring.measures import drawn_sums, measure_type
from earmark.scoring.measures.keywords import occurrences, words
from earmark.scoring.resampling import bootstrapped, differences_of, exchanged, p_value
from earmark.scoring.samples import Sample, pair
from earmark.scoring.score import check_scoring
from earmark.scoring.text import described, protocol
from earmark.scoring.word_errors import align

TEXTS = {
    "de": "Er kam, sah; und ging 3,5 km weiter. „Nein!“ (sagte) sie's".split(),
    "zh": "我 们 今天 去 了 北京。 3 个 人 ABC ，好".split(),
    "th": "ไป โรงเรียน วันนี้ ครับ 12".split(),
    "hi": "मैं कल दिल्ली गया था ।".split(),
}


def made(number, language, seed):
    """Random references and translations of them, with words dropped, moved and changed."""
    draw = random.Random(seed)
    joint = "" if language in ("zh", "th") else " "
    pairs = []
    for _ in range(number):
        said = draw.choices(TEXTS[language], k=draw.randint(0, 25))
        heard = [draw.choice(TEXTS[language]) if draw.random() < 0.2 else word for word in said]
        heard = [word for word in heard if draw.random() > 0.1]
        pairs.append((joint.join(said), joint.join(heard) + draw.choice(["", " ", "\n"])))
    return pairs


def counts(measure, pairs, entries=None):
    entries = entries or [{}] * len(pairs)
    rows = [
        measure.count(Sample(str(n), said, heard), entry)
        for n, ((said, heard), entry) in enumerate(zip(pairs, entries, strict=True))
    ]
    return rows, np.array([[row["counts"][name] for name in measure.counts] for row in rows], float)


def test_the_config_names_the_measures_that_there_are():
    offered = BenchmarkSplit.model_json_schema()["properties"]["scoring"]["enum"]
    assert [name for name in offered if name in MEASURES] == list(MEASURES)
    assert all(measure_type(name).rates for name in MEASURES)


@pytest.mark.parametrize("language", TEXTS)
def test_bleu_and_chrf_are_sacrebleus(language):
    measure = measure_type("translation")({"target_language": language})
    for number, seed in ((1, 1), (3, 2), (400, 3)):
        pairs = made(number, language, seed)
        said, heard = ([one[side].strip() for one in pairs] for side in (0, 1))
        rows, table = counts(measure, pairs)
        bleu = sacrebleu.corpus_bleu(heard, [said], tokenize=measure.tokenizer)
        chrf = sacrebleu.corpus_chrf(heard, [said])
        values = [float(rate.value(table.sum(0))) for rate in measure.rates]
        assert values == pytest.approx([bleu.score, chrf.score], abs=1e-9)
        own = sacrebleu.sentence_bleu(heard[0], [said[0]], tokenize=measure.tokenizer)
        assert rows[0]["bleu"] == pytest.approx(own.score)
    signature = sacrebleu.BLEU(tokenize=measure.tokenizer)
    signature.corpus_score(["a"], [["a"]])
    assert measure.record["signatures"]["bleu"] == signature.get_signature().format()


def test_the_interval_of_bleu_is_that_of_resampled_sentences():
    measure = measure_type("translation")({"target_language": "de"})
    pairs = made(40, "de", 4)
    _, table = counts(measure, pairs)
    units = Units(None, len(table))
    found = measure.rates[0].interval(table, units, drawn_sums(table, units))
    draw, scores = np.random.default_rng(7), []
    for _ in range(150):
        chosen = draw.integers(0, len(pairs), len(pairs))
        said, heard = ([pairs[n][side].strip() for n in chosen] for side in (0, 1))
        scores.append(sacrebleu.corpus_bleu(heard, [said]).score)
    low, high = np.percentile(scores, [2.5, 97.5])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.25 * width)
    assert found.high == pytest.approx(high, abs=0.25 * width)
    assert found == measure.rates[0].interval(table, units, drawn_sums(table, units))


TOLD = {"MeCab": "ja_mecab", "mecab_ko": "ko_mecab"}
"""Packages, and the module of sacrebleu that imports each."""


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({}, "target_language: missing"),
        ({"target_language": "ja_jp"}, r"tokenizer: ja-mecab.*pip install 'sacrebleu\[ja\]'"),
        ({"target_language": "de", "tokenizer": "ko-mecab"}, r"sacrebleu\[ko\]"),
    ],
)
def test_what_bleu_lacks_is_told(given_, says, monkeypatch):
    for package, module in TOLD.items():
        name = f"sacrebleu.tokenizers.tokenizer_{module}"
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, name, None)  # what is imported now goes with the test
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(EarmarkError, match=says):
        measure_type("translation")(given_)


def test_a_difference_that_is_there_is_found_and_one_that_is_not_is_not():
    value = measure_type("keywords").rates[0].value
    first = np.tile([1.0, 0, 1, 0, 1], (60, 1))
    better = np.tile([2.0, 0, 0, 0, 1], (60, 1))
    apart = float(value(better.sum(0)) - value(first.sum(0)))
    assert p_value(apart, differences_of(value, exchanged(first, better))) < 0.01
    assert p_value(0.0, differences_of(value, exchanged(first, first))) == 1
    drawn = differences_of(value, bootstrapped(first, better))
    assert len(drawn) == 1000
    assert np.allclose(drawn, 100 / 3)


KEYWORDS = [
    # reference, answer, keywords, true positives, false positives, false negatives
    ("we met Tim Cook", "we met tim cook", ["Tim Cook"], 1, 0, 0),
    ("we met Tim Cook", "we met tim crook", ["Tim Cook"], 0, 0, 1),
    ("we met Tim Cook", "we met tim a cook", ["Tim Cook"], 0, 0, 1),
    ("nothing here", "Argmax here", ["Argmax"], 0, 1, 0),
    ("Argmax and Argmax", "argmax and", ["Argmax"], 1, 0, 1),
    ("New York is York", "new york is york", ["York", "New York"], 2, 0, 0),
    ("Q3-guidance", "q3 guidance", ["Q3 guidance", "..."], 1, 0, 0),
    ("a", "", ["a"], 0, 0, 1),
    ("", "a", ["a"], 0, 1, 0),
    ("a b", "a b", [], 0, 0, 0),
]


@pytest.mark.parametrize(("said", "heard", "keywords", "tp", "fp", "fn"), KEYWORDS)
def test_keywords_are_counted_as_contextual_earnings22_does(said, heard, keywords, tp, fp, fn):
    measure = measure_type("keywords")({"keywords": "terms"})
    row = measure.count(Sample("1", said, heard), {"terms": keywords})
    assert list(row["counts"].values())[:3] == [tp, fp, fn]
    assert row["success"] == (fp + fn == 0)


@pytest.mark.parametrize(
    ("text", "as_words"),
    [
        ("हिन्दी, क्\u200dषमा की", ["हिन्दी", "क्षमा", "की"]),
        ("\u0958लम", ["\u0915\u093cलम"]),  # both are written for one letter
        ("Hà Nội: tiếng Việt", ["hà", "nội", "tiếng", "việt"]),
        ("ประเทศไทย น้ำ", ["ประเทศไทย", "น้ำ"]),
        ("مُحَمَّد، می\u200cخواهم", ["مُحَمَّد", "میخواهم"]),
        ("Q3-guidance, isn't a_b 3.5%", ["q3", "guidance", "isn", "t", "a", "b", "3", "5"]),
    ],
)
def test_marks_are_letters_whichever_way_they_are_written(text, as_words):
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == as_words
    measure = measure_type("keywords")({"keywords": "terms"})
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    row = measure.count(Sample("1", composed, f"x {apart} y"), {"terms": [apart]})
    assert list(row["counts"].values())[:3] == [1, 0, 0]


def test_without_marks_words_are_those_of_the_reference():
    draw = random.Random(5)
    for _ in range(2000):
        text = "".join(chr(draw.choice([draw.randint(32, 0x24F), draw.randint(0x400, 0x52F),
                                        draw.randint(0x3040, 0x9FFF)])) for _ in range(30))  # fmt: skip
        if any(unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") for char in text.lower()):
            continue
        if unicodedata.is_normalized("NFC", text.lower()):
            assert words(text) == re.sub(r"[\W_]", " ", text.lower()).split()


def test_a_long_run_of_marks_takes_no_time():
    assert len(words("a" + "\u0301\u0323" * 100_000)) == 1


def test_rates_of_keywords_are_micro_averages():
    measure = measure_type("keywords")({})
    pairs = [(said, heard) for said, heard, *_ in KEYWORDS]
    _, table = counts(measure, pairs, [{"keywords": one[2]} for one in KEYWORDS])
    tp, fp, fn = (sum(one[place] for one in KEYWORDS) for place in (3, 4, 5))
    f1, precision, recall, _ = (float(rate.value(table.sum(0))) for rate in measure.rates)
    assert precision == pytest.approx(100 * tp / (tp + fp))
    assert recall == pytest.approx(100 * tp / (tp + fn))
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_occurrences_do_not_overlap():
    assert occurrences(words("a b a b a"), [["a", "b", "a"], ["b"]]) == [(0, 3), (3, 4)]


TOKENS = st.lists(st.sampled_from("ab,."), max_size=7)


@settings(max_examples=300, deadline=None)
@given(TOKENS, TOKENS)
def test_substitutions_come_first_and_no_alignment_has_fewer_errors(said, heard):
    edits = align(said, heard, "substitute_first")
    assert len(edits) == len(align(said, heard, "levenshtein"))

    def table(i, j):  # correct, substituted, deleted, inserted: by the reference's recurrence
        if not i or not j:
            return (0, 0, i, j)
        if said[i - 1] == heard[j - 1]:
            c, s, d, n = table(i - 1, j - 1)
            return (c + 1, s, d, n)
        steps = ((i - 1, j - 1, 1), (i - 1, j, 2), (i, j - 1, 3))
        options = [tuple(x + (k == at) for k, x in enumerate(table(a, b))) for a, b, at in steps]
        return min(options, key=lambda one: sum(one[1:]))

    kinds = [edit[0] for edit in edits]
    counted = tuple(kinds.count(kind) for kind in ("replace", "delete", "insert"))
    assert counted == table(len(said), len(heard))[1:]


PC = [
    # reference, answer, wer_pc, wer_c, per in percent of this sample
    ("Hello, world.", "Hello, world.", 0, 0, 0),
    ("Hello, world.", "hello world", 75, 50, 100),
    ("No marks", "No marks!", 50, 0, 100),
    ("No marks", "no marks", 50, 50, 0),
    ("A, b.", "A. b, c?", 100, 50, 200 / 3),
]


@pytest.mark.parametrize(("said", "heard", "pc", "c", "per"), PC)
def test_punctuation_and_case_are_counted_as_nemo_skills_does(said, heard, pc, c, per):
    for name, expected in (("pc", pc), ("c", c), ("per", per)):
        rule = protocol(f"nemo_skills_{name}")
        assert pair(Sample("1", said, heard), rule).row()["wer"] == pytest.approx(expected)


def test_a_protocol_takes_references_from_another_column():
    rule = protocol("nemo_skills_no_tn_itn@written")
    sample = Sample("1", "one hundred dollars", "$100", others={"written": "100$"})
    assert pair(sample, rule).row()["wer"] == 0
    assert described("nemo_skills_no_tn_itn@written").name == "nemo_skills_no_tn_itn@written"
    for name in ("nemo_skills_no_tn_itn@", "wisper@written"):
        with pytest.raises(EarmarkError, match="unknown protocol"):
            protocol(name)


def split_of(scoring, tmp_path, **more):
    manifest = tmp_path / "list.jsonl"
    source = {"type": "local", "manifest": str(manifest)}
    keys = {"benchmark": "b", "name": "s", "scoring": scoring, "source": source, **more}
    return Split.model_validate(keys)


@pytest.mark.parametrize(
    ("scoring", "more", "row", "says"),
    [
        ("keywords", {}, {"keywords": "a, b"}, "keywords: column 'keywords' must be a list"),
        ("keywords", {"keywords": "terms"}, {"text": "x"}, "keywords: there is no column 'terms'"),
        ("keywords", {}, {"keywords": ["a", 3]}, "keywords: column 'keywords' must be a list"),
        ("hallucination", {}, {"text": ""}, "scoring: `hallucination` counts"),
        ("asr", {"protocols": ("basic@written",)}, {"text": "x"}, "protocols: 'written' behind @"),
    ],
)
def test_rows_that_cannot_be_scored_are_told_with_split_key_and_row(
    tmp_path, scoring, more, row, says
):
    manifest = tmp_path / "manifest.jsonl"
    good = {"id": "1", "duration": 1.0, "text": "x", "keywords": ["x"], "terms": [], "written": "x"}
    write_jsonl(manifest, [good, {"id": "u2", **row}])
    with pytest.raises(EarmarkError) as caught:
        check_entries(split_of(scoring, tmp_path, **more), manifest)
    message = str(caught.value)
    assert message.startswith(f"benchmark b, split s: {says}")
    assert "row 2, 'u2'" in message


def scored(tmp_path, scoring, options, rows, answers, name="s"):
    """A split's metrics, and the benchmark's that has it alone; a list of answers a seed."""
    write_jsonl(tmp_path / f"{name}.manifest.jsonl", rows)
    files = []
    for seed, heard in enumerate(answers):
        files.append(str(tmp_path / f"{name}.{seed}.answers.jsonl"))
        write_jsonl(files[-1], [
            {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
             "generation_start_time": 0.0, "generation_end_time": 1.0}
            for row, text in zip(rows, heard, strict=True)
        ])  # fmt: skip
    metrics = tmp_path / f"{name}.metrics.json"
    score_measured(
        f"b-{name}", scoring, options, str(tmp_path / f"{name}.manifest.jsonl"), files,
        str(tmp_path / f"{name}.jsonl"), str(metrics), label=None,
    )  # fmt: skip
    return read_json(metrics)


def test_metrics_carry_the_primary_rate_with_its_direction_interval_and_samples(tmp_path, capsys):
    pairs = made(40, "de", 5)
    rows = [{"id": str(n), "text": said, "duration": 2.0} for n, (said, _) in enumerate(pairs)]
    one = scored(tmp_path, "translation", {"target_language": "de"}, rows, [[h for _, h in pairs]])
    other = scored(
        tmp_path, "translation", {"target_language": "zh"}, rows, [[s for s, _ in pairs]], "t"
    )
    found = one["pass@1"]
    expected = sacrebleu.corpus_bleu([h for _, h in pairs], [[s for s, _ in pairs]]).score
    assert found["primary"] == {
        "name": "bleu", "value": pytest.approx(expected), "interval": found["bleu_ci"],
        "higher_is_better": True, "n": 40,
    }  # fmt: skip
    assert found["bleu_ci"][0] < found["bleu"] < found["bleu_ci"][1]
    assert other["pass@1"]["signatures"]["bleu"].split("|")[3] == "tok:zh"
    paths = [str(tmp_path / f"{name}.metrics.json") for name in "st"]
    aggregate_measured("b", paths, str(tmp_path / "m.json"))
    whole = read_json(tmp_path / "m.json")["b"]["pass@1"]
    assert whole["bleu"] == pytest.approx((expected + 100) / 2)
    assert whole["bleu_ci"][0] < whole["bleu"] < whole["bleu_ci"][1]
    assert "bleu" in capsys.readouterr().out
    assert "wer" not in whole


def test_of_several_seeds_the_best_and_the_most_frequent_answer_count(tmp_path):
    rows = [{"id": "1", "text": "Tim Cook", "duration": 1.0, "keywords": ["Tim Cook"]}]
    answers = [["tim"], ["tim"], ["<think>hm</think>tim cook"]]
    found = scored(tmp_path, "keywords", {"keywords": "keywords"}, rows, answers)
    recall = {mode: one["keyword_recall"] for mode, one in found.items() if "@" in mode}
    assert recall == {
        "pass@1[avg-of-3]": pytest.approx(100 / 3), "pass@3": 100, "majority@3": 0,
    }  # fmt: skip
    assert found["pass@3"]["reasoning_removed"] == 1
    aggregate_measured("b", [str(tmp_path / "s.metrics.json")], str(tmp_path / "m.json"))
    whole = read_json(tmp_path / "m.json")["b"]
    assert {mode: one["keyword_recall"] for mode, one in whole.items()} == recall


def test_hallucination_is_counted_by_characters_a_minute(tmp_path):
    rows = [{"id": str(n), "duration": 6.0} for n in range(4)]
    answers = ["", "x" * 150, "x" * 151, "y" * 400]
    found = scored(tmp_path, "hallucination", {}, rows, [answers])["pass@1"]
    assert found["hallucination_rate"] == 50
    assert found["char_rate"] == pytest.approx(701 / 0.4)
    assert found["hallucination_rate_ci"][0] > 0
    assert not found["primary"]["higher_is_better"]


def test_groups_are_what_varies():
    table = np.array([[1.0, 0], [2, 0], [3, 1]])
    assert by_group(table, Units(["a", "b", "a"], 3)).tolist() == [[4, 1], [2, 0]]


def test_keywords_of_a_script_without_spaces_are_refused(tmp_path):
    says = "benchmark b, split s: language: `scoring: keywords` has no rules for 'ja_jp'"
    with pytest.raises(EarmarkError, match=says):
        check_scoring([split_of("keywords", tmp_path, language="ja_jp")])


def test_result_files_are_scored_against_another_column(tmp_path, capsys):
    file = tmp_path / "results.jsonl"
    write_jsonl(file, [{"text": "five dollars", "written": "$5", "pred_text": "$5."}])
    rule = "nemo_skills_no_tn_itn"
    arguments = ["wer", str(file), "--json", "--protocol", rule, "--protocol"]
    assert main([*arguments, f"{rule}@written"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["wer"] for line in lines] == [1, 0]
    assert main([*arguments, f"{rule}@spoken"]) == 1
    assert "no text 'spoken', which nemo_skills_no_tn_itn@spoken needs" in capsys.readouterr().err
