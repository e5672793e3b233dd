"""Real engines, in an environment of their own that ``make engines`` makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from running import Workflow

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def engines(clone: Path) -> Path:
    """The folder with the engines' programs."""
    programs = Path(os.environ.get("EARMARK_ENGINES", clone / ".venv-engines")) / "bin"
    if not (programs / "vllm").exists():
        pytest.skip("no engines here; `make engines` installs them")
    return programs


@pytest.fixture(scope="session")
def checkpoint(engines: Path, tmp_path_factory: pytest.TempPathFactory):
    """Makes a checkpoint with random weights: ``checkpoint("whisper")``."""

    def make(kind: str) -> str:
        folder = tmp_path_factory.mktemp("checkpoints") / kind
        command = [engines / "python", HERE / "checkpoints.py", kind, folder]
        subprocess.run(command, check=True, capture_output=True)
        return str(folder)

    return make


@pytest.fixture
def workflow(clone: Path, tmp_path: Path) -> Workflow:
    """An empty config in a folder of its own."""
    return Workflow(clone, tmp_path)
