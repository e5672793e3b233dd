"""How far a long step is: bytes and clips, with rate and time left, on a terminal and in a log."""

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
    """Counts bytes and clips; writes a line every few seconds, or a bar where there is a terminal.

    A job whose output goes to its log gets both: lines in the log and a bar on the terminal that
    Snakemake runs on. Several threads may count at once.

    Args:
        label: What is being done, ``download asr-leaderboard/ami``.
        total_bytes: How many bytes there will be; None where unknown.
        total_clips: How many clips there will be; None where clips are not counted.
        stream: Where the lines go; standard error by default.
        every: Seconds between two lines.
    """

    def __init__(
        self,
        label: str,
        total_bytes: int | None = None,
        total_clips: int | None = None,
        stream: TextIO | None = None,
        every: float = 10.0,
    ) -> None:
        self.label, self.total_bytes, self.total_clips = label, total_bytes, total_clips
        self.stream = sys.stderr if stream is None else stream
        self.every = every
        self.bytes = self.clips = 0
        self.started = self.last = time.monotonic()
        self.lock = threading.Lock()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        self.started = self.last = time.monotonic()
        terminal = self.stream if self.stream.isatty() else job_terminal()
        if terminal is not None:
            from tqdm import tqdm

            in_clips = self.total_clips is not None
            self.bar = tqdm(
                total=self.total_clips if in_clips else self.total_bytes,
                desc=self.label,
                unit="clip" if in_clips else "B",
                unit_scale=not in_clips,
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

    def add(self, size: int = 0, clips: int = 0) -> None:
        """Count what has been done since the last call: bytes and clips."""
        with self.lock:
            self.bytes += size
            self.clips += clips
            if self.bar is not None:
                self.bar.update(clips if self.total_clips is not None else size)
            now = time.monotonic()
            if now - self.last < self.every:
                return
            self.last = now
            if not self.stream.isatty():
                print(self.line(), file=self.stream, flush=True)

    def line(self, finished: bool = False) -> str:
        """The state in one line: counts, rates, and the time left (or taken, once finished)."""
        spent = max(time.monotonic() - self.started, 1e-9)
        parts = []
        if self.total_clips is not None:
            parts.append(
                f"{self.clips:,} of {self.total_clips:,} clips, {self.clips / spent:,.0f}/s"
            )
        of = f" of {human_bytes(self.total_bytes)}" if self.total_bytes is not None else ""
        parts.append(f"{human_bytes(self.bytes)}{of}, {human_bytes(self.bytes / spent)}/s")
        done, total = self.bytes, self.total_bytes
        if self.total_clips is not None:
            done, total = self.clips, self.total_clips
        if finished:
            parts.append(f"took {human_seconds(spent)}")
        elif total is not None and done > 0:
            parts.append(f"{human_seconds(max(total - done, 0) * spent / done)} left")
        return f"{self.label}: {', '.join(parts)}"
