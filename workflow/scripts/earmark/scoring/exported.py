"""A model's answers as the Open ASR Leaderboard has them: result files, and ``.eval_results``.

Formats: huggingface/open_asr_leaderboard at d1e99b25 (``normalizer/data_utils.py``), and
huggingface/hub-docs, ``docs/hub/eval-results.md``. Tasks are called as in the files of models on
the Hub: ``mean_wer``, ``<set>_wer`` and ``rtfx``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Any

from earmark.config import Split
from earmark.files import Row
from earmark.scoring.metrics import busy_seconds
from earmark.scoring.pairs import each_sample, paired
from earmark.scoring.samples import Scorer

PROTOCOL = "open_asr_leaderboard"
DATASET = "hf-audio/open-asr-leaderboard"


def result_rows(split: Split, manifest: str, predictions: str) -> Iterator[Row]:
    """The rows of a split's result file: raw texts, as scoring has them before it normalizes.

    ``pred_text`` is without reasoning, and postprocessed where the split is. ``time`` is a
    request's share of the seconds in which any was under way, so that it adds up to them, as the
    leaderboard's share of a batch does.

    Raises:
        EarmarkError: when manifest and predictions do not pair up; names the line.
    """
    scorer = Scorer.named(split.protocols, split.postprocess, split.language)
    pairs, session = paired(manifest, predictions), split.session
    chunks = session.given if session else None
    samples = list(each_sample(pairs, manifest, predictions, session=chunks))
    timed = all(one.seconds is not None for one in samples)
    spent = sum(one.seconds or 0.0 for one in samples)
    scale = busy_seconds([answer for _, answer in pairs]) / spent if timed and spent else 0.0
    for sample, (entry, _) in zip(samples, pairs, strict=True):
        yield {
            "audio_filepath": PurePosixPath(sample.id).name,
            "duration": sample.duration,
            "time": round((sample.seconds or 0.0) * scale, 6) if timed else None,
            "text": sample.reference,
            "pred_text": scorer.heard(sample).generation,
            **({"parent_id": entry[session.group], "chunk_index": entry[session.order]}
               if session else {}),
        }  # fmt: skip


def eval_results(
    whole: Mapping[str, Any],
    splits: Mapping[str, Mapping[str, Any]],
    complete: bool,
    revision: str | None,
    served: str,
) -> list[Row]:
    """The entries of ``.eval_results/open_asr_leaderboard.yaml``.

    Args:
        whole: The benchmark's metrics (``pass@1``).
        splits: Those of each split, by what the leaderboard calls it.
        complete: Whether these are all the sets that its average is of.
        revision: The data's commit; None where it is not pinned.
        served: By what and on what the model ran, for the note beside RTFx.

    Returns:
        An entry a set that was scored by `PROTOCOL`, before them their mean where they are
        complete, and RTFx with a note of what it is.
    """
    source = {"id": DATASET, **({"revision": revision} if revision else {})}
    today: date = datetime.now(UTC).date()

    def entry(task: str, value: float, notes: str | None = None) -> Row:
        digits = round(value, 2)
        row = {"dataset": {**source, "task_id": task}, "value": digits, "date": today.isoformat()}
        return {**row, **({"notes": notes} if notes else {})}

    found = []
    mean = whole.get("protocols", {}).get(PROTOCOL, {}).get("wer_macro_splits")
    if complete and mean is not None:
        found.append(entry("mean_wer", mean))
    if whole.get("rtfx_wall") is not None:
        note = (
            "Seconds of audio over the seconds in which requests were under way, by Earmark, "
            f"against {served}; not the leaderboard's batches on one H200."
        )
        found.append(entry("rtfx", whole["rtfx_wall"], note))
    for name, one in splits.items():
        rate = one.get("protocols", {}).get(PROTOCOL, {}).get("wer")
        if rate is not None:
            found.append(entry(f"{name}_wer", rate))
    return found


def unfit(split: Split) -> str | None:
    """Why the leaderboard has no such file as a split would make; None where it may have."""
    if split.scoring != "asr":
        return f"`scoring: {split.scoring}`, and the leaderboard's files are of word errors"
    if split.source.type != "hub":
        return f"`source.type: {split.source.type}`, and files are named after a set of the Hub"
    return split.label() and f"not the whole set: {split.label()}"


def sets(splits: Sequence[Split]) -> list[Split]:
    """The splits that can be exported: of speech recognition, of the Hub, whole and with audio."""
    return [split for split in splits if unfit(split) is None]
