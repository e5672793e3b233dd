"""Bytes from the Hub: in parallel, resumable after any interruption, verified where whole."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from earmark.data.hub import failures
from earmark.data.hub.partial import PartialFile
from earmark.data.hub.ranges import RangeSet
from earmark.data.hub.repository import HubFile, Repository
from earmark.errors import EarmarkError
from earmark.files import disk_error
from earmark.progress import Progress, human_bytes

WORKERS = 8
SMALLEST, LARGEST = 8 << 20, 64 << 20  # bytes asked for in one request; the Hub counts requests
BLOCK = 1 << 20  # bytes written, and journaled, at a time
TIMEOUT = 60.0  # seconds without a byte


@dataclass(frozen=True)
class Wanted:
    """Ranges of a file that are to be here; None means the whole file, verified."""

    file: HubFile
    local: PartialFile
    ranges: RangeSet | None = None

    @property
    def wanted(self) -> RangeSet:
        """The ranges, the whole file written out."""
        return RangeSet([(0, self.file.size)]) if self.ranges is None else self.ranges


def fetch(repository: Repository, wanted: Sequence[Wanted], label: str) -> None:
    """Bring ranges of files, or whole files, to the cache; only what is not there yet is asked for.

    Args:
        repository: Where the files are.
        wanted: Which files, and which of their bytes.
        label: What the progress lines begin with.

    Raises:
        EarmarkError: no access, no network, no space, or a file that is not what the Hub lists.
    """
    with ExitStack() as locks:
        for item in sorted(wanted, key=lambda item: item.local.path):
            if not item.local.whole:
                locks.enter_context(item.local.locked())
        for second_try in (False, True):
            _fetch_missing(repository, wanted, label)
            broken = [
                (item, difference)
                for item in wanted
                if item.ranges is None and (difference := _verify(item)) is not None
            ]
            if not broken:
                return
            for item, difference in broken:
                item.local.discard()
                message = f"{repository.repo}: {item.file.path} arrived with {difference}"
                if second_try:
                    raise EarmarkError(
                        f"{message}, twice over; what arrived was removed. A proxy or a mirror "
                        "(HF_ENDPOINT) may alter files; try another way to the Hub"
                    )
                print(f"{message}; fetching it again", file=sys.stderr, flush=True)


def _verify(item: Wanted) -> str | None:
    if item.local.whole:
        return None
    if item.file.size == 0:
        item.local.write(0, b"")
    difference = item.file.verify(item.local.partial)
    if difference is None:
        item.local.finish()
    return difference


def _fetch_missing(repository: Repository, wanted: Sequence[Wanted], label: str) -> None:
    missing = [(item, item.local.missing(item.wanted)) for item in wanted]
    total = sum(ranges.size for _, ranges in missing)
    if total == 0:
        return
    repository.cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(repository.cache).free
    if free < total:
        raise EarmarkError(
            f"{repository.cache}: {human_bytes(total)} more are needed and {human_bytes(free)} are "
            "free; make room, or set `data_dir` to a folder on a larger disk"
        )
    size = min(max(total // (4 * WORKERS), SMALLEST), LARGEST)
    pieces = [
        (item, start, min(start + size, end))
        for item, ranges in missing
        for first, end in ranges
        for start in range(first, end, size)
    ]
    stop = threading.Event()
    with Progress(label, total_bytes=total) as progress, ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(_piece, repository, *piece, progress, stop) for piece in pieces]
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _piece(
    repository: Repository,
    item: Wanted,
    start: int,
    end: int,
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Fetch one range; a try that brought bytes makes the count of failures begin anew."""
    failed = 0
    while start < end and not stop.is_set():
        before = start
        try:
            start = _stream(repository, item, start, end, progress, stop)
        except Exception as error:
            if isinstance(error, OSError):
                told = disk_error(
                    error,
                    item.local.partial.parent,
                    f"{item.file.path} needs {human_bytes(item.file.size)}; what has come is kept",
                )
                if told is not error:
                    raise told from None
            start = item.local.first_missing(start, end)
            failed = 1 if start > before else failed + 1
            if failed >= failures.ATTEMPTS or not failures.worth_retrying(error):
                raise failures.explain(
                    error, repository.repo, repository.revision, item.file.path
                ) from None
            if stop.is_set():
                return
            failures.pause(error, failed, f"{repository.repo}: {item.file.path}")


def _stream(
    repository: Repository,
    item: Wanted,
    start: int,
    end: int,
    progress: Progress,
    stop: threading.Event,
) -> int:
    """Write the bytes of one answer as they come; returns where they end."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    headers = {
        **build_hf_headers(),
        "Range": f"bytes={start}-{end - 1}",
        "Accept-Encoding": "identity",  # a compressed answer has no ranges
    }
    url = repository.url(item.file)
    with get_session().stream(
        "GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True
    ) as response:
        hf_raise_for_status(response)
        _check_answer(response, item.file, start, end)
        block = bytearray()
        try:
            for data in response.iter_bytes():
                block += data
                if len(block) >= BLOCK:
                    start = _flush(item, start, block, progress)
                if stop.is_set():
                    break
        finally:
            start = _flush(item, start, block, progress)
    if start < end and not stop.is_set():
        raise ConnectionError(f"the answer ended {end - start} bytes early")
    return start


def _flush(item: Wanted, start: int, block: bytearray, progress: Progress) -> int:
    if block:
        item.local.write(start, bytes(block))
        progress.add(len(block))
        start += len(block)
        block.clear()
    return start


def _check_answer(response: Any, file: HubFile, start: int, end: int) -> None:
    """Refuse an answer that is not the range asked for: its bytes would land in the wrong place."""
    if response.status_code == 200 and start == 0 and end == file.size:
        length = response.headers.get("Content-Length")
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        if packed or length is None or int(length) == file.size:  # packed: the checksum will tell
            return
    expected = f"bytes {start}-{end - 1}/{file.size}"
    found = response.headers.get("Content-Range")
    if response.status_code != 206 or found != expected:
        raise EarmarkError(
            f"{file.path}: asked for {expected}, got HTTP {response.status_code} with "
            f"{found or 'the whole file'}; a proxy or mirror (HF_ENDPOINT) may not know ranges"
        )
