"""Every command of the README and the guides is run, in a copy of the clone with a small config."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import documented
import pytest
import yaml

pytestmark = pytest.mark.slow

KEPT = ("Snakefile", "Makefile", "install.sh", "pyproject.toml", "requirements.lock", "config",
        "profiles", "workflow")  # fmt: skip


@pytest.fixture(scope="module")
def place(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the demo is short and `config/config.yaml` asks for a part of it."""
    folder = tmp_path_factory.mktemp("clone")
    for name in KEPT:
        copy = shutil.copytree if (clone / name).is_dir() else shutil.copy
        copy(clone / name, folder / name)
    (folder / ".venv").symlink_to(clone / ".venv" if (clone / ".venv").is_dir() else sys.prefix)
    manifests = list((folder / "config" / "demo").rglob("*.jsonl"))
    assert manifests
    for manifest in manifests:
        manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:2]))
    model = {"server": "demo", "model": "whisper-tiny.en"}
    config = {
        "data_dir": "data", "results_dir": "results", "benchmarks": {"demo": {"splits": "all"}},
        "models": {"tiny": model, "again": {**model, "prompt": {"user": "Write it down."}}},
    }  # fmt: skip
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    rows = [{"id": f"u{n}", "text": "one two three", "pred_text": "one too three"} for n in (1, 2)]
    for name in ("results", "more", "a", "b"):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "lines.txt").write_text("Mr. Smith paid $5.\n")
    shell(folder, "snakemake")
    return folder


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, with the environment active."""
    path = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, check=False,
        capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command", [pytest.param(one, id=one.text) for one in documented.commands()]
)
def test_the_command_works_as_the_page_has_it(place: Path, clone: Path, command):
    run = documented.to_run(command.text)
    if isinstance(run, documented.NotHere):
        pytest.skip(run.why)
    if isinstance(run, documented.TestedBy):
        file, _, function = run.test.partition("::")
        assert re.search(rf"^def {function}\(", (clone / file).read_text(), re.MULTILINE)
        return
    done = shell(place, run)
    assert done.returncode == 0, f"{command.page}: {run}\n{done.stdout}{done.stderr}"


def test_snakemakes_report_has_captions_and_categories(place: Path):
    done = shell(place, "snakemake --report captions.html")
    assert done.returncode == 0, done.stderr
    page = (place / "captions.html").read_text(encoding="utf-8")
    captions = ("Models evaluated with Earmark on demo", "A row a model and scoring protocol",
                "The metrics of tiny on demo", "The leaderboard, charts and the samples")  # fmt: skip
    for text in (*captions, '"Leaderboard"', '"Metrics"', '"Report"'):
        assert text in page, text


def test_a_command_that_is_wrong_is_found_and_fails(place: Path):
    page = "Then `earmark tables --format tex` and\n\n```sh\nsnakemake --no-such-option # so\n```\n"
    found = list(documented.commands_in(page))
    assert found == ["snakemake --no-such-option", "earmark tables --format tex"]
    assert all(shell(place, str(documented.to_run(command))).returncode for command in found)
