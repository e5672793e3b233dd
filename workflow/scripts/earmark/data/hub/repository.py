"""A dataset on the Hub at one commit: its files, which of them hold a split, and bringing them."""

import dataclasses
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from earmark.config import Settings, Source
from earmark.data.audio import sha256
from earmark.data.hub.failures import ask, explained
from earmark.errors import EarmarkError
from earmark.files import Row, disk_error
from earmark.progress import Progress, human_bytes

T = TypeVar("T")
WORKERS = 8
NO_OPTIONS = {"name", "version", "data_dir", "data_files", "description", "features"}


class Repository:
    """A dataset at one commit; an `EarmarkError` where it is not there or not open to this account.

    Args:
        repo: ``owner/name``.
        revision: A branch, tag or commit; resolved to a commit once.
        cache: The folder in which files of the Hub are kept, shared by all splits.
    """

    def __init__(self, repo: str, revision: str, cache: Path) -> None:
        from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

        self.repo, self.revision, self.cache = repo, revision, cache
        self._api = HfApi()
        self._ask = partial(ask, repo, revision)
        info = self._ask("its files", self._api.dataset_info, repo, revision=revision, timeout=30)
        self.name, self.commit = str(info.id), str(info.sha)  # the name now, if it was renamed
        self.paths = sorted(sibling.rfilename for sibling in info.siblings or [])
        for path in self.paths[:1]:  # whether its files are open to this account
            url = hf_hub_url(self.name, path, repo_type="dataset", revision=self.commit)
            self._ask(path, get_hf_file_metadata, url)

    def layout(self, source: Source) -> tuple[str, Settings, list[str]]:
        """Which files hold a split, as `datasets` finds them.

        Returns:
            The form (a packaged module of `datasets`), its options, and the paths.

        Raises:
            EarmarkError: when there is no such configuration, split or file; lists those there are.
        """
        split, chosen = source.split, Settings(name=source.config)
        if source.files:
            split, chosen = "rows", {"data_files": {"rows": source.files}}
        elif source.config and "README.md" not in self.paths:  # a folder a configuration
            chosen = {"data_dir": source.config}
        builder = self._builder({**chosen, **source.options})
        found = builder.config.data_files or {}
        if split not in found:
            raise EarmarkError(
                f"{self.repo} has no split {split!r} in configuration {builder.config.name!r}; set "
                f"`source.split` to one of {', '.join(map(str, found))}"
            )
        options = {
            field.name: getattr(builder.config, field.name)
            for field in dataclasses.fields(builder.config)
            if field.name not in NO_OPTIONS and getattr(builder.config, field.name) != field.default
        }
        modules = [kind.__module__.split(".") for kind in type(builder).__mro__]
        form = next(m[2] for m in modules if m[:2] == ["datasets", "packaged_modules"] and m[3:])
        return form, options, [path.split(f"@{self.commit}/", 1)[1] for path in found[split]]

    def _builder(self, chosen: Settings) -> Any:
        import datasets

        datasets.disable_progress_bars()
        cache = str(self.cache / "datasets")
        try:
            with explained(self.repo, self.revision, "its files"):
                return datasets.load_dataset_builder(
                    self.name, revision=self.commit, cache_dir=cache, **chosen
                )
        except (ValueError, RuntimeError, FileNotFoundError, TypeError) as error:
            said = " ".join(str(error).split("Example of usage")[0].split())
            raise EarmarkError(
                f"{self.repo} at {self.revision}: {said}. Set `source.config` or `source.files`; "
                f"the repository has {', '.join(self.paths[:8])}; sets in other forms can often be "
                "read with `revision: refs/convert/parquet`"
            ) from None

    def files(self, paths: Sequence[str]) -> list[Row]:
        """Path, size, ``sha256`` (None outside LFS) and ``blob`` (Git's id) of files, in order."""
        listed: dict[str, Row] = {}
        ask = partial(self._ask, "sizes", self._api.get_paths_info, self.name)
        for first in range(0, len(paths), 500):  # the Hub takes so many at a time
            some = list(paths[first : first + 500])
            for entry in ask(some, repo_type="dataset", revision=self.commit):
                if hasattr(entry, "size"):  # no folder
                    digest = entry.lfs.sha256 if entry.lfs else None
                    about = {"size": entry.size, "sha256": digest, "blob": entry.blob_id}
                    listed[entry.path] = {"path": entry.path, **about}
        for path in paths:
            if path not in listed:
                raise EarmarkError(f"{self.repo} at {self.revision} has no file {path}")
        return [listed[path] for path in paths]

    def bring(self, files: Sequence[Row], label: str) -> None:
        """Bring whole files to the cache, those that are not there, and verify them."""
        missing = [f for f in files if not cached(self.cache, self.name, self.commit, f["path"])]
        if not missing:
            return
        total = sum(file["size"] for file in missing)
        self.cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.cache).free
        if free < total:
            raise EarmarkError(
                f"{self.cache}: {human_bytes(total)} more are needed and {human_bytes(free)} are "
                "free; make room, or set `data_dir` to a folder on a larger disk"
            )
        try:
            with Progress(label, total) as progress:
                in_parallel(lambda file: self._bring(file, progress), missing)
        except OSError as error:
            raise disk_error(error, self.cache, f"{human_bytes(total)} are needed") from None

    def _bring(self, file: Row, progress: Progress) -> None:
        from huggingface_hub import constants, hf_hub_download

        where = {"revision": self.commit, "cache_dir": self.cache, "endpoint": constants.ENDPOINT}
        where |= {"repo_type": "dataset", "tqdm_class": _counting(progress)}
        for _ in range(2):
            path = Path(self._ask(file["path"], hf_hub_download, self.name, file["path"], **where))
            if file["sha256"] is None or (digest := sha256(path)) == file["sha256"]:
                return
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            message = f"{self.repo}: {file['path']} arrived with checksum {digest} instead of {file['sha256']}"  # noqa: E501
            print(message, file=sys.stderr, flush=True)
        raise EarmarkError(
            f"{message}, twice over; what arrived was removed. A proxy or a mirror (HF_ENDPOINT) "
            "may alter files; try another way to the Hub"
        )


def in_parallel(work: Callable[[T], None], items: Sequence[T]) -> None:
    """Do something with each of some items, `WORKERS` at a time; the first failure ends it."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(work, items):
            pass


def _counting(progress: Progress) -> Any:
    """A bar that draws nothing, and tells a `Progress` what arrives."""
    from tqdm import tqdm

    class Counting(tqdm):  # type: ignore[type-arg]
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> None:
            progress.add(int(n or 0))

    return Counting


def cached(cache: Path, repo: str, commit: str, path: str) -> Path | None:
    """Where a file of a dataset is kept; None where it is not."""
    from huggingface_hub import try_to_load_from_cache

    at = try_to_load_from_cache(repo, path, cache_dir=cache, revision=commit, repo_type="dataset")
    return Path(at) if isinstance(at, str) else None
