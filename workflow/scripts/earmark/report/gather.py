"""What a run has so far: each model's numbers on each split, and what is missing or has failed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from earmark import provenance
from earmark.config import Model, Run, Split
from earmark.errors import EarmarkError
from earmark.files import read_json
from earmark.paths import Files
from earmark.report.published import Published, read_published, subset

Metrics = dict[str, Any]
State = Literal["scored", "answered", "answering", "failed", "waiting"]

STATES: dict[State, str] = {
    "scored": "scored",
    "answered": "answered, not scored",
    "answering": "answers under way",
    "failed": "failed",
    "waiting": "not begun",
}
"""What each state is called in print."""


def files(run: Run, folder: str, split: Split) -> Files:
    """Where the files of a model (by its folder) on a split lie; they need not be there."""
    return Files(run.paths, {"model": folder, "benchmark": split.benchmark, "split": split.name})


@dataclass(frozen=True)
class Evaluation:
    """One model on one split.

    Attributes:
        model: The model.
        split: The split.
        files: Where its files lie.
        state: How far it has come.
        failure: Why its last job failed, where it did.
        metrics: The ``pass@1`` of the split's metrics; None until it is scored.
        label: What sets the numbers apart, such as ``text only``; None for an ordinary run.
        groups: Rates by length and skill, for MMAU-Pro.
        jobs: The inference jobs that ran, as `earmark.provenance.recorded` wrote them.
    """

    model: Model
    split: Split
    files: Files
    state: State
    failure: str | None
    metrics: Metrics | None
    label: str | None
    groups: Mapping[str, Mapping[str, Metrics]]
    jobs: list[dict[str, Any]]

    @property
    def subset(self) -> str:
        """What metrics call the split."""
        return subset(self.split)

    @property
    def told(self) -> str:
        """The state in print, with the first line of why it failed."""
        reason = (self.failure or "").partition("\n")[0].rstrip(":")
        return ": ".join(filter(None, (STATES[self.state], reason)))


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
        return [one for one in self.evaluations.values() if one.metrics is None]

    def of(self, benchmark: str, model: str | None = None) -> list[Evaluation]:
        """The evaluations on a benchmark, of one model or of all."""
        return [one for (folder, name, _), one in self.evaluations.items()
                if name == benchmark and model in (None, folder)]  # fmt: skip


def gather(run: Run, published: str | Path | None = None) -> Results:
    """Read what a run has so far, and a CSV file of published numbers.

    Raises:
        EarmarkError: for a file that cannot be read.
    """
    evaluations = {
        (folder, benchmark, split.name): _evaluation(run, model, folder, split)
        for folder, model in run.models.items()
        for benchmark, splits in run.benchmarks.items()
        for split in splits.values()
    }
    return Results(
        run=run,
        evaluations=evaluations,
        subsets=dict(_subsets(run, evaluations)),
        published=read_published(published, run) if published else [],
    )


def _evaluation(run: Run, model: Model, folder: str, split: Split) -> Evaluation:
    places = files(run, folder, split)
    jobs = provenance.jobs(places.jobs)
    content: dict[str, Any] = {}
    state: State = "waiting"
    if places.split_metrics.is_file() and places.scores.is_file():
        content, state = read_json(places.split_metrics), "scored"
    elif places.predictions.is_file():
        state = "answered"
    elif reason := failure(places, jobs):
        state = "failed"
    elif any(places.journal.glob("*.jsonl")):
        state = "answering"
    modes = {name: finite(values) for name, values in content.items() if "@" in name}
    if state == "scored" and not any("num_entries" in values for values in modes.values()):
        raise EarmarkError(
            f"{places.split_metrics}: holds no `pass@1` with `num_entries`; score the split anew"
        )
    return Evaluation(
        model=model,
        split=split,
        files=places,
        state=state,
        failure=reason if state == "failed" else None,
        metrics=first_mode(modes),
        label=content.get("label"),
        groups=finite(content.get("by") or {}),
        jobs=jobs,
    )


def failure(places: Files, jobs: list[dict[str, Any]] | None = None) -> str | None:
    """Why the last inference job of a model on a split failed; None where none has.

    A job that was killed leaves no record, and one that runs writes its journal after it: neither
    is a failure.
    """
    jobs = provenance.jobs(places.jobs) if jobs is None else jobs
    failed = [job for job in jobs if not job["ended_well"]]
    if not failed or places.predictions.is_file():
        return None
    last = failed[-1]
    written = [path.stat().st_mtime for path in places.journal.glob("*.jsonl")]
    if any(job["ended_well"] and job["start"] >= last["end"] for job in jobs):
        return None
    if max(written, default=0.0) > max(job["end"] for job in jobs) + 1:
        return None
    return str(last.get("error") or f"{places.infer_log.parent} has its log")


def _subsets(
    run: Run, evaluations: Mapping[tuple[str, str, str], Evaluation]
) -> Iterable[tuple[tuple[str, str], dict[str, Metrics]]]:
    """The aggregated numbers, where they are those of all the splits that the config selects."""
    for folder in run.models:
        for benchmark, splits in run.benchmarks.items():
            path = run.paths.metrics.of(model=folder, benchmark=benchmark)
            scored = {
                subset(split): metrics
                for split in splits.values()
                if (metrics := evaluations[folder, benchmark, split.name].metrics) is not None
            }
            if path.is_file() and len(scored) == len(splits):
                whole = {name: finite(first_mode(modes)) for name, modes in read_json(path).items()}
                scored = whole if set(scored) <= set(whole) else scored
            yield (folder, benchmark), scored


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
