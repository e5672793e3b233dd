"""Names of result files, as the Open ASR Leaderboard writes and reads them.

``MODEL_<model>_DATASET_<repository>_<config>_<split>.jsonl``, with ``-`` for ``/``; a set without a
config leaves that part empty (huggingface/open_asr_leaderboard at d1e99b25, ``normalizer``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.errors import EarmarkError
from earmark.paths import folder

if TYPE_CHECKING:
    from earmark.config import Split

_NAME = re.compile(r"MODEL_(?P<model>.+?)_DATASET_(?P<set>.+)\.jsonl")
_MODEL = re.compile(r"[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.+-]*)?", re.ASCII)
_OWNERS = (
    "ARTPARK-IISc", "AutoArk-AI", "OpenMOSS-Team", "abr-ai", "distil-whisper",
    "efficient-speech", "ibm-granite", "zai-org",
)  # fmt: skip
"""Owners with a hyphen, by which the leaderboard's own ``model_ids.py`` reads names back."""


def set_name(split: Split) -> str | None:
    """What the leaderboard calls a split's set in names of files; None for a local one."""
    source = split.source
    if source.type != "hub" or not source.repo:
        return None
    return f"{source.repo.replace('/', '-')}_{source.config or ''}_{source.split}"


def file_name(model: str, split: Split) -> str:
    """The name of a model's result file on a set of the Hub."""
    return f"MODEL_{folder(model.replace('/', '-'))}_DATASET_{set_name(split)}.jsonl"


def checked_model(name: str, where: str) -> str:
    """A model's name, as it may stand in paths: letters, digits and ``. _ + -``, one ``/``.

    Raises:
        EarmarkError: for any other name; nothing of it is printed but an escaped piece.
    """
    if not _MODEL.fullmatch(name) or ".." in name or len(name) > 100:
        raise EarmarkError(
            f"{where}: {name[:80]!r} is no name of a model such as openai/whisper-large-v3; give "
            "it one with --model"
        )
    return name


def model_of(file: Path) -> str | None:
    """The model that a file's name tells, as owner/name; None where it tells none.

    Raises:
        EarmarkError: when what stands there is no name.
    """
    match = _NAME.fullmatch(file.name)
    if match is None:
        return None
    flat = match["model"]
    owner = next((one for one in _OWNERS if flat.startswith(f"{one}-")), flat.partition("-")[0])
    rest = flat[len(owner) + 1 :]
    return checked_model(f"{owner}/{rest}" if rest else owner, f"file {file.name[:120]!r}")


def splits_of(file: Path, splits: Iterable[Split]) -> list[Split]:
    """The splits whose set a file's name tells: by all of it, else by its config and split.

    A file of the leaderboard is known by the end of its name alone (``fleurs_de_test``), whatever
    repository the set was in then.
    """
    match = _NAME.fullmatch(file.name)
    if match is None:
        return []
    named = [(split, set_name(split)) for split in splits]
    exact = [split for split, name in named if name == match["set"]]
    ends = [
        split
        for split, name in named
        if name
        and split.source.config
        and match["set"].endswith(f"_{split.source.config}_{split.source.split}")
    ]
    return exact or ends
