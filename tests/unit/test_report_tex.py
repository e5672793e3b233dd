"""The TeX tables: read strictly everywhere, compiled where LaTeX is installed (always in CI)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from report_questions import write_questions
from report_samples import write_run

from earmark.report import formats
from earmark.report.gather import gather
from earmark.report.leaderboard import tables

NAMES = ["good", 'org/bad & {50%_$#~^\\} <a> "b" |c| \\input{x} `d`', "été – naïve\nname"]
REFERENCES = ["one two three four", "five six seven eight"]
COMMANDS = {
    "begin", "end", "centering", "setlength", "tabcolsep", "caption", "label", "vspace",
    "toprule", "midrule", "bottomrule", "textbf", "texttt", "scriptsize", "footnotesize", "par",
    "shortstack", "smallskip", "medskip", "dagger", "ddagger", "textbackslash", "textasciitilde", "textasciicircum",
    "textless", "textgreater", "textbar",
}  # fmt: skip
"""What the tables may use: LaTeX's own, and booktabs' rules."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All tables of runs with awkward names, missing figures and published systems."""
    tmp_path = tmp_path_factory.mktemp("tables")
    answers = [REFERENCES, ["one two", "nothing of it"], ["one two three four", "six"]]
    models = dict(zip(NAMES, answers, strict=True))
    run = write_run(tmp_path, {**models, "late": []}, REFERENCES)
    published = tmp_path / "published.csv"
    published.write_text("model,source,one\nA & B_1,50% of #2,4.20\n", encoding="utf-8")
    quiz = tmp_path / "quiz"
    quiz.mkdir()
    made = tables(gather(run, published)) + tables(gather(write_questions(quiz, NAMES)))
    return formats.as_tex(made, intervals=True)


def check_table(text: str) -> None:
    """Refuse what LaTeX would, and a command that plain LaTeX with booktabs does not have."""
    left = re.sub(r"\\[&%$#_{}]", "x", text)  # escaped signs are letters
    unbroken = left.replace("\\\\", " ")  # without the ends of lines
    assert set(re.findall(r"\\([A-Za-z]+)", unbroken)) <= COMMANDS
    assert not re.search(r"\\(?![A-Za-z])", unbroken), "an unknown escape"
    assert not re.search(r"[%#~]", left), "a sign that must be escaped"
    depth = 0
    for sign in left:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    math = left.split("$")
    assert len(math) % 2 == 1, "math that is not closed"
    assert all(part in ("^\\dagger", "^\\ddagger") for part in math[1::2])
    assert not re.search(r"[_^]", "".join(math[::2]))
    begun = re.findall(r"\\(begin|end)\{([a-z]+\*?)\}", left)
    outer = begun[0][1]
    assert begun[1:-1] == [("begin", "tabular"), ("end", "tabular")] * (len(begun) // 2 - 1)
    assert (begun[0], begun[-1]) == (("begin", outer), ("end", outer))
    for part in left.split("\\begin{tabular}")[1:]:
        check_rows(f"\\begin{{tabular}}{part}")


def check_rows(table: str) -> None:
    """Refuse rows without the columns that the tabular declares, and rules out of order."""
    head, _, rest = table.partition("\\begin{tabular}{")
    columns, _, rest = rest.partition("}")
    body, _, tail = rest.partition("\\end{tabular}")
    assert re.fullmatch(r"lr+", columns)
    assert "&" not in head + tail.partition("\\begin{tabular}")[0]
    stacked = r"\\shortstack(\[r\])?\{([^{}]|\{[^{}]*\})*\}"
    body = re.sub(stacked, "two lines", body)
    assert re.findall(r"\\(\w+rule)", body)[:2] == ["toprule", "midrule"]
    assert body.strip().endswith("\\bottomrule")
    rows = re.split(r"\\\\", re.sub(r"\\\w+rule", "", body))
    assert rows.pop().strip() == ""
    assert {row.count("&") + 1 for row in rows} == {len(columns)}
    assert all("\n" not in row.strip() for row in rows)


def test_the_tables_are_strictly_latex_with_booktabs(written: str):
    head, *found = re.split(r"(?=\\begin\{table\*?\})", written)
    assert all(line.startswith("%") for line in head.splitlines())
    assert len(found) == 4
    for table in found:
        check_table(table)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("\\&", "&"),
        ("\\%", "%"),
        ("\\_", "_"),
        ("\\bottomrule", "\\hline"),
        ("{lr", "{l"),
        ("\\textbf{0.00}", "\\textbf{0.00"),
        ("$^\\ddagger$", "^\\ddagger"),
    ],
)
def test_the_strict_reading_refuses_what_latex_would(written: str, good: str, bad: str):
    table = re.split(r"(?=\\begin\{table\*?\})", written)[1]
    assert good in table
    with pytest.raises(AssertionError):
        check_table(table.replace(good, bad, 1))


def typeset(latex: str, folder: Path, text: str, encoding: str) -> Any:
    """Compile the tables in an article."""
    (folder / "leaderboard.tex").write_text(text, encoding="utf-8")
    (folder / "paper.tex").write_text(
        f"\\documentclass{{article}}\n\\usepackage[{encoding}]{{fontenc}}\n"
        "\\usepackage{booktabs}\n\\begin{document}\n\\input{leaderboard}\n\\end{document}\n",
        encoding="utf-8",
    )
    return subprocess.run(
        [latex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-draftmode",
         "paper.tex"],
        check=False, cwd=folder, env={**os.environ, "TEXMFVAR": str(folder)}, capture_output=True,
        text=True, errors="replace", timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["OT1", "T1"])
def test_the_tables_compile(written: str, tmp_path: Path, encoding: str):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no LaTeX here; CI installs Debian's package `texlive-latex-recommended`")
    done = typeset(latex, tmp_path, written, encoding)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in done.stdout


@pytest.mark.parametrize("intervals", [False, True])
def test_tables_of_many_splits_fit_on_the_page(tmp_path: Path, intervals: bool):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no LaTeX here; CI installs Debian's package `texlive-latex-recommended`")
    answers = {"org/a-model-with-a-name": ["one two three", "six"], "b": ["one two", "six seven"]}
    run = write_run(tmp_path, answers, REFERENCES)
    (table,) = tables(gather(run), protocol="whisper")
    sets = ["librispeech_clean", "librispeech_other", "voxpopuli", "tedlium", "gigaspeech",
            "spgispeech", "earnings22", "ami"]  # fmt: skip
    columns = [replace(table.columns[2], key=name, title=name) for name in sets]
    cells = [table.cells[table.cells.key == "set-one"].assign(key=name) for name in sets]
    cells = pd.concat([table.cells[table.cells.key != "set-one"], *cells])
    many = replace(table, columns=(*table.columns[:2], *columns, table.columns[-1]), cells=cells)
    order = {column.key: place for place, column in enumerate(many.columns)}
    cells = cells.assign(place=cells.key.map(order)).sort_values(["line", "place"])
    text = formats.as_tex([replace(many, cells=cells)], intervals)
    done = typeset(latex, tmp_path, text, "T1")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull \\hbox" not in done.stdout
