"""What a server's log says about why it failed."""

from __future__ import annotations

import re
from collections import deque
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


def evidence(path: Path, start: int = 0) -> tuple[str, str]:
    """The first error of a log, and its last lines; each may be empty.

    An exception's own line comes before a line that only speaks of an error, and neither is a
    notice, a warning, or a reference to another line.

    Args:
        path: The log.
        start: Where this load of the server begins in it, in bytes.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    exception = error = ""
    try:
        with path.open("rb") as log:
            log.seek(start)
            for raw in log:
                line = raw.decode(errors="replace").rstrip()[:_LONGEST]
                last.append(line)
                if exception or _NOTICE.search(line):
                    continue
                if _EXCEPTION.search(line):
                    exception = line
                elif not error and _ERROR.search(line):
                    error = line
    except OSError:
        return "", ""
    return (exception or error).strip(), "\n".join(last).strip()
