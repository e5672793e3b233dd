"""The report: one page that works without a network, the samples' pieces within or beside it."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from earmark import __version__
from earmark.files import whole_file
from earmark.report.charts import charts, samples_link
from earmark.report.figures import figure, printed
from earmark.report.gather import STATES, Results, finite, is_asr
from earmark.report.leaderboard import Cell, Column, Line, Table, tables
from earmark.report.markup import Markup, joined, script_data, tag
from earmark.report.repeat import repeat
from earmark.report.samples import describe, packed, pieces

WITHIN = 3_000_000
"""Pieces of up to so many characters in all stand within the page; more of them beside it."""

_TEMPLATE = Path(__file__).parent / "template"
_SECTIONS = {"wer": "Word error rate", "speed": "Speed", "mmau": "MMAU-Pro"}


def write_page(results: Results, path: str | Path) -> None:
    """Write the report.

    Args:
        results: What has been evaluated; what is missing is marked.
        path: The page to write. Where the samples are many, their pieces go to a folder beside
            it, named after it (``report_files/`` for ``report.html``), which is replaced.

    Raises:
        EarmarkError: when the files of an evaluation are not of the same samples.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_name(f"{path.stem}_files")
    stamp = secrets.token_hex(6)
    within, beside = _store(results, folder, stamp)
    nonce = secrets.token_hex(12)
    drawn = charts(results)
    data = {
        "models": [model.name for model in results.run.models.values()],
        "charts": drawn,
        "samples": {**describe(results), "stamp": stamp, "folder": folder.name},
    }
    text = Template(_file("page.html")).substitute(
        version=__version__,
        nonce=nonce,
        title="Earmark: evaluation report",
        style=_file("page.css") + _file("samples.css"),
        theme=_file("theme.js"),
        body=_body(results, drawn),
        data=script_data(finite(data)),
        pieces="\n".join(
            f'<script type="text/plain" id="piece-{name}">{text}</script>'
            for name, text in within.items()
        ),
        script="\n".join(
            _file(f"{name}.js")
            for name in ("state", "tables", "pieces", "alignment", "cards", "samples")
        ),
        vega=_vega() if drawn else "",
        charts=_file("charts.js") if drawn else "",
    )
    with whole_file(path) as stream:
        stream.write(text)
    if beside is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    old = folder.with_name(f".{folder.name}.{stamp}.old")
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _store(results: Results, folder: Path, stamp: str) -> tuple[dict[str, str], Path | None]:
    """The pieces by name where they are few; else the folder that they were written to."""
    within: dict[str, str] = {}
    partial: Path | None = None
    for name, value in pieces(results):
        within[name] = packed(value)
        if partial is None and sum(map(len, within.values())) > WITHIN:
            partial = folder.with_name(f".{folder.name}.{stamp}.partial")
            partial.mkdir(parents=True)
        if partial is not None:
            for each, text in within.items():
                code = f'earmarkPiece("{stamp}","{each}","{text}");\n'
                (partial / f"{each}.js").write_text(code, encoding="ascii")
            within = {}
    return within, partial


def _file(name: str) -> str:
    return (_TEMPLATE / name).read_text(encoding="utf-8")


def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, from the installed package: nothing is fetched."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script")


_EAR = Markup(
    '<svg viewBox="0 0 32 32" aria-hidden="true"><path fill="currentColor" '
    'd="M5 2h15l7 7v21H5z"/><path fill="var(--ear)" d="M20 2l7 7h-7z"/></svg>'
)


def _body(results: Results, drawn: list[dict[str, Any]]) -> Markup:
    sections = [name for name in _SECTIONS if any(chart["section"] == name for chart in drawn)]
    links = [("leaderboard", "Leaderboard"), *((name, _SECTIONS[name]) for name in sections)]
    judged = list(_judges(results))
    links += [("judge", "Judge")] if judged else []
    links += [("samples", "Samples"), ("repeat", "How to repeat it")]
    bar = tag(
        "div",
        tag("a", _EAR, "Earmark", class_="brand", href="#top"),
        tag("nav", *(tag("a", text, href=f"#{name}") for name, text in links), aria_label="Page"),
        tag(
            "div",
            tag("button", "Light / dark", type="button", id="theme"),
            tag("button", "Print", type="button", id="print"),
            class_="tools",
        ),
    )
    main = tag(
        "main",
        _leaderboard(results),
        _picker(results) if drawn else None,
        *(_chart_section(name, drawn) for name in sections),
        _judge_section(judged) if judged else None,
        _browser(results),
        repeat(results),
    )
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    foot = tag("footer", f"Made by Earmark {__version__}, {made}.")
    return joined(tag("div", bar, class_="bar"), _head(results), main, foot)


def _head(results: Results) -> Markup:
    done = [found for found in results.evaluations.values() if found.metrics is not None]
    seconds = sum(figure(found.metrics, "audio_seconds") or 0 for found in done)
    samples = sum(int(figure(found.metrics, "num_entries") or 0) for found in done)
    failed = sum(int(figure(found.metrics, "num_failed") or 0) for found in done)
    splits = sum(len(splits) for splits in results.run.benchmarks.values())
    facts = [
        ("models", f"{len(results.run.models):,}"),
        ("splits", f"{splits:,}"),
        ("answers scored", f"{samples:,}"),
        ("hours of audio transcribed", f"{seconds / 3600:,.1f}"),
        ("failed samples", f"{failed:,}"),
    ]
    missing = results.missing()
    banner = None
    if missing:
        named = [f"{one.model.name} on {one.subset}: {STATES[one.state]}" for one in missing[:12]]
        more = [f"and {len(missing) - 12} more"] if len(missing) > 12 else []
        some = "Nothing has been evaluated yet" if not done else "This run is not complete"
        banner = tag(
            "div",
            tag("p", tag("strong", some), f": {len(missing)} of {len(results.evaluations)} "
                "evaluations are missing. `snakemake` goes on with them.".replace("`", "")),
            tag("ul", *(tag("li", text) for text in [*named, *more])),
            class_="banner",
            role="status",
        )  # fmt: skip
    return tag(
        "header",
        tag("h1", "Evaluation report"),
        tag("p", ", ".join(results.run.benchmarks), class_="lead"),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", n)) for name, n in facts),
            class_="facts"),
        banner,
        class_="top",
        id="top",
    )  # fmt: skip


def _leaderboard(results: Results) -> Markup:
    made = tables(results)
    protocols: dict[str, list[str]] = {}
    for table in made:
        protocols.setdefault(table.benchmark, []).append(table.protocol)
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
    head = tag(
        "div",
        tag("h3", table.benchmark),
        tag("p", _sentence(table.caption.replace("`", "").removeprefix(f"{table.benchmark}: "))),
        choice,
        tag("button", "Intervals", type="button", data_intervals="", aria_pressed="true"),
        class_="caption",
    )
    heads = [_heading(Column("model", "Model", None))]
    heads += [_heading(column) for column in table.columns]
    lines = [_line(results, table, line) for line in table.lines]
    body = tag(
        "table",
        tag("thead", tag("tr", *heads)),
        tag("tbody", *lines),
        class_="board",
        data_sort=f"{table.benchmark}.{table.protocol}",
    )
    return tag(
        "div",
        head,
        tag("div", body, class_="scroll", tabindex="0", role="region",
            aria_label=f"Leaderboard of {table.benchmark} {table.protocol}".strip()),
        class_="card",
        data_of=table.benchmark,
        data_under=table.protocol,
        hidden=table.protocol != protocols[0],
    )  # fmt: skip


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _heading(column: Column) -> Markup:
    first = "down" if column.lower is False else "up"
    kinds = {0: "average", 2: "part"}
    return tag(
        "th", tag("button", column.title, type="button"), scope="col", data_key=column.key,
        data_first=first, aria_sort="none",
        class_=kinds.get(column.level) if column.key != "model" else None,
    )  # fmt: skip


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
            part = column.key.rpartition("-")[2] if column.level == 2 else ""
            shown = tag(
                "a", shown, href=samples_link(found, **({"category": part} if part else {}))
            )
    low_high = None
    if cell.interval:
        low, high = (printed(end, column.digits) for end in cell.interval)
        low_high = tag("span", f"[{low}, {high}]", class_="interval")
    note = tag("span", cell.note, class_="remark") if cell.note else None
    return tag("td", shown, low_high, note, class_=classes, data_value=repr(cell.value))


def _picker(results: Results) -> Markup | None:
    if len(results.run.models) < 2:
        return None
    most = " The first 12 are shown." if len(results.run.models) > 12 else ""
    return tag("details", tag("summary", f"Which models the charts show.{most}"), tag("ul"),
               class_="picker")  # fmt: skip


def _chart_section(name: str, drawn: list[dict[str, Any]]) -> Markup:
    figures = []
    for chart in drawn:
        if chart["section"] != name:
            continue
        head = tag(
            "div",
            tag("div", tag("h3", chart["title"]), tag("p", chart["note"])),
            tag(
                "div",
                tag("button", "Table", type="button", data_table="", aria_pressed="false"),
                tag("button", "SVG", type="button", data_save=""),
                class_="tools",
            ),
            class_="head",
        )
        plot = tag("div", class_="plot", role="img", aria_label=chart["title"])
        kind = "card wide" if chart["wide"] else "card"
        figures.append(tag("figure", head, plot, id=f"chart-{chart['id']}", class_=kind,
                           style="margin:0"))  # fmt: skip
    return tag("section", tag("h2", _SECTIONS[name]), tag("div", *figures, class_="charts"),
               id=name)  # fmt: skip


def _judges(results: Results) -> Iterator[tuple[str, ...]]:
    """Judge health: model, split, judged, asked again, unparsed, failed, mean scores."""
    from earmark.files import read_jsonl

    for found in results.evaluations.values():
        if found.metrics is None or found.split.scoring != "open_ended":
            continue
        again = 0
        if found.judgements.is_file():
            again = sum(
                len(row.get("judgements") or []) > 1 for row in read_jsonl(found.judgements)
            )
        keys = ("num_entries", "num_scored")
        yield (
            found.model.name,
            found.split.name,
            *(printed(figure(found.metrics, key), 0) for key in keys),
            str(again),
            *(
                printed(figure(found.metrics, key) or 0, 0)
                for key in ("judge_unparsed", "judge_failed")
            ),
            *(
                printed(figure(found.metrics, f"avg_{key}"), 1)
                for key in ("correctness", "overall")
            ),
            printed(figure(found.metrics, "good_response_rate"), 1),
            printed(figure(found.metrics, "poor_response_rate"), 1),
        )


def _judge_section(rows: list[tuple[str, ...]]) -> Markup:
    heads = ("Model", "Split", "Samples", "Parsed", "Asked again", "Unparsed", "Failed",
             "Correctness (%)", "Overall (%)", "Good (%)", "Poor (%)")  # fmt: skip
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", c) for c in row[1:]))
            for row in rows]  # fmt: skip
    table = tag("table", tag("thead", tag("tr", *(tag("th", h, scope="col") for h in heads))),
                tag("tbody", *body))  # fmt: skip
    return tag(
        "section",
        tag("h2", "Judge health"),
        tag("p", "A judgement that could not be read was asked for once more; what still could "
            "not be read is counted here and is in no average.", class_="note"),
        tag("div", tag("div", table, class_="scroll", tabindex="0", role="region",
                       aria_label="Judge health"), class_="card"),
        id="judge",
    )  # fmt: skip


def _browser(results: Results) -> Markup:
    if all(found.metrics is None for found in results.evaluations.values()):
        return tag("section", tag("h2", "Samples"), tag("p", "None is scored yet.", class_="note"),
                   id="samples")  # fmt: skip
    asr = any(is_asr(s) for splits in results.run.benchmarks.values() for s in splits.values())
    fields = [("split", "Split"), ("model", "Model"), ("with", "Beside it"), ("order", "Order"),
              ("seconds", "Length of audio")]  # fmt: skip
    form = tag(
        "form",
        *(tag("label", text, tag("select", name=name)) for name, text in fields),
        tag("label", "Text, or id", tag("input", type="search", name="q", autocomplete="off")),
        tag("div", data_facets="", style="display:contents"),
        tag("fieldset", tag("legend", "Only with"), tag("span", data_kinds="", class_="kinds"),
            class_="kinds"),
        class_="filters",
    )  # fmt: skip
    count = tag(
        "div",
        tag("p", "Loading…", data_count="", aria_live="polite"),
        tag("button", "Back", type="button", data_page="-1"),
        tag("button", "On", type="button", data_page="1"),
        class_="count",
    )
    legend = tag(
        "p", tag("span", tag("mark", "substituted")), tag("span", tag("del", "deleted")),
        tag("span", tag("ins", "inserted")), class_="legend",
    )  # fmt: skip
    return tag(
        "section",
        tag("h2", "Samples"),
        tag("p", "What stands behind the numbers, the worst first. Two models can be compared on "
            "the same samples.", class_="note"),
        legend if asr else None,
        tag("div", form, count, tag("div", data_list=""), class_="card", id="browser"),
        id="samples",
    )  # fmt: skip
