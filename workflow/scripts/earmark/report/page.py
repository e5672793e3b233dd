"""The report: one page that works without a network, the samples' pieces within or beside it."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from earmark import __version__
from earmark.files import whole_file
from earmark.report.board import leaderboard
from earmark.report.browser import browser
from earmark.report.charts import charts
from earmark.report.charts.cards import SECTIONS, chart_section, picker
from earmark.report.figures import figure
from earmark.report.gather import STATES, Results, finite
from earmark.report.judge import judge_section
from earmark.report.markup import Markup, joined, script_data, tag
from earmark.report.repeat import repeat
from earmark.report.samples import describe, packed, pieces

WITHIN = 3_000_000
"""Pieces of up to so many characters in all stand within the page; more of them beside it."""

_TEMPLATE = Path(__file__).parent / "template"


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
    sections = [name for name in SECTIONS if any(chart["section"] == name for chart in drawn)]
    links = [("leaderboard", "Leaderboard"), *((name, SECTIONS[name]) for name in sections)]
    judged = judge_section(results)
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
        leaderboard(results),
        picker(results) if drawn else None,
        *(chart_section(name, drawn) for name in sections),
        judged,
        browser(results),
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
        _counted("model", len(results.run.models)),
        _counted("split", splits),
        _counted("scored answer", samples),
        ("hours of audio transcribed", f"{seconds / 3600:,.1f}"),
        _counted("failed sample", failed),
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


def _counted(what: str, number: int) -> tuple[str, str]:
    return what if number == 1 else f"{what}s", f"{number:,}"
