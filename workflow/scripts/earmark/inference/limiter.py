"""How many requests are under way at once, how long to wait between attempts, and for a server."""

import asyncio
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
LONGEST_WISH = 600.0
"""Seconds; a server that asks for a longer pause is asked again after this."""


class ConcurrencyLimit:
    """A limit on requests under way: an asynchronous context takes a place.

    When it adapts, it halves on a sign of overload (once for all requests that were under way), and
    grows by one for each limit's worth of answers, as TCP does, up to ``most``.
    """

    def __init__(self, most: int, adaptive: bool = True) -> None:
        self.most, self._limit = most, float(most)
        self._adaptive = adaptive
        self._under_way = 0
        self._places = asyncio.Condition()
        self._halved = self._not_before = 0.0

    @property
    def limit(self) -> int:
        """The limit at this moment."""
        return max(1, int(self._limit))

    async def __aenter__(self) -> None:
        async with self._places:
            await self._places.wait_for(lambda: self._under_way < self.limit)
            self._under_way += 1

    async def __aexit__(self, *_: object) -> None:
        self._under_way -= 1
        async with self._places:
            self._places.notify(self.limit - self._under_way)

    async def pause(self) -> None:
        """Wait until the time before which the server wants no request."""
        while (wait := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    def answered(self) -> None:
        """A request succeeded: the limit may grow."""
        if self._limit < self.most:
            self._limit = min(self.most, self._limit + 1 / self._limit)

    def overloaded(self, started: float, wish: float | None = None) -> None:
        """The server was too busy for a request, or did not answer it in time.

        Args:
            started: When the request was sent (`time.monotonic`); requests that were under way
                together count once.
            wish: Seconds for which the server wants no request, where it said so.
        """
        if wish is not None:
            self._not_before = max(self._not_before, time.monotonic() + wish)
        if self._adaptive and started >= self._halved:
            self._halved = time.monotonic()
            self._limit = max(1.0, self._limit / 2)


def backoff(attempt: int) -> float:
    """Seconds before another attempt, after so many: half a second to a minute, with jitter."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 16)) * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds for which a server wants no request, as a reply's headers say it; None otherwise."""
    given = headers.get("retry-after") or ""
    try:
        wish = float(given)
    except ValueError:
        try:
            wish = parsedate_to_datetime(given).timestamp() - time.time()
        except ValueError:
            return None
    return min(LONGEST_WISH, max(0.0, wish))
