"""Judge health: how many judgements could be read, were asked for again, or never came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from earmark.files import read_jsonl
from earmark.report.charts.drawing import samples_link
from earmark.report.figures import figure, printed
from earmark.report.gather import Evaluation, Results
from earmark.report.markup import Markup, tag

NOT_SCORED = "512"
"""The sample browser's filter for what was not scored."""

_HEADS = ("Model", "Split", "Answers", "Asked about", "Parsed", "Asked again", "Unparsed",
          "Failed", "Correctness (%)", "Overall (%)", "Good (%)", "Poor (%)")  # fmt: skip


def judge_section(results: Results) -> Markup | None:
    """The section of the page, or None where nothing was judged."""
    rows = list(_rows(results))
    if not rows:
        return None
    head = tag("tr", *(tag("th", name, scope="col") for name in _HEADS))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="named")
    region = tag(
        "div", table, class_="scroll", tabindex="0", role="region", aria_label="Judge health"
    )
    name = results.run.judge.settings.get("model")
    return tag(
        "section",
        tag("h2", "Judge health"),
        tag("p", f"The judge is {name}. " if name else "",
            "It is not asked about empty answers. A judgement that could not be read was asked "
            "for once more; what still could not be read counts as 3 of 5 in the reference score, "
            "and in no other average.", class_="note"),
        tag("div", region, class_="card"),
        id="judge",
    )  # fmt: skip


def _rows(results: Results) -> Iterator[Markup]:
    for found in results.evaluations.values():
        if found.metrics is not None and found.split.scoring == "open_ended":
            yield _row(found)


def _row(found: Evaluation) -> Markup:
    asked, parsed, again = _asked(found.judgements)
    unparsed, failed = (
        figure(found.metrics, key) or 0 for key in ("judge_unparsed", "judge_failed")
    )
    counts = [
        (figure(found.metrics, "num_entries"), {}),
        (asked, {}),
        (parsed, {}),
        (again, {}),
        (unparsed, {"kinds": NOT_SCORED}),
        (failed, {"kinds": NOT_SCORED}),
    ]
    rates = ("avg_correctness", "avg_overall", "good_response_rate", "poor_response_rate")
    return tag(
        "tr",
        tag("th", found.model.name, scope="row"),
        tag("td", found.split.name),
        *(
            tag("td", tag("a", printed(count, 0), href=samples_link(found, **more)))
            for count, more in counts
        ),
        *(tag("td", printed(figure(found.metrics, key), 1)) for key in rates),
    )


def _asked(judgements: Path) -> tuple[float | None, float | None, float | None]:
    """About how many answers the judge was asked, how many it scored, how many it was asked again.

    With several seeds, of all of them; None where the judgements are not there any more.
    """
    files = [judgements] if judgements.is_file() else []
    files += sorted(judgements.parent.glob(f"{judgements.stem}.seed*.jsonl"))
    if not files:
        return None, None, None
    asked = parsed = again = 0
    for path in files:
        for row in read_jsonl(path):
            texts = row.get("judgements") or []
            asked += bool(row.get("requests"))
            parsed += bool(texts) and row.get("scores") is not None
            again += len(row.get("requests") or []) > 1
    return asked, parsed, again
