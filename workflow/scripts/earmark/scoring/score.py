"""The score step: a row per sample and a split's metrics; and a benchmark's, from its splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.files import Row, read_json, read_jsonl, write_json, write_jsonl
from earmark.scoring import seeds
from earmark.scoring.metrics import combine, of_benchmark, prediction_metrics
from earmark.scoring.pairs import paired, samples_of
from earmark.scoring.printed import printed
from earmark.scoring.slices import By
from earmark.scoring.text import column_of, protocol

if TYPE_CHECKING:  # pandas is loaded when something is scored, not when rules are read
    import pandas as pd

_PACKAGES = Path(__file__).parents[1]


def code_hash(scoring: str = "asr") -> str:
    """Return a hash of the packages' code and tables that decide a score in that way.

    Rules carry it as a param, so that a change in how a split is scored scores it anew.
    """
    packages = ("scoring",) if scoring in ("asr", *MEASURES) else ("scoring", "mmau")
    digest = hashlib.sha256()
    for package in packages:
        for file in sorted((_PACKAGES / package).rglob("*")):
            if file.suffix in (".py", ".tsv"):
                digest.update(f"{file.relative_to(_PACKAGES)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def check_scoring(splits: Iterable[Any]) -> None:
    """Refuse what splits (`earmark.config.Split`) cannot be scored by, before anything is asked.

    Protocols have to be for a split's language, one of them of all splits of a benchmark, and
    measures to have what they need.

    Raises:
        EarmarkError: naming the split, the key and what would do.
    """
    from earmark.scoring.measures import measure_type

    shared: dict[str, list[str]] = {}
    for split in splits:
        where = f"benchmark {split.benchmark}, split {split.name}: "
        try:
            if split.way == "asr":
                where += "protocols: "
                for name in split.protocols:
                    protocol(name, split.language)
                known = shared.get(split.benchmark, split.protocols)
                shared[split.benchmark] = [name for name in known if name in split.protocols]
                if not shared[split.benchmark]:
                    raise EarmarkError(
                        "a benchmark's rates are by one that all of its splits have; those before "
                        f"have {', '.join(known)}"
                    )
            elif split.way in MEASURES:
                measure_type(split.scoring)(split.measured)
        except EarmarkError as error:
            raise EarmarkError(f"{where}{error}") from None


def score(
    subset: str,
    manifest: str,
    predictions: str | Sequence[str],
    scores: str,
    metrics: str,
    protocols: Sequence[str] = ("whisper", "open_asr_leaderboard"),
    postprocess: str = "none",
    label: str | None = None,
    language: str | None = None,
    group: Mapping[str, str] | None = None,
    session: Mapping[str, str] | None = None,
    averaged_with: str | None = None,
    group_by: By = (),
) -> None:
    """Score one split; metrics stand under the names of `earmark.scoring.seeds.modes`.

    Args:
        subset: What the split is called in metrics: ``<benchmark>-<split>``.
        manifest: The split's manifest.
        predictions: The model's predictions, in manifest order; or a file a seed.
        scores: The file to write, a row per sample.
        metrics: The file to write, the split's metrics.
        protocols: Names of the protocols to score by; the first is primary.
        postprocess: What is done to the answers first, by name.
        label: What is special about this split's run, for tables; or None.
        language: The language of the references; None for English.
        group: An utterance's speaker or call: ``column`` of the manifest, or ``pattern`` in its id.
        session: Of chunks with one reference: columns ``group`` (recording) and ``order`` (place).
        group_by: Columns of the manifest by whose values, or ranges of them, rates are given too.
        averaged_with: A name that the benchmark's splits share which count as one in its mean.

    Raises:
        EarmarkError: when files do not pair up, or a row lacks what is needed; names the sample.
    """
    from earmark.scoring.rates import speech_metrics
    from earmark.scoring.samples import Scorer
    from earmark.scoring.table import Columns

    files = [predictions] if isinstance(predictions, str) else list(predictions)
    others = [column for column in map(column_of, protocols) if column]
    scorer = Scorer.named(protocols, postprocess, language)
    pairs = [paired(manifest, file) for file in files]
    found = [prediction_metrics([answer for _, answer in rows]) for rows in pairs]
    known = found[0] if len(files) == 1 else seeds.averaged(found)
    columns = {mode: Columns(subset, protocols[0]) for mode in seeds.modes(len(files))}
    each = [
        scorer.rows(samples_of(one, manifest, file, group, session, scorer.heard, group_by, others))
        for one, file in zip(pairs, files, strict=True)
    ]
    write_jsonl(scores, _rows(each, columns))
    label = "; ".join(filter(None, (label, scorer.remark))) or None
    made: dict[str, Any] = {"subset": subset, "scoring": "asr", "label": label}
    made |= {"averaged_with": averaged_with} if averaged_with else {}
    done = scorer.postprocess
    for mode, taken in columns.items():
        made[mode] = {**known, **speech_metrics(taken.table(), known["busy_seconds"])}
        made[mode] |= {"postprocess": done.name, "postprocess_version": done.version}
    write_json(metrics, made)


def _rows(each: Sequence[Iterator[Row]], columns: dict[str, Any]) -> Iterator[Row]:
    """A row a sample, of the answers of all seeds, which are added to the tables on the way."""
    for answers in zip(*each, strict=True):
        _add(columns, answers)
        yield answers[0] if len(answers) == 1 else seeds.merged(answers)


def _add(columns: dict[str, Any], answers: Sequence[Row]) -> None:
    """Add a sample's answers to the table of each mode."""
    for table, taken in zip(columns.values(), seeds.chosen(answers), strict=True):
        for seed, row in enumerate(taken):
            table.add(row, seed)


def aggregate(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics: the whole, then a subset a split.

    Args:
        benchmark: The benchmark's name.
        splits: The splits' metrics files (``<split>.metrics.json``), beside their scores
            (``<split>.jsonl``).
        metrics: The file to write.
    """
    from earmark.scoring.rates import speech_metrics
    from earmark.scoring.table import below_each_other

    paths = [str(path) for path in splits]
    found = [read_json(path) for path in paths]
    tables = [
        _tables(path.removesuffix(".metrics.json") + ".jsonl", split)
        for path, split in zip(paths, found, strict=True)
    ]
    alike = {one["subset"]: one["averaged_with"] for one in found if one.get("averaged_with")}
    total = {}
    for mode in [mode for mode in tables[0] if all(mode in one for one in tables)]:
        whole = combine([split[mode] for split in found])
        table = below_each_other([one[mode] for one in tables])
        total[mode] = {**whole, **speech_metrics(table, whole["busy_seconds"], True, alike)}
        for key in ("postprocess", "postprocess_version"):
            total[mode][key] = "; ".join(sorted({split[mode][key] for split in found}))
    made = of_benchmark(benchmark, total, found)
    write_json(metrics, made)
    print(printed(made))


def _tables(scores: str, split: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The tables of a split's scores by mode."""
    from earmark.scoring.table import Columns

    modes = {key: value for key, value in split.items() if "@" in key}
    columns = {mode: Columns(split["subset"], one["protocol"]) for mode, one in modes.items()}
    for row in read_jsonl(scores):
        _add(columns, seeds.answers(row))
    return {mode: taken.table() for mode, taken in columns.items()}
