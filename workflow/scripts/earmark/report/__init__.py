"""The report step: what has been evaluated, as tables, charts and a page with every sample.

`gather` reads a run's results, whole or half way; `leaderboard` and `formats` make the tables;
`charts`, `samples`, `clips` and `repeat` say what the page shows, and `page` fills its templates;
`build` writes them all, or a page to send.
"""

import hashlib
from pathlib import Path


def code_hash() -> str:
    """Return a hash of what the report is made by, so that a change of it makes the report anew."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*")):
        if file.suffix in (".py", ".html", ".css", ".js"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
