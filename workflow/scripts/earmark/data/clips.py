"""Clips written as files, as they came: a few at a time, in order, each under a safe name."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from earmark.data.audio import AudioInfo, BadAudioError, header, probe, sha256
from earmark.data.utterance import Clip, FileNames, Utterance
from earmark.errors import EarmarkError

BLOCK = 1 << 20


@dataclass(frozen=True)
class WrittenClip:
    """A clip's file.

    Attributes:
        path: Relative to the manifest.
        info: What its header says.
        sha256: The digest of its bytes.
        size: Bytes that were written for it; 0 for a file that stays where it is.
    """

    path: str
    info: AudioInfo
    sha256: str
    size: int


Result = WrittenClip | EarmarkError


class _Batch:
    """Clips that one thread writes, one after the other: a hand-over costs as much as a clip."""

    def __init__(self) -> None:
        self.utterances: list[tuple[Utterance, list[tuple[_Batch, int]]]] = []
        self.clips: list[tuple[Clip, str | None]] = []
        self.size = 0
        self.job: Future[list[Result]]

    def add(self, clip: Clip, name: str | None) -> tuple[_Batch, int]:
        """Append a clip (with its file's name, None where it stays in place); where it is."""
        self.clips.append((clip, name))
        self.size += len(clip.data) if clip.data is not None else ClipStore.BATCH
        return self, len(self.clips) - 1


class ClipStore:
    """Writes clips to a folder with a few threads, and gives them back in order.

    Args:
        work: The folder to write to; it is to become ``audio`` beside the manifest.
        home: The manifest's folder.
        folders: Whether to spread the files over numbered sub-folders of `FOLDER` each.
    """

    FOLDER = 10_000
    THREADS = 2
    BATCH = 1 << 20  # bytes of clips that a thread is given at a time (or one clip)
    AHEAD = 16 << 20  # bytes of clips that wait to be written, at most (or one batch)

    def __init__(self, work: Path, home: Path, folders: bool = False) -> None:
        self._work, self._home, self._folders = work, home, folders
        self._names = FileNames()
        self._count = 0
        self._shared: dict[str, tuple[_Batch, int]] = {}
        self._uses: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(self.THREADS)
        self._creating = threading.Lock()
        self.size = 0

    def written(self, utterances: Iterator[Utterance]) -> Iterator[tuple[Utterance, list[Result]]]:
        """Each utterance with its clips, in order; a damaged clip is given as its error."""
        waiting: deque[_Batch] = deque()
        for batch in self._batches(utterances):
            while waiting and sum(b.size for b in waiting) + batch.size > self.AHEAD:
                yield from self._results(waiting.popleft())
            batch.job = self._pool.submit(self._write_all, batch.clips)
            waiting.append(batch)
        while waiting:
            yield from self._results(waiting.popleft())

    def _batches(self, utterances: Iterator[Utterance]) -> Iterator[_Batch]:
        batch = _Batch()
        for utterance in utterances:
            places = [self._place(batch, utterance, n, c) for n, c in enumerate(utterance.clips)]
            batch.utterances.append((replace(utterance, clips=()), places))
            if batch.size >= self.BATCH or len(batch.utterances) == 64:
                yield batch
                batch = _Batch()
        yield batch

    def _results(self, batch: _Batch) -> Iterator[tuple[Utterance, list[Result]]]:
        for utterance, places in batch.utterances:
            results = [owner.job.result()[index] for owner, index in places]
            for result in results:
                if isinstance(result, WrittenClip):
                    self.size += result.size
                    self._uses[result.path] = self._uses.get(result.path, 0) + 1
            yield utterance, results
        batch.utterances.clear()  # batches stay for their shared clips

    def _place(
        self, batch: _Batch, utterance: Utterance, number: int, clip: Clip
    ) -> tuple[_Batch, int]:
        if clip.path is not None:
            return batch.add(clip, None)
        if clip.shared and clip.name in self._shared:
            return self._shared[clip.name]
        if clip.shared:
            base = Path(clip.name).stem
        else:
            base = utterance.id if number == 0 else f"{utterance.id}-{number}"
        folder = f"{self._count // self.FOLDER:03d}/" if self._folders else ""
        if self._count % self.FOLDER == 0:
            (self._work / folder).mkdir(parents=True, exist_ok=True)
        self._count += 1
        place = batch.add(clip, folder + self._names.name(base))
        if clip.shared:
            self._shared[clip.name] = place
        return place

    def _write_all(self, clips: list[tuple[Clip, str | None]]) -> list[Result]:
        results = []
        while clips:  # let go of each clip's bytes as it is written
            clip, name = clips.pop(0)
            results.append(self._write(clip, name) if name else self._in_place(clip))
        return results

    def _in_place(self, clip: Clip) -> Result:
        path = clip.path
        assert path is not None
        try:
            info = probe(path)
        except BadAudioError as error:
            return error
        return WrittenClip(os.path.relpath(path, self._home), info, sha256(path), 0)

    def _write(self, clip: Clip, name: str) -> Result:
        if clip.data is not None:
            try:
                info = header(clip.data)
            except BadAudioError as error:
                return BadAudioError(f"clip {clip.name!r}: {error}")
            return self._write_bytes(clip.data, name, info)
        path = self._work / f"{name}.part"
        try:
            digest, size = self._copy(clip, path)
            info = probe(path)
        except (BadAudioError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            path.unlink(missing_ok=True)
            return BadAudioError(f"clip {clip.name!r}: {str(error).removeprefix(f'{path}: ')}")
        final = name + info.extension
        path.rename(self._work / final)
        return WrittenClip(f"audio/{final}", info, digest, size)

    def _write_bytes(self, data: bytes | memoryview, name: str, info: AudioInfo) -> WrittenClip:
        final = name + info.extension
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with self._creating:  # a folder takes one new file at a time; the kernel spins on that
            file = os.open(f"{self._work}/{final}", flags, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        finally:
            os.close(file)
        digest = hashlib.sha256(data).hexdigest()
        return WrittenClip(f"audio/{final}", info, digest, len(data))

    def _copy(self, clip: Clip, path: Path) -> tuple[str, int]:
        assert clip.open is not None
        digest, size = hashlib.sha256(), 0
        with clip.open() as source, path.open("xb") as target:
            while block := source.read(BLOCK):
                digest.update(block)
                target.write(block)
                size += len(block)
        return digest.hexdigest(), size

    def forget(self, clips: list[Result]) -> None:
        """Say that a row is left out: its files go, unless another row is heard in them too."""
        for clip in clips:
            if isinstance(clip, WrittenClip):
                self._uses[clip.path] -= 1

    def remove_unused(self) -> None:
        """Remove the files that no row of the manifest is heard in."""
        for path, uses in self._uses.items():
            if uses == 0 and path.startswith("audio/"):
                (self._work / path.removeprefix("audio/")).unlink(missing_ok=True)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._pool.shutdown(cancel_futures=True)
