"""How far a long step is: bytes, clips or requests, with rate and time left."""

import sys
import threading
import time
from typing import Any, Self, TextIO

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
        total: How many there will be.
        unit: Of what: ``bytes``, ``clips`` or ``requests``.
        known: How many of them there were before.
        every: Seconds between two lines.
        stream: Where the lines go; standard error by default.
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str = "bytes",
        known: int = 0,
        every: float = 10.0,
        stream: TextIO | None = None,
    ) -> None:
        self.label, self.total, self.unit, self.every = label, total, unit, every
        self.stream = sys.stderr if stream is None else stream
        self.known = self.count = known
        self.bytes = self.errors = 0
        self.lock = threading.Lock()
        self.bar: Any = None

    def __enter__(self) -> Self:
        self.started = self.last = time.monotonic()
        terminal = self.stream if self.stream.isatty() else job_terminal()
        if terminal is not None:
            from tqdm import tqdm

            self.bar = tqdm(
                total=self.total,
                initial=self.known,
                desc=self.label,
                unit="B" if self.unit == "bytes" else self.unit[:-1],
                unit_scale=self.unit == "bytes",
                file=terminal,
                leave=False,
                mininterval=0.5,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()
        print(self.line(finished=kind is None), file=self.stream, flush=True)

    def add(self, count: int, size: int = 0, errors: int = 0) -> None:
        """Count what has been done since the last call, its bytes, and how many of it failed."""
        with self.lock:
            self.count += count
            self.bytes += size
            self.errors += errors
            if self.bar is not None:
                self.bar.update(count)
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
        rate = lately / spent
        if self.unit == "bytes":
            of = f"{human_bytes(self.count)} of {human_bytes(self.total)}"
            parts = [f"{of}, {human_bytes(rate)}/s"]
        else:
            shown = f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.2g}"
            parts = [f"{self.count:,} of {self.total:,} {self.unit}, {shown}/s"]
        if self.bytes:
            parts.append(f"{human_bytes(self.bytes)}, {human_bytes(self.bytes / spent)}/s")
        if self.errors:
            parts.append(f"{self.errors:,} error{'s' if self.errors > 1 else ''}")
        if finished:
            parts.append(f"took {human_seconds(spent)}")
        elif lately > 0:
            parts.append(f"{human_seconds(max(self.total - self.count, 0) / rate)} left")
        return f"{self.label}: {', '.join(parts)}"
