"""What a server's log says about why it failed."""

import re
from collections import deque
from contextlib import suppress
from pathlib import Path

_LAST_LINES = 10
_LONGEST = 500
_EXCEPTION = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Interrupt)\b(?::| \w)")
_ERROR = re.compile(
    r"\b(?:error|fatal|critical|panic)\b|out of memory|segmentation fault|^earmark: \D.*:",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\b(?:INFO|DEBUG|WARN|WARNING)\b|see root cause|see stack trace", re.IGNORECASE
)


def explained(reason: str, path: Path, start: int | None) -> str:
    """Why a server ended: reason, first error and log in the first line, then the log's end.

    ``start`` is where this load of the server begins in the log, in bytes; None where none has.
    """
    error, last = _evidence(path, start) if start is not None else ("", "")
    error = f"; the first error in its log: {error}" if error else ""
    text = f"the model's server failed: {reason}{error} (log: {path})"
    return f"{text}\nlast lines of its log:\n{last}" if last else text


def _evidence(path: Path, start: int) -> tuple[str, str]:
    """The first error of a log, and its last lines; each may be empty.

    An exception's own line comes before one that only speaks of an error; notices, warnings and
    references to other lines are neither.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    first = ["", ""]
    with suppress(OSError), path.open("rb") as log:
        log.seek(start)
        for raw in log:
            line = raw.decode(errors="replace").strip()[:_LONGEST]
            last.append(line)
            for rank, pattern in enumerate((_EXCEPTION, _ERROR)):
                if not first[0] and not first[rank] and pattern.search(line):
                    first[rank] = "" if _NOTICE.search(line) else line
    return first[0] or first[1], "\n".join(last).strip()
