"""The manifest step: one JSON line an utterance, in the source's order, and its clips as files.

Clips are written to a folder of another name, which becomes ``audio`` once all are there and the
record is written; then the manifest appears. A step that was cut off therefore leaves no manifest,
and its next run begins anew.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from earmark.config import Settings
from earmark.data.clips import ClipStore, WrittenClip
from earmark.data.download import source_type
from earmark.data.sampling import label
from earmark.data.utterance import Utterance
from earmark.errors import EarmarkError
from earmark.files import Row, disk_error, json_text, read_json, whole_file, write_json
from earmark.progress import Progress, human_bytes

SHOWN = 20  # rows left out that the log names, of each kind


def write_manifest(
    preparation: Settings,
    files: str | Path,
    cache: str | Path,
    manifest: str | Path,
    record: str | Path,
    entries: int | None = None,
) -> None:
    """Write a split's manifest and audio from what the download step left.

    Args:
        preparation: The split's settings, as `earmark.config.Split.preparation` has them.
        files: The download's record, ``source/files.json``.
        cache: The folder in which files of the Hub are kept.
        manifest: The ``manifest.jsonl`` to write, with ``audio/`` beside it.
        record: The ``source.json`` to write: the download's record, what became of its rows.
        entries: How many utterances published runs counted; another number is remarked on.

    Raises:
        EarmarkError: when a row or a clip is not what it should be, or the disk is full; names it.
    """
    manifest, source = Path(manifest), preparation["source"]
    folder = Path(files).parent
    total, asked, utterances = source_type(source).utterances(preparation, folder, Path(cache))
    work = manifest.with_name(".audio.partial")
    (lock := FileLock(folder / ".lock")).acquire()  # another clone may prepare the same folder
    shutil.rmtree(work, ignore_errors=True)
    for stale in manifest.parent.glob(f".{manifest.name}.*.partial"):  # of a run that was killed
        stale.unlink()
    left_out: Counter[str] = Counter()
    wanted = {key: preparation[key] for key in ("audio", "limit", "sample")}
    name = f"manifest {manifest.parent.parent.name}/{manifest.parent.name}"
    check = preparation.get("check_audio", "full")
    store = ClipStore(work, manifest.parent, check, folders=asked > ClipStore.FOLDER)
    written = 0
    try:
        with Progress(name, total_clips=asked) as progress, whole_file(manifest) as stream:
            for row in _rows(preparation, utterances, store, left_out, progress):
                stream.write(json_text(row) + "\n")
                written += 1
            if written == 0:
                raise EarmarkError(_nothing_left(source, manifest, asked, left_out))
            stream.flush()
            rows: Row = {"in_split": total, "asked_for": asked, "in_manifest": written}
            rows["left_out"] = dict(sorted(left_out.items()))
            made = {"label": label(**wanted), "preparation": comparable(preparation), "rows": rows}
            write_json(record, {**read_json(files), **made})
            _put_in_place(work, manifest.with_name("audio"))
    except OSError as error:
        needed = _space_needed(store.size, written, asked, read_json(files))
        raise disk_error(error, manifest.parent, needed) from None
    finally:
        store.close()
        shutil.rmtree(work, ignore_errors=True)
        lock.release()
    for reason, count in left_out.items():
        print(f"{manifest}: {count} rows left out: {reason}", file=sys.stderr)
    print(f"{manifest}: {written} utterances", file=sys.stderr)
    if entries is not None and entries != written and label(**wanted) is None:
        print(f"{manifest}: published runs counted {entries} utterances", file=sys.stderr)


def comparable(preparation: Settings) -> Settings:
    """A split's settings without what depends on where a clone is: the folders of its files."""
    source = dict(preparation["source"])
    if "manifest" in source:
        source["manifest"] = Path(source["manifest"]).name
    return {**preparation, "source": source}


def prepared_otherwise(preparation: Settings, record: str | Path) -> list[str]:
    """Names of the settings with which a split was prepared otherwise than it would be now.

    Args:
        preparation: The split's settings now.
        record: Its ``source.json``; where there is none, nothing was prepared.

    Raises:
        EarmarkError: when the record cannot be read.
    """
    if not Path(record).is_file():
        return []
    was, now = read_json(record).get("preparation"), comparable(preparation)
    if was is None:  # by an earlier version, which did not say
        return []
    return sorted(key for key in now if _text(now[key]) != _text(was.get(key)))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _rows(
    preparation: Settings,
    utterances: Iterator[Utterance],
    store: ClipStore,
    left_out: Counter[str],
    progress: Progress,
) -> Iterator[Row]:
    """Manifest rows, in order; those that the rules leave out are counted and named in the log."""
    seen: dict[str, str] = {}
    for utterance, clips in store.written(_distinct(utterances, seen)):
        reason = _reason_to_leave_out(preparation, utterance, clips)
        progress.add(sum(c.size for c in clips if isinstance(c, WrittenClip)), clips=1)
        if reason is None:
            yield _row(utterance, [c for c in clips if isinstance(c, WrittenClip)])
            continue
        kind, detail = reason
        left_out[kind] += 1
        if left_out[kind] <= SHOWN:
            print(f"left out: {utterance.where} (id {utterance.id}): {detail}", file=sys.stderr)


def _distinct(utterances: Iterator[Utterance], seen: dict[str, str]) -> Iterator[Utterance]:
    for utterance in utterances:
        if utterance.id in seen:
            raise EarmarkError(
                f"{seen[utterance.id]} and {utterance.where} both have the id {utterance.id!r}; "
                "name another column in `source.columns.id` (null numbers the rows)"
            )
        seen[utterance.id] = utterance.where
        yield utterance


def _reason_to_leave_out(
    preparation: Settings, utterance: Utterance, clips: list[WrittenClip | EarmarkError]
) -> tuple[str, str] | None:
    """Why a row is not for the manifest: its kind, and what was found; None when it is.

    Raises:
        EarmarkError: a clip is damaged, and that is not allowed.
    """
    for clip in clips:
        if isinstance(clip, EarmarkError):
            if preparation["skip_bad_audio"]:
                return "bad audio", str(clip)
            raise EarmarkError(
                f"{utterance.where} (id {utterance.id}): {clip}; `skip_bad_audio: true` for the "
                "split leaves such rows out and counts them"
            )
    rules = preparation["exclude"]
    shortest = rules["shorter_than"]
    durations = [c.info.duration for c in clips if isinstance(c, WrittenClip)]
    if durations and (min(durations) < shortest or not min(durations)):
        return f"shorter than {shortest:g} s", f"{min(durations):g} s"
    if rules["empty_text"] and utterance.text is not None and not utterance.text.strip():
        return "empty reference", "no reference"
    return None


def _row(utterance: Utterance, clips: list[WrittenClip]) -> Row:
    def held(values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else values

    row: Row = {"id": utterance.id}
    if clips:
        row["audio_filepath"] = held([clip.path for clip in clips])
        row["duration"] = held([round(clip.info.duration, 6) for clip in clips])
    if utterance.text is not None:
        row["text"] = utterance.text
    if clips:
        row["audio_sha256"] = held([clip.sha256 for clip in clips])
        row["sampling_rate"] = held([clip.info.sampling_rate for clip in clips])
        row["channels"] = held([clip.info.channels for clip in clips])
    return {**row, **{key: value for key, value in utterance.fields.items() if key not in row}}


def _put_in_place(work: Path, audio: Path) -> None:
    if audio.exists():
        shutil.rmtree(audio)
    if work.exists():
        work.replace(audio)


def _nothing_left(source: Settings, manifest: Path, asked: int, left_out: Counter[str]) -> str:
    name = source.get("manifest") or source.get("repo") or manifest
    if asked == 0:
        return f"{name}: no utterances in it"
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return f"{name}: none of its {asked} utterances is left: {reasons}"


def _space_needed(size: int, written: int, asked: int, source: Row) -> str:
    """How much room a manifest's clips need, from those written, or else from their source."""
    needed = f"about {human_bytes(size * asked / max(written, 1))}"
    if not written:
        parts = [*source.get("files", []), *source.get("clips", []), source.get("archive")]
        needed = f"up to {human_bytes(sum(part['size'] for part in parts if part))}"
    return (
        f"{needed} are needed, and it was full after {written} of {asked} utterances, of which "
        "nothing was kept"
    )
