"""Translation, punctuation, keywords and hallucination as declared: prepared, answered, scored."""

from __future__ import annotations

import csv
import http.server
import io
import json
import tarfile
import threading
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hub_sets import clip, parquet

from earmark.cli import main
from earmark.config import load, resolve
from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.report import formats
from earmark.report.build import build
from earmark.report.charts import SECTIONS, charts
from earmark.report.differences import ALL, differences
from earmark.report.gather import gather
from earmark.report.leaderboard import tables
from earmark.scoring.measured import aggregate_measured, check_entries, score_measured
from earmark.scoring.score import aggregate, score

AUDIO = ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
MODEL = {"m": {"server": "demo", "model": "m"}}


def declared(clone, benchmark, split, **source):
    """A declared split; with other keys of its source."""
    own = {"splits": {split: {"source": source}}} if source else None
    run = resolve({"benchmarks": {benchmark: own}, "models": MODEL}, clone)
    return run.benchmarks[benchmark][split]


def configuration(name, columns, rows, folder):
    """A configuration's file in Parquet, and its entry in the set's README."""
    path = f"{folder}/test-00000-of-00001.parquet"
    schema = pa.schema([AUDIO, *columns])
    filled = [
        {"audio": {"bytes": clip(n), "path": f"{n}.flac"}, **row} for n, row in enumerate(rows)
    ]
    entry = {"config_name": name, "data_files": [{"split": "test", "path": path}]}
    return {path: parquet(filled, schema)}, entry


def committed(hub, split, *made):
    """A commit of these configurations in the split's repository."""
    readme = "---\n" + yaml.safe_dump({"configs": [entry for _, entry in made]}) + "---\n"
    files = {path: data for files, _ in made for path, data in files.items()}
    commit = hub.commit(split.source.repo, {**files, "README.md": readme.encode()})
    if split.source.revision != "main":
        hub.repos[split.source.repo].branches[split.source.revision] = commit


def answered(home, heard):
    return [
        {"id": row["id"], "generation": heard(row), "error": None, "num_generated_tokens": 1,
         "generation_start_time": 0.0, "generation_end_time": 1.0}
        for row in read_jsonl(home / "manifest.jsonl")
    ]  # fmt: skip


def metrics_of(tmp_path, split, home, heard):
    """A split's metrics when its rows are answered so."""
    check_entries(split, home / "manifest.jsonl")
    write_jsonl(tmp_path / "answers.jsonl", answered(home, heard))
    files = {
        "manifest": str(home / "manifest.jsonl"), "predictions": str(tmp_path / "answers.jsonl"),
        "scores": str(tmp_path / "s.jsonl"), "metrics": str(tmp_path / "s.metrics.json"),
    }  # fmt: skip
    if split.way in MEASURES:
        group = split.units.get("group")
        score_measured("b-s", split.scoring, split.measured, group=group, **files)
        aggregate_measured("b", [files["metrics"]], str(tmp_path / "m.json"))
    else:
        score("b-s", protocols=split.protocols, **split.units, **files)
        aggregate("b", [files["metrics"]], str(tmp_path / "m.json"))
    return read_json(files["metrics"])["pass@1"]


TEXT, NUMBER = pa.string(), pa.int32()
FLEURS = [("id", NUMBER), ("transcription", TEXT), ("raw_transcription", TEXT), ("gender", NUMBER)]


def test_fleurs_is_translated_against_the_same_sentence_of_another_locale(
    hub, prepare, clone, tmp_path
):
    split = declared(clone, "fleurs-translation", "en_us-de_de")

    def rows(texts):
        return [
            {"id": number, "transcription": text.lower(), "raw_transcription": text, "gender": 1}
            for number, text in texts
        ]

    english = rows([(7, "Good day."), (7, "Good day."), (8, "Two cats sleep here."), (9, "Alone.")])
    german = rows([(8, "Zwei Katzen schlafen hier."), (7, "Guten Tag zusammen, Freunde.")])
    committed(
        hub, split, configuration("en_us", FLEURS, english, "en_us"),
        configuration("de_de", FLEURS, german, "de_de"),
    )  # fmt: skip
    home = prepare(split)
    entries = list(read_jsonl(home / "manifest.jsonl"))
    assert [row["text"] for row in entries] == [german[1]["raw_transcription"]] * 2 + [
        german[0]["raw_transcription"]
    ]
    assert read_json(home / "source.json")["rows"]["left_out"] == {"empty reference": 1}
    found = metrics_of(tmp_path, split, home, lambda row: row["text"])
    assert (found["bleu"], found["chrf"]) == (pytest.approx(100), pytest.approx(100))


def test_covost2_is_prepared_and_scored_by_the_tokenizer_of_its_target(
    hub, prepare, clone, tmp_path
):
    split = declared(clone, "covost2", "en_zh-CN")
    columns = [(name, TEXT) for name in ("client_id", "file", "sentence", "translation", "id")]
    rows = [
        {"client_id": f"c{n // 2}", "file": f"{n}.mp3", "sentence": "He left.", "id": str(n),
         "translation": "他昨天离开了这里。"}
        for n in range(4)
    ]  # fmt: skip
    committed(hub, split, configuration("en_zh-CN", columns, rows, "en_zh-CN"))
    home = prepare(split)
    found = metrics_of(tmp_path, split, home, lambda row: row["text"].replace("昨天", "今天"))
    assert 30 < found["bleu"] < 80
    assert found["intervals"]["groups"] == 2
    assert "tok:zh" in found["signatures"]["bleu"]


def test_numb3rs_is_scored_against_both_references(hub, prepare, clone, tmp_path):
    split = declared(clone, "numb3rs", "written")
    columns = [(name, TEXT) for name in ("original_text", "text", "file_name", "category")]
    rows = [
        {"original_text": "It costs $5.", "text": "it costs five dollars", "category": "MONEY",
         "file_name": f"MONEY/MONEY_{n}.wav"}
        for n in range(3)
    ]  # fmt: skip
    committed(
        hub, split, configuration("default", [*columns, ("duration", pa.float64())], rows, "data")
    )
    home = prepare(split)
    found = metrics_of(tmp_path, split, home, lambda row: "it costs 5")
    assert found["wer"] == 0
    assert found["protocol"] == "nemo_skills_no_tn_itn@written"
    assert found["wer_nemo_skills_no_tn_itn@spoken"] == pytest.approx(50)


def test_contextual_earnings22_is_prompted_with_keywords_and_scored_by_the_clips(
    hub, prepare, clone, tmp_path
):
    from earmark.inference.requests import fill

    split = declared(clone, "contextual-earnings22", "local")
    several = pa.list_(pa.string())
    columns = [
        *((name, TEXT) for name in ("file_id", "text", "norm_text")),
        *((name, several) for name in ("transcript", "dictionary", "keywords")),
        *((name, pa.float64()) for name in ("audio_start", "audio_end", "duration")),
        ("is_flagged", pa.bool_()),
    ]
    rows = [
        {"file_id": f"call{n // 2}", "norm_text": "argmax met ebitda goals", "text": "Argmax met…",
         "dictionary": ["Argmax", "EBITDA"], "keywords": ["Argmax", "EBITDA", "Opex"]}
        for n in range(4)
    ]  # fmt: skip
    committed(hub, split, configuration("default", columns, rows, "data"))
    home = prepare(split)
    entry = next(read_jsonl(home / "manifest.jsonl"))
    assert "phrases: Argmax, EBITDA. Transcribe" in fill(split.prompt.user, entry, "user")
    found = metrics_of(tmp_path, split, home, lambda row: "Argmax met a bit the goals Argmax")
    assert (found["keyword_precision"], found["keyword_recall"]) == (50, 50)
    assert found["counts"]["ref_words"] == 16


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    """A folder, and the address at which its files are."""
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_librispeech_pc_is_made_of_openslrs_archives(site, prepare, clone, tmp_path):
    folder, url = site
    lines = [
        {
            "audio_filepath": f"test-clean/1/2/1-2-000{n}.flac",
            "duration": 0.5,
            "text": "Good day, sir.",
        }
        for n in range(3)
    ]
    manifest = "".join(json.dumps(line) + "\n" for line in lines).encode()
    archive(folder / "manifests.tar.gz", {"test-clean.json": manifest, "test-other.json": b""})
    clips = {f"LibriSpeech/test-clean/1/2/1-2-000{n}.flac": clip(n) for n in range(3)}
    archive(folder / "test-clean.tar.gz", clips)
    urls = [f"{url}/manifests.tar.gz", f"{url}/test-clean.tar.gz"]
    split = declared(clone, "librispeech-pc", "test_clean", urls=urls)
    home = prepare(split)
    assert [row["id"] for row in read_jsonl(home / "manifest.jsonl")] == [
        f"1-2-000{n}" for n in range(3)
    ]
    assert [one["path"] for one in read_json(home / "source.json")["files"]] == urls
    found = metrics_of(tmp_path, split, home, lambda row: "good day sir.")
    rates = {name: one["wer_macro_samples"] for name, one in found["protocols"].items()}
    assert rates["nemo_skills_pc"] == pytest.approx(40)  # Good, and the comma
    assert rates["nemo_skills_c"] == pytest.approx(100 / 3)
    assert rates["nemo_skills_per"] == pytest.approx(50)
    assert rates["nemo_skills"] == 0


def test_musans_clips_are_a_row_each(site, prepare, clone, tmp_path):
    folder, url = site
    wave = {f"musan/noise/free-sound/noise-{n}.wav": clip(n, kind="WAV") for n in range(4)}
    archive(folder / "musan.tar.gz", {**wave, "musan/music/x/m.wav": clip(9, kind="WAV")})
    split = declared(clone, "musan", "noise", urls=[f"{url}/musan.tar.gz"])
    home = prepare(split)
    found = metrics_of(tmp_path, split, home, lambda row: "la " * 20 * row["id"].endswith("3"))
    assert found["num_entries"] == 4
    assert found["hallucination_rate"] == 25


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("no.tar.gz", {}, "no.tar.gz: cannot be had"),
        (
            "cut.tar.gz",
            {},
            "cut.tar.gz: cannot be unpacked: .*; remove .*, so that it is downloaded",
        ),
        ("plain.txt", {}, r"plain.txt: an archive \(tar, tar.gz, zip\) was expected"),
        ("m.tar.gz", {"files": ["*.csv"]}, r"source.files: '\*.csv' fits nothing .* list.json"),
        ("m.tar.gz", {"files": ["list.json"]}, "source.urls: the archives have no 'a.wav'"),
    ],
)
def test_what_is_wrong_with_an_archive_is_told(site, prepare, clone, name, source, says):
    folder, url = site
    (folder / "plain.txt").write_text("a page")
    archive(folder / "whole.tar.gz", {"a.wav": clip(1, 2.0)})
    (folder / "cut.tar.gz").write_bytes((folder / "whole.tar.gz").read_bytes()[:20_000])
    archive(folder / "m.tar.gz", {"list.json": b'{"audio_filepath": "a.wav", "text": "x"}\n'})
    split = declared(clone, "librispeech-pc", "test_clean", urls=[f"{url}/{name}"], **source)
    with pytest.raises(EarmarkError, match=says):
        prepare(split)


def test_an_archive_whose_unpacking_broke_off_is_unpacked_anew(site, prepare, clone, tmp_path):
    folder, url = site
    waves = {f"musan/noise/x/{n}.wav": clip(n, kind="WAV") for n in range(3)}
    archive(folder / "musan.tar.gz", waves)
    split = declared(clone, "musan", "noise", urls=[f"{url}/musan.tar.gz"])
    home = prepare(split)
    cache = tmp_path / "data" / "hub-cache" / "urls"
    (record,) = cache.glob(f"{'?' * 20}.json")
    inside = cache / read_json(record)["folder"]
    record.unlink()  # as a killed job leaves it, with some of the clips
    next(inside.rglob("1.wav")).unlink()
    (home / "source" / "files.json").unlink()
    prepare(split)
    assert len(list(read_jsonl(home / "manifest.jsonl"))) == 3
    moment = next(inside.rglob("1.wav")).stat().st_ctime_ns
    prepare(split)  # whole, and so not again
    assert next(inside.rglob("1.wav")).stat().st_ctime_ns == moment


@pytest.fixture
def run(tmp_path):
    """A run of two models on two sets of translations, scored."""
    said = ["Das Haus ist rot und groß.", "Zwei Katzen schlafen hier heute.", "Es regnet."] * 6
    heard = {"good": said, "bad": [text.replace("ist", "war")[:-3] for text in said]}
    declared_ = {
        "scoring": "translation", "target_language": "de", "prompt": {"user": "Translate."},
        "splits": {
            name: {"source": {"type": "local", "manifest": str(tmp_path / "list.jsonl")}}
            for name in ("one", "two")
        },
    }  # fmt: skip
    (tmp_path / "set.yaml").write_text(yaml.safe_dump(declared_))
    (tmp_path / "list.jsonl").write_text("{}\n")
    config = {
        "data_dir": str(tmp_path / "data"), "results_dir": str(tmp_path / "results"),
        "benchmarks": {"set": {"file": str(tmp_path / "set.yaml")}},
        "models": {name: {"server": "demo", "model": "m"} for name in heard},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    rows = [{"id": f"u{n}", "text": text, "duration": 1.0} for n, text in enumerate(said)]
    made = load(tmp_path / "config.yaml", tmp_path)
    for model, answers in heard.items():
        for split in ("one", "two"):
            where = {"model": model, "benchmark": "set", "split": split}
            home = Path(made.paths.manifest.of(**where)).parent
            write_jsonl(home / "manifest.jsonl", rows)
            predictions = made.paths.predictions.of(**where, seed="")
            by_id = dict(zip((row["id"] for row in rows), answers, strict=True))
            write_jsonl(predictions, answered(home, lambda row, by_id=by_id: by_id[row["id"]]))
            score_measured(
                f"set-{split}", "translation", {"target_language": "de"},
                str(home / "manifest.jsonl"), str(predictions),
                str(made.paths.scores.of(**where)), str(made.paths.split_metrics.of(**where)),
            )  # fmt: skip
        parts = [str(made.paths.split_metrics.of(model=model, benchmark="set", split=split))
                 for split in ("one", "two")]  # fmt: skip
        aggregate_measured("set", parts, str(made.paths.metrics.of(model=model, benchmark="set")))
    return made


def test_tables_have_bleu_in_columns_of_their_own_and_the_highest_is_best(run, tmp_path, capsys):
    results = build(run, tmp_path / "report")
    found = differences(results)
    bleu, chrf = tables(results, compared=found)
    assert (bleu.protocol, chrf.protocol) == ("bleu", "chrf")
    assert "BLEU, higher is better" in bleu.caption
    assert "tok:13a" in bleu.caption
    bad, good = (dict(cells) for _, cells in bleu.lines())
    column = bleu.columns[1]
    assert good[column].best
    assert bad[column].worse
    rows = list(csv.DictReader(io.StringIO(formats.as_csv([bleu, chrf], intervals=True))))
    assert [row["protocol"] for row in rows[:2]] == ["bleu", "bleu"] or {
        row["protocol"] for row in rows
    } == {"bleu", "chrf"}
    assert "| good | **100.00**" in formats.as_markdown([bleu])
    assert "BLEU" in formats.as_tex([bleu])
    whole = next(one for one in found if (one.split, one.protocol) == (ALL, "bleu"))
    assert whole.line["difference"] > 0
    assert whole.line["wins_b"]
    assert whole.line["p_holm"] < 0.05
    page = (tmp_path / "report" / "report.html").read_text()
    assert '"rates":{"bleu":["BLEU",false]' in page.replace(" ", "")


def test_each_rate_has_a_chart_with_its_intervals(run, tmp_path):
    results = gather(run)
    drawn = {chart.id: chart for chart in charts(results)}
    assert list(drawn)[:2] == ["translation-bleu", "translation-chrf"]
    for name, chart in list(drawn.items())[:2]:
        rate = name.removeprefix("translation-")
        assert chart.section in SECTIONS
        assert len(chart.rows) == 4
        for row in chart.rows:
            metrics = results.evaluations[row["model"], "set", row["split"]].metrics
            assert row["value"] == metrics[rate]
            assert [row["low"], row["high"]] == (metrics[f"{rate}_ci"] or [None, None])
            assert row["href"].startswith("#samples?model=")
    build(run, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert '<section id="translation">' in page and "chrF by split" in page


def test_compare_knows_bleu(run, tmp_path, capsys):
    arguments = ["--configfile", str(tmp_path / "config.yaml")]
    assert main(["compare", "bad", "good", *arguments, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["set"] for line in lines] == ["set-one", "set-two", "set (mean)"]
    assert {line["rate"] for line in lines} == {"BLEU"}
    assert all(line["difference"] > 0 and line["p_holm"] < 0.05 for line in lines)
    assert main(["compare", "bad", "good", *arguments, "--protocol", "chrf"]) == 0
    assert "chrF" in capsys.readouterr().out


def test_a_table_of_translation_is_printed_and_read_again(run, tmp_path, capsys):
    config = str(tmp_path / "config.yaml")
    assert main(["table", "--configfile", config, "--format", "csv"]) == 0
    (tmp_path / "old.csv").write_text(capsys.readouterr().out)
    assert main(["table", "--configfile", config, "--published", str(tmp_path / "old.csv")]) == 0
    assert "another run" in capsys.readouterr().out
    assert main(["table", "--configfile", config, "--format", "nemo"]) == 0
    assert "bleu" in capsys.readouterr().out
