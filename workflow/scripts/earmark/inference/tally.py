"""How far the requests of a job are: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from earmark.errors import job_terminal
from earmark.progress import human_seconds

LINE_EVERY = 60.0


class Tally:
    """Counts requests; shows done, rate, errors and the time left.

    Args:
        title: What is under way, such as ``my-model demo/demo_clean``.
        total: Requests of the whole job.
        known: How many of them the journal had already.
    """

    def __init__(self, title: str, total: int, known: int) -> None:
        self._title = title
        self._total = total
        self._known = known
        self._done = 0
        self.errors = 0
        self._start = time.monotonic()
        self._bar = self._open_bar()

    def _open_bar(self) -> Any:
        screen = job_terminal()
        if screen is None:
            return None
        from tqdm import tqdm

        return tqdm(
            total=self._total, initial=self._known, desc=self._title, unit="", file=screen,
            mininterval=0.5, leave=False, dynamic_ncols=True,
        )  # fmt: skip

    def count(self, failed: bool) -> None:
        """One more request has ended."""
        self._done += 1
        self.errors += failed
        if self._bar is not None:
            self._bar.update()
            if failed:
                self._bar.set_postfix_str(f"{self.errors} errors", refresh=False)

    def line(self) -> str:
        """The state in a line."""
        return progress_line(
            self._known + self._done, self._total, self.errors, self._done,
            time.monotonic() - self._start,
        )  # fmt: skip

    async def report(self) -> None:
        """Print a line a minute until cancelled."""
        while True:
            await asyncio.sleep(LINE_EVERY)
            print(f"{time.strftime('%T')} {self._title}: {self.line()}", flush=True)

    def close(self) -> None:
        """Take the bar away, and print how it ended."""
        if self._bar is not None:
            self._bar.close()
        print(f"{time.strftime('%T')} {self._title}: {self.line()}", flush=True)


def progress_line(done: int, total: int, errors: int, lately: int, seconds: float) -> str:
    """Done, rate, errors and time left, in words.

    Args:
        done: Requests that have ended, in this job and before.
        total: All requests.
        errors: How many failed for good.
        lately: How many ended in the last ``seconds``.
        seconds: The time over which the rate is taken.
    """
    share = 100 * done / total if total else 100.0
    text = f"{done:,} of {total:,} ({share:.1f} %)"
    if lately and seconds > 0:
        rate = lately / seconds
        text += f", {rate:.3g}/s"
        if done < total:
            text += f", {human_seconds((total - done) / rate)} left"
    if errors:
        text += f", {errors:,} error{'s' if errors > 1 else ''}"
    return text
