"""A run's own copy of the code and the config, so that editing the clone meanwhile is safe.

Jobs on a cluster parse the workflow anew, minutes or days after the run began, and scripts are
read when their job starts. A run copies the workflow to ``.snakemake/earmark/``, named by its
content, includes its rules from there, and passes its jobs one environment variable: where its
record is, which names the copy and holds the config. The Snakefile alone is read from the clone
again; a job refuses one that was edited.

A workflow that uses this one as a module may name it by a path or by a tag in a Git repository,
which has no folder: what the tag holds is copied then, from the clone that Snakemake has of it.

This module is run by its path, before the library is on the import path, and needs nothing of it.
"""

import hashlib
import importlib.util
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

FOLDER = Path(".snakemake", "earmark")
NEEDED = ("aiohttp", "jiwer", "pydantic", "soundfile")
"""Packages of the library that an environment with Snakemake alone lacks."""
KEPT_DAYS = 60
"""Copies that no run has used for so long are removed: longer than any walltime."""


class Copy:
    """What a run or one of its jobs works from.

    Attributes:
        variable: The environment variable that tells jobs where the run's record is.
        code: The folder to include rules from.
        root: The folder that holds ``config/benchmarks``.
        config: The run's config, in its jobs; None in the run itself.
        main: Whether this is the workflow itself, not a module of another.
    """

    def __init__(self, workflow, name, here):
        """Take the copy, or find the one that the run took whose job this is.

        Args:
            workflow: Snakemake's workflow object, while the Snakefile is parsed.
            name: What the module is called in the workflow that uses it; None for the workflow.
            here: The Snakefile's folder as Snakemake has it, on this disk or elsewhere.
        """
        self.variable = "EARMARK_RUN" + (f"_{re.sub(r'[^A-Za-z0-9]', '_', name)}" if name else "")

        def source(file):
            return workflow.sourcecache.get_path(here.join(file))

        self._snakefile = hashlib.sha256(Path(source("Snakefile")).read_bytes()).hexdigest()
        self._where = str(here)
        self._ref = getattr(here, "ref", None)
        home = Path(self._where)
        self.main = home == Path(workflow.basedir)
        self.config = None
        # Where jobs do not share this disk, Snakemake ships them the sources, which freezes them.
        usage = workflow.storage_settings.shared_fs_usage
        self._shared = any(kind.name == "SOURCES" for kind in usage)
        if self._shared and not workflow.is_main_process:
            self._join()
        elif home.is_dir():
            self.root = home
            self.code = _copied(_local(home)) if self._shared else home
        else:
            self.root = self.code = _copied(_tagged(here))

    def _join(self):
        """Work from what the run has recorded."""
        file = Path(os.environ.get(self.variable) or "unset")
        if not file.is_file():
            sys.exit(
                f"error: {self.variable} does not name the record of the run that this job belongs "
                f"to ({file}); its executor has to pass environment variables to jobs"
            )
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["snakefile"] != self._snakefile:
            sys.exit(
                f"error: {self._where}/Snakefile was edited since the run began whose job this is; "
                "nothing was done. Put it back, or run snakemake again: what is made stays"
            )
        self.code, self.root = Path(record["code"]), Path(record["root"])
        self.config = record["config"]

    def import_from(self):
        """Have this process and the scripts of its jobs import the library from the copy.

        Snakemake puts a script's folder last on the import path of its job, where an installed
        library goes before it; the environment's ``PYTHONPATH`` comes first.
        """
        folder = str(self.code / "workflow" / "scripts")
        others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path.insert(0, folder)
        paths = [folder, *(path for path in others if path and path != folder)]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            sys.exit(
                f"error: the environment of this Snakemake ({sys.prefix}) lacks "
                f"{', '.join(missing)}; in Earmark's clone, run `make install` once, then "
                "`. .venv/bin/activate`, and snakemake again"
            )

    def keep(self, config):
        """Record the run for its jobs.

        Args:
            config: The whole config, with what is needed to resolve it again under ``frozen``.
        """
        if self.config is not None:  # a job: its run has
            return
        os.environ[self.variable] = ""
        if not self._shared:
            return
        known = {"snakefile": self._snakefile, "code": str(self.code), "root": str(self.root)}
        text = json.dumps({**known, "config": config}, indent=1, default=str)
        name = f"run-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        file = FOLDER.absolute() / name
        if not file.is_file():
            partial = file.with_name(f"{name}.{secrets.token_hex(4)}")
            partial.write_text(text, encoding="utf-8")
            partial.replace(file)
        os.utime(file)
        os.environ[self.variable] = str(file)

    def project(self):
        """What the code is, for the record: its commit, if there is one, and its content's name."""
        known = {"code": self.code.name, "commit": self._ref, "modified": None}
        if self._ref:
            return known
        try:
            if (
                Path(_git(self.root, "rev-parse", "--show-toplevel")).resolve()
                == self.root.resolve()
            ):
                known["commit"] = _git(self.root, "rev-parse", "HEAD")
                changes = _git(self.root, "status", "--porcelain", "--untracked-files=no")
                known["modified"] = bool(changes)
        except (OSError, subprocess.CalledProcessError):
            pass
        return known


def _git(root, *arguments):
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _local(home):
    """The code of a clone, by name."""
    found = sorted(path for path in home.joinpath("workflow").rglob("*") if _is_code(path))
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in found}


def _tagged(here):
    """The code and the declarations at a tag of a repository, by name."""
    local = hasattr(here, "repo_path")
    repository = here.repo_path if local else here.hosted_repo.repo_clone
    command = ["git", "-C", str(repository), "archive", here.ref, "workflow", "config"]
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = [member for member in archive if member.isfile()]
        return {member.name: archive.extractfile(member).read() for member in files}


def _copied(contents):
    """A folder that holds these files, named by what is in them."""
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    copy = (FOLDER / f"code-{digest.hexdigest()[:16]}").absolute()
    if not copy.is_dir():
        _prune()
        _write(copy, contents)
    os.utime(copy)
    return copy


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
