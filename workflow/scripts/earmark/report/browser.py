"""The sample browser's form and its places, which the page's script fills."""

from __future__ import annotations

from earmark.report.gather import Results, is_asr
from earmark.report.markup import Markup, tag


def browser(results: Results) -> Markup:
    """The section of the page."""
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
        tag("button", "Previous", type="button", data_page="-1"),
        tag("button", "Next", type="button", data_page="1"),
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
