"""Which files of a dataset hold a split: as its README's ``configs:`` block says, or by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from earmark.errors import EarmarkError

ROW_FILES = (".parquet", ".jsonl", ".json", ".csv")


def matching(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths that a glob matches: ``*`` and ``?`` within a folder, ``**`` across folders."""
    pattern = pattern.removeprefix("./")
    pattern += "**" if pattern.endswith("/") else ""
    parts = []
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^}]*\})", pattern):
        if part.startswith("{"):
            parts.append("(?:" + "|".join(map(re.escape, part[1:-1].split(","))) + ")")
        elif part.startswith("["):
            parts.append(part)
        else:
            known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
            parts.append(known.get(part, re.escape(part)))
    expression = re.compile("".join(parts))
    return sorted(path for path in paths if expression.fullmatch(path))


def split_files(
    paths: Sequence[str], readme: str | None, config: str | None, split: str, where: str
) -> list[str]:
    """The files that hold a split's rows, in order.

    Args:
        paths: Every path of the repository.
        readme: The text of its README, or None.
        config: The configuration asked for; None for the only or the default one.
        split: The split asked for, as the Hub calls it.
        where: The dataset, for messages.

    Raises:
        EarmarkError: when there is no such configuration or split; lists those that there are.
    """
    declared = _configs(readme, where)
    if declared:
        patterns = _patterns(declared, config, split, where)
    else:
        patterns = _by_name([f"{config}/"] if config else ["", "data/", "**/"], split)
    found: list[str] = []
    for pattern in patterns:
        found += [path for path in matching(pattern, paths) if path not in found]
    found = [path for path in found if path.endswith(ROW_FILES)]
    if found:
        return found
    rows = [path for path in paths if path.endswith(ROW_FILES)]
    listed = ", ".join(rows[:8]) + (", …" if len(rows) > 8 else "") if rows else "none"
    raise EarmarkError(
        f"{where}: no files of rows for config {config!r}, split {split!r} (looked for "
        f"{', '.join(patterns)}); it has {listed}. Name them in the split's `source.files`, or use "
        "the Hub's own conversion with `revision: refs/convert/parquet`"
    )


def _by_name(folders: Sequence[str], split: str) -> list[str]:
    """Where a split's files are when nothing but their names tells."""
    names = (f"{split}.parquet", f"{split}-*.parquet", f"{split}/*.parquet")
    return [f"{folder}{name}" for folder in folders for name in names]


def _configs(readme: str | None, where: str) -> list[dict[str, Any]]:
    match = re.match(r"\ufeff?---\r?\n(.*?)\r?\n---", readme or "", re.DOTALL)
    if match is None:
        return []
    try:
        block = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise EarmarkError(
            f"{where}: the block at the head of its README is not YAML ({problem}); "
            "name the split's files in `source.files`"
        ) from None
    configs = block.get("configs") if isinstance(block, dict) else None
    entries = [c for c in configs or [] if isinstance(c, dict)]
    return [c for c in entries if "data_files" in c or "data_dir" in c]


def _patterns(
    declared: list[dict[str, Any]], config: str | None, split: str, where: str
) -> list[str]:
    names = [str(entry.get("config_name", "default")) for entry in declared]
    if config is None:
        defaults = [entry for entry in declared if entry.get("default")]
        defaults += [e for e, name in zip(declared, names, strict=True) if name == "default"]
        if not defaults and len(declared) > 1:
            raise EarmarkError(
                f"{where} has several configurations; set `source.config` to one of "
                f"{', '.join(names)}"
            )
        entry = (defaults or declared)[0]
    else:
        if config not in names:
            raise EarmarkError(
                f"{where} has no configuration {config!r}; set `source.config` to one of "
                f"{', '.join(names)}"
            )
        entry = declared[names.index(config)]
    folder = f"{entry['data_dir'].rstrip('/')}/" if entry.get("data_dir") else ""
    files = entry.get("data_files")
    if files is None:
        return _by_name([folder, f"{folder}data/", f"{folder}**/"], split)
    by_split: dict[str, Any] = {"train": files}  # what the Hub takes unnamed files for
    if isinstance(files, dict):
        by_split = files
    elif isinstance(files, list) and files and isinstance(files[0], dict):
        by_split = {str(item["split"]): item["path"] for item in files}
    if split not in by_split:
        raise EarmarkError(
            f"{where} has no split {split!r} in configuration "
            f"{entry.get('config_name', 'default')!r}; set `source.split` to one of "
            f"{', '.join(by_split)}"
        )
    patterns = by_split[split]
    return [folder + p for p in ([patterns] if isinstance(patterns, str) else patterns)]
