"""Real Snakemake runs in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import Workflow


@pytest.fixture
def workflow(clone: Path, tmp_path: Path) -> Workflow:
    """An empty config in a folder of its own."""
    return Workflow(clone, tmp_path)


@pytest.fixture(scope="module")
def module_workflow(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The same, shared by a module's tests."""
    return Workflow(clone, tmp_path_factory.mktemp("run"))
