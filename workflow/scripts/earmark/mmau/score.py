"""The score and aggregate steps of MMAU-Pro: from answers to verdicts and published files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_json, read_jsonl, write_json, write_jsonl
from earmark.mmau import summary
from earmark.mmau.answers import answered
from earmark.mmau.verdicts import CLOSED_FORM, verdicts
from earmark.scoring.metrics import labelled
from earmark.scoring.pairs import paired
from earmark.scoring.printed import printed
from earmark.scoring.slices import By, values

if TYPE_CHECKING:
    from pandas import DataFrame

Blocks = dict[str, dict[str, summary.Metrics]]

SHOWN = 100
"""Samples that could not be scored are named up to so many; the scores file has all of them."""


def score_mmau(
    subset: str,
    way: str,
    manifest: str,
    predictions: Sequence[str],
    beside: Sequence[str],
    scores: str,
    metrics: str,
    protocol: dict[str, Any],
    label: str | None = None,
    group_by: By = (),
) -> None:
    """Score a split.

    Args:
        subset: What the split is called in metrics: ``<benchmark>.<split>``.
        way: How it is scored.
        manifest: The split's manifest.
        predictions: The model's answers, a file for each seed.
        beside: The matches or judgements of each; none where neither is needed.
        scores: The file to write, a verdict a sample (and seed): ``….jsonl``.
        metrics: The file to write beside it, ``….metrics.json``: the split's metrics, those of its
            sub-categories, rates by length and skill, and samples that could not be scored.
        protocol: What the numbers rest on (`earmark.mmau.protocol`), kept beside them.
        label: What is special about this split's run, for tables; or None.
        group_by: As for `earmark.scoring.score.score`.

    Raises:
        EarmarkError: when the files do not pair up; names the sample.
    """
    rows: list[Row] = []
    answers: list[list[Row]] = []
    for seed, file in enumerate(predictions):
        pairs = answered(manifest, file)
        others = [row for _, row in paired(manifest, beside[seed])] if beside else None
        samples = [(row, answer["generation"]) for row, answer in pairs]
        found = verdicts(way, samples, others, protocol)
        for row, (entry, answer) in zip(found, pairs, strict=True):
            if len(predictions) > 1:
                row["seed"] = seed
            if answer["reasoning_removed"]:
                row["reasoning_removed"] = True
            if group_by:
                row["by"] = values(entry, group_by, f"{manifest}, sample {entry['id']!r}")
        rows += found
        answers.append([answer for _, answer in pairs])
    write_jsonl(scores, rows)
    table = summary.table(rows)
    blocks = category_blocks(subset, way, table, answers)
    made: Row = {"subset": subset, "scoring": way, "label": label, **blocks.pop(subset)}
    made |= {"subsets": blocks, "by": summary.by_group(table)}
    write_json(metrics, {**made, "unscored": unscored(rows), "protocol": protocol})


def category_blocks(
    subset: str, way: str, samples: DataFrame, predictions: Sequence[Sequence[Row]] = ()
) -> Blocks:
    """The metrics (`earmark.mmau.summary.modes`) of a category, then of its sub-categories."""
    found = {subset: summary.modes(samples, predictions)}
    if way == CLOSED_FORM:
        for category, part in samples.groupby(samples["category"].map(str, na_action="ignore")):
            places = part.index.unique("sample")
            among = [[answers[place] for place in places] for answers in predictions]
            found[f"{subset}-{category}"] = summary.modes(part, among)
    return found


def unscored(rows: Iterable[Row]) -> list[Row]:
    """The first of the verdicts on samples that could not be scored, which are printed too."""
    keys = ("id", "seed", "excluded", "why")
    found = [row for row in rows if row["correct"] is None][:SHOWN]
    for row in found:
        print(f"sample {row['id']}: not scored ({row['excluded']}): {row['why']}")
    return [{key: row[key] for key in keys if key in row} for row in found]


def _blocks(split: Row) -> Blocks:
    """The blocks that `score_mmau` wrote, labelled."""
    head = {key: value for key, value in split.items() if "@" in key}
    return labelled({split["subset"]: head, **split["subsets"]}, split["label"])


def aggregate_category(split: str, metrics: str, details: str) -> None:
    """Write a category's own files from the metrics that `score_mmau` wrote.

    ``metrics`` has the category, then its sub-categories, ``details`` the protocol, rates by group,
    and samples that could not be scored.
    """
    found = read_json(split)
    blocks = _blocks(found)
    write_json(metrics, blocks)
    write_json(details, {key: found[key] for key in ("label", "protocol", "by", "unscored")})
    print(report(blocks))


def aggregate_mmau(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics from those of its categories, and from their samples.

    Args:
        benchmark: The benchmark's name.
        splits: The metrics files of the selected categories, beside their scores files.
        metrics: The file to write: the benchmark, then each category and its sub-categories.

    Raises:
        EarmarkError: when a file cannot be read, or categories have other numbers of seeds.
    """
    heads: Blocks = {}
    below: Blocks = {}
    tables, labels = [], []
    for path in splits:
        found = read_json(path)
        blocks = _blocks(found)
        heads[found["subset"]] = blocks[found["subset"]]
        below |= blocks
        labels.append(found["label"])
        tables.append(summary.table(read_jsonl(f"{path.removesuffix('.metrics.json')}.jsonl")))
    if len({tuple(head) for head in heads.values()}) > 1:
        listed = "; ".join(f"{subset}: {', '.join(head)}" for subset, head in heads.items())
        raise EarmarkError(f"{benchmark}: its categories have other evaluation modes: {listed}")
    total = {benchmark: summary.whole(list(heads.values()), tables)}
    made = labelled(total, "; ".join(dict.fromkeys(filter(None, labels)))) | below
    write_json(metrics, made)
    print(report(made))


def report(blocks: Blocks) -> str:
    """What is printed: the published tables, then what they do not say of letters and reasoning."""
    notes = []
    for subset, modes in blocks.items():
        mode, values = next(iter(modes.items()))
        shown = [f"{name} {values[name]:.2f}%" for name in summary.ALTERNATIVES if values.get(name)]
        counts = [
            f"{n} {values[n]}" for n in ("letter_answers", "reasoning_removed") if values.get(n)
        ]
        if counts or "success_rate_nemo_skills" in values:
            notes.append(f"{subset} {mode}: {', '.join([*counts, *shown])}")
    return "\n".join([printed(blocks), *([""] if notes else []), *notes])


def as_list(files: str | Sequence[str]) -> list[str]:
    """One file or several, as Snakemake gives them, as a list."""
    return [files] if isinstance(files, str) else list(files)
