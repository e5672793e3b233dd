"""Several answers to each sample, one a seed: their mean, the best of them, and the majority."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from earmark.files import Row

_OF_A_SAMPLE = ("id", "duration", "reference", "edits")


def averaged(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean of what each seed's predictions say (`earmark.scoring.metrics.prediction_metrics`).

    ``num_entries`` is that of one seed, the other counts are sums.
    """
    mean: dict[str, Any] = {}
    for key in ("avg_tokens", "gen_seconds", "busy_seconds", "no_answer"):
        known = [one[key] for one in found if one[key] is not None]
        mean[key] = sum(known) / len(known) if known else None
    return {
        **mean,
        "num_entries": found[0]["num_entries"],
        "num_failed": sum(one["num_failed"] for one in found),
        "num_truncated": sum(one["num_truncated"] for one in found),
    }


def merged(answers: Sequence[Row]) -> Row:
    """One row for a sample's answers: the first seed's, and under ``seeds`` each seed's own."""
    own = [{key: row[key] for key in row if key not in _OF_A_SAMPLE} for row in answers]
    return {**answers[0], "seeds": own}


def answers(row: Row) -> list[Row]:
    """The answers to a sample out of its row, one a seed: reverses `merged`."""
    if "seeds" not in row:
        return [row]
    return [{**row, "signals": {}, **own} for own in row["seeds"]]


def modes(count: int) -> tuple[str, ...]:
    """What metrics call the ways to look at so many answers."""
    if count == 1:
        return ("pass@1",)
    return f"pass@1[avg-of-{count}]", f"pass@{count}", f"majority@{count}"


def word_errors(row: Row) -> int:
    """How many word errors the first protocol counted."""
    return int(row["substitutions"] + row["deletions"] + row["insertions"])


def chosen(
    answers: Sequence[Row], cost: Callable[[Row], float] = word_errors
) -> Iterator[Sequence[Row]]:
    """For each of `modes`, the answers that count: all, the best, the most frequent.

    The best has the least cost (by default the fewest word errors), the most frequent is the one
    that came most often once normalized; the earliest of equals, and the first protocol decides.
    """
    yield answers
    if len(answers) > 1:
        yield [min(answers, key=cost)]
        heard = [row["hypothesis"] for row in answers]
        yield [answers[heard.index(Counter(heard).most_common(1)[0][0])]]
