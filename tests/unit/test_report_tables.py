from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from report_samples import write_run

from earmark.errors import EarmarkError
from earmark.files import read_json, write_json
from earmark.report import formats
from earmark.report.gather import gather
from earmark.report.leaderboard import tables

NAMES = ["good", "org/bad & {50%_$#~^\\}"]
REFERENCES = ["one two three four", "five six seven eight"]


@pytest.fixture
def run(tmp_path: Path):
    answers = [REFERENCES, ["one two", "nothing of it"]]
    models = dict(zip(NAMES, answers, strict=True))
    return write_run(tmp_path, {**models, "late": []}, REFERENCES)


def test_the_csv_holds_the_metrics_unrounded(run):
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(tables(gather(run)), intervals=True))))
    for folder, model in run.models.items():
        path = Path(run.results_dir, folder, "eval-results", "set", "metrics.json")
        for row in (one for one in rows if one["model"] == model.name):
            if not path.is_file():
                assert row["set-one"] == row["set-one n"] == ""
                continue
            assert row["set-one n"] == "2"
            block = read_json(path)["set-one"]["pass@1"]["protocols"][row["protocol"]]
            assert float(row["set-one"]) == block["wer"]
            low = block["wer_ci"][0] if block["wer_ci"] else None
            assert (float(row["set-one low"]) if row["set-one low"] else None) == low


def test_a_column_of_characters_is_called_so(run):
    for path in Path(run.results_dir).rglob("*.metrics.json"):
        metrics = read_json(path)
        metrics["pass@1"]["protocols"]["whisper"]["unit"] = "character"
        write_json(path, metrics)
    first, second = tables(gather(run))
    assert "one CER" in [one.title for one in first.columns] and "of characters" in first.caption
    assert "one" in [one.title for one in second.columns] and "CER" not in second.caption


def test_the_best_of_each_column_is_bold_and_no_other(run):
    text = formats.as_markdown(tables(gather(run))[:1])
    good = next(line for line in text.splitlines() if line.startswith("| good"))
    assert good.count("**0.00**") == 3
    assert text.count("**") == 2 * 3  # and of speed none: nobody knows on what hardware


def test_a_run_half_way_has_gaps_and_names_what_is_missing(run):
    results = gather(run)
    assert [(one.model.name, one.state) for one in results.missing()] == [("late", "waiting")]


def test_published_numbers_stand_below_ours_marked_and_out_of_the_contest(run, tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("model,source,one\nother,a paper,0.00\n", encoding="utf-8")
    _, rows = formats.as_rows(tables(gather(run, path))[0])
    assert rows[-1][0] == "other‡ (a paper; scored by a protocol not stated)"
    assert "*" not in "".join(rows[-1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("one\n5\n", "a column `model`"),
        ("model,two\nx,5\n", "column 'two' is neither"),
        ("model,one\nx,nan\n", "line 2: one: a percentage"),
        ("model,one\n,5\n", "line 2: the row names no model"),
        ("model,protocol,one\nx,wisper,5\n", "line 2: unknown protocol 'wisper' (did you mean"),
    ],
)
def test_a_bad_file_of_published_numbers_is_told_with_its_line(run, tmp_path, content, said):
    path = tmp_path / "published.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EarmarkError, match=re.escape(said)):
        gather(run, path)


def test_the_tex_is_balanced_escaped_and_has_as_many_cells_in_each_row(run):
    for table in formats.as_tex(tables(gather(run)), intervals=True).split("\\end{table}")[:-1]:
        assert table.count("\\begin{tabular}") == table.count("\\end{tabular}") == 1
        bare = re.sub(r"\\[\\&%$#_{}~^]|%.*", "", table)
        assert bare.count("{") == bare.count("}")
        assert not re.search(r"[#~]", bare)
        rows = [line for line in table.splitlines() if line.rstrip().endswith("\\\\")]
        cells = {len(re.sub(r"\\&|\\shortstack\{[^}]*\}", "", row).split("&")) for row in rows}
        assert len(cells) == 1
        columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", table)
        assert columns and cells == {len(columns[1])}
