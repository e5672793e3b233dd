"""Clips as files: written as they came, decoded once, in order, each under a safe name."""

import hashlib
import io
import os
import re
import shutil
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from earmark.data.audio import AudioInfo, BadAudioError, examine, read, sha256
from earmark.data.utterance import Clip, Utterance
from earmark.errors import EarmarkError


@dataclass(frozen=True)
class WrittenClip:
    """A clip's file."""

    path: str  # relative to the manifest
    info: AudioInfo
    sha256: str  # of its bytes
    size: int  # bytes that were written for it; 0 for a file that stays where it is


Result = WrittenClip | EarmarkError


class ClipStore:
    """Writes clips to a folder with a few threads, and gives them back in order.

    Args:
        work: The folder to write to; it is to become ``audio`` beside the manifest.
        home: The manifest's folder.
        check: How a clip is examined; see `earmark.data.audio.examine`.
        folders: Whether to spread the files over numbered sub-folders of `FOLDER` each.

    Attributes:
        size: Bytes that were written so far.
    """

    FOLDER = 10_000
    AHEAD = 16 << 20  # bytes of clips that wait to be written, at most (or one clip)
    WAITING = 256  # utterances that wait, at most

    def __init__(self, work: Path, home: Path, check: str, folders: bool) -> None:
        self._work, self._home, self._check, self._folders = work, home, check, folders
        self._names: set[str] = set()
        self._count = self.size = 0
        self._shared: dict[str, Future[Result]] = {}
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 2, 8))

    def written(self, utterances: Iterator[Utterance]) -> Iterator[tuple[Utterance, list[Result]]]:
        """Each utterance with its clips, in order; a damaged clip is given as its error."""
        waiting: deque[tuple[Utterance, list[Future[Result]]]] = deque()
        held = 0

        def first() -> tuple[Utterance, list[Result]]:
            utterance, jobs = waiting.popleft()
            results = [job.result() for job in jobs]
            self.size += sum(r.size for r in results if isinstance(r, WrittenClip))
            return utterance, results

        for utterance in utterances:
            jobs = [self._job(utterance, n, clip) for n, clip in enumerate(utterance.clips)]
            waiting.append((utterance, jobs))
            held += _bytes_held(utterance)
            while held > self.AHEAD or len(waiting) > self.WAITING:
                held -= _bytes_held(waiting[0][0])
                yield first()
        while waiting:
            yield first()

    def _job(self, utterance: Utterance, number: int, clip: Clip) -> Future[Result]:
        if clip.path is not None and clip.offset is None:
            return self._pool.submit(self._in_place, clip.path)
        if clip.shared and clip.name in self._shared:
            return self._shared[clip.name]
        name = utterance.id if number == 0 else f"{utterance.id}-{number}"
        name = safe_name(Path(clip.name).stem if clip.shared else name, self._names)
        folder = f"{self._count // self.FOLDER:03d}/" if self._folders else ""
        if self._count % self.FOLDER == 0:
            (self._work / folder).mkdir(parents=True, exist_ok=True)
        self._count += 1
        job = self._pool.submit(self._write, clip, folder + name)
        if clip.shared:
            self._shared[clip.name] = job
        return job

    def _in_place(self, path: Path) -> Result:
        try:
            info = examine(path, self._check)
        except BadAudioError as error:
            return BadAudioError(f"{path}: {error}")
        except OSError as error:
            raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
        return WrittenClip(os.path.relpath(path, self._home), info, sha256(path), 0)

    def _write(self, clip: Clip, name: str) -> Result:
        path = self._work / f"{name}.part"
        try:
            _copy(clip, path)
            info = examine(path, self._check)
        except (BadAudioError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            path.unlink(missing_ok=True)
            return BadAudioError(f"clip {clip.name!r}: {error}")
        path = path.rename(self._work / (name + info.extension))
        size = path.stat().st_size
        return WrittenClip(f"audio/{name}{info.extension}", info, sha256(path), size)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._pool.shutdown(cancel_futures=True)


def _bytes_held(utterance: Utterance) -> int:
    return sum(len(clip.data or b"") for clip in utterance.clips)


def _copy(clip: Clip, path: Path) -> None:
    """Write a clip's bytes, or its stretch as WAV."""
    import soundfile

    source: Path | bytes = clip.path or b""
    if clip.path is None:
        with clip.open() if clip.open else io.BytesIO(clip.data or b"") as stream:
            if clip.offset is None:
                with path.open("xb") as target:
                    shutil.copyfileobj(stream, target, 1 << 20)
                return
            source = stream.read()
    samples, rate = read(source, clip.offset or 0.0, clip.duration)
    if not len(samples):
        raise BadAudioError(f"no sound of it is at its `offset`, {clip.offset:g} s")
    soundfile.write(path, samples, rate, format="WAV", subtype="PCM_16")


def safe_name(original: str, taken: set[str]) -> str:
    """A name for a file, unique on file systems that ignore case too.

    Args:
        original: The name to begin from; an underscore stands for what is unsafe in it.
        taken: The names that were given before, in lower case; this one is added.
    """
    base = re.sub(r"[^A-Za-z0-9._-]", "_", original).lstrip(".")[:120] or "_"
    safe, count = base, 0
    while safe.casefold() in taken:
        digest = hashlib.sha256(f"{count or ''}{original}".encode()).hexdigest()[:10]
        safe, count = f"{base}-{digest}", count + 1
    taken.add(safe.casefold())
    return safe
