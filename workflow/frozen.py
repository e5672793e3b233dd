"""A run's own copy of the code and the config, so that editing the clone meanwhile is safe.

Jobs on a cluster parse the workflow anew, minutes or days after the run began, and scripts are
read when their job starts. All of them are pointed at a copy taken when the run began, under
``.snakemake/earmark/``, named by its content. This module is loaded by its path, before the
library is on the import path, and so needs nothing of it.
"""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(".snakemake", "earmark")
KEPT_DAYS = 60
"""Copies that no run has used for so long are removed: longer than any walltime."""


def code(workflow):
    """The folder to include rules from: a copy of the clone's code, and a job's own folder.

    Args:
        workflow: Snakemake's workflow object, while the main Snakefile is parsed.
    """
    home = Path(workflow.basedir)
    if not workflow.is_main_process or not _shared(workflow):
        return home
    found = sorted(path for path in home.joinpath("workflow").rglob("*") if _is_code(path))
    contents = {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in [home / "Snakefile", *found]
    }
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    copy = (FOLDER / f"code-{digest.hexdigest()[:16]}").absolute()
    if not copy.is_dir():
        _prune()
        _write(copy, contents)
    os.utime(copy)
    return copy


def import_from(folder):
    """Have this process and the scripts of its jobs import the library from a folder.

    Snakemake puts a script's folder last on the import path of its job, where an installed library
    goes before it; the environment's ``PYTHONPATH`` comes first.

    Args:
        folder: The folder that holds the library's package.
    """
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path.insert(0, folder)
    paths = [folder, *(path for path in others if path and path != folder)]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def keep(workflow, config, copy):
    """Have the jobs of this run use the copy of the code, and the config as it is now.

    Args:
        workflow: Snakemake's workflow object.
        config: The whole config, with what is needed to resolve it again under ``frozen``.
        copy: What `code` returned.
    """
    if not workflow.is_main_process or not _shared(workflow):
        return
    text = json.dumps(config, indent=1, default=str)
    file = FOLDER.absolute() / f"config-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not file.is_file():
        partial = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    os.utime(file)
    # The two places from which executors take a job's --snakefile and --configfiles.
    main = next(iter(workflow._included))
    workflow._included[main] = type(workflow._included[main])(str(copy / "Snakefile"))
    workflow.config_settings.configfiles = [file]


def project(root, copy):
    """What the code is, for the record: its commit, where there is one, and its content's name.

    Args:
        root: The clone.
        copy: What `code` returned.
    """

    def git(*arguments):
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    known = {"code": Path(copy).name, "commit": None, "modified": None}
    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() == Path(root).resolve():
            known["commit"] = git("rev-parse", "HEAD")
            known["modified"] = bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        pass
    return known


def _shared(workflow):
    """Whether jobs read this disk; otherwise Snakemake ships the sources, which freezes them."""
    return any(usage.name == "SOURCES" for usage in workflow.storage_settings.shared_fs_usage)


def _is_code(path):
    return path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")


def _write(copy, contents):
    partial = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    for name, content in contents.items():
        file = partial / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    try:
        partial.rename(copy)
    except OSError:  # another run made the same copy meanwhile
        shutil.rmtree(partial)


def _prune():
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for copy in FOLDER.glob("*"):
        if copy.stat().st_mtime < oldest:
            shutil.rmtree(copy) if copy.is_dir() else copy.unlink(missing_ok=True)
