"""Tables as CSV, Markdown and LaTeX (booktabs)."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import pandas as pd

from earmark.report.figures import printed
from earmark.report.leaderboard import Column, Table, broken

_PAGE, _COLUMN = 345, 240
"""Points of a page's text in LaTeX's `article`, and about those of a column of two."""


def as_csv(tables: Sequence[Table], intervals: bool = False) -> str:
    """All tables as one: a row a model and protocol, a column a subset, figures unrounded.

    With ``intervals``, three columns more a figure: its name with ``low``, ``high`` and ``n``.
    Figures without a protocol stand in the rows of the first one.
    """
    primary = next((table.protocol for table in tables if table.protocol), "")
    cells = pd.concat([one.cells.assign(protocol=one.protocol or primary) for one in tables])
    cells = cells.assign(note=cells.remark.replace("", None), n=cells.entries.astype("Int64"))
    lines = ["model", "source", "protocol"]
    ends = ["value", "low", "high", "n"] if intervals else ["value"]
    wide = cells.groupby([*lines, "key"], sort=False)[ends].first().unstack("key")
    made = cells.groupby(lines, sort=False)[["note"]].last()
    for key in cells.key.unique():
        for end in ends:
            made[key if end == "value" else f"{key} {end}"] = wide[end][key]
    return made.reset_index().to_csv(index=False, lineterminator="\n")


def named(cell: Any, mark: str = "‡") -> str:
    """What a line is called: its model, a mark where it is not ours, and its remarks."""
    notes = [note for note in (cell.source if cell.folder == "" else "", cell.remark) if note]
    name: str = cell.model + ("" if cell.folder else mark)
    return name + (f" ({'; '.join(notes)})" if notes else "")


WORSE = "† The best in the column is better by the paired test (p < 0.05 after Holm)."


def worse(cell: Any) -> str:
    """The mark of a figure that the best in its column is better than by the paired test."""
    return "†" if cell.worse else ""


def interval_of(cell: Any, column: Column) -> str:
    """A figure's interval in print; empty where there is none."""
    if cell.value != cell.value or cell.low != cell.low:
        return ""
    return f"[{printed(cell.low, column.digits)}, {printed(cell.high, column.digits)}]"


def as_rows(
    table: Table, intervals: bool = False, before: str = "", after: str = "*"
) -> tuple[list[str], list[list[str]]]:
    """The headings and rows of a table, in lines; the best figure stands between two marks."""
    counts = table.counts()
    headings = ["model"]
    for column in table.columns:
        count = counts[column.key]
        headings.append("\n".join([*broken(column.title), *([f"n={count}"] if count else [])]))
    rows = []
    for line, cells in table.lines():
        texts = [named(line)]
        for column, cell in cells:
            figure = printed(cell.value, column.digits)
            lines = [f"{before}{figure}{after}" if cell.best else figure + worse(cell)]
            if intervals and (between := interval_of(cell, column)):
                lines.append(between)
            if counts[column.key] is None and cell.entries == cell.entries:
                lines.append(f"n={cell.entries:.0f}")
            texts.append("\n".join(lines))
        rows.append(texts)
    return headings, rows


def as_markdown(tables: Sequence[Table], intervals: bool = False) -> str:
    """Tables in Markdown, each under its caption; the best figure of a column is bold."""
    parts = []
    for table in tables:
        title = table.title + (f" ({table.protocol})" if table.protocol else "")
        headings, rows = as_rows(table, intervals, "**", "**")
        rules = ["---", *("---:" for _ in table.columns)]
        heads = [text.replace("_\n", "_").replace("\n", " ") for text in headings]
        lines = [heads, rules, *([_markdown(row[0]), *row[1:]] for row in rows)]
        body = "\n".join("| " + " | ".join(line).replace("\n", " ") + " |" for line in lines)
        notes = "".join(f"\n\n{_markdown(note)}" for note in _notes(table))
        parts.append(f"## {_markdown(title)}\n\n{_markdown(table.caption)}\n\n{body}{notes}\n")
    return "\n".join(parts) or "Nothing has been evaluated yet.\n"


def as_tex(tables: Sequence[Table], intervals: bool = False) -> str:
    r"""Tables in LaTeX, to be put into a paper with ``\input``; they need ``booktabs``."""
    text = "\n".join(_tex_table(table, intervals) for table in tables)
    head = "% Made by Earmark. Needs \\usepackage{booktabs}.\n"
    if any(ord(sign) > 0x17F and sign not in "–†‡" for sign in text):
        head += "% Names hold characters beyond Latin: compile with XeLaTeX or LuaLaTeX.\n"
    return head + text


def _tex_table(table: Table, intervals: bool) -> str:
    label = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.title} {table.protocol}").strip("-")
    widths, groups = _groups(table, intervals)
    kind = "table*" if max(widths) > _COLUMN else "table"
    parts = "\n  \\par\\medskip\n".join(_tabular(table, group, intervals) for group in groups)
    notes = "".join(f"  \\par\\smallskip {_tex(note)}\n" for note in _notes(table))
    return f"""\\begin{{{kind}}}[t]
  \\centering
  \\footnotesize
  \\setlength{{\\tabcolsep}}{{4pt}}
  \\caption{{{_tex(table.caption)}}}
  \\label{{tab:{label}}}
  \\vspace{{4pt}}
{parts}
{notes}\\end{{{kind}}}
"""


def _groups(table: Table, intervals: bool) -> tuple[list[float], list[list[Column]]]:
    """The columns in groups that each fit on a page, and how wide each is, in points."""
    lines = [(line, dict(cells)) for line, cells in table.lines()]
    name = 8 + 4.4 * max(len(named(line)) for line, _ in lines)
    widths, groups = [name], [list[Column]()]
    for column in table.columns:
        ends = [len(interval_of(cells[column], column)) for _, cells in lines] if intervals else []
        title = max(map(len, broken(column.title)))
        width = 8 + max(4.6 * title, 3.6 * max([7, *ends]))
        if groups[-1] and widths[-1] + width > _PAGE:
            widths.append(name)
            groups.append([])
        widths[-1] += width
        groups[-1].append(column)
    return widths, groups


def _tabular(table: Table, columns: Sequence[Column], intervals: bool) -> str:
    """Some columns of a table, by the Styler of pandas; intervals stand in rows of their own."""
    rows = []
    for line, cells in table.lines():
        chosen = [(column, cell) for column, cell in cells if column in columns]
        texts = [_tex(printed(cell.value, column.digits) + worse(cell)) for column, cell in chosen]
        bold = [f"\\textbf{{{text}}}" if cell.best else text
                for text, (_, cell) in zip(texts, chosen, strict=True)]  # fmt: skip
        rows.append([_tex(named(line)), *bold])
        between = [interval_of(cell, column) for column, cell in chosen] if intervals else []
        if any(between):
            rows.append(["", *(f"{{\\scriptsize {one}}}" if one else "" for one in between)])
    headings: dict[object, str] = {0: "Model"}
    headings |= {place: _heading(table, column) for place, column in enumerate(columns, start=1)}
    styler = pd.DataFrame(rows).style.hide(axis="index")
    styler = styler.format_index(lambda place: headings[place], axis=1)
    return styler.to_latex(hrules=True, column_format="l" + "r" * len(columns)).strip()


def _heading(table: Table, column: Column) -> str:
    count = table.counts()[column.key]
    lines = [_tex(part) for part in broken(column.title)]
    lines += [f"{{\\scriptsize n={count}}}"] if count is not None else []
    return lines[0] if len(lines) == 1 else "\\shortstack[r]{" + "\\\\ ".join(lines) + "}"


def _notes(table: Table) -> list[str]:
    """What stands below a table: doubts, and what its marks mean."""
    notes = [*table.doubts]
    notes += [WORSE] * bool(table.cells.worse.any())
    return notes + ["‡ Published; not measured here."] * bool((table.cells.folder == "").any())


def _one_line(text: str) -> str:
    """The text without line breaks and other control characters."""
    clean = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
    return re.sub(r"\s+", " ", clean).strip()


def _markdown(text: str) -> str:
    return re.sub(r"([\\*|<>\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", _one_line(text))


_TEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
        "–": "--",
        "†": "$^\\dagger$",
        "‡": "$^\\ddagger$",
        "<": "\\textless{}",
        ">": "\\textgreater{}",
        "|": "\\textbar{}",
        '"': "{''}",
    }
)


def _tex(text: str) -> str:
    return re.sub(r"`([^`']*)`", r"\\texttt{\1}", _one_line(text).translate(_TEX))
