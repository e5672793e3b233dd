"""Judge health: how many judgements could be read, were asked for again, or never came."""

from pathlib import Path
from typing import Any

from earmark.files import read_jsonl
from earmark.report.charts.drawing import samples_link
from earmark.report.figures import figure, printed
from earmark.report.gather import Results

NOT_SCORED = "512"
"""The sample browser's filter for what was not scored."""

HEADS = ("Model", "Split", "Answers", "Asked about", "Parsed", "Asked again", "Unparsed",
         "Failed", "Correctness (%)", "Overall (%)", "Good (%)", "Poor (%)")  # fmt: skip

_RATES = ("avg_correctness", "avg_overall", "good_response_rate", "poor_response_rate")


def judge_rows(results: Results) -> list[dict[str, Any]]:
    """A row an evaluation that was judged: its model, split, counts with links, and rates."""
    rows = []
    for one in results.evaluations.values():
        if one.metrics is None or one.split.scoring != "open_ended":
            continue
        counts = [figure(one.metrics, "num_entries"), *_asked(one.files.judgements)]
        lost = [figure(one.metrics, key) or 0 for key in ("judge_unparsed", "judge_failed")]
        every, unscored = samples_link(one), samples_link(one, kinds=NOT_SCORED)
        rows.append({
            "model": one.model.name,
            "split": one.split.name,
            "counts": [(printed(count, 0), every) for count in counts]
            + [(printed(count, 0), unscored) for count in lost],
            "rates": [printed(figure(one.metrics, key), 1) for key in _RATES],
        })  # fmt: skip
    return rows


def _asked(judgements: Path) -> list[float | None]:
    """About how many answers the judge was asked, how many it scored, how many it was asked again.

    With several seeds, of all of them; None where the judgements are not there any more.
    """
    files = [judgements] if judgements.is_file() else []
    files += sorted(judgements.parent.glob(f"{judgements.stem}.seed*.jsonl"))
    if not files:
        return [None] * 3
    rows = [row for path in files for row in read_jsonl(path)]
    asked = sum(bool(row.get("requests")) for row in rows)
    parsed = sum(bool(row.get("judgements")) and row.get("scores") is not None for row in rows)
    return [asked, parsed, sum(len(row.get("requests") or []) > 1 for row in rows)]
