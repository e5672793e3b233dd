"""What matching and judging will lack: told when a run begins, since hours may lie between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

from earmark.config import Run
from earmark.mmau.categories import CLOSED_FORM, INSTRUCTION_FOLLOWING, OPEN_ENDED
from earmark.mmau.matchers.nv_embed import interpreter


def lacking(run: Run) -> Iterator[str]:
    """Say what is not here yet of what the config's judge and matcher need.

    Only of those that the selected splits use. Nothing of it stops a run: answers can be had
    without, and the machine that matches or judges may be another.
    """
    ways = {split.scoring for splits in run.benchmarks.values() for split in splits.values()}
    judge, matcher = run.judge, run.matcher
    if OPEN_ENDED in ways and (name := _unset(judge.api_key_env)):
        yield (
            f"judge.api_key_env: {name} is not set; export {name}=… before open-ended answers "
            "come to be judged (docs/mmau-pro.md tells of other judges)"
        )
    counted = {
        split.sentences
        for splits in run.benchmarks.values()
        for split in splits.values()
        if split.scoring == INSTRUCTION_FOLLOWING
    }
    if "punkt" in counted and find_spec("nltk") is None:
        yield (
            "sentences: punkt needs NLTK, which is not installed; run `pip install nltk` and "
            "`python -m nltk.downloader punkt_tab` before instructions come to be checked"
        )
    if CLOSED_FORM not in ways:
        return
    if matcher.type == "nv-embed" and not interpreter(matcher.given).is_file():
        yield (
            f"matcher.python: {interpreter(matcher.given)} does not exist; make NV-Embed-v2's "
            "environment before closed-form answers come to be matched (docs/mmau-pro.md)"
        )
    if name := _unset(matcher.api_key_env):
        yield (
            f"matcher.api_key_env: {name} is not set; export {name}=… before closed-form answers "
            "come to be matched"
        )


def _unset(variable: str | None) -> str | None:
    return variable if variable and not os.environ.get(variable, "").strip() else None
