"""Slices of BLEU, keywords and characters a minute: by columns of the manifest, as of word errors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import sacrebleu
import yaml

from earmark.config import load
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.report import formats
from earmark.report.gather import gather
from earmark.report.sliced import sliced_tables
from earmark.scoring.declared import check_columns, check_manifest
from earmark.scoring.intervals import Units, gap
from earmark.scoring.measured import aggregate_measured, score_measured
from earmark.scoring.measures import measure_type
from earmark.scoring.score import check_scoring

WORDS = "Er kam und ging wieder nach Hause weil es lange regnete gestern Abend".split()


def run_of(tmp_path, scoring, rows, heard, **keys):
    """A run of one model on one local set of these rows, scored; its metrics too."""
    write_jsonl(tmp_path / "list.jsonl", rows)
    source = {"type": "local", "manifest": str(tmp_path / "list.jsonl")}
    made = {
        "scoring": scoring,
        "prompt": {"user": "x"},
        "splits": {"s": {"source": source}},
        **keys,
    }
    (tmp_path / "set.yaml").write_text(yaml.safe_dump(made))
    config = {
        "data_dir": str(tmp_path / "data"), "results_dir": str(tmp_path / "results"),
        "benchmarks": {"set": {"file": str(tmp_path / "set.yaml")}},
        "models": {"m": {"server": "demo", "model": "m"}},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    run = load(tmp_path / "config.yaml", tmp_path)
    split, where = run.benchmarks["set"]["s"], {"model": "m", "benchmark": "set", "split": "s"}
    check_scoring([split])
    check_columns([split])
    paths = [run.paths.manifest.of(**where), run.paths.predictions.of(**where)]
    write_jsonl(paths[0], rows)
    check_manifest(split, str(paths[0]))
    write_jsonl(paths[1], (
        {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
         "generation_start_time": 0.0, "generation_end_time": 1.0}
        for row, text in zip(rows, heard, strict=True)
    ))  # fmt: skip
    metrics = run.paths.split_metrics.of(**where)
    score_measured(
        "set-s", scoring, split.measured, *map(str, paths), str(run.paths.scores.of(**where)),
        str(metrics), group=split.units.get("group"), group_by=split.units.get("group_by", ()),
    )  # fmt: skip
    aggregate_measured("set", [str(metrics)], str(run.paths.metrics.of(model="m", benchmark="set")))
    return run, read_json(metrics)["pass@1"]


def translations(number, seed):
    """Random sentences and translations of them, those of every third speaker worse."""
    draw = random.Random(seed)
    rows, heard = [], []
    for n in range(number):
        said = draw.choices(WORDS, k=draw.randint(5, 15))
        lost = 0.3 if n % 3 else 0.6
        rows.append({"id": f"u{n}", "text": " ".join(said), "duration": 2.0 + n % 9,
                     "accent": "north south south".split()[n % 3], "speaker": f"s{n % 12}"})  # fmt: skip
        heard.append(" ".join(draw.choice(WORDS) if draw.random() < lost else one for one in said))
    return rows, heard


def test_every_value_has_sacrebleus_bleu_and_the_gap_its_interval(tmp_path):
    rows, heard = translations(120, 3)
    keys = {
        "target_language": "de",
        "group": {"column": "speaker"},
        "group_by": ["accent", "duration"],
    }
    run, found = run_of(tmp_path, "translation", rows, heard, **keys)
    assert set(found["slices"]) == {"bleu", "chrf"}
    made = found["slices"]["bleu"]["accent"]
    for value, row in made["values"].items():
        places = [n for n, one in enumerate(rows) if one["accent"] == value]
        score = sacrebleu.corpus_bleu(
            [heard[n] for n in places], [[rows[n]["text"] for n in places]]
        )
        assert row["bleu"] == pytest.approx(score.score)
        assert row["bleu_ci"][0] < row["bleu"] < row["bleu_ci"][1]
        assert (row["num_answers"], row["groups"]) == ((80, 8) if value == "south" else (40, 4))
    assert (made["gap"]["best"], made["gap"]["worst"], made["without"]) == ("south", "north", 0)
    low, high = made["gap"]["interval"]
    assert 0 < low < made["gap"]["difference"] < high
    assert "5 to 10" in found["slices"]["chrf"]["duration"]["values"]
    assert next(read_jsonl(run.paths.scores.of(model="m", benchmark="set", split="s")))["by"] == {
        "accent": "north", "duration": "2 to 5",
    }  # fmt: skip


def test_their_tables_are_those_of_word_errors_with_the_highest_best(tmp_path):
    rows, heard = translations(60, 4)
    run, _ = run_of(tmp_path, "translation", rows, heard, target_language="de", group_by=["accent"])
    bleu, chrf = sliced_tables(gather(run))
    assert (bleu.protocol, chrf.protocol) == ("bleu", "chrf")
    assert bleu.caption.startswith("set s by accent: BLEU, higher is better. Gap:")
    assert [column.title for column in bleu.columns] == ["north", "south", "gap"]
    assert [column.lower for column in bleu.columns[:2]] == [False, False]
    text = formats.as_markdown([bleu], intervals=True)
    assert "set s by accent" in text and "south against north" in bleu.cells.note.tolist()
    assert [one.protocol for one in sliced_tables(gather(run), protocol="chrf")] == ["chrf"]


def test_keywords_and_hallucination_are_sliced_too(tmp_path):
    rows = [{"id": f"u{n}", "text": "Tim Cook met us", "keywords": ["Tim Cook"], "duration": 6.0,
             "room": "ab"[n % 2]} for n in range(8)]  # fmt: skip
    heard = ["tim cook met us", "tim crook met us", "tim cook met us", "tim cook"] * 2
    (tmp_path / "k").mkdir()
    run, found = run_of(tmp_path / "k", "keywords", rows, heard, group_by=["room"])
    recall = found["slices"]["keyword_recall"]["room"]["values"]
    assert {value: row["keyword_recall"] for value, row in recall.items()} == {"a": 100, "b": 50}
    wer = found["slices"]["wer"]["room"]["gap"]
    assert (wer["best"], wer["worst"]) == ("a", "b")
    assert "WER in percent, lower is better" in list(sliced_tables(gather(run)))[-1].caption
    bare = [{key: row[key] for key in ("id", "duration", "room")} | {"text": None} for row in rows]
    (tmp_path / "h").mkdir()
    loud = ["", "x" * 200, "", "y" * 300, "", "", "z" * 151, ""]
    _, found = run_of(tmp_path / "h", "hallucination", bare, loud, group_by=["room"])
    rate = found["slices"]["hallucination_rate"]["room"]
    assert {value: row["hallucination_rate"] for value, row in rate["values"].items()} == {
        "a": 25, "b": 50,
    }  # fmt: skip
    assert rate["gap"]["best"] == "a" and rate["values"]["a"]["hallucination_rate_ci"][1] < 100
    assert found["slices"]["char_rate"]["room"]["gap"]["worst"] == "b"


def test_a_column_that_no_row_has_is_told_before_any_request(tmp_path):
    rows, heard = translations(3, 1)
    with pytest.raises(
        EarmarkError, match="split s: .*group_by: no sample has a value of 'gender'"
    ):
        run_of(tmp_path, "translation", rows, heard, target_language="de", group_by=["gender"])


def test_a_gap_of_bleu_holds_in_simulation():
    """Two halves of a text that do not differ: zero is in the interval in about 95 % of cases."""
    measure, inside = measure_type("translation")({"target_language": "de"}), 0
    from earmark.scoring.samples import Sample

    rows, heard = translations(1200, 11)
    counts = np.array([
        list(measure.count(Sample(row["id"], row["text"], text), row)["counts"].values())
        for n, (row, text) in enumerate(zip(rows, heard, strict=True)) if n % 3
    ], float)  # fmt: skip
    chance = np.random.default_rng(5)
    for _ in range(200):
        chosen = counts[chance.integers(0, len(counts), 60)]
        second = np.arange(60) % 2 == 0
        made = gap(measure.rates[0].value, chosen, second, Units(None, 60))
        inside += made.low < 0 < made.high
    assert 0.9 < inside / 200 < 0.99
