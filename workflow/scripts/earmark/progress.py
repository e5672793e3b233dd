"""How far a long step is: bytes, clips or requests, with rate and time left."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

from earmark.errors import job_terminal


def human_bytes(count: float) -> str:
    """A number of bytes as people read it: ``1.2 GB`` (powers of ten, as disks are sold)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def human_seconds(seconds: float) -> str:
    """A time span as people read it: ``8 s``, ``3:05``, ``1:02:05``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Progress:
    """Counts bytes, clips or requests; writes a line now and then, or a bar on a terminal.

    A job whose output goes to its log gets both: lines in the log and a bar on the terminal that
    Snakemake runs on. Several threads may count at once.

    Args:
        label: What is being done, ``download asr-leaderboard/ami``.
        total_bytes: How many bytes there will be; None where unknown.
        total_clips: How many clips there will be; None where clips are not counted.
        stream: Where the lines go; standard error by default.
        every: Seconds between two lines.
        requests: How many requests there will be; None where requests are not counted.
        known: How many of them were answered before.
    """

    def __init__(
        self,
        label: str,
        total_bytes: int | None = None,
        total_clips: int | None = None,
        stream: TextIO | None = None,
        every: float = 10.0,
        requests: int | None = None,
        known: int = 0,
    ) -> None:
        self.label, self.total_bytes, self.every = label, total_bytes, every
        self.stream = sys.stderr if stream is None else stream
        # What is counted beside bytes, and which of both is the bar's.
        self.unit = "requests" if total_clips is None else "clips"
        self.items = total_clips if requests is None else requests
        self.total = total_bytes if self.items is None else self.items
        self.bytes = self.errors = 0
        self.known = self.count = known
        self.started = self.last = time.monotonic()
        self.lock = threading.Lock()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        self.started = self.last = time.monotonic()
        terminal = self.stream if self.stream.isatty() else job_terminal()
        if terminal is not None:
            from tqdm import tqdm

            of_bytes = self.items is None
            self.bar = tqdm(
                total=self.total,
                initial=self.known,
                desc=self.label,
                unit="B" if of_bytes else self.unit[:-1],
                unit_scale=of_bytes,
                file=terminal,
                leave=False,
                mininterval=0.5,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        print(self.line(finished=kind is None), file=self.stream, flush=True)

    def add(self, size: int = 0, clips: int = 0, requests: int = 0, errors: int = 0) -> None:
        """Count what has been done since the last call, and how many requests of it failed."""
        with self.lock:
            self.bytes += size
            self.count += clips + requests
            self.errors += errors
            if self.bar is not None:
                self.bar.update(size if self.items is None else clips + requests)
                if errors:
                    self.bar.set_postfix_str(f"{self.errors} errors", refresh=False)
            now = time.monotonic()
            if now - self.last < self.every:
                return
            self.last = now
            if not self.stream.isatty():
                print(self.line(), file=self.stream, flush=True)

    def line(self, finished: bool = False) -> str:
        """The state in one line: counts, rates, and the time left (or taken, once finished)."""
        spent = max(time.monotonic() - self.started, 1e-9)
        lately = self.count - self.known
        parts = []
        if self.items is not None:
            rate = lately / spent
            shown = f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.2g}"
            parts.append(f"{self.count:,} of {self.items:,} {self.unit}, {shown}/s")
        if self.bytes or self.items is None or self.total_bytes is not None:
            of = f" of {human_bytes(self.total_bytes)}" if self.total_bytes is not None else ""
            parts.append(f"{human_bytes(self.bytes)}{of}, {human_bytes(self.bytes / spent)}/s")
        if self.errors:
            parts.append(f"{self.errors:,} error{'s' if self.errors > 1 else ''}")
        done, left = (self.bytes, self.total_bytes) if self.items is None else (lately, self.items)
        if finished:
            parts.append(f"took {human_seconds(spent)}")
        elif left is not None and done > 0:
            left -= self.bytes if self.items is None else self.count
            parts.append(f"{human_seconds(max(left, 0) * spent / done)} left")
        return f"{self.label}: {', '.join(parts)}"
