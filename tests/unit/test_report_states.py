"""The report of runs as they are on bad days: half way, with NaNs, with very many models."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from report_questions import write_questions
from report_samples import ATTACK, write_run

from earmark.cli import main
from earmark.config import load
from earmark.errors import EarmarkError
from earmark.files import read_json, read_jsonl, write_json, write_jsonl
from earmark.report.build import build
from earmark.report.charts import charts
from earmark.report.gather import gather
from earmark.report.leaderboard import tables

REFERENCES = ["one two three four", "five six seven eight"]


def page_of(folder: Path) -> str:
    return (folder / "results" / "report.html").read_text(encoding="utf-8")


def data_of(page: str) -> dict:
    found = re.search(r'id="report-data">(.*?)</script>', page, re.DOTALL)
    assert found

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(found[1], parse_constant=refuse)


def values_of(table) -> list[list[float | None]]:
    values = table.cells.pivot(index="line", columns="key", values="value")
    ordered = values[[column.key for column in table.columns]]
    return [[None if value != value else value for value in row] for row in ordered.to_numpy()]


def test_numbers_that_are_none_are_shown_as_missing(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES, "n": REFERENCES}, REFERENCES)
    for path in (tmp_path / "results" / "m").rglob("*metrics.json"):
        text = path.read_text()
        text = re.sub(r'("wer(_macro_splits|_micro)?": )[\d.]+', r"\1NaN", text)
        path.write_text(re.sub(r'("(rtfx_wall|p50)": )[\d.]+', r"\1Infinity", text))
    build(run, tmp_path / "results")
    first, second = values_of(tables(gather(run))[0])
    assert first == [None] * 4
    assert second[:3] == [0.0] * 3
    data = data_of(page_of(tmp_path))
    drawn = {chart["id"]: chart["rows"] for chart in data["charts"]}
    assert {row["model"] for row in drawn["wer"]} == {"n"}
    assert {row["model"] for row in drawn["rtfx"]} == {"n"}


def test_failed_samples_are_counted_beside_their_rate_and_can_be_found(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    predictions = tmp_path / "results/m/predictions/set/one.jsonl"
    rows = list(read_jsonl(predictions))
    rows[1] |= {"error": "HTTP 400: too long", "generation": "", "finish_reason": None}
    write_jsonl(predictions, rows)
    metrics = tmp_path / "results/m/scores/set/one.metrics.json"
    found = read_json(metrics)
    found["pass@1"]["num_failed"] = 1
    write_json(metrics, found)
    build(run, tmp_path / "results")
    assert "1 failed" in page_of(tmp_path)
    assert "1 failed" in set(tables(gather(run))[0].cells.note)


def test_fifty_models_stand_in_the_tables_and_the_page_stays_small(tmp_path):
    names = [f"org/model {n:02}" for n in range(50)]
    run = write_run(tmp_path, dict.fromkeys(names, REFERENCES), REFERENCES)
    build(run, tmp_path / "results")
    page = page_of(tmp_path)
    assert len(page) < 2_000_000
    assert all(f">{name}</th>" in page for name in names)
    assert "The first 12 are shown." in page


def test_a_run_in_which_nothing_is_done_has_a_page_that_says_so(tmp_path, capsys):
    write_run(tmp_path, {"a": [], "b c/d": []}, REFERENCES)
    config = str(tmp_path / "config.yaml")
    assert main(["report", "--configfile", config]) == 0
    assert "2 of 2 evaluations are missing" in capsys.readouterr().out
    page = page_of(tmp_path)
    assert "Nothing has been evaluated yet" in page
    assert "b c/d on set-one: not begun" in page
    assert data_of(page)["charts"] == []


def test_a_config_without_models_is_refused_with_the_key(tmp_path, capsys):
    write_run(tmp_path, {"a": []}, REFERENCES)
    path = tmp_path / "config.yaml"
    path.write_text(re.sub(r"models:\n(  .*\n)+", "models: {}\n", path.read_text()))
    for command in ("report", "table", "status"):
        assert main([command, "--configfile", str(path)]) == 1
        assert "models: at least one entry is needed" in capsys.readouterr().err


def test_no_text_of_a_transcript_ends_a_script_of_the_page(tmp_path):
    hostile = [f"</script><!--<script>\u2028\u2029 {ATTACK}", "five ]]> <style> &lt;"]
    run = write_run(tmp_path, {ATTACK: hostile}, hostile)
    build(run, tmp_path / "results")
    page = page_of(tmp_path)
    assert ATTACK not in page
    assert "<!--" not in page.split("<body>")[1].split('id="report-data"')[0]
    assert data_of(page)["models"] == [ATTACK]


def test_scores_of_other_samples_than_the_manifest_has_are_told(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    manifest = tmp_path / "data/set/one/manifest.jsonl"
    write_jsonl(manifest, list(read_jsonl(manifest))[:1])
    with pytest.raises(EarmarkError, match="its samples are not those of the manifest"):
        build(run, tmp_path / "results")


def test_mmau_has_a_table_of_its_categories_and_one_of_its_sub_categories(tmp_path):
    run = write_questions(tmp_path, ["right", "wrong"])
    whole, parts = tables(gather(run))
    titles = ["all", "reference score", "closed form", "open ended", "instruction following"]
    assert [column.title for column in whole.columns] == titles
    assert [column.title for column in parts.columns] == ["all", "music", "sound", "sound music"]
    metrics = read_json(tmp_path / "results/right/eval-results/quiz/metrics.json")
    for table in (whole, parts):
        for column, value in zip(table.columns, values_of(table)[0], strict=True):
            name, _, score = column.key.partition(" ")
            assert value == metrics[name]["pass@1"][score or "success_rate"]
    drawn = {chart.id for chart in charts(gather(run))}
    assert drawn == {"throughput", "categories", "skills", "lengths"}


def test_two_benchmarks_of_questions_are_apart_in_the_charts(tmp_path):
    write_questions(tmp_path, ["right"])
    config = tmp_path / "config.yaml"
    told = yaml.safe_load(config.read_text())
    told["benchmarks"]["text"] = told["benchmarks"]["quiz"]
    config.write_text(yaml.safe_dump(told))
    for copied in list(tmp_path.glob("data/quiz")) + list(tmp_path.glob("results/right/*/quiz")):
        shutil.copytree(copied, copied.with_name("text"))
    metrics = tmp_path / "results/right/eval-results/text/metrics.json"
    metrics.write_text(metrics.read_text().replace("quiz", "text"))
    for chart in charts(gather(load(config, tmp_path))):
        if chart.section == "mmau":
            names = [row["name"] for row in chart.rows]
            assert len(names) == len(set(names)), chart.id
            assert any("text closed form" in name for name in names)


def test_published_systems_are_marked_as_not_ours_in_every_form(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    path = tmp_path / "published.csv"
    path.write_text("model,source,protocol,one\nother,a paper,whisper,1.50\n")
    build(run, tmp_path / "results", path)
    assert ">not ours: a paper<" in page_of(tmp_path)
    results = tmp_path / "results"
    assert "| other‡ (a paper) |" in (results / "leaderboard.md").read_text()
    tex = (results / "leaderboard.tex").read_text()
    assert "other$^\\ddagger$ (a paper)" in tex
    assert "Published; not measured here." in tex
    assert "other,a paper,whisper" in (results / "leaderboard.csv").read_text()


def test_published_systems_with_a_speed_stand_in_the_chart_of_accuracy(tmp_path):
    run = write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    path = tmp_path / "published.csv"
    heads = "model,source,protocol,set (macro),set (micro),set RTFx\n"
    path.write_text(
        heads + "fast,a paper,whisper,7.5,7.0,300\nother,its card,nemo_skills,7.5,,300\n"
        "slow,,,7.5,,\nunstated,,,6.5,,20\n"
    )
    build(run, tmp_path / "results", path)
    charts = {chart["id"]: chart for chart in data_of(page_of(tmp_path))["charts"]}
    rows = {row["model"]: row for row in charts["rtfx"]["rows"]}
    assert list(rows) == ["m", "fast", "unstated"]
    assert (rows["fast"]["wer"], rows["fast"]["rtfx"], rows["fast"]["source"]) == (
        7.5,
        300,
        "a paper",
    )
    assert rows["m"]["wer"] == 0
    assert 'data-model="fast"' not in page_of(tmp_path)


def test_tables_of_a_part_of_mmau_are_printed(tmp_path, capsys):
    write_questions(tmp_path, ["right", "wrong"])
    capsys.readouterr()
    config = ["table", "--configfile", str(tmp_path / "config.yaml"), "--format", "csv"]
    assert main([*config, "--split", "closed_form", "--model", "wrong"]) == 0
    head, row = capsys.readouterr().out.splitlines()[:2]
    assert head.split(",")[4:] == [
        f"quiz.closed_form{part}" for part in ("", "-music", "-sound", "-sound_music")
    ]
    assert row.split(",")[0] == "wrong"


def test_judge_health_counts_what_was_parsed_asked_again_and_not_read(tmp_path):
    run = write_questions(tmp_path, ["right"])
    build(run, tmp_path / "results")
    section = re.search(r'id="judge">.*?</section>', page_of(tmp_path), re.DOTALL)
    assert section
    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", section[0])]
    # answers, asked about, parsed, asked again, unparsed, failed
    assert cells[1:7] == ["3", "2", "1", "1", "1", "0"]
    assert "a judge" in section[0]


def test_blocks_of_what_is_there_are_printed_and_the_rest_is_named(tmp_path, capsys):
    write_run(tmp_path, {"late": [], "m": REFERENCES}, REFERENCES)
    capsys.readouterr()
    config = ["table", "--format", "nemo", "--configfile", str(tmp_path / "config.yaml")]
    assert main(config) == 0
    out, err = capsys.readouterr()
    assert "\nm\n" in out
    assert "late/eval-results/set/metrics.json: not there yet" in err
    assert main([*config, "--model", "late"]) == 1
    assert "not there yet" in capsys.readouterr().err


def test_a_table_of_models_is_printed_by_one_protocol_without_asking_for_a_format(tmp_path, capsys):
    write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    capsys.readouterr()
    config = ["table", "--configfile", str(tmp_path / "config.yaml")]
    assert main([*config, "--protocol", "whisper"]) == 0
    out = capsys.readouterr().out
    assert "under the whisper protocol" in " ".join(out.split())
    assert "open_asr_leaderboard" not in out
    assert main([*config, "--protocol", "whisper", "--format", "nemo"]) == 1
    assert "--protocol: is of a table of models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--benchmark", "quiz", "--split", "one"], "--split one: .* has closed_form"),
        (["--protocol", "wisper", "--format", "md"], "--protocol wisper: nothing was scored"),
    ],
)
def test_a_part_that_is_not_there_is_refused(tmp_path, capsys, options, said):
    write_questions(tmp_path, ["right"])
    assert main(["table", "--configfile", str(tmp_path / "config.yaml"), *options]) == 1
    assert re.search(said, capsys.readouterr().err)


def test_published_numbers_that_the_config_names_stand_in_what_commands_make(tmp_path, capsys):
    write_run(tmp_path, {"m": REFERENCES}, REFERENCES)
    published = tmp_path / "published.csv"
    published.write_text("model,source,protocol,one\nother,a paper,whisper,1.50\n")
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text() + f"published: {published}\n")
    assert main(["report", "--configfile", str(config)]) == 0
    assert ">not ours: a paper<" in page_of(tmp_path)
    assert main(["table", "--configfile", str(config), "--format", "md"]) == 0
    assert "| other‡ (a paper) |" in capsys.readouterr().out


def test_the_leaderboard_of_another_run_can_stand_as_published_numbers(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
    build(write_questions(theirs, ["wrong"]), theirs / "results")
    run = write_questions(ours, ["right"])
    results = gather(run, theirs / "results" / "leaderboard.csv")
    assert gather(run).published == []
    for table in tables(results):
        sources = [(line.model, line.source) for line, _ in table.lines()]
        assert sources == [("right", "this run"), ("wrong", "another run")]
        theirs_own = tables(gather(load(theirs / "config.yaml", theirs)))
        (same,) = [one for one in theirs_own if one.part == table.part]
        assert values_of(table)[1] == values_of(same)[0]
