"""What a run has so far: each model's numbers on each split, and what is still missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from earmark.config import Model, Run, Split
from earmark.errors import EarmarkError
from earmark.files import read_json
from earmark.report.published import Published, read_published

Metrics = dict[str, Any]
State = Literal["scored", "answered", "answering", "waiting"]

STATES: dict[State, str] = {
    "scored": "scored",
    "answered": "answered, not scored",
    "answering": "answers under way",
    "waiting": "not begun",
}
"""What each state is called in print."""


@dataclass(frozen=True)
class Evaluation:
    """One model on one split.

    Attributes:
        model: The model.
        split: The split.
        state: How far it has come.
        metrics: The ``pass@1`` of the split's metrics; None until it is scored.
        modes: All modes of the split's metrics (``pass@1``, ``majority@k``, …).
        label: What sets the numbers apart, such as ``text only``; None for an ordinary run.
        groups: Rates by length and skill, for MMAU-Pro.
        manifest: The split's manifest.
        predictions: The model's answers.
        scores: A row a sample.
        judgements: What the judge said, where there is one.
    """

    model: Model
    split: Split
    state: State
    metrics: Metrics | None
    modes: Mapping[str, Metrics]
    label: str | None
    groups: Mapping[str, Mapping[str, Metrics]]
    manifest: Path
    predictions: Path
    scores: Path
    judgements: Path

    @property
    def subset(self) -> str:
        """What metrics call the split: ``asr-leaderboard-ami``, ``mmau-pro.open_ended``."""
        return subset(self.split)


@dataclass(frozen=True)
class Results:
    """A run's results, whole or half way.

    Attributes:
        run: The run's config.
        evaluations: By model's folder, benchmark and split, in the config's order.
        subsets: The ``pass@1`` of every subset that has been aggregated, by model's folder,
            benchmark and subset, the benchmark itself included.
        published: Other systems' published numbers.
    """

    run: Run
    evaluations: dict[tuple[str, str, str], Evaluation]
    subsets: dict[tuple[str, str], dict[str, Metrics]]
    published: list[Published] = field(default_factory=list)

    def missing(self) -> list[Evaluation]:
        """The evaluations that have no numbers yet."""
        return [found for found in self.evaluations.values() if found.metrics is None]

    def of(self, benchmark: str, model: str | None = None) -> list[Evaluation]:
        """The evaluations on a benchmark, of one model or of all."""
        return [
            found
            for (folder, name, _), found in self.evaluations.items()
            if name == benchmark and model in (None, folder)
        ]

    def scoring(self, benchmark: str) -> str:
        """How a benchmark is scored: ``asr`` or ``mmau``."""
        return self.run.scoring(benchmark)


def is_asr(split: Split) -> bool:
    """Whether a split is scored by word error rate."""
    return split.scoring == "asr"


def subset(split: Split) -> str:
    """What metrics call a split."""
    mark = "-" if is_asr(split) else "."
    return f"{split.benchmark}{mark}{split.name}"


def gather(run: Run, published: str | Path | None = None, only_complete: bool = False) -> Results:
    """Read what a run has so far.

    Args:
        run: The run's config.
        published: A CSV file of published numbers, or None.
        only_complete: Whether anything missing is an error.

    Raises:
        EarmarkError: for a file that cannot be read; with ``only_complete``, for what is missing.
    """
    evaluations = {
        (folder, benchmark, split.name): _evaluation(run, model, folder, split)
        for folder, model in run.models.items()
        for benchmark, splits in run.benchmarks.items()
        for split in splits.values()
    }
    results = Results(
        run=run,
        evaluations=evaluations,
        subsets=dict(_subsets(run, evaluations)),
        published=read_published(published, run) if published else [],
    )
    missing = results.missing()
    if only_complete and missing:
        named = ", ".join(f"{found.model.name} on {found.subset}" for found in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise EarmarkError(f"not evaluated yet: {named}{more}; `snakemake` makes them")
    return results


def _evaluation(run: Run, model: Model, folder: str, split: Split) -> Evaluation:
    where = {"model": folder, "benchmark": split.benchmark, "split": split.name}
    metrics = run.paths.split_metrics.of(**where)
    predictions = run.paths.predictions.of(**where)
    scores = run.paths.scores.of(**where)
    found: dict[str, Any] = {}
    state: State = "waiting"
    if metrics.is_file() and scores.is_file():
        found, state = read_json(metrics), "scored"
    elif predictions.is_file():
        state = "answered"
    elif any(run.paths.journal.of(**where).glob("*.jsonl")):
        state = "answering"
    modes = {name: finite(values) for name, values in found.items() if isinstance(values, dict)}
    modes = {name: values for name, values in modes.items() if "num_entries" in values}
    if state == "scored" and not modes:
        raise EarmarkError(f"{metrics}: holds no `pass@1` with `num_entries`; score the split anew")
    return Evaluation(
        model=model,
        split=split,
        state=state,
        metrics=first_mode(modes),
        modes=modes,
        label=found.get("label"),
        groups=finite(found.get("by") or {}),
        manifest=run.paths.manifest.of(**where),
        predictions=predictions,
        scores=scores,
        judgements=run.paths.judgements.of(**where),
    )


def _subsets(
    run: Run, evaluations: Mapping[tuple[str, str, str], Evaluation]
) -> Iterable[tuple[tuple[str, str], dict[str, Metrics]]]:
    """The aggregated numbers, where they are those of all the splits that the config selects."""
    for folder in run.models:
        for benchmark, splits in run.benchmarks.items():
            path = run.paths.metrics.of(model=folder, benchmark=benchmark)
            found = {
                subset(split): evaluations[folder, benchmark, split.name].metrics
                for split in splits.values()
            }
            one = {name: values for name, values in found.items() if values is not None}
            if path.is_file() and len(one) == len(splits):
                whole = {name: finite(first_mode(modes)) for name, modes in read_json(path).items()}
                one = whole if set(one) <= set(whole) else one
            yield (folder, benchmark), one


def first_mode(modes: Mapping[str, Metrics]) -> Metrics | None:
    """The metrics that tables show: ``pass@1``, with several seeds their average."""
    return next((values for mode, values in modes.items() if mode.startswith("pass@1")), None)


def finite(value: Any) -> Any:
    """A value of JSON with None for every number that is none (NaN, infinities)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value
