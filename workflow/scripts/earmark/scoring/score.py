"""The score step: a row per sample, and the split's metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, write_json, write_jsonl
from earmark.scoring.metrics import prediction_metrics
from earmark.scoring.pairs import paired

_PACKAGES = Path(__file__).parents[1]


def code_hash(scoring: str = "asr") -> str:
    """Return a hash of the content of the packages that decide a score: code and tables.

    Rules carry it as a param, so that a change in how a split is scored scores it anew.

    Args:
        scoring: How the split is scored.
    """
    packages = ("scoring",) if scoring == "asr" else ("scoring", "mmau")
    digest = hashlib.sha256()
    for package in packages:
        for file in sorted((_PACKAGES / package).rglob("*")):
            if file.suffix in (".py", ".tsv"):
                digest.update(f"{file.relative_to(_PACKAGES)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def score(
    subset: str,
    scoring: str,
    manifest: str,
    predictions: str | Sequence[str],
    scores: str,
    metrics: str,
    protocols: Sequence[str] = ("whisper", "open_asr_leaderboard"),
    postprocess: str = "none",
    label: str | None = None,
) -> None:
    """Score one split.

    With one file of predictions the metrics stand under ``pass@1``. With k files, one a seed, they
    stand under ``pass@1[avg-of-k]`` (all answers), ``pass@k`` (of each sample the answer with the
    fewest word errors) and ``majority@k`` (of each sample the answer that came most often once
    normalized, the earliest of equals); the first protocol decides.

    Args:
        subset: What the split is called in metrics: ``<benchmark>-<split>``.
        scoring: How to score; ``asr``.
        manifest: The split's manifest.
        predictions: The model's predictions, in manifest order; or a file a seed.
        scores: The file to write, a row per sample.
        metrics: The file to write, the split's metrics.
        protocols: Names of the protocols to score by; the first is primary.
        postprocess: What is done to the answers first, by name.
        label: What is special about this split's run, for tables; or None.

    Raises:
        EarmarkError: when manifest and predictions do not pair up, or a row lacks what scoring
            needs; names the sample.
    """
    files = [predictions] if isinstance(predictions, str) else list(predictions)
    pairs = [paired(manifest, file) for file in files]
    samples = [list(_samples(p, manifest, file)) for p, file in zip(pairs, files, strict=True)]
    found = [prediction_metrics([answer for _, answer in rows]) for rows in pairs]

    def made(mode: str, chosen: Sequence[Any], known: dict[str, Any]) -> Iterator[Row]:
        scorer = Scorer(subset, protocols, postprocess)
        yield from scorer.rows(iter(chosen))
        modes[mode], raw["raw"][mode] = scorer.metrics(known)

    modes: dict[str, Any] = {}
    raw: dict[str, Any] = {"raw": {}}
    if len(files) == 1:
        write_jsonl(scores, made("pass@1", samples[0], found[0]))
    else:
        from earmark.scoring import seeds

        count, known = len(files), seeds.averaged(found)
        everything = [sample for one in samples for sample in one]
        rows = list(made(f"pass@1[avg-of-{count}]", everything, known))
        write_jsonl(scores, seeds.merged_rows(rows, count))
        best = seeds.best(samples, rows)
        list(made(f"pass@{count}", best, {**known, **seeds.counted(best)}))
        most = seeds.majority(samples, rows)
        list(made(f"majority@{count}", most, {**known, **seeds.counted(most)}))
    write_json(metrics, {"subset": subset, "scoring": scoring, "label": label, **modes, **raw})


class Scorer:
    """Scores the samples of a speech recognition split as they come, and adds them up."""

    def __init__(
        self,
        subset: str,
        protocols: Sequence[str],
        postprocess: str = "none",
        normalized: bool = False,
    ) -> None:
        from earmark.scoring.hallucination import Signs
        from earmark.scoring.rates import Tally
        from earmark.scoring.text import protocol
        from earmark.scoring.text.postprocess import postprocess as postprocess_named
        from earmark.scoring.timing import Timing

        self._subset = subset
        self._protocols = [protocol(name) for name in dict.fromkeys(protocols)]
        self._postprocess = postprocess_named(postprocess)
        self._normalized = normalized
        self._tallies = {one.name: Tally(one) for one in self._protocols}
        self._timing = Timing()
        self._signs = Signs()
        self._ids: list[str] = []
        self._empty: list[bool] = []

    def rows(self, samples: Iterator[Any]) -> Iterator[Row]:
        """Score samples (`earmark.scoring.samples.Sample`), one row each."""
        from dataclasses import replace

        from earmark.scoring.samples import pair, sample_row

        for sample in samples:
            self._empty.append(not sample.generation.strip())
            sample = replace(
                sample, generation=self._postprocess.apply(sample.generation, sample.reference)
            )
            pairs = {one.name: pair(sample, one, self._normalized) for one in self._protocols}
            for name, made in pairs.items():
                self._tallies[name].add(made)
            row = sample_row(sample, pairs, self._protocols)
            self._timing.add(sample, pairs[self._protocols[0].name].counts)
            self._signs.add(sample.id, row.get("signals", ()))
            self._ids.append(sample.id)
            yield row

    def metrics(self, found: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the metrics of what was scored, and what combining splits needs besides.

        Args:
            found: What is known before scoring: `earmark.scoring.metrics.prediction_metrics`.
        """
        from earmark.scoring import rates
        from earmark.scoring import statistics as stats

        members = stats.groups(self._ids)
        if members is None and len(set(self._ids)) < len(self._ids):
            members = self._ids  # several answers to each utterance, which are drawn together
        blocks, replicates = {}, {}
        for name, tally in self._tallies.items():
            blocks[name], replicates[name] = tally.block(self._subset, members)
        unanswered, replicates["all"] = rates.no_answer(self._empty, members, self._subset)
        timing, latency_bins = self._timing.metrics(found.get("busy_seconds"))
        one = {
            **found,
            **rates.headline(blocks),
            **unanswered,
            "postprocess": self._postprocess.name,
            "postprocess_version": self._postprocess.version,
            "bootstrap": {
                "unit": "utterance" if members in (None, self._ids) else "speaker or recording",
                "units": len(set(members or self._ids)),
                "replicates": stats.REPLICATES,
                "seed": stats.SEED,
            },
            **timing,
            "hallucination": self._signs.metrics(),
        }
        return one, {"replicates": replicates, "latency_bins": latency_bins}


def _samples(rows: Sequence[tuple[Row, Row]], manifest: str, predictions: str) -> Iterator[Any]:
    from earmark.scoring.samples import Sample

    for number, (entry, answer) in enumerate(rows, start=1):
        for path, row, key in ((manifest, entry, "text"), (predictions, answer, "generation")):
            if not isinstance(row.get(key), str):
                raise EarmarkError(
                    f"{path}, row {number} ({entry['id']!r}): {key!r} must be a text, found "
                    f"{row.get(key)!r}"
                )
        duration = entry.get("duration")
        if isinstance(duration, list):
            duration = sum(duration)
        start, end = answer.get("generation_start_time"), answer.get("generation_end_time")
        yield Sample(
            id=str(entry["id"]),
            reference=entry["text"],
            generation=answer["generation"],
            duration=duration,
            seconds=None if start is None or end is None else end - start,
        )
