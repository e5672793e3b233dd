"""Result files of the leaderboard: written from a run's answers, and taken as a model's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from earmark.cli import main
from earmark.config import load
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.inference.infer import Job
from earmark.scoring.imported import predictions, write_imported
from earmark.scoring.result_names import file_name, model_of, splits_of
from earmark.scoring.score import aggregate, score

MAIN = "open-asr-leaderboard"
TEXTS = ["Mister Smith's colour.", "two words", "twenty one"]


@pytest.fixture
def run(tmp_path, clone, monkeypatch):
    """A run of the main table's AMI and of its calls in chunks, answered by one model."""
    monkeypatch.chdir(tmp_path)
    config = {
        "data_dir": str(tmp_path / "data"),
        "results_dir": str(tmp_path / "results"),
        "benchmarks": {
            MAIN: {
                "file": str(clone / "config" / "benchmarks" / f"{MAIN}.yaml"),
                "splits": ["ami_cleaned", "earnings22_cleaned"],
            }
        },
        "models": {
            "ours": {"server": "demo", "model": "org/ours"},
            "openai/whisper": {"server": "imported", "model": "openai/whisper"},
        },
    }
    Path("config.yaml").write_text(yaml.safe_dump(config))
    made = load("config.yaml", tmp_path)
    for name, split in made.benchmarks[MAIN].items():
        rows = [
            {"id": f"AMI_ES_MEE001_{n}", "duration": 2.0, "text": text}
            for n, text in enumerate(TEXTS)
        ]
        if split.session:
            rows = [
                {"id": f"a_{n}.flac", "duration": 2.0, "text": "one two three", "parent_id": "a",
                 "chunk_index": n}
                for n in range(2)
            ]  # fmt: skip
        where = {"model": "ours", "benchmark": MAIN, "split": name}
        manifest = made.paths.manifest.of(**where)
        write_jsonl(manifest, rows)
        heard = ["<think>hm</think> Mr. Smith's color", "to words", "21"]
        heard = ["one two", "three"] if split.session else heard
        write_jsonl(
            made.paths.predictions.of(**where),
            (
                {"id": row["id"], "generation": text, "error": None, "num_generated_tokens": 1,
                 "generation_start_time": 0.0, "generation_end_time": 4.0}
                for row, text in zip(rows, heard, strict=True)
            ),
        )  # fmt: skip
        scored(made, "ours", split)
    splits = [str(made.paths.split_metrics.of(model="ours", benchmark=MAIN, split=name))
              for name in made.benchmarks[MAIN]]  # fmt: skip
    aggregate(MAIN, splits, str(made.paths.metrics.of(model="ours", benchmark=MAIN)))
    return made


def scored(run, model, split):
    where = {"model": model, "benchmark": MAIN, "split": split.name}
    names = ("manifest", "predictions", "scores", "split_metrics")
    files = [str(getattr(run.paths, name).of(**where)) for name in names]
    score(f"{MAIN}-{split.name}", *files, split.protocols, **split.units)
    return read_json(files[-1])["pass@1"]


def test_a_model_s_files_are_those_of_the_leaderboard_and_score_alike(run, capsys):
    assert main(["export", "--configfile", "config.yaml", "--output", "out"]) == 0
    folder = Path("out/ours")
    ami = folder / "MODEL_org-ours_DATASET_hf-audio-open-asr-leaderboard_ami_cleaned_test.jsonl"
    calls = next(folder.glob("*ArtificialAnalysis-Earnings22-Cleaned-AA-chunked__test.jsonl"))
    rows = list(read_jsonl(ami))
    assert rows[0]["pred_text"] == "Mr. Smith's color" and rows[0]["text"] == TEXTS[0]
    assert sum(row["time"] for row in rows) == pytest.approx(4)  # seconds that were busy
    assert [(row["parent_id"], row["chunk_index"]) for row in read_jsonl(calls)] == [
        ("a", 0), ("a", 1),
    ]  # fmt: skip
    capsys.readouterr()
    main(["wer", "--protocol", "open_asr_leaderboard", "--json", str(ami), str(calls)])
    for name, line in zip(run.benchmarks[MAIN], capsys.readouterr().out.splitlines(), strict=True):
        where = {"model": "ours", "benchmark": MAIN, "split": name}
        block = read_json(run.paths.split_metrics.of(**where))["pass@1"]["protocols"]
        counts = ("substitutions", "deletions", "insertions", "ref_words")
        assert [json.loads(line)[key] for key in counts] == [
            block["open_asr_leaderboard"][key] for key in counts
        ]


def test_eval_results_are_of_the_sets_there_and_rtfx_says_what_it_is(run):
    main(["export", "--configfile", "config.yaml", "--output", "out", "--model", "ours"])
    path = Path("out/ours/.eval_results/open_asr_leaderboard.yaml")
    found = {one["dataset"]["task_id"]: one for one in yaml.safe_load(path.read_text())}
    assert list(found) == ["rtfx", "ami_cleaned_wer", "earnings22_cleaned_wer"]  # no mean of two
    assert found["ami_cleaned_wer"]["value"] == pytest.approx(100 / 7, abs=0.01)
    assert "not the leaderboard's batches" in found["rtfx"]["notes"]
    assert found["rtfx"]["dataset"]["id"] == "hf-audio/open-asr-leaderboard"


def test_published_files_become_a_model_of_the_tables(run, capsys):
    main(["export", "--configfile", "config.yaml", "--output", "out"])
    theirs = Path("theirs")
    theirs.mkdir()
    for file in Path("out/ours").glob("*.jsonl"):
        (theirs / file.name.replace("org-ours", "openai-whisper")).write_bytes(file.read_bytes())
    assert main(["import", "--configfile", "config.yaml", str(theirs)]) == 0
    for split in run.splits:
        where = {"model": "openai_whisper", "benchmark": MAIN, "split": split.name}
        job = Job("j", {}, run.models["openai_whisper"], run.paths.manifest.of(**where),
                  Path("x"), run.paths.predictions.of(**where), Path("x"))  # fmt: skip
        write_imported(job, [str(run.paths.imported.of(**where))])
        ours, other = scored(run, "ours", split), scored(run, "openai_whisper", split)
        assert other["wer"] == ours["wer"]
        assert other["rtfx_wall"] == pytest.approx(ours["rtfx_wall"])
    capsys.readouterr()
    main(["table", "--configfile", "config.yaml"])
    assert "openai/whisper" in capsys.readouterr().out


def manifest_of(path, *rows):
    write_jsonl(path, ({"id": name, "text": text, "duration": 1.0} for name, text in rows))
    return str(path)


def file_of(path, *rows):
    keys = ("audio_filepath", "text", "pred_text", "time")
    write_jsonl(path, (dict(zip(keys, row, strict=False)) for row in rows))
    return str(path)


def test_missing_utterances_are_told_and_fail_as_others_do(tmp_path):
    manifest = manifest_of(tmp_path / "m", *((f"x/{n}.wav", "One") for n in range(4)))
    file = file_of(tmp_path / "f", *((f"{n}.wav", "one", "won", 1.0) for n in (0, 1, 2, 9)))
    rows, told = predictions(manifest, file)
    assert [row["generation"] for row in rows] == ["won", "won", "won", ""]
    assert told[0] == "1 of 4 utterances are not in it: 'x/3.wav'"
    assert told[1].startswith("1 of its rows are of no utterance")
    assert (rows[1]["generation_start_time"], rows[1]["generation_end_time"]) == (1.0, 2.0)


def test_ids_that_tell_nothing_are_paired_by_place_where_references_agree(tmp_path):
    manifest = manifest_of(tmp_path / "m", ("a", "It's One."), ("b", "two"))
    file = file_of(tmp_path / "f", ("sample_0", "its one", "x"), ("sample_1", "two", "y"))
    rows, told = predictions(manifest, file)
    assert ([row["generation"] for row in rows], told) == (
        ["x", "y"],
        ["rows were paired by place"],
    )
    assert rows[0]["generation_start_time"] is None
    other = file_of(tmp_path / "g", ("sample_0", "two", "x"), ("sample_1", "its one", "y"))
    with pytest.raises(EarmarkError, match="row 1: by place it is 'a', but its reference is 'two'"):
        predictions(manifest, other)


SENTENCES = [
    "the cat sat down on the mat", "a dog ran over the hill", "nobody came to the old house",
    "rain fell on the wide plain", "she wrote letters every day", "he never answered any of them",
]  # fmt: skip


def shifted(by, count=6, names="{}"):
    """Rows whose ids are those of other utterances, and an answer to each sentence."""
    return [(names.format(n + by), SENTENCES[n], f"heard {n}") for n in range(count)]


def numbered(path, names="{}"):
    return manifest_of(path / "m", *((names.format(n), text) for n, text in enumerate(SENTENCES)))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (shifted(1, names="u{}"), "row 1: by id it is 'u1', but its reference, 'the cat sat down on "
         "the mat', is that of 'u0' in .*m; by place all fit: without `id` and `audio_filepath`"),
        (shifted(1, 4, "u{}"), "is that of 'u0' in .*m; each row is to have the id of its utterance"),
        (shifted(1, names="x/u{}.wav"), "row 1: by the name of the clip it is 'u1', but its"),
        ([*shifted(0, 4, "u{}"), ("u5", *shifted(0)[4][1:])], "row 5: by id it is 'u5', but its"),
        ([(f"u{n}", "one", "x") for n in range(6)],
         "row 1: by id it is 'u0', but its reference is 'one', not 'the cat .*'; 6 of 6 rows have other"),
        ([*shifted(0, 6, "v{}")[1:], ("v6", "quite another", "x")], "row 1: by place it is 'u0'"),
        (shifted(0, 4, "v{}"), "its rows are not of .*m: ids such as 'v0'; rows with the id"),
        (shifted(0, 4, "sample_{}"), "its 4 rows have no ids but their number, and .* 6 utterances"),
    ],
)  # fmt: skip
def test_ids_that_are_shifted_against_the_references_are_refused(tmp_path, rows, said):
    with pytest.raises(EarmarkError, match=said):
        predictions(numbered(tmp_path, "u{}"), file_of(tmp_path / "f", *rows))


@pytest.mark.parametrize("first", [0, 1])
def test_a_file_that_only_counts_its_rows_is_paired_by_place_where_ids_are_numbers_too(
    tmp_path, first
):
    rows, told = predictions(
        numbered(tmp_path), file_of(tmp_path / "f", *shifted(first, names="sample_{}"))
    )
    assert [row["generation"] for row in rows] == [f"heard {n}" for n in range(6)]
    write_jsonl(tmp_path / "f", ({"text": t, "pred_text": t} for t in SENTENCES))  # no ids: from 1
    rows, told = predictions(numbered(tmp_path), str(tmp_path / "f"))
    assert [row["generation"] for row in rows] == SENTENCES
    assert told == ["rows were paired by place"]


def test_without_references_rows_need_ids_or_to_be_as_many(tmp_path):
    def paired(*rows):
        write_jsonl(tmp_path / "f", rows)
        return predictions(numbered(tmp_path, "u{}"), str(tmp_path / "f"))

    rows, told = paired(*({"pred_text": f"{n}"} for n in range(6)))
    assert [row["generation"] for row in rows] == list("012345")
    assert told == ["rows were paired by place, with no references to check it by"]
    rows, told = paired(*({"id": f"u{n}", "pred_text": f"{n}"} for n in (4, 2, 0)))
    assert [row["generation"] for row in rows] == ["0", "", "2", "", "4", ""]
    assert told[-1] == "rows were paired by id, with no references to check it by"
    with pytest.raises(EarmarkError, match="its 5 rows have no ids but their number"):
        paired(*({"pred_text": f"{n}"} for n in range(5)))
    with pytest.raises(EarmarkError, match="its rows are not of .* ids such as 'v0'"):
        paired(*({"id": f"v{n}", "pred_text": f"{n}"} for n in range(6)))


def test_normalized_and_corrected_references_are_no_others(tmp_path):
    pairs = [("It's twenty-one o'clock, Mr. Brown.", "it is 21 o clock mr brown"),
             ("I don't, uh, know the colour.", "i do not know the color"),
             ("Um.", ""), ("今日は、晴れです。", "今日は晴れです")]  # fmt: skip
    manifest = manifest_of(tmp_path / "m", *((f"u{n}", raw) for n, (raw, _) in enumerate(pairs)))
    file = file_of(tmp_path / "f", *((f"u{n}", said, "x") for n, (_, said) in enumerate(pairs)))
    assert predictions(manifest, file)[1][-1] == "rows were paired by id"


def test_what_was_brought_and_how_it_was_paired_is_told(run, capsys):
    file = "MODEL_openai-whisper_DATASET_hf-audio-open-asr-leaderboard_ami_cleaned_test.jsonl"
    rows = [
        {"clip": f"AMI_ES_MEE001_{n}", "said": text, "heard": "x"} for n, text in enumerate(TEXTS)
    ]
    write_jsonl(file, rows)
    command = ["import", "--configfile", "config.yaml", file]
    assert main(command) == 1
    assert "'pred_text' is missing; the row's keys: 'clip', 'said', 'heard' (--column" in (
        capsys.readouterr().err
    )
    columns = ["--column", "id=clip", "--column", "text=said", "--column", "pred_text=heard"]
    assert main([*command, *columns]) == 0
    assert "3 answers of" in (out := capsys.readouterr().out) and "paired by id" in out


def test_references_that_are_not_the_manifest_s_are_counted(tmp_path):
    manifest = manifest_of(tmp_path / "m", ("a", "mister one"), ("b", "two"))
    file = file_of(tmp_path / "f", ("a", "mr one", "x"), ("b", "two", "y"))
    assert predictions(manifest, file)[1][0].startswith("1 of its references are not")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("MODEL_openai-whisper-large-v3_DATASET_a-b__test.jsonl", "openai/whisper-large-v3"),
        ("MODEL_ibm-granite-speech-3_DATASET_a-b__test.jsonl", "ibm-granite/speech-3"),
        ("MODEL_alone_DATASET_a-b__test.jsonl", "alone"),
        ("answers.jsonl", None),
    ],
)
def test_a_file_s_name_tells_the_model(name, model):
    assert model_of(Path(name)) == model


@pytest.mark.parametrize(
    "name", ["..-etc", "a-..", "a b-c", "-x", "a-\x1b[31m", "x" * 150, "a-b\u202e", "é-b"]
)
def test_hostile_names_are_refused(name, tmp_path, run, capsys):
    file = f"MODEL_{name}_DATASET_hf-audio-open-asr-leaderboard_ami_cleaned_test.jsonl"
    with pytest.raises(EarmarkError, match="is no name of a model"):
        model_of(Path(file))
    assert main(["import", "--configfile", "config.yaml", file]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_sets_are_known_by_their_whole_name_or_by_config_and_split(run):
    ami = run.benchmarks[MAIN]["ami_cleaned"]
    for repository in ("hf-audio-open-asr-leaderboard", "some-other"):
        file = Path(f"MODEL_a-b_DATASET_{repository}_ami_cleaned_test.jsonl")
        assert splits_of(file, run.splits) == [ami]
    assert splits_of(Path("MODEL_a-b_DATASET_x_ami_test.jsonl"), run.splits) == []
    assert splits_of(Path(file_name("org/na me", ami)), run.splits) == [ami]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--model", "ours", "--split", "ami_cleaned"],
            "ours is a model of the config with `server: demo`",
        ),
        (["--split", "ami_cleaned"], "its name tells no model; give --model"),
        (["--model", "x"], "which split it is of is not told"),
        (["--benchmark", "x"], "--benchmark x: config.yaml has open-asr-leaderboard"),
        (["--split", "x"], "--split x: config.yaml has ami_cleaned, earnings22_cleaned"),
        (["gone.jsonl"], "'gone.jsonl': there is no such file"),
        (
            ["--model", "leaderboard.csv", "--split", "ami_cleaned"],
            "results_dir has a file of that name",
        ),
        (["--model", "x", "--split", "ami_cleaned"], "'pred_text' is missing"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused(run, options, said, capsys):
    Path("f.jsonl").write_text('{"a": 1}\n')
    assert main(["import", "--configfile", "config.yaml", "f.jsonl", *options]) == 1
    assert said in capsys.readouterr().err
    assert not list(Path("results").rglob("imported/**/*.jsonl"))


def test_nothing_to_export_is_said(run, capsys):
    for path in Path("results").rglob("predictions/**/*.jsonl"):
        path.unlink()
    assert main(["export", "--configfile", "config.yaml"]) == 1
    assert "not answered yet" in (told := capsys.readouterr().err) and "nothing to export" in told


def test_what_of_a_run_cannot_be_exported_is_told_and_why(run, tmp_path, capsys):
    local = {"type": "local", "manifest": "m.jsonl"}
    config = yaml.safe_load(Path("config.yaml").read_text())
    Path("m.jsonl").write_text("")
    Path("own.yaml").write_text(yaml.safe_dump({"splits": {"a": {"source": local}}}))
    config["benchmarks"][MAIN]["splits"] = {"ami_cleaned": {"limit": 5}}
    config["benchmarks"]["own"] = {"file": "own.yaml"}
    Path("config.yaml").write_text(yaml.safe_dump(config))
    assert main(["export", "--configfile", "config.yaml"]) == 1
    told = capsys.readouterr().err
    assert "ours on open-asr-leaderboard/ami_cleaned: left out: not the whole set: first 5" in told
    assert "ours on own/a: left out: `source.type: local`, and files are named after" in told
    assert "openai/whisper: left out: its answers are not ours" in told
    assert "error: nothing to export: whole sets of the Hub can be" in told


def test_a_job_fails_where_too_much_is_missing_or_nothing_was_imported(run, tmp_path):
    manifest = manifest_of(tmp_path / "m", *((f"{n}", "One") for n in range(4)))
    file = file_of(tmp_path / "f", *((f"{n}", "one", "won") for n in range(3)))
    job = Job(
        "j", {}, run.models["openai_whisper"], Path(manifest), Path("x"), Path("p"), Path("x")
    )
    for files, said in (([file], "1 of 4 utterances are not in it"), ([], "nothing was imported")):
        with pytest.raises(EarmarkError, match=said):
            write_imported(job, files)
