"""`make install PYTHON=…` takes the Python that was named, or says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

UV = """#!/bin/sh
if [ "$1" = venv ]; then mkdir -p .venv/bin && ln -s "$4" .venv/bin/python; fi
echo "$@" >> uv.log
"""


@pytest.fixture
def make(clone: Path, tmp_path: Path):
    """Runs `make` in a clone where `uv` only notes what it was asked for."""
    for name in ("Makefile", "install.sh", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(clone / name)
    uv = tmp_path / "programs/uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    path = f"{uv.parent}:{os.environ['PATH']}"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "uv.log").unlink(missing_ok=True)
        return subprocess.run(
            ["make", *arguments], cwd=tmp_path, env={**os.environ, "PATH": path}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_a_python_that_is_not_there_is_an_error(make, tmp_path):
    done = make("install", "PYTHON=/nope")
    assert done.returncode != 0
    assert "error: Earmark needs Python 3.11, 3.12 or 3.13; '/nope' is" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_an_environment_of_another_python_is_made_anew_and_of_the_same_is_kept(make, tmp_path):
    other = tmp_path / ".venv/bin/python"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\necho '(3, 12, 0) /elsewhere'\n")
    other.chmod(0o755)
    assert make("install", f"PYTHON={sys.executable}").returncode == 0
    assert other.resolve() == Path(sys.executable).resolve()
    assert "venv" in (tmp_path / "uv.log").read_text()
    assert make("install", f"PYTHON={sys.executable}").returncode == 0
    assert not (tmp_path / "uv.log").exists()
    assert make("install").returncode == 0
    assert not (tmp_path / "uv.log").exists()
