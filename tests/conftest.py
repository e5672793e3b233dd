"""What all tests share: the clone, and small recordings made on the spot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

CLONE = Path(__file__).parents[1]
sys.path.insert(0, str(CLONE / "workflow" / "scripts"))


@pytest.fixture(scope="session")
def clone() -> Path:
    """The folder that holds the Snakefile."""
    return CLONE


@pytest.fixture
def tone(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sine as a WAV file: ``tone(name, seconds=0.5, rate=16000, channels=1)``."""

    def write(name: str, seconds: float = 0.5, rate: int = 16000, channels: int = 1) -> Path:
        import soundfile

        time = np.arange(int(seconds * rate)) / rate
        samples = 0.3 * np.sin(2 * np.pi * 440 * time)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.repeat(samples[:, None], channels, axis=1), rate)
        return path

    return write
