"""Rates of a table of samples, with their intervals: of a split, or of a benchmark's splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from earmark.scoring import statistics as stats
from earmark.scoring.hallucination import summary
from earmark.scoring.table import SUMMED, percent, protocols
from earmark.scoring.text import protocol
from earmark.scoring.timing import timing

Metrics = dict[str, Any]
_RATES = {
    "wer": ("edits", "ref_words"),
    "cer": ("char_edits", "ref_chars"),
    "success_rate": ("successes", "scored"),
}


class Rate(NamedTuple):
    """A rate of samples: the sum of one column over the sum of another.

    Attributes:
        columns: The table's group of columns: a protocol, or ``sample``.
        name: What the rate is called.
        above: The column that is summed above the line.
        below: The column that is summed below it.
    """

    columns: str
    name: str
    above: str
    below: str


def interval(
    table: pd.DataFrame, rate: Rate, members: str = "group", mean_of_splits: bool = False
) -> dict[str, float] | None:
    """Return the 95 % interval of a rate in percent: ``low`` and ``high``; None where unknown.

    Args:
        table: Samples of one split or of several; each split is drawn from by itself.
        rate: The rate.
        members: The column of ``sample`` that tells which answers are drawn together.
        mean_of_splits: Whether the rate is the mean of the splits' rates.
    """
    names = [rate.name] if rate.columns == "sample" else [rate.columns, rate.name]
    drawn = []
    for split, part in table.groupby(("sample", "split"), sort=False):
        sums = part[rate.columns][[rate.above, rate.below]]
        units = sums.groupby(part["sample", members], sort=False).sum()
        drawn.append(
            stats.resample(
                [units[rate.above], units[rate.below]], stats.generator(str(split), *names)
            )
        )
    if mean_of_splits:
        rates = sum(stats.percent(*sums) for sums in drawn) / len(drawn)
    else:
        rates = stats.percent(*(sum(part) for part in zip(*drawn, strict=True)))
    found = stats.interval(rates)
    return None if found is None else {"low": found[0], "high": found[1]}


def speech_metrics(table: pd.DataFrame, busy: float | None, of_splits: bool = False) -> Metrics:
    """Return all that a table of samples says: rates by protocol, timing, signs of hallucination.

    Args:
        table: Samples of a split, or of a benchmark's splits; see `earmark.scoring.table`.
        busy: Seconds in which at least one request was under way.
        of_splits: Whether the table is a benchmark's: its splits are told apart.
    """
    samples = table["sample"]
    blocks = {name: block(table, name) for name in protocols(table)}
    if of_splits:
        blocks = {name: {**one, **_of_splits(table, name, one)} for name, one in blocks.items()}
    ids = samples["split"] + "/" + samples["id"] if of_splits else samples["id"]
    return {
        **headline(blocks),
        "no_answer": percent(int(samples["no_answer"].sum()), len(samples)),
        "no_answer_ci": _bounds(
            interval(table, Rate("sample", "no_answer", "no_answer", "answers"))
        ),
        "bootstrap": {
            "unit": "utterance"
            if (samples["group"] == samples["id"]).all()
            else "speaker or recording",
            "units": len(samples[["split", "group"]].drop_duplicates()),
            "replicates": stats.REPLICATES,
            "seed": stats.SEED,
        },
        **timing(table, protocols(table)[0], busy),
        "hallucination": summary(zip(ids, samples["signals"], strict=True)),
    }


def block(table: pd.DataFrame, name: str) -> Metrics:
    """Return a protocol's version, counts, rates (percent) and intervals.

    ``wer`` is all edits over all reference words, ``wer_macro_samples`` the mean of the samples'
    own rates. Where a pair could not be aligned the protocol has no rates, and ``why`` tells which.
    """
    part = table[name]
    counts = {key: int(part[key].sum()) for key in SUMMED}
    found: Metrics = {"version": protocol(name).version, **counts}
    if (why := part["why"].dropna()).size:
        rates = [f"{rate}{end}" for rate in _RATES for end in ("", "_ci")]
        return {**found, **dict.fromkeys([*rates, "wer_macro_samples"]), "why": why.iloc[0]}
    for rate, (above, below) in _RATES.items():
        found[rate] = percent(int(part[above].sum()), counts[below])
        found[f"{rate}_ci"] = _bounds(interval(table, Rate(name, rate, above, below)))
    own = part["edits"] / part["ref_words"].where(part["ref_words"] > 0)
    found["wer_macro_samples"] = float(100 * own.mean()) if own.notna().any() else None
    return found


def _of_splits(table: pd.DataFrame, name: str, found: Metrics) -> Metrics:
    """Return the rate over all words again, and the mean of the splits' rates (percent)."""
    micro = {"wer_micro": found["wer"], "wer_micro_ci": found["wer_ci"]}
    if "why" in found:
        return {**micro, "wer_macro_splits": None, "wer_macro_splits_ci": None}
    sums = table[name][["edits", "ref_words"]].groupby(table["sample", "split"], sort=False).sum()
    rates = [percent(int(edits), int(words)) for edits, words in sums.itertuples(index=False)]
    known = [rate for rate in rates if rate is not None]
    digits = protocol(name).averaged_digits
    if digits is not None:
        known = [round(rate, digits) for rate in known]
    bounds = interval(table, Rate(name, "wer", "edits", "ref_words"), mean_of_splits=True)
    return {
        **micro,
        "wer_macro_splits": sum(known) / len(known) if known else None,
        "wer_macro_splits_ci": _bounds(bounds) if len(known) == len(rates) else None,
    }


def _bounds(found: Mapping[str, float] | None) -> list[float] | None:
    return None if found is None else [found["low"], found["high"]]


def headline(protocols: Mapping[str, Metrics]) -> Metrics:
    """Return the first protocol's numbers under their plain names, the others' by protocol.

    The plain names are ``wer``, ``cer``, ``success_rate`` and the counts; another protocol's are
    ``wer_<protocol>`` and ``cer_<protocol>``. An interval stands beside each rate, as ``…_ci``.
    """
    (primary, first), *others = protocols.items()
    found: Metrics = {"protocol": primary, "protocol_version": first["version"]}
    for key, value in first.items():
        if key not in ("version", "scored", "skipped", "successes"):
            found[key] = value
    for name, one in others:
        for key, value in one.items():
            rate, mark, rest = key.partition("_")
            if rate in ("wer", "cer"):
                found[f"{rate}_{name}{mark}{rest}"] = value
    return {**found, "protocols": dict(protocols)}
