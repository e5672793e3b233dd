"""What matching, judging and COMET will lack: told at the start, as hours may lie between."""

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from earmark.config import Run
from earmark.mmau.matchers.nv_embed import interpreter
from earmark.mmau.verdicts import CLOSED_FORM, INSTRUCTION_FOLLOWING, OPEN_ENDED
from earmark.scoring import comet


def lacking(run: Run) -> Iterator[str]:
    """Say what is not here yet of what the config's judge, matcher and COMET need.

    Only of those that the selected splits use. Nothing of it stops a run: answers can be had
    without, and the machine that matches or judges may be another.
    """
    ways = {split.scoring for split in run.splits}
    if ways & {OPEN_ENDED, "judged"} and (lacks := key_missing("judge", run.judge.settings)):
        yield f"{lacks}, before open-ended answers come to be judged (docs/mmau-pro.md)"
    if CLOSED_FORM in ways and (lacks := matcher_lacks(run.matcher.given)):
        yield f"{lacks}, before closed-form answers come to be matched (docs/mmau-pro.md)"
    comets = (split.comet for split in run.splits if split.comet)
    for said in dict.fromkeys(filter(None, map(comet.lacks, comets))):
        yield f"{said}, before translations come to be scored (docs/scoring.md)"
    counted = {split.sentences for split in run.splits if split.scoring == INSTRUCTION_FOLLOWING}
    if "punkt" in counted and find_spec("nltk") is None:
        yield (
            "sentences: punkt needs NLTK, which is not installed; run `pip install nltk` and "
            "`python -m nltk.downloader punkt_tab` before instructions come to be checked"
        )


def matcher_lacks(settings: Mapping[str, Any]) -> str | None:
    """What this machine lacks of what a matcher needs, and what to do; None for nothing."""
    if settings["type"] == "nv-embed" and not interpreter(settings).is_file():
        return (
            f"matcher.python: {interpreter(settings)} does not exist; make NV-Embed-v2's "
            "environment"
        )
    return key_missing("matcher", settings)


def key_missing(whose: str, settings: Mapping[str, Any]) -> str | None:
    """Which environment variable with a key is not set, and what to do; None where all is well."""
    name = settings.get("api_key_env")
    if not name or os.environ.get(name, "").strip():
        return None
    return f"{whose}.api_key_env: {name} is not set; export {name}=…"
