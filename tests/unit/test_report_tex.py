"""The TeX tables: read strictly everywhere, compiled where LaTeX is installed (always in CI)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_questions import write_questions
from report_samples import write_run

from earmark.report import formats
from earmark.report.gather import gather
from earmark.report.leaderboard import tables

NAMES = ["good", 'org/bad & {50%_$#~^\\} <a> "b" |c| \\input{x} `d`', "été – naïve\nname"]
REFERENCES = ["one two three four", "five six seven eight"]
COMMANDS = {
    "begin", "end", "centering", "small", "setlength", "tabcolsep", "caption", "label", "vspace",
    "toprule", "midrule", "bottomrule", "textbf", "texttt", "scriptsize", "footnotesize", "par",
    "shortstack", "smallskip", "tiny", "dagger", "textbackslash", "textasciitilde", "textasciicircum",
    "textless", "textgreater", "textbar",
}  # fmt: skip
"""What the tables may use: LaTeX's own, and booktabs' rules."""


@pytest.fixture
def written(tmp_path: Path) -> str:
    """All tables of runs with awkward names, missing figures and published systems."""
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
    assert all(part == "^\\dagger" for part in math[1::2])
    assert not re.search(r"[_^]", "".join(math[::2]))
    begun = re.findall(r"\\(begin|end)\{([a-z]+\*?)\}", left)
    outer, inner = begun[0][1], "tabular"
    assert begun == [("begin", outer), ("begin", inner), ("end", inner), ("end", outer)]
    check_rows(left)


def check_rows(table: str) -> None:
    """Refuse rows without the columns that the tabular declares, and rules out of order."""
    head, _, rest = table.partition("\\begin{tabular}{")
    columns, _, rest = rest.partition("}")
    body, _, tail = rest.partition("\\end{tabular}")
    assert re.fullmatch(r"lr+", columns)
    assert "&" not in head + tail
    stacked = r"\\shortstack(\[r\])?\{([^{}]|\{[^{}]*\})*\}"
    body = re.sub(stacked, "two lines", body)
    assert re.findall(r"\\(\w+rule)", body)[:2] == ["toprule", "midrule"]
    assert body.strip().endswith("\\bottomrule")
    rows = re.split(r"\\\\(?:\[2pt\])?", re.sub(r"\\\w+rule", "", body))
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
        ("{lrrrr}", "{lrrr}"),
        ("\\textbf{0.00}", "\\textbf{0.00"),
        ("$^\\dagger$", "^\\dagger"),
    ],
)
def test_the_strict_reading_refuses_what_latex_would(written: str, good: str, bad: str):
    table = re.split(r"(?=\\begin\{table\*?\})", written)[1]
    assert good in table
    with pytest.raises(AssertionError):
        check_table(table.replace(good, bad, 1))


@pytest.mark.parametrize("encoding", ["OT1", "T1"])
def test_the_tables_compile(written: str, tmp_path: Path, encoding: str):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no LaTeX here; CI installs Debian's package `texlive-latex-recommended`")
    (tmp_path / "leaderboard.tex").write_text(written, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        f"\\documentclass{{article}}\n\\usepackage[{encoding}]{{fontenc}}\n"
        "\\usepackage{booktabs}\n\\begin{document}\n\\input{leaderboard}\n\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [latex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-draftmode",
         "paper.tex"],
        check=False, cwd=tmp_path, env={**os.environ, "TEXMFVAR": str(tmp_path)}, capture_output=True,
        text=True, errors="replace", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in done.stdout
