"""What a page tells of the machines that it was made on, and how it is left out."""

import platform
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from earmark.report.gather import Results
from earmark.report.repeat import provenance

_STEP = r"(?:[\w.@+~%#&=$(){}\[\]-]|'(?=\w))+"
_PLACES = re.compile(
    r"\w+://[^\s'\",;)]+"  # addresses
    r"|(?<![\w.@-])(?:[\w.-]+@)?[A-Za-z][\w.-]*:(?=/)"  # the host of a copy: ``host:/path``
    r"|(?<![\w/.])(?:~\w*|\$\w+|\.{1,2}|[A-Za-z]:)?"
    rf"(?:[/\\]{_STEP}(?: {_STEP})*(?=[/\\]))+[/\\]{_STEP}[/\\]?"
    rf"|(?<![\w/.])(?:~\w*|\$\w+|\.{{1,2}}|)/{_STEP}/?"
    r"|(?<![\w.-])(?=[\w.-]*[A-Za-z])\w[\w-]*(?:\.[\w-]+)*:\d{2,5}\b"
    r"|\[(?:[\da-fA-F]*:){2,}[\da-fA-F.]*\](?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"
)
_SAID = frozenset(
    "id text question answer choices reference hypothesis others raw edits words judgement match of"
    " cost kinds ends".split()
)
"""Keys of what was said, asked and answered, which stands as it is."""


def scrubber(results: Results) -> Callable[[Any], Any]:
    """What leaves the places out of texts, also of all within lists and objects.

    Paths, addresses and host names (with a port, numeric, of this machine, and of those that the
    records of the answers name) are replaced by dots. References, questions and answers stay.
    """
    records = [job for one in results.evaluations.values() for job in one.jobs]
    records += [known for _, known in provenance(results)]
    hosts = {str((one.get("hardware") or {}).get("host") or "") for one in records}
    hosts |= {platform.node()}
    hosts |= {host.partition(".")[0] for host in hosts}
    run = results.run
    folders = {str(Path(one).absolute()) for one in (run.data_dir, run.results_dir, ".")}
    folders |= {str(Path(run.frozen["root"]).absolute()), str(Path.home())}
    known = re.compile(
        "|".join([*(re.escape(one) + r"[/\\]?\S*" for one in _longest(folders)),
                  *(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in _longest(hosts))])
    )  # fmt: skip

    def scrub(value: Any) -> Any:
        if isinstance(value, str):
            return _PLACES.sub("…", known.sub("…", value))
        if isinstance(value, dict):
            return {key: inner if key in _SAID else scrub(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(scrub, value))
        return value

    return scrub


def _longest(names: set[str]) -> list[str]:
    return sorted(names - {"", "/", "localhost"}, key=len, reverse=True)


def anonymous(results: Results, scrub: Callable[[Any], Any]) -> Results:
    """Results whose reasons of failure name no place."""
    evaluations = {
        key: replace(one, failure=scrub(one.failure)) for key, one in results.evaluations.items()
    }
    return replace(results, evaluations=evaluations)
