"""Tables as text, CSV, Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence

from earmark.report.figures import printed
from earmark.report.leaderboard import Cell, Column, Line, Table

_NO_FIGURE = "–"


def as_csv(tables: Sequence[Table], intervals: bool = False) -> str:
    """All tables as one: a row a model and protocol, a column a subset, figures unrounded.

    With ``intervals``, two columns more a figure: its name with ``low`` and ``high``.
    """
    columns = list(dict.fromkeys(column.key for table in tables for column in table.columns))
    header = ["model", "source", "protocol", "note"]
    for key in columns:
        header += [key, f"{key} low", f"{key} high"] if intervals else [key]
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    protocols = {table.kind: table.protocol for table in reversed(tables)}
    for table in tables:
        for line in table.lines:
            protocol = table.protocol or protocols.get("asr", "")
            row = rows.setdefault(
                (line.model, line.source, protocol),
                {"model": line.model, "source": line.source, "protocol": protocol},
            )
            row["note"] = line.note or row.get("note", "")
            row |= dict(_csv_cells(table, line))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.values())
    return stream.getvalue()


def _csv_cells(table: Table, line: Line) -> list[tuple[str, object]]:
    cells: list[tuple[str, object]] = []
    for column, cell in zip(table.columns, line.cells, strict=True):
        low, high = cell.interval or ("", "")
        value = "" if cell.value is None else repr(cell.value)
        cells += [(column.key, value), (f"{column.key} low", low), (f"{column.key} high", high)]
    return cells


def as_text(tables: Sequence[Table], intervals: bool = False) -> str:
    """Tables for a terminal, columns aligned; the best figure of a column carries a star."""
    return "\n\n".join(
        _aligned(table, lambda cell, column: _plain(cell, column, intervals, "*", ""))
        for table in tables
    )


def as_markdown(tables: Sequence[Table], intervals: bool = False) -> str:
    """Tables in Markdown, each under its caption; the best figure of a column is bold."""
    parts = []
    for table in tables:
        title = " ".join(filter(None, (table.benchmark, table.part)))
        title += f" ({table.protocol})" if table.protocol else ""
        header = ["model", *(column.title for column in table.columns)]
        lines = [header, ["---", *("---:" for _ in table.columns)]]
        for line in table.lines:
            cells = [
                _plain(cell, column, intervals, "**", "**")
                for cell, column in zip(line.cells, table.columns, strict=True)
            ]
            lines.append([_named(line, _markdown), *cells])
        rows = "\n".join("| " + " | ".join(row) + " |" for row in lines)
        parts.append(f"## {_markdown(title)}\n\n{_markdown(table.caption)}\n\n{rows}\n")
    return "\n".join(parts) or "Nothing has been evaluated yet.\n"


def as_tex(tables: Sequence[Table], intervals: bool = False) -> str:
    r"""Tables in LaTeX, to be put into a paper with ``\input``; they need ``booktabs``."""
    text = "\n".join(_tex_table(table, intervals) for table in tables)
    head = "% Made by Earmark. Needs \\usepackage{booktabs}.\n"
    if any(ord(sign) > 0x17F and sign not in "–†" for sign in text):
        head += "% Names hold characters beyond Latin: compile with XeLaTeX or LuaLaTeX.\n"
    return head + text


def _tex_table(table: Table, intervals: bool) -> str:
    wide, many = _points(table, intervals) > 235, len(table.columns) > 8
    end = "\\\\[2pt]" if intervals else "\\\\"  # two lines a row want air between rows
    label = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.benchmark} {table.part} {table.protocol}")
    label = label.strip("-")
    lines = [
        "\\begin{table*}[t]" if wide else "\\begin{table}[t]",
        "  \\centering",
        "  \\footnotesize" if many else "  \\small",
        f"  \\setlength{{\\tabcolsep}}{{{'2.5pt' if many else '4pt'}}}",
        f"  \\caption{{{_tex(table.caption)}}}",
        f"  \\label{{tab:{label}}}",
        "  \\vspace{4pt}",
        f"  \\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        "    \\toprule",
        "    " + " & ".join(["Model", *(_heading(c.title) for c in table.columns)]) + " \\\\",
        "    \\midrule",
    ]
    ours = [line for line in table.lines if line.folder is not None]
    theirs = [line for line in table.lines if line.folder is None]
    for group in (ours, theirs):
        if group is theirs and theirs and ours:
            lines.append("    \\midrule")
        lines += [f"    {_tex_row(table, line, intervals)} {end}" for line in group]
    lines += ["    \\bottomrule", "  \\end{tabular}"]
    if theirs:
        lines.append("  \\par\\smallskip\\footnotesize $^\\dagger$ Published; not measured here.")
    lines.append("\\end{table*}" if wide else "\\end{table}")
    return "\n".join(lines) + "\n"


def _points(table: Table, intervals: bool) -> float:
    """About how wide a table is; a paper's column has some 240 points."""
    signs = max(len(_named(line, str)) for line in table.lines) if table.lines else 0
    for column in table.columns:
        heading = max(map(len, re.split(r"[_ ]", column.title, maxsplit=1)))
        signs += max(heading, 10 if intervals else 5)
    return 4.4 * signs + 8 * (len(table.columns) + 1)


def _heading(title: str) -> str:
    """A column's heading, broken at its first underscore or space where it is long."""
    parts = re.split(r"[_ ]", title, maxsplit=1)
    if len(title) <= 8 or len(parts) == 1:
        return _tex(title)
    return "\\shortstack{" + "\\\\".join(_tex(part) for part in parts) + "}"


def _tex_row(table: Table, line: Line, intervals: bool) -> str:
    cells = [_named(line, _tex, "$^\\dagger$")]
    for cell, column in zip(line.cells, table.columns, strict=True):
        if cell.value is None:
            cells.append("--")
            continue
        text = f"{cell.value:.{column.digits}f}"
        text = f"\\textbf{{{text}}}" if cell.best else text
        if intervals and cell.interval:
            low, high = (f"{end:.{column.digits}f}" for end in cell.interval)
            size = "\\tiny" if len(table.columns) > 8 else "\\scriptsize"
            text = f"\\shortstack[r]{{{text}\\\\ {{{size} [{low}, {high}]}}}}"
        cells.append(text)
    return " & ".join(cells)


def _named(line: Line, escape: Callable[[str], str], mark: str = "†") -> str:
    name = escape(line.model) + ("" if line.folder is not None else mark)
    notes = [note for note in (line.source if line.folder is None else "", line.note) if note]
    return name + (f" ({escape('; '.join(notes))})" if notes else "")


def _plain(cell: Cell, column: Column, intervals: bool, before: str, after: str) -> str:
    if cell.value is None:
        return _NO_FIGURE
    text = printed(cell.value, column.digits)
    text = f"{before}{text}{after}" if cell.best else text
    if intervals and cell.interval:
        low, high = (printed(end, column.digits) for end in cell.interval)
        text += f" [{low}, {high}]"
    return text


def _aligned(table: Table, shown: Callable[[Cell, Column], str]) -> str:
    rows = [["model", *(column.title for column in table.columns)]]
    for line in table.lines:
        cells = zip(line.cells, table.columns, strict=True)
        rows.append([_named(line, str), *(shown(cell, column) for cell, column in cells)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(
        [
            table.caption.replace("`", ""),
            "",
            lines[0],
            "-" * sum(widths, 2 * (len(widths) - 1)),
            *lines[1:],
        ]
    )


def _one_line(text: str) -> str:
    """The text without line breaks and other control characters."""
    clean = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
    return re.sub(r"\s+", " ", clean).strip()


def _markdown(text: str) -> str:
    return re.sub(r"([\\*|<>\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", _one_line(text))


_TEX = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "–": "--",
    "†": "$^\\dagger$",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "{''}",
} | {sign: f"\\{sign}" for sign in "&%$#_"}


def _tex(text: str) -> str:
    escaped = "".join(_TEX.get(sign, sign) for sign in _one_line(text))
    return re.sub(r"`([^`']*)`", r"\\texttt{\1}", escaped)
