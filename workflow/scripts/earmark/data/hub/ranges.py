"""Sets of byte ranges: which parts of a file are here, and which are still missing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class RangeSet:
    """Disjoint half-open ranges ``[start, end)`` of bytes, kept sorted and merged."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(ranges):
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Add a range; it merges with those that it touches."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def size(self) -> int:
        """How many bytes the set holds."""
        return sum(self._ends) - sum(self._starts)

    def covers(self, start: int, end: int) -> bool:
        """Whether every byte of a range is in the set."""
        return not self.missing(start, end)

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a range that are not in the set, in order."""
        gaps = []
        for index in range(bisect_right(self._ends, start), len(self._starts)):
            if self._starts[index] >= end:
                break
            if self._starts[index] > start:
                gaps.append((start, self._starts[index]))
            start = max(start, self._ends[index])
        if start < end:
            gaps.append((start, end))
        return gaps

    def joined(self, gap: int) -> RangeSet:
        """The same set with holes of up to ``gap`` bytes filled: fewer requests for a few bytes."""
        joined = RangeSet()
        pending: tuple[int, int] | None = None
        for start, end in self:
            if pending is not None and start - pending[1] <= gap:
                pending = (pending[0], end)
                continue
            if pending is not None:
                joined.add(*pending)
            pending = (start, end)
        if pending is not None:
            joined.add(*pending)
        return joined
