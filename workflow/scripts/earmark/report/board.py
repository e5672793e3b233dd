"""The page's leaderboard: tables whose figures lead to their samples."""

from __future__ import annotations

import hashlib

from earmark.report.charts.drawing import samples_link
from earmark.report.figures import printed
from earmark.report.gather import Results
from earmark.report.leaderboard import Cell, Column, Line, Table, tables
from earmark.report.markup import Markup, tag


def leaderboard(results: Results) -> Markup:
    """The section of the page: a card a table, those of other protocols hidden at first."""
    made = tables(results)
    protocols: dict[str, list[str]] = {}
    for table in made:
        known = protocols.setdefault(table.benchmark, [])
        known += [table.protocol] if table.protocol not in known else []
    return tag(
        "section",
        tag("h2", "Leaderboard"),
        tag("p", "Every figure leads to its samples. The best of each column is marked; brackets "
            "are 95 % intervals.", class_="note"),
        *(_board(results, table, protocols[table.benchmark]) for table in made),
        id="leaderboard",
    )  # fmt: skip


def _board(results: Results, table: Table, protocols: list[str]) -> Markup:
    choice = None
    if len(protocols) > 1:
        number = hashlib.sha256(f"{table.benchmark}{table.protocol}".encode()).hexdigest()[:8]
        options = (tag("option", p, selected=p == table.protocol) for p in protocols)
        choice = tag("select", *options, data_protocol=table.benchmark, id=f"p{number}",
                     aria_label=f"Scoring protocol of {table.benchmark}")  # fmt: skip
    title = " ".join(filter(None, (table.benchmark, table.part)))
    head = tag(
        "div",
        tag("h3", title),
        tag("p", _sentence(table.caption.replace("`", "").removeprefix(f"{title}: "))),
        choice,
        tag("button", "Intervals", type="button", data_intervals="", aria_pressed="true"),
        class_="caption",
    )
    heads = [_heading(Column("model", "Model", None))]
    heads += [_heading(column) for column in table.columns]
    body = tag(
        "table",
        tag("thead", tag("tr", *heads)),
        tag("tbody", *(_line(results, table, line) for line in table.lines)),
        class_="board many" if len(table.columns) > 8 else "board",
        data_sort=".".join((table.benchmark, table.part or table.protocol)),
    )
    named = " ".join(filter(None, ("Leaderboard of", title, table.protocol)))
    return tag(
        "div",
        head,
        tag("div", body, class_="scroll", tabindex="0", role="region", aria_label=named),
        class_="card",
        data_of=table.benchmark,
        data_under=table.protocol,
        hidden=table.protocol != protocols[0],
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _heading(column: Column) -> Markup:
    first = "down" if column.lower is False else "up"
    kinds = {0: "average", 2: "part"}
    button = tag("button", *_breakable(column.title), type="button")
    return tag(
        "th", button, scope="col", data_key=column.key, data_first=first, aria_sort="none",
        class_=kinds.get(column.level) if column.key != "model" else None,
    )  # fmt: skip


def _breakable(title: str) -> list[str | Markup]:
    """A title that may go on in the next line after each underscore."""
    first, *more = title.split("_")
    return [first, *(one for part in more for one in ("_", Markup("<wbr>"), part))]


def _line(results: Results, table: Table, line: Line) -> Markup:
    remarks = [line.source if line.folder is None else "", line.note]
    remark = "; ".join(filter(None, remarks))
    remark = f"not ours: {remark}" if line.folder is None else remark
    cells = [
        tag("th", line.model, tag("span", remark, class_="remark") if remark else None, scope="row")
    ]
    for column, cell in zip(table.columns, line.cells, strict=True):
        cells.append(_cell(results, table, line, column, cell))
    return tag("tr", *cells, class_="published" if line.folder is None else None)


def _cell(results: Results, table: Table, line: Line, column: Column, cell: Cell) -> Markup:
    kind = {0: "average", 2: "part"}.get(column.level, "")
    classes = " ".join(filter(None, [kind, "best" if cell.best else ""])) or None
    if cell.value is None:
        return tag("td", tag("span", cell.note or "–", class_="none"), class_=classes)
    shown: Markup = tag("span", printed(cell.value, column.digits), class_="figure")
    if line.folder is not None:
        splits = list(results.run.benchmarks[table.benchmark])
        found = results.evaluations[line.folder, table.benchmark, column.split or splits[0]]
        if found.metrics is not None:
            part = column.key.removeprefix(f"{found.subset}-") if column.level == 2 else ""
            shown = tag(
                "a", shown, href=samples_link(found, **({"category": part} if part else {}))
            )
    low_high = None
    if cell.interval:
        low, high = (printed(end, column.digits) for end in cell.interval)
        low_high = tag("span", f"[{low}, {high}]", class_="interval")
    note = tag("span", cell.note, class_="remark") if cell.note else None
    return tag("td", shown, low_high, note, class_=classes, data_value=repr(cell.value))
