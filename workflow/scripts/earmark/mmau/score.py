"""The score and aggregate steps of MMAU-Pro: from answers to verdicts, and to the published files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_json, read_jsonl, write_json, write_jsonl
from earmark.mmau import summary
from earmark.mmau.answers import answered
from earmark.mmau.verdicts import CLOSED_FORM, verdicts
from earmark.scoring.metrics import printed
from earmark.scoring.pairs import paired

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
) -> None:
    """Score a split.

    Args:
        subset: What the split is called in metrics: ``<benchmark>.<split>``.
        way: How it is scored.
        manifest: The split's manifest.
        predictions: The model's answers, a file for each seed.
        beside: The matches or judgements of each; none for instructions.
        scores: The file to write, a verdict a sample (and seed): ``….jsonl``.
        metrics: The file to write beside it, ``….metrics.json``: the split's metrics, those of its
            sub-categories, rates by length and skill, and samples that could not be scored.
        protocol: What the numbers rest on, kept beside them: the prompt, the judge or the
            matcher, how sentences are counted (``sentences``).
        label: What is special about this split's run, for tables; or None.

    Raises:
        EarmarkError: when the files do not pair up; names the sample.
    """
    rows: list[Row] = []
    answers: list[Row] = []
    for seed, file in enumerate(predictions):
        pairs = answered(manifest, file)
        other = [row for _, row in paired(manifest, beside[seed])] if beside else None
        samples = [(row, answer["generation"]) for row, answer in pairs]
        found = verdicts(way, samples, other, protocol.get("sentences", "punctuation"))
        number = {"seed": seed} if len(predictions) > 1 else {}
        for row, (_, answer) in zip(found, pairs, strict=True):
            removed = {"reasoning_removed": True} if answer["reasoning_removed"] else {}
            rows.append({**row, **number, **removed})
            answers.append(answer)
    write_jsonl(scores, rows)
    whole = summary.table(rows, answers)
    blocks = category_blocks(subset, way, whole)
    write_json(
        metrics,
        {
            "subset": subset,
            "scoring": way,
            "label": label,
            **blocks.pop(subset),
            "subsets": blocks,
            "by": summary.by_group(whole),
            "unscored": _unscored(rows),
            "protocol": protocol,
        },
    )


def category_blocks(subset: str, way: str, samples: DataFrame) -> Blocks:
    """The metrics of a category, then of its sub-categories, by their names in the layout."""
    found = {subset: summary.modes(samples, subset)}
    if way == CLOSED_FORM:
        names = samples["category"].map(lambda name: None if name is None else str(name))
        for name, part in samples.groupby(names):
            found[f"{subset}-{name}"] = summary.modes(part, f"{subset}-{name}")
    return found


def _unscored(rows: Iterable[Row]) -> list[Row]:
    """What could not be scored, and why; it is printed too."""
    keys = ("id", "seed", "excluded", "why")
    found = [
        {key: row[key] for key in keys if key in row} for row in rows if row["correct"] is None
    ]
    for row in found[:SHOWN]:
        print(f"sample {row['id']}: not scored ({row['excluded']}): {row['why']}")
    return found[:SHOWN]


def _labelled(blocks: Mapping[str, Mapping[str, summary.Metrics]], label: str | None) -> Blocks:
    """The blocks, with what sets them apart from those of whole splits with audio."""
    own = {"label": label} if label else {}
    return {
        name: {mode: {**values, **own} for mode, values in modes.items()}
        for name, modes in blocks.items()
    }


def _read_blocks(split: Mapping[str, Any]) -> Blocks:
    """The blocks of what `score_mmau` wrote."""
    head = {key: value for key, value in split.items() if "@" in key}
    return _labelled({split["subset"]: head, **split["subsets"]}, split.get("label"))


def aggregate_category(split: str, metrics: str, details: str) -> None:
    """Write a category's own files: its metrics, and what they rest on.

    Args:
        split: The metrics that the score step wrote.
        metrics: The file to write: the category, then its sub-categories.
        details: The file to write: the protocol, rates by length and skill, samples that could
            not be scored.

    Raises:
        EarmarkError: when a file cannot be read.
    """
    found = read_json(split)
    blocks = _read_blocks(found)
    write_json(metrics, blocks)
    write_json(details, {key: found.get(key) for key in ("label", "protocol", "by", "unscored")})
    print(printed(blocks))


def aggregate_mmau(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics from those of its categories, and from their samples.

    Args:
        benchmark: The benchmark's name.
        splits: The metrics files of the selected categories, beside their scores files.
        metrics: The file to write: the benchmark, then each category and its sub-categories.

    Raises:
        EarmarkError: when a file cannot be read, or categories have other numbers of seeds.
    """
    files = list(splits)
    found = [read_json(path) for path in files]
    blocks = [_read_blocks(split) for split in found]
    heads = {split["subset"]: block[split["subset"]] for split, block in zip(found, blocks, strict=True)}
    if len({tuple(head) for head in heads.values()}) > 1:
        listed = "; ".join(f"{subset}: {', '.join(head)}" for subset, head in heads.items())
        raise EarmarkError(f"{benchmark}: its categories have other evaluation modes: {listed}")
    tables = [summary.table(read_jsonl(path.removesuffix(".metrics.json") + ".jsonl")) for path in files]
    total = whole(heads, dict(zip(heads, tables, strict=True)))
    labels = dict.fromkeys(split["label"] for split in found if split.get("label"))
    made = _labelled({benchmark: total}, "; ".join(labels))
    for block in blocks:
        made |= block
    write_json(metrics, made)
    print(printed(made))


def whole(
    heads: Mapping[str, Mapping[str, summary.Metrics]], tables: Mapping[str, DataFrame]
) -> dict[str, summary.Metrics]:
    """Combine categories.

    Args:
        heads: The metrics of each category, by subset and mode.
        tables: The samples of each, by subset.
    """
    chosen = {subset: summary.by_mode(table) for subset, table in tables.items()}
    total = {}
    for mode in next(iter(heads.values())):
        parts = [head[mode] for head in heads.values()]
        of_mode = {subset: one[mode] for subset, one in chosen.items()}
        total[mode] = {
            **summary.overall(parts, list(of_mode.values())),
            **summary.whole_intervals(parts, of_mode),
        }
    return total


def as_list(files: str | Sequence[str]) -> list[str]:
    """One file or several, as Snakemake gives them, as a list."""
    return [files] if isinstance(files, str) else list(files)
