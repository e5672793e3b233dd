"""COMET's step and its rate, in an environment with a stand-in for its packages."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest
import yaml
from comet_package import comet_package

from earmark.cli import main
from earmark.config import load, resolve
from earmark.config.models import Comet
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.mmau.lacking import lacking
from earmark.report import formats
from earmark.report.build import build
from earmark.report.differences import differences
from earmark.report.leaderboard import tables
from earmark.scoring import comet as step
from earmark.scoring.comet import comet_split
from earmark.scoring.declared import check_columns
from earmark.scoring.measured import aggregate_measured, check_entries, score_measured

HUB = "Unbabel/wmt22-comet-da"
SIGNED = f"model:{HUB}|revision:2760a22|dtype:float32|version:2.2.7"


@pytest.fixture
def asked(tmp_path):
    """What was scored so far: (precision, said, translation, reference) a sentence."""
    comet_package(tmp_path / "packages")

    def read():
        path = tmp_path / "packages" / "asked.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read


def split(tmp_path, heard, **settings):
    """Scores of answers (said, reference and answer each), as the step writes them."""
    rows = [
        {"id": f"u{n}", "said": f"s{n}", "text": "one two", "duration": 1.0}
        for n in range(len(heard))
    ]
    write_jsonl(tmp_path / "manifest.jsonl", rows)
    write_jsonl(
        tmp_path / "answers.jsonl",
        (
            {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
             "generation_start_time": 0.0, "generation_end_time": 1.0}
            for row, text in zip(rows, heard, strict=True)
        ),
    )  # fmt: skip
    comet = Comet(
        **{"model": HUB, "gpus": 0, "python": f"{tmp_path}/packages/bin/python", **settings}
    )
    files = [str(tmp_path / name) for name in ("manifest.jsonl", "answers.jsonl", "comet.jsonl")]
    comet_split(comet, *files, tmp_path / "kept")
    return list(read_jsonl(files[2]))


def test_each_sentence_is_scored_once_and_again_only_where_it_or_the_model_changed(
    tmp_path, asked, capfd
):
    rows = split(tmp_path, ["one two", "<think>hm</think> two ", ""])
    assert [row["comet"] for row in rows] == pytest.approx([0.998, 0.498, -0.002])
    assert [row["id"] for row in rows] == ["u0", "u1", "u2"]
    assert {row["by"] for row in rows} == {SIGNED}
    assert asked()[1] == ["float32", "s1", "two", "one two"]
    split(tmp_path, ["one two", "two", ""], batch_size=8)
    assert len(asked()) == 3
    assert "3 distinct sentences, 0 to score" in capfd.readouterr().out
    split(tmp_path, ["one two", "two", "new"])
    assert len(asked()) == 4 and asked()[-1][2] == "new"
    rows = split(tmp_path, ["one two", "two", "new"], revision="v2", dtype="bfloat16")
    assert len(asked()) == 7 and asked()[-1][0] == "bfloat16"
    assert "revision:v2|dtype:bfloat16" in rows[0]["by"]


def test_a_checkpoint_is_a_file_or_a_folder_and_another_one_scores_anew(tmp_path, asked):
    file = tmp_path / "model" / "checkpoints" / "model.ckpt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one")
    rows = split(tmp_path, ["one"], model=str(tmp_path / "model"))
    assert rows[0]["by"].startswith(f"model:{tmp_path}/model|revision:-|")
    split(tmp_path, ["one"], model=str(tmp_path / "model"))
    assert len(asked()) == 1
    file.write_bytes(b"another")
    split(tmp_path, ["one"], model=str(tmp_path / "model"))
    assert len(asked()) == 2


def test_scores_that_came_before_a_death_are_kept(tmp_path, asked, monkeypatch):
    monkeypatch.setattr(step, "_PORTION", 2)
    with pytest.raises(EarmarkError, match="COMET's worker ended with code 3"):
        split(tmp_path, ["a", "b", "die"])
    assert not (tmp_path / "comet.jsonl").exists()
    split(tmp_path, ["a", "b", "c"])
    assert [one[2] for one in asked()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("heard", "settings", "says"),
    [
        ("nan", {}, "COMET gave 1 scores for 1 sentences, of which some are no numbers"),
        ("large", {}, r"OutOfMemoryError: no room\n.*comet.batch_size"),
        ("x", {"gpus": 1}, "no CUDA device on this machine; comet.gpus: 0"),
        ("x", {"model": "no/body"}, "COMET: FileNotFoundError: 401: no/body is gated"),
        (
            "x",
            {"python": sys.executable},
            r"No module named .*\ncomet.python: .*envs/comet.txt lists",
        ),
        ("x", {"python": __file__}, r"comet.python: .* cannot be run \(Permission denied\)"),
        ("x", {"python": "/no/bin/python"}, r"comet.python: .* -m venv /no && .*workflow/envs/com"),
    ],
)
def test_what_goes_wrong_is_told(tmp_path, asked, heard, settings, says):
    with pytest.raises(EarmarkError, match=says):
        split(tmp_path, [heard], **settings)
    assert not (tmp_path / "comet.jsonl").exists()


def declared(tmp_path, source=None, **keys):
    """A run of two models on two sets of translations."""
    manifest = {"type": "local", "manifest": str(tmp_path / "list.jsonl")}
    made = {
        "scoring": "translation", "target_language": "de", "prompt": {"user": "Translate."},
        "splits": {name: {"source": source or manifest} for name in ("one", "two")},
    }  # fmt: skip
    (tmp_path / "set.yaml").write_text(yaml.safe_dump(made))
    (tmp_path / "list.jsonl").write_text("{}\n")
    config = {
        "data_dir": str(tmp_path / "data"), "results_dir": str(tmp_path / "results"),
        "benchmarks": {"set": {"file": str(tmp_path / "set.yaml"), **keys}},
        "models": {name: {"server": "demo", "model": "m"} for name in ("bad", "good")},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return load(tmp_path / "config.yaml", tmp_path)


@pytest.mark.parametrize("said", [{}, {"said": " "}, {"said": ["a"]}])
def test_a_row_without_what_was_said_is_told_before_any_request(tmp_path, asked, said):
    one = declared(tmp_path, comet={"model": HUB}).benchmarks["set"]["one"]
    write_jsonl(tmp_path / "m.jsonl", [{"id": "u0", "text": "x", **said}])
    with pytest.raises(EarmarkError, match="split one: comet: 'said' must be what was said.*'u0'"):
        check_entries(one, tmp_path / "m.jsonl")
    write_jsonl(tmp_path / "p.jsonl", [{"id": "u0", "generation": "x"}])
    files = [str(tmp_path / name) for name in ("m.jsonl", "p.jsonl", "c.jsonl")]
    with pytest.raises(EarmarkError, match="m.jsonl, sample 'u0': comet: 'said' must be"):
        comet_split(one.comet, *files, tmp_path / "kept")
    assert not asked()


def test_a_set_of_the_hub_without_it_is_told_before_it_is_fetched(tmp_path, clone):
    run = declared(tmp_path, {"type": "hub", "repo": "o/n"}, comet={"model": HUB})
    with pytest.raises(EarmarkError, match="comet: the manifest will have no column 'said'"):
        check_columns(run.splits)
    keys = {"comet": {"model": HUB}}
    declared_sets = {"fleurs-translation": keys, "covost2": keys}
    run = resolve(
        {"benchmarks": declared_sets, "models": {"m": {"server": "demo", "model": "m"}}}, clone
    )
    check_columns(run.splits)


def test_what_comet_lacks_is_told_at_the_start(tmp_path):
    python = {"python": sys.executable}
    assert not list(lacking(declared(tmp_path, comet={"model": HUB, **python})))
    (said,) = lacking(declared(tmp_path, comet={"model": HUB}))
    assert said.startswith("comet.python: .venv-comet/bin/python does not exist")
    (said,) = lacking(declared(tmp_path, comet={"model": "/no/model.ckpt", **python}))
    assert said.startswith("comet.model: /no/model.ckpt is no file")


SAID = ["Das Haus ist rot und groß.", "Zwei Katzen schlafen hier heute.", "Es regnet sehr."] * 6


def scored(run, split, model, heard, beside=None):
    """Score a model's answers on a split; with COMET's scores, a list a seed."""
    where = {"model": model, "benchmark": "set", "split": split}
    manifest, answers = run.paths.manifest.of(**where), run.paths.predictions.of(**where)
    rows = [{"id": f"u{n}", "text": text, "duration": 1.0} for n, text in enumerate(SAID)]
    write_jsonl(manifest, rows)
    write_jsonl(answers, (
        {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
         "generation_start_time": 0.0, "generation_end_time": 1.0}
        for row, text in zip(rows, heard, strict=True)
    ))  # fmt: skip
    files = []
    for seed, scores in enumerate(beside or []):
        files.append(str(run.paths.comet.of(**where, seed=f".seed{seed}")))
        write_jsonl(files[-1], (
            {"id": row["id"], "comet": score, "by": SIGNED}
            for row, score in zip(rows, scores, strict=True)
        ))  # fmt: skip
    settings = run.benchmarks["set"][split].measured
    metrics = str(run.paths.split_metrics.of(**where))
    score_measured(
        f"set-{split}", "translation", settings, str(manifest), [str(answers)] * max(1, len(files)),
        str(run.paths.scores.of(**where)), metrics, beside=files,
    )  # fmt: skip
    return read_json(metrics)


def test_comet_stands_beside_bleu_with_its_interval_and_its_signature(tmp_path):
    run = declared(tmp_path, comet={"model": HUB})
    scores = np.random.default_rng(1).uniform(0.5, 0.9, len(SAID))
    found = scored(run, "one", "good", SAID, [scores.tolist()])["pass@1"]
    assert found["comet"] == pytest.approx(100 * scores.mean())
    low, high = found["comet_ci"]
    half = 196 * scores.std() / np.sqrt(len(scores))
    assert low == pytest.approx(found["comet"] - half, abs=0.2 * half)
    assert high == pytest.approx(found["comet"] + half, abs=0.2 * half)
    assert found["signatures"]["comet"] == SIGNED
    assert found["primary"]["name"] == "bleu"
    row = next(read_jsonl(run.paths.scores.of(model="good", benchmark="set", split="one")))
    assert row["comet"] == pytest.approx(100 * scores[0])


def test_without_comet_nothing_speaks_of_it(tmp_path):
    run = declared(tmp_path)
    found = scored(run, "one", "good", SAID)["pass@1"]
    assert not {"comet", "comet_ci"} & set(found)
    assert set(found["signatures"]) == {"bleu", "chrf"}
    assert [one.protocol for one in tables(build(run, tmp_path / "out"))] == ["bleu", "chrf"]


def test_of_several_seeds_each_answer_has_its_own_score(tmp_path):
    run = declared(tmp_path, comet={"model": HUB})
    found = scored(run, "one", "good", SAID, [[0.5] * len(SAID), [0.7] * len(SAID)])
    assert found["pass@1[avg-of-2]"]["comet"] == pytest.approx(60)
    assert found["pass@2"]["comet"] == pytest.approx(50)  # the first of equally good ones


def test_scores_of_other_samples_are_refused(tmp_path):
    run = declared(tmp_path, comet={"model": HUB})
    scored(run, "one", "good", SAID, [[0.5] * len(SAID)])
    where = {"model": "good", "benchmark": "set", "split": "one"}
    write_jsonl(tmp_path / "short.jsonl", [{"id": "u0", "comet": 0.5, "by": SIGNED}])
    settings, paths = run.benchmarks["set"]["one"].measured, run.paths
    files = [str(path.of(**where)) for path in (paths.manifest, paths.predictions, paths.scores)]
    with pytest.raises(EarmarkError, match="short.jsonl: 1 predictions for the 18 rows"):
        score_measured(
            "set-one", "translation", settings, *files, str(tmp_path / "m.json"),
            beside=[str(tmp_path / "short.jsonl")],
        )  # fmt: skip


def test_tables_and_comparisons_have_comet_where_splits_have_it(tmp_path, capsys):
    run = declared(tmp_path, comet={"model": HUB}, splits={"one": None, "two": {"comet": None}})
    for model, by in (("bad", 0.4), ("good", 0.8)):
        scored(run, "one", model, SAID, [(np.linspace(0, 0.1, 18) + by).tolist()])
        scored(run, "two", model, SAID)
        where = {"model": model, "benchmark": "set"}
        parts = [str(run.paths.split_metrics.of(**where, split=name)) for name in ("one", "two")]
        aggregate_measured("set", parts, str(run.paths.metrics.of(**where)))
    assert (
        "comet"
        not in read_json(run.paths.metrics.of(model="good", benchmark="set"))["set"]["pass@1"]
    )
    results = build(run, tmp_path / "out")
    (table,) = (
        one for one in tables(results, compared=differences(results)) if one.protocol == "comet"
    )
    assert SIGNED in table.caption and "set: COMET, higher is better" in table.caption
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(formats.as_csv([table])))}
    assert float(rows["good"]["set-one"]) == pytest.approx(85)
    assert rows["good"]["set-two"] == ""
    assert rows["good"]["set (macro)"] == ""
    (one,) = (one for one in differences(results) if one.protocol == "comet")
    assert (one.split, one.line["wins_b"]) == ("one", True)
    assert one.line["difference"] == pytest.approx(40)
    arguments = ["--configfile", str(tmp_path / "config.yaml"), "--protocol", "comet"]
    assert main(["compare", "bad", "good", *arguments]) == 0
    told = capsys.readouterr().out
    assert "COMET" in told and "set-one" in told and "nan" not in told


def test_the_worker_s_environment_is_not_asked_for_what_the_script_s_folder_has(clone):
    """Jobs have the folder of scripts on their path: one called comet.py would be taken for COMET."""
    names = {path.stem for path in (clone / "workflow" / "scripts").glob("*.py")}
    assert not names & {"comet", "torch", "transformers", "huggingface_hub"}
