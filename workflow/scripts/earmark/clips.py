"""Clips written as files, as they came: a few at a time, in order, each under a safe name."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from earmark.audio import AudioInfo, BadAudioError, header, probe, sha256
from earmark.errors import EarmarkError
from earmark.utterance import Clip, FileNames, Utterance

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


class ClipStore:
    """Writes clips to a folder with a few threads, and gives them back in order.

    Args:
        work: The folder to write to; it is to become ``audio`` beside the manifest.
        home: The manifest's folder.
        folders: Whether to spread the files over numbered sub-folders of `FOLDER` each.
    """

    FOLDER = 10_000
    THREADS = 2
    AHEAD = 16 << 20  # bytes of clips that wait to be written, at most (or one clip)

    def __init__(self, work: Path, home: Path, folders: bool = False) -> None:
        self._work, self._home, self._folders = work, home, folders
        self._names = FileNames()
        self._count = 0
        self._shared: dict[str, Future[Result]] = {}
        self._uses: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(self.THREADS)
        self.size = 0

    def written(self, utterances: Iterator[Utterance]) -> Iterator[tuple[Utterance, list[Result]]]:
        """Each utterance with its clips, in order; a damaged clip is given as its error."""
        waiting: deque[tuple[Utterance, list[Future[Result]], int]] = deque()
        ahead = 0
        for utterance in utterances:
            size = sum(len(clip.data or b"") for clip in utterance.clips)
            while waiting and (ahead + size > self.AHEAD or len(waiting) >= 64):
                first, jobs, first_size = waiting.popleft()
                ahead -= first_size
                yield first, self._results(jobs)
            jobs = [self._submit(utterance, n, clip) for n, clip in enumerate(utterance.clips)]
            light = Utterance(
                utterance.id,
                utterance.where,
                (),
                utterance.several,
                utterance.text,
                utterance.fields,
            )
            waiting.append((light, jobs, size))
            ahead += size
        while waiting:
            first, jobs, _ = waiting.popleft()
            yield first, self._results(jobs)

    def _results(self, jobs: list[Future[Result]]) -> list[Result]:
        results = [job.result() for job in jobs]
        for result in results:
            if isinstance(result, WrittenClip):
                self.size += result.size
                self._uses[result.path] = self._uses.get(result.path, 0) + 1
        return results

    def _submit(self, utterance: Utterance, number: int, clip: Clip) -> Future[Result]:
        if clip.path is not None:
            return self._pool.submit(self._in_place, clip.path)
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
        name = folder + self._names.name(base)
        job = self._pool.submit(self._write, clip, name)
        if clip.shared:
            self._shared[clip.name] = job
        return job

    def _in_place(self, path: Path) -> Result:
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

    def _write_bytes(self, data: bytes, name: str, info: AudioInfo) -> WrittenClip:
        final = name + info.extension
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.open(self._work / final, flags, 0o644)
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
