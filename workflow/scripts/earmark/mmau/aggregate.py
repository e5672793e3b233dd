"""MMAU-Pro's whole, from its categories: the published layout of files and the overall figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import read_json, write_json
from earmark.mmau.intervals import Sums, combined
from earmark.mmau.summary import Metrics, overall
from earmark.scoring.printed import printed


def category_blocks(split: Mapping[str, Any]) -> dict[str, dict[str, Metrics]]:
    """A category's metrics and those of its sub-categories, by their names in the layout.

    Args:
        split: What the score step wrote.
    """
    subsets: dict[str, dict[str, Metrics]] = split.get("subsets", {})
    modes = {key: value for key, value in split.items() if "@" in key}
    return labelled({split["subset"]: modes, **subsets}, split.get("label"))


def labelled(
    blocks: Mapping[str, Mapping[str, Metrics]], label: str | None
) -> dict[str, dict[str, Metrics]]:
    """The blocks, with what sets them apart from those of whole splits with audio."""
    own = {"label": label} if label else {}
    return {
        name: {mode: {**values, **own} for mode, values in modes.items()}
        for name, modes in blocks.items()
    }


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
    blocks = category_blocks(found)
    write_json(metrics, blocks)
    write_json(details, {key: found.get(key) for key in ("label", "protocol", "by", "unscored")})
    print(printed(blocks))


def aggregate_mmau(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics from those of its categories.

    Args:
        benchmark: The benchmark's name.
        splits: The metrics files of the selected categories.
        metrics: The file to write: the benchmark, then each category and its sub-categories.

    Raises:
        EarmarkError: when a file cannot be read, or categories have other numbers of seeds.
    """
    found = [read_json(path) for path in splits]
    blocks = [category_blocks(split) for split in found]
    heads = [block[split["subset"]] for split, block in zip(found, blocks, strict=True)]
    if len({tuple(head) for head in heads}) > 1:
        listed = "; ".join(
            f"{s['subset']}: {', '.join(h)}" for s, h in zip(found, heads, strict=True)
        )
        raise EarmarkError(f"{benchmark}: its categories have other evaluation modes: {listed}")
    total = {
        mode: whole(
            [head[mode] for head in heads], [split.get("raw", {}).get(mode) for split in found]
        )
        for mode in heads[0]
    }
    labels = dict.fromkeys(split["label"] for split in found if split.get("label"))
    made = labelled({benchmark: total}, "; ".join(labels))
    for block in blocks:
        made |= block
    write_json(metrics, made)
    print(printed(made))


def whole(parts: Sequence[Metrics], sums: Sequence[Sums | None]) -> Metrics:
    """Combine categories (`earmark.mmau.summary.overall`), with the intervals of the rates.

    Args:
        parts: The metrics of each category.
        sums: Their replicated sums (`earmark.mmau.intervals`), where they are known.
    """
    return {**overall(parts), **combined(parts, sums)}
