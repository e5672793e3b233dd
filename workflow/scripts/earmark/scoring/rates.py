"""Rates of a table of samples, with their intervals: of a split, or of a benchmark's splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from earmark.scoring.hallucination import summary
from earmark.scoring.intervals import LEVEL, METHOD, Units, mean_of_rates, ratio, share
from earmark.scoring.slices import sliced
from earmark.scoring.table import NOTED, SUMMED, percent, protocols
from earmark.scoring.text import described
from earmark.scoring.timing import timing

Metrics = dict[str, Any]
_RATES = {
    "wer": (ratio, "edits", "of"),
    "cer": (ratio, "char_edits", "ref_chars"),
    "success_rate": (share, "successes", "counted"),
}
"""By rate its interval, and the columns whose sums it is a quotient of."""


def speech_metrics(
    table: pd.DataFrame,
    busy: float | None,
    of_splits: bool = False,
    averaged_with: Mapping[str, str] | None = None,
) -> Metrics:
    """Return all that a table of samples says: rates by protocol, timing, signs of hallucination.

    Args:
        table: Samples of a split, or of a benchmark's splits; see `earmark.scoring.table`.
        busy: Seconds in which at least one request was under way.
        of_splits: Whether the table is a benchmark's: its splits are told apart.
        averaged_with: By split, the name of those that count as one in the mean over splits.
    """
    samples = table["sample"]
    splits = samples["split"].tolist()
    several = splits if len(set(splits)) > 1 else None
    units = Units(samples["group"].tolist(), len(samples), several)
    blocks = {name: block(table, name, units) for name in protocols(table)}
    if samples["by"].any():
        for name, one in blocks.items():
            one["slices"] = _slices(table, name, several)
    if of_splits:
        blocks = {
            name: {**one, **_of_splits(table, name, one, units, averaged_with or {})}
            for name, one in blocks.items()
        }
    ids = samples["split"] + "/" + samples["id"] if of_splits else samples["id"]
    return {
        **headline(blocks),
        "no_answer": percent(int(samples["no_answer"].sum()), len(samples)),
        "no_answer_ci": share(samples["no_answer"], [1] * len(samples), units).scaled(100).ends,
        **{key: int(samples[key].sum()) for key in NOTED},
        "intervals": {
            "unit": "utterance" if not units.grouped else "group",
            "groups": units.count,
            "level": LEVEL,
            "method": METHOD,
        },
        **timing(table, protocols(table)[0], busy),
        "hallucination": summary(zip(ids, samples["signals"], strict=True)),
    }


def block(table: pd.DataFrame, name: str, units: Units) -> Metrics:
    """Return a protocol's version, counts, rates (percent) and intervals.

    ``wer`` is all edits over all reference words, ``wer_macro_samples`` the mean of the samples'
    own rates. Where a pair could not be aligned the protocol has no rates, and ``why`` tells which;
    where a rate has no interval, ``…_ci_why`` tells why.
    """
    part = table[name]
    counts = {key: int(part[key].sum()) for key in SUMMED}
    found: Metrics = {"version": described(name).version, **counts}
    if part["of_characters"].any():
        alike = part["of_characters"][part["scored"]].all()
        found["unit"] = "character" if alike else "word or character"
    if (why := part["why"].dropna()).size:
        rates = [f"{rate}{end}" for rate in _RATES for end in ("", "_ci")]
        return {**found, **dict.fromkeys([*rates, "wer_macro_samples"]), "why": why.iloc[0]}
    for rate, (interval, above, below) in _RATES.items():
        found[rate] = percent(int(part[above].sum()), int(part[below].sum()))
        made = interval(part[above], part[below], units).scaled(100)
        found[f"{rate}_ci"] = made.ends
        if made.reason:
            found[f"{rate}_ci_why"] = made.reason
    own = part["edits"] / part["of"].where(part["of"] > 0)
    if described(name).insertions_count:  # of nothing on either side nothing is wrong
        own = own.fillna(0)
    found["wer_macro_samples"] = float(100 * own.mean()) if own.notna().any() else None
    return found


def _slices(table: pd.DataFrame, name: str, splits: Sequence[str] | None) -> Metrics:
    """Return word error rates by the values of the columns that the splits are sliced by."""
    samples, part = table["sample"], table[name]
    if part["why"].notna().any():
        return {}
    by, units = samples["by"].tolist(), (samples["group"].tolist(), splits)
    return sliced(by, part["edits"], part["ref_words"], units, "wer", lower=True)


def _of_splits(
    table: pd.DataFrame, name: str, found: Metrics, units: Units, averaged_with: Mapping[str, str]
) -> Metrics:
    """Return the rate over all words again, and the mean of the splits' rates (percent)."""
    micro = {"wer_micro": found["wer"], "wer_micro_ci": found["wer_ci"]}
    if "why" in found:
        return {**micro, "wer_macro_splits": None, "wer_macro_splits_ci": None}
    sums = table[name][["edits", "of"]].groupby(table["sample", "split"], sort=False).sum()
    rates = 100 * sums["edits"] / sums["of"].where(sums["of"] > 0)
    digits = described(name).averaged_digits
    known = rates.dropna()
    if digits is not None:
        known = known.map(lambda rate: round(rate, digits))
    as_one = {str(split): averaged_with.get(str(split), str(split)) for split in rates.index}
    means = known.groupby([as_one[str(split)] for split in known.index]).mean()
    alike = Counter(as_one.values())
    weights = [1 / len(alike) / alike[name] for name in as_one.values()]
    made = mean_of_rates(table[name]["edits"], table[name]["of"], units, weights).scaled(100)
    nested = {key: float(mean) for key, mean in means.items() if key in averaged_with.values()}
    return {
        **micro,
        "wer_macro_splits": float(means.mean()) if len(means) else None,
        "wer_macro_splits_ci": made.ends if len(known) == len(rates) else None,
        **({"wer_means": nested} if nested else {}),
    }


def headline(protocols: Mapping[str, Metrics]) -> Metrics:
    """Return the first protocol's numbers under their plain names, the others' by protocol.

    The plain names are ``wer``, ``cer``, ``success_rate`` and the counts; another protocol's are
    ``wer_<protocol>`` and ``cer_<protocol>``. An interval stands beside each rate, as ``…_ci``.
    """
    (primary, first), *others = protocols.items()
    found: Metrics = {"protocol": primary, "protocol_version": first["version"]}
    for key, value in first.items():
        if key not in ("version", "scored", "counted", "skipped", "successes"):
            found[key] = value
    for name, one in others:
        for key, value in one.items():
            rate, mark, rest = key.partition("_")
            if rate in ("wer", "cer"):
                found[f"{rate}_{name}{mark}{rest}"] = value
    return {**found, "protocols": dict(protocols)}
