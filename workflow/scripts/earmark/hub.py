"""Sources on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.files import Row


def source_files(source: Settings) -> list[str]:
    """None: the Hub's files are not the user's."""
    return []


def fetch(source: Settings, folder: Path) -> dict[str, Any]:
    """Hub sets are declared, and not yet fetched."""
    raise EarmarkError(f"{source['repo']}: sets on the Hub cannot be fetched by this version yet")


def rows(source: Settings, folder: Path) -> Iterator[Row]:
    """Hub sets are declared, and not yet fetched."""
    raise EarmarkError(f"{source['repo']}: sets on the Hub cannot be fetched by this version yet")
