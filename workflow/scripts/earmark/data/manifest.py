"""The manifest step: one JSON line an utterance, in the source's order, and its clips as files.

Clips are written to a folder of another name, which becomes ``audio`` once all are there and the
record is written; then the manifest appears. A step that was cut off therefore leaves no manifest,
and its next run begins anew.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from earmark.config import Settings, Split
from earmark.data.clips import ClipStore, Result, WrittenClip
from earmark.data.download import TYPES
from earmark.data.references import joined
from earmark.data.utterance import Utterance, asked_for
from earmark.errors import EarmarkError
from earmark.files import Row, disk_error, json_text, read_json, whole_file, write_json
from earmark.progress import Progress, human_bytes

SHOWN = 20  # rows left out that the log names, of each kind


def write_manifest(
    split: Split, files: str | Path, cache: str | Path, manifest: str | Path, record: str | Path
) -> None:
    """Write a split's manifest and audio from what the download step left.

    Args:
        split: The split.
        files: The download's record, ``source/files.json``.
        cache: The folder in which files of the Hub are kept.
        manifest: The ``manifest.jsonl`` to write, with ``audio/`` beside it.
        record: The ``source.json`` to write: the download's record, what became of its rows.

    Raises:
        EarmarkError: when a row or a clip is not what it should be, or the disk is full; names it.
    """
    manifest, folder = Path(manifest), Path(files).parent
    total, asked, utterances = TYPES[split.source.type].utterances(split, folder, Path(cache))
    utterances = joined(split, folder, Path(cache), utterances)
    asked = min(asked, len(split.ids or range(asked)))
    work, audio = manifest.with_name(".audio.partial"), manifest.with_name("audio")
    (lock := FileLock(folder / ".lock")).acquire()  # another clone may prepare the same folder
    shutil.rmtree(work, ignore_errors=True)
    for stale in manifest.parent.glob(f".{manifest.name}.*.partial"):  # of a run that was killed
        stale.unlink()
    left_out: Counter[str] = Counter()
    remarks: Counter[str] = Counter()
    store = ClipStore(work, manifest.parent, split.check_audio, asked > ClipStore.FOLDER)
    written = 0
    try:
        label = f"manifest {split.benchmark}/{split.name}"
        with Progress(label, asked, "clips") as progress, whole_file(manifest) as stream:
            for row in _rows(split, utterances, store, left_out, remarks, progress):
                stream.write(json_text(row) + "\n")
                written += 1
            if written == 0:
                raise EarmarkError(_nothing_left(split, asked, left_out))
            stream.flush()
            rows: Row = {"in_split": total, "asked_for": asked, "in_manifest": written}
            rows |= {"left_out": dict(sorted(left_out.items())), **remarks}
            made = {"label": split.label(), "preparation": comparable(split), "rows": rows}
            write_json(record, {**read_json(files), **made})
            if audio.exists():
                shutil.rmtree(audio)
            if work.exists():
                work.replace(audio)
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
    if split.entries not in (None, written) and split.label() is None:
        print(f"{manifest}: published runs counted {split.entries} utterances", file=sys.stderr)


def comparable(split: Split) -> Settings:
    """What a split is made with, without what depends on where a clone is: folders of files."""
    source = dict(split.source.given)
    if "manifest" in source:
        source["manifest"] = Path(source["manifest"]).name
    return {**split.preparation, "source": source}


def prepared_otherwise(split: Split, record: str | Path) -> list[str]:
    """Names of the settings with which a split was prepared otherwise than it would be now.

    Its record is its ``source.json``; where there is none, nothing was prepared.
    """
    if not Path(record).is_file():
        return []
    was, now = read_json(record).get("preparation"), json.loads(json.dumps(comparable(split)))
    # An earlier version did not say.
    return [] if was is None else sorted(key for key in now if now[key] != was.get(key))


def _rows(
    split: Split,
    utterances: Iterator[Utterance],
    store: ClipStore,
    left_out: Counter[str],
    remarks: Counter[str],
    progress: Progress,
) -> Iterator[Row]:
    """Manifest rows, in order; those that the rules leave out are counted and named in the log."""
    sessions = _Sessions(split)
    for utterance, results in store.written(asked_for(utterances, split.ids, sessions.note)):
        clips = [clip for clip in results if isinstance(clip, WrittenClip)]
        progress.add(1, sum(clip.size for clip in clips))
        if len(clips) == 1 and utterance.declared is not None:
            said, real = utterance.declared, clips[0].info.duration
            if abs(said - real) > 0.25 + 0.05 * real:  # more than what containers round
                line = f"{utterance.place}: the source says {said:g} s, the clip has {real:.3f} s"
                _tell(remarks, "other_duration", line)
        reason = _reason_to_leave_out(split, utterance, results)
        if reason is None:
            sessions.note(utterance)
            yield _row(utterance, clips)
        else:
            kind, detail = reason
            sessions.note(utterance, detail)
            _tell(left_out, kind, f"left out: {utterance.place}: {detail}")
    sessions.check()


def _tell(counts: Counter[str], kind: str, line: str) -> None:
    """Count a row, and name it in the log where it is one of the first of its kind."""
    counts[kind] += 1
    if counts[kind] <= SHOWN:
        print(line, file=sys.stderr)


class _Sessions:
    """Sees that none of the recordings that rows are chunks of is left in part.

    Of what is left, a first chunk or one in the middle would be missed when it is scored, but not
    the last.
    """

    def __init__(self, split: Split) -> None:
        self._column = split.session.group if split.session else None
        self._kept: set[str] = set()
        self._lost: dict[str, str] = {}

    def note(self, utterance: Utterance, left_out: str | None = None) -> None:
        """Note a row, and why it is left out."""
        if self._column is None:
            return
        name = str(utterance.fields.get(self._column))
        if left_out is None:
            self._kept.add(name)
        else:
            self._lost.setdefault(name, f"{utterance.place}: {left_out}")

    def check(self) -> None:
        """Raise an `EarmarkError` that names a recording of which a part is left out."""
        for name, lost in self._lost.items():
            if name in self._kept:
                raise EarmarkError(
                    f"session {name!r}: a chunk would be left out, and the reference is of the "
                    f"whole: {lost}. Keep it (`exclude`, `ids`), or leave all chunks of the "
                    "session out"
                )


def _reason_to_leave_out(
    split: Split, utterance: Utterance, clips: list[Result]
) -> tuple[str, str] | None:
    """Why a row is not for the manifest: its kind, and what was found; None when it is."""
    durations = []
    for clip in clips:
        if isinstance(clip, WrittenClip):
            durations.append(clip.info.duration)
        elif split.skip_bad_audio:
            return "bad audio", str(clip)
        else:
            raise EarmarkError(
                f"{utterance.place}: {clip}; `skip_bad_audio: true` for the split leaves such rows "
                "out and counts them"
            )
    shortest = split.exclude.shorter_than
    if durations and (min(durations) < shortest or not min(durations)):
        return f"shorter than {shortest:g} s", f"{min(durations):g} s"
    if split.exclude.empty_text and utterance.text is not None and not utterance.text.strip():
        return "empty reference", "no reference"
    return None


def _row(utterance: Utterance, clips: list[WrittenClip]) -> Row:
    def held(values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else values or None

    row = {
        "id": utterance.id,
        "audio_filepath": held([clip.path for clip in clips]),
        "duration": held([round(clip.info.duration, 6) for clip in clips]),
        "text": utterance.text,
        "audio_sha256": held([clip.sha256 for clip in clips]),
        "sampling_rate": held([clip.info.sampling_rate for clip in clips]),
        "channels": held([clip.info.channels for clip in clips]),
    }
    row = {key: value for key, value in row.items() if value is not None}
    return {**row, **utterance.fields, **row}  # first ours, which stay as they are


def _nothing_left(split: Split, asked: int, left_out: Counter[str]) -> str:
    source = split.source
    name = source.manifest or source.repo or ", ".join(source.urls or ())
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
