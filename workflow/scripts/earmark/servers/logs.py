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


def evidence(path: Path, start: int = 0) -> tuple[str, str]:
    """The first error of a log, and its last lines; each may be empty.

    An exception's own line comes before one that only speaks of an error; notices, warnings and
    references to other lines are neither. This load of the server starts at a byte of the log.
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
