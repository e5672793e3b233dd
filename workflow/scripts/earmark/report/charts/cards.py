"""The page's places for charts, which its script fills, and the choice of models for them."""

from __future__ import annotations

from typing import Any

from earmark.report.gather import Results
from earmark.report.markup import Markup, tag

SECTIONS = {"wer": "Word error rate", "speed": "Speed", "mmau": "MMAU-Pro"}
"""The page's sections with charts, and their titles."""


def picker(results: Results) -> Markup | None:
    """The choice of the models that charts show, where there is one."""
    if len(results.run.models) < 2:
        return None
    most = " The first 12 are shown." if len(results.run.models) > 12 else ""
    return tag("details", tag("summary", f"Which models the charts show.{most}"), tag("ul"),
               class_="picker")  # fmt: skip


def chart_section(name: str, drawn: list[dict[str, Any]]) -> Markup:
    """A section of the page: a card a chart, with its buttons."""
    shown = [chart for chart in drawn if chart["section"] == name]
    narrow = [chart["id"] for chart in shown if not chart["wide"]]
    alone = narrow[-1:] if len(narrow) % 2 else []  # the last of an odd number has no neighbour
    cards = [_card(chart, chart["wide"] or chart["id"] in alone) for chart in shown]
    return tag("section", tag("h2", SECTIONS[name]), tag("div", *cards, class_="charts"), id=name)


def _card(chart: dict[str, Any], wide: bool) -> Markup:
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
    kind = "card wide" if wide else "card"
    return tag("figure", head, plot, id=f"chart-{chart['id']}", class_=kind)
