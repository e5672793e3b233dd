"""Rates of a split, and of a benchmark from its splits: counts first, rates and error bars after.

Counts add up exactly however a set is divided. Intervals of a benchmark come from the replicated
sums of its splits: a bootstrap that draws within each split.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from earmark.scoring import statistics as stats
from earmark.scoring.samples import Pair
from earmark.scoring.text import Protocol

Metrics = dict[str, Any]
Replicates = dict[str, dict[str, list[str]]]

COUNTS = ("substitutions", "deletions", "insertions", "hits", "ref_words")
_RATES = {
    "wer": ("edits", "ref_words"),
    "cer": ("char_edits", "ref_chars"),
    "success_rate": ("successes", "scored"),
}
_ADDED = (*COUNTS, "char_edits", "ref_chars", "successes", "scored", "skipped")


class Tally:
    """What one protocol counts over a split."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._columns = {
            name: array("q") for name in ("edits", "ref_words", "char_edits", "ref_chars")
        }
        self._columns |= {"successes": array("q"), "scored": array("q")}
        self._counts: Counter[str] = Counter(dict.fromkeys(_ADDED, 0))

    def add(self, pair: Pair) -> None:
        """Count one sample."""
        counts = pair.counts
        values = {
            "edits": counts.edits,
            "ref_words": counts.ref_words,
            "char_edits": pair.char_edits,
            "ref_chars": pair.ref_chars,
            "successes": int(pair.scored and pair.success),
            "scored": int(pair.scored),
        }
        for name, value in values.items():
            self._columns[name].append(value)
        values["substitutions"] = counts.substitutions
        values["deletions"] = counts.deletions
        values["insertions"] = counts.insertions
        values["hits"] = counts.hits
        values["skipped"] = int(not pair.scored)
        for name in _ADDED:
            self._counts[name] += values[name]

    def block(
        self, subset: str, members: Sequence[str] | None
    ) -> tuple[Metrics, dict[str, list[str]]]:
        """Return the protocol's counts, rates (percent) and intervals, and the replicated sums."""
        counts = {name: int(self._counts[name]) for name in _ADDED}
        drawn = {
            rate: _resampled(
                [self._columns[part] for part in parts], members, subset, self._protocol.name, rate
            )
            for rate, parts in _RATES.items()
        }
        block = {"version": self._protocol.version, **counts, **rates(counts)}
        for rate, sums in drawn.items():
            block[f"{rate}_ci"] = stats.interval(stats.percent(*sums))
        return block, {rate: [stats.packed(part) for part in sums] for rate, sums in drawn.items()}


def _resampled(
    columns: Sequence[Any], members: Sequence[str] | None, *names: str
) -> list[stats.Numbers]:
    units = [stats.summed(column, members) for column in columns]
    return stats.resample(units, stats.generator(*names))


def rates(counts: Mapping[str, int]) -> Metrics:
    """Return ``wer``, ``cer`` and ``success_rate`` in percent, None where nothing was counted."""
    edits = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    return {
        "wer": _percent(edits, counts["ref_words"]),
        "cer": _percent(counts["char_edits"], counts["ref_chars"]),
        "success_rate": _percent(counts["successes"], counts["scored"]),
    }


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def headline(protocols: Mapping[str, Metrics]) -> Metrics:
    """Return the first protocol's numbers under their plain names, the others' by protocol.

    The plain names are ``wer``, ``cer``, ``success_rate`` and the counts; another protocol's are
    ``wer_<protocol>`` and ``cer_<protocol>``. An interval stands beside each rate, as ``…_ci``.
    """
    names = list(protocols)
    first = protocols[names[0]]
    found: Metrics = {"protocol": names[0], "protocol_version": first["version"]}
    for key, value in first.items():
        if key not in ("version", "scored", "skipped", "successes"):
            found[key] = value
    for name in names[1:]:
        for key, value in protocols[name].items():
            if key.startswith(("wer", "cer")):
                rate, _, rest = key.partition("_")
                found["_".join(filter(None, (rate, name, rest)))] = value
    found["protocols"] = dict(protocols)
    return found


def no_answer(
    empty: Sequence[bool], members: Sequence[str] | None, subset: str
) -> tuple[Metrics, dict[str, list[str]]]:
    """Return the interval of the share of empty answers, and its replicated sums."""
    columns = [array("q", map(int, empty)), array("q", [1] * len(empty))]
    sums = _resampled(columns, members, subset, "no_answer")
    return (
        {"no_answer_ci": stats.interval(stats.percent(*sums))},
        {"no_answer": [stats.packed(part) for part in sums]},
    )


def combined_no_answer(replicates: Sequence[Replicates]) -> Metrics:
    """Return the interval of the share of empty answers over splits."""
    drawn = [[stats.unpacked(part) for part in one["all"]["no_answer"]] for one in replicates]
    sums = [sum(part) for part in zip(*drawn, strict=True)]
    return {"no_answer_ci": stats.interval(stats.percent(*sums))}


def combined_protocols(
    splits: Sequence[Metrics], replicates: Sequence[Replicates]
) -> dict[str, Metrics]:
    """Combine what each protocol counted over splits; the protocols that all splits have.

    ``wer`` is over all words (micro, as NeMo-Skills prints), ``wer_micro`` the same, and
    ``wer_macro`` the mean of the splits' rates (as the leaderboard's average).
    """
    found: dict[str, Metrics] = {}
    for name in splits[0]["protocols"]:
        if not all(name in split["protocols"] for split in splits):
            continue
        blocks = [split["protocols"][name] for split in splits]
        counts = {key: sum(block[key] for block in blocks) for key in _ADDED}
        versions = sorted({block["version"] for block in blocks})
        block: Metrics = {"version": "; ".join(versions), **counts, **rates(counts)}
        for rate in _RATES:
            drawn = [
                [stats.unpacked(part) for part in one.get(name, {}).get(rate, ())]
                for one in replicates
            ]
            known = all(drawn)
            block[f"{rate}_ci"] = (
                stats.interval(stats.percent(*(sum(part) for part in zip(*drawn, strict=True))))
                if known
                else None
            )
            if rate == "wer":
                block |= _micro_and_macro(block, blocks, drawn if known else None)
        found[name] = block
    return found


def _micro_and_macro(
    total: Metrics, blocks: Sequence[Metrics], drawn: Sequence[Sequence[Any]] | None
) -> Metrics:
    known = [block["wer"] for block in blocks if block["wer"] is not None]
    replicated = (
        None
        if drawn is None
        else stats.interval(sum(stats.percent(*sums) for sums in drawn) / len(drawn))
    )
    return {
        "wer_micro": total["wer"],
        "wer_micro_ci": total["wer_ci"],
        "wer_macro": sum(known) / len(known) if known else None,
        "wer_macro_ci": replicated if len(known) == len(blocks) else None,
    }
