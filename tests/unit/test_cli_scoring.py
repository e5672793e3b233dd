"""`earmark wer`, `earmark normalize` and `earmark compare`."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from earmark.cli import main


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def pairs(*texts, **more):
    return [{"id": f"u{n}", "text": a, "pred_text": b, **more} for n, (a, b) in enumerate(texts)]


def test_result_files_are_scored_by_each_protocol(clone, capsys):
    file = str(clone / "tests/data/wer_pairs_sample.jsonl")
    protocols = ("whisper", "open_asr_leaderboard")
    assert (
        main(["wer", "--json", "--protocol", protocols[0], "--protocol", protocols[1], file]) == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = json.loads((clone / "tests/data/wer_expected_sample.json").read_text())
    assert [line["protocol"] for line in lines] == list(protocols)
    for line in lines:
        assert line["num_entries"] == 200
        for key, value in expected[line["protocol"]].items():
            assert line[key] == value, key
        assert line["wer_ci"][0] < line["wer"] < line["wer_ci"][1]
        assert line["protocol_version"]


def test_the_table_shows_protocols_side_by_side(tmp_path, capsys):
    rows = pairs(("It's all right", "it is alright"), duration=2.0, time=0.5)
    file = write(tmp_path / "r.jsonl", rows)
    assert main(["wer", "--protocol", "whisper", "--protocol", "open_asr_leaderboard", file]) == 0
    out = capsys.readouterr().out
    assert "whisper" in out
    assert "50.00" in out
    assert "0.00" in out
    assert "openai/whisper@c0d2f624" in out


def test_texts_that_are_normalized_already_are_taken_as_they_are(tmp_path, capsys):
    file = write(tmp_path / "r.jsonl", pairs(("one o k", "one ok"), ("a b", "a b")))
    assert main(["wer", "--json", "--normalized", "--protocol", "open_asr_leaderboard", file]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["ref_words"], line["wer"]) == (5, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "r.jsonl: empty"),
        ('{"text": "a"}\n', "r.jsonl, row 1: 'pred_text' is missing; the row's keys: 'text'"),
        ('{"text": "a", "pred_text": "a"}\n{"text": [], "pred_text": "a"}\n', "row 2: 'text' must"),
        ('{"text": "a", "pred_text": "a"}\nnot json\n', "r.jsonl, line 2: not JSON"),
        ('{"text": "a", "pred_text": true}\n', "row 1: 'pred_text' must be a text, found true"),
        ('{"text": "a", "pred_text": "a", "time": "fast"}\n', "'time' must be seconds"),
    ],
)
def test_bad_result_files_are_refused_with_the_line(tmp_path, capsys, content, message):
    (tmp_path / "r.jsonl").write_text(content)
    assert main(["wer", str(tmp_path / "r.jsonl")]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("options", [[], ["--language", "fr"], ["--protocol", "none"]])
def test_letters_that_english_lacks_are_told_where_nobody_said_the_language(
    tmp_path, capsys, options
):
    rows = [("été chaud", "ete chaud"), ("il pleut", "il pleut"), ("çà et là", "ca et la")]
    file = tmp_path / "results.jsonl"
    file.write_text("".join(json.dumps({"text": a, "pred_text": b}) + "\n" for a, b in rows))
    protocol = ["--protocol", "basic"] if "fr" in options else []
    assert main(["wer", str(file), *options, *protocol]) == 0
    assert ("declare the language" in capsys.readouterr().err) == (not options)


ROWS = [{"text": "é a", "pred_text": "é a"}, {"text": "b c", "pred_text": None}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
CSV = "text,pred_text\né a,é a\nb c,\n"
FORMS = {
    "an array in lines.jsonl": (json.dumps(ROWS), "utf-8", "r.jsonl"),
    "an array over lines": (json.dumps(ROWS, indent=1), "utf-8", "r.json"),
    "a mark of byte order": (LINES, "utf-8-sig", "r.jsonl"),
    "UTF-16": (LINES, "utf-16", "r.jsonl"),
    "old line ends": (LINES.replace("\n", "\r"), "utf-8", "r.jsonl"),
    "NaN": (LINES.replace("null", "NaN"), "utf-8", "r.jsonl"),
    "a table": (CSV, "utf-8", "r.csv"),
    "a table in UTF-16": (CSV, "utf-16", "r.csv"),
    "a table with tabs": (CSV.replace(",", "\t"), "utf-8-sig", "r.tsv"),
    "standard input": (LINES, "utf-8", "-"),
    "standard input in UTF-16": (LINES, "utf-16", "-"),
    "an array on standard input": (json.dumps(ROWS), "utf-8-sig", "-"),
}


@pytest.mark.parametrize("form", FORMS)
def test_result_files_are_read_in_the_forms_that_people_have(tmp_path, capsys, monkeypatch, form):
    text, encoding, name = FORMS[form]
    monkeypatch.chdir(tmp_path)
    if name == "-":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode(encoding))))
    else:
        (tmp_path / name).write_bytes(text.encode(encoding))
    assert main(["wer", "--json", name]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["num_entries"], line["wer"]) == (2, 0.5)


def test_what_is_no_result_file_is_told_in_plain_words(tmp_path, capsys):
    for content, says in (
        (json.dumps(ROWS[0], indent=1).encode(), "an object over several lines; one a line, or"),
        (LINES.encode("latin-1"), "line 1: not UTF-8: byte 0xe9"),
        (b"", "empty; rows with 'text' and 'pred_text' were expected"),
    ):
        (tmp_path / "r.jsonl").write_bytes(content)
        assert main(["wer", str(tmp_path / "r.jsonl")]) == 1
        assert says in capsys.readouterr().err


def test_an_unknown_protocol_is_refused_before_any_file_is_read(capsys):
    assert main(["wer", "--protocol", "wisper", "gone.jsonl"]) == 1
    assert "unknown protocol 'wisper': known are whisper" in capsys.readouterr().err


def test_lone_surrogates_in_result_files_are_scored(tmp_path, capsys):
    (tmp_path / "r.jsonl").write_text('{"text": "a \\ud800", "pred_text": "a \\ud800 b"}\n')
    for protocol in ("whisper", "open_asr_leaderboard", "basic", "none"):
        assert main(["wer", "--json", "--protocol", protocol, str(tmp_path / "r.jsonl")]) == 0
        assert json.loads(capsys.readouterr().out)["insertions"] == 1


def normalized(monkeypatch, data, protocol="whisper"):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out, flush=lambda: None))
    assert main(["normalize", "--protocol", protocol]) == 0
    return out.getvalue()


def test_lines_are_normalized_one_for_one(monkeypatch):
    data = "It’s 5 days\r\n\nTWENTY five\u2028cats\nlast".encode()
    assert normalized(monkeypatch, data).decode() == "it s 5 days\n\n25 cats\nlast\n"


def test_lines_of_a_language_are_normalized_by_its_rules(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Um 3 Uhr.")))
    command = ["normalize", "--protocol", "nemo_skills_multilingual"]
    assert main(command) == 1
    assert "say which: `language`, or --language of a command" in capsys.readouterr().err
    assert main([*command, "--language", "de"]) == 0
    assert capsys.readouterr().out == "um drei uhr\n"


def test_bytes_that_are_no_text_survive(monkeypatch):
    assert normalized(monkeypatch, b"caf\xe9 ONE\n", "basic") == b"caf\xe9 one\n"


def test_two_result_files_are_compared(tmp_path, capsys):
    good = write(tmp_path / "a.jsonl", pairs(*[("one cat sat down", "one cat sat down")] * 40))
    bad = write(tmp_path / "b.jsonl", pairs(*[("one cat sat down", "one bat sat")] * 40))
    assert main(["compare", "--json", good, bad]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["rate_a"], line["rate_b"], line["difference"]) == (0, 50, 50)
    assert line["p"] == line["p_holm"] < 0.001
    assert main(["compare", good, bad]) == 0
    assert "+50.00" in capsys.readouterr().out
    assert main(["compare", bad, bad]) == 0
    assert "-0.00" not in capsys.readouterr().out


def test_files_of_other_samples_are_not_compared(tmp_path, capsys):
    a = write(tmp_path / "a.jsonl", pairs(("one", "one"), ("two", "two")))
    b = write(tmp_path / "b.jsonl", pairs(("one", "one")))
    assert main(["compare", a, b]) == 1
    assert "the second model has no sample 'u1'" in capsys.readouterr().err


def test_models_of_a_run_are_compared_per_split_and_overall(tmp_path, capsys, monkeypatch):
    from earmark.scoring.score import score

    (tmp_path / "s.jsonl").write_text("")
    (tmp_path / "own.yaml").write_text(
        "splits:\n  one: {source: {type: local, manifest: s.jsonl}}\n"
        "  two: {source: {type: local, manifest: s.jsonl}}\n"
    )
    (tmp_path / "config.yaml").write_text(
        "results_dir: results\nbenchmarks: {own: {file: own.yaml}}\n"
        "models: {m1: {server: demo, model: x}, m2: {server: demo, model: y}}\n"
    )
    times = {"generation_start_time": 1.0, "generation_end_time": 2.0}
    for model, wrong in (("m1", 0), ("m2", 6)):
        for split in ("one", "two"):
            manifest = [{"id": f"x{n}", "text": "the cat sat"} for n in range(20)]
            answers = [
                {"id": f"x{n}", "generation": "a cat sat" if n < wrong else "the cat sat",
                 "error": None, "num_generated_tokens": None, **times}
                for n in range(20)
            ]  # fmt: skip
            stem = tmp_path / "results" / model / "scores" / "own" / split
            score(
                f"own-{split}", write(tmp_path / "m.jsonl", manifest),
                write(tmp_path / "p.jsonl", answers), f"{stem}.jsonl", f"{stem}.metrics.json",
            )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    arguments = ["compare", "--json", "--configfile", "config.yaml"]
    assert main([*arguments, "m1", "m2"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["set"] for line in found] == ["own-one", "own-two", "own (all words)"]
    assert all(line["difference"] == pytest.approx(10) for line in found)
    assert found[2]["utterances"] == 40
    assert main([*arguments, "--protocol", "open_asr_leaderboard", "m1", "m2"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--protocol", "basic", "m1", "m2"]) == 1
    assert "not scored by 'basic'; it has whisper, open_asr_leaderboard" in capsys.readouterr().err
    assert main([*arguments, "m1", "m3"]) == 1
    assert (
        "m3: neither a model nor a file; two models of config.yaml (m1, m2)"
        in capsys.readouterr().err
    )
    assert main([*arguments, "m1", "s.jsonl"]) == 1
    assert "s.jsonl: a file, and the other is none; two" in capsys.readouterr().err
    (tmp_path / "results/m2/scores/own/two.jsonl").unlink()
    assert main([*arguments, "m1", "m2"]) == 0
    told = capsys.readouterr()
    assert [json.loads(line)["set"] for line in told.out.splitlines()] == ["own-one"]
    assert "left out: results/m2/scores/own/two.jsonl: not there yet" in told.err
    assert main([*arguments, "--benchmark", "own", "m1", "m2"]) == 1
    assert "two.jsonl: not there yet" in capsys.readouterr().err
    (tmp_path / "results/m1/scores/own/one.jsonl").unlink()
    assert main([*arguments, "m1", "m2"]) == 1
    assert "one.jsonl: not there yet" in capsys.readouterr().err


def test_what_is_compared_is_called_by_its_unit(tmp_path, capsys, monkeypatch):
    from earmark.scoring.score import score

    monkeypatch.chdir(tmp_path)
    texts = {"de": ("en", "der hund lief", "der hund"), "ja": ("ja", "犬が走る", "犬が走")}
    source = {"type": "local", "manifest": write(tmp_path / "s.jsonl", [])}
    declared = {"splits": {name: {"source": source} for name in texts}}
    (tmp_path / "own.yaml").write_text(json.dumps(declared))
    models = {name: {"server": "demo", "model": "x"} for name in ("m1", "m2")}
    config = {"benchmarks": {"own": {"file": "own.yaml"}}, "models": models}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    for split, (language, said, heard) in texts.items():
        for model, text in (("m1", said), ("m2", heard)):
            rows = [{"id": f"x{n}", "text": said, "generation": text, "error": None,
                     "num_generated_tokens": 1, "generation_start_time": 1.0,
                     "generation_end_time": 2.0} for n in range(9)]  # fmt: skip
            file = write(tmp_path / "rows.jsonl", rows)
            stem = tmp_path / "results" / model / "scores" / "own" / split
            files = file, file, f"{stem}.jsonl", f"{stem}.metrics.json"
            score(f"own-{split}", *files, ["basic"], language=language)
    command = ["compare", "--configfile", "config.yaml", "m1", "m2"]
    assert main([*command, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["set"], line["unit"]) for line in lines] == [
        ("own-de", "word"), ("own-ja", "character"),
        ("own (all words and characters)", "word or character"),
    ]  # fmt: skip
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "own-ja CER" in out and "WER (CER where it says so) in percent" in out
    files = [write(tmp_path / f"{n}.jsonl", pairs(*[(texts["ja"][1], t)] * 9))
             for n, t in enumerate(texts["ja"][1:])]  # fmt: skip
    assert main(["compare", *files, "--protocol", "basic", "--language", "ja", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "character"
