"""A dataset on the Hub at one commit: what its files are, and where their bytes are kept here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.data.hub.failures import ask
from earmark.data.hub.partial import PartialFile
from earmark.errors import EarmarkError


@dataclass(frozen=True)
class HubFile:
    """A file of a dataset, as the Hub lists it.

    Attributes:
        path: Where it is in the repository.
        size: Bytes.
        blob: Git's id of what the repository holds: the file, or its LFS pointer.
        sha256: The checksum of the content; None for small files that are not in LFS.
    """

    path: str
    size: int
    blob: str
    sha256: str | None

    def verify(self, local: Path) -> str | None:
        """Compare a local copy with the listed checksum; what differs, or None when all is well."""
        size = local.stat().st_size
        if size != self.size:
            return f"{size} bytes instead of {self.size}"
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size)
        with local.open("rb", buffering=0) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        expected = self.sha256 or self.blob
        found = digest.hexdigest()
        return None if found == expected else f"checksum {found} instead of {expected}"


class Repository:
    """A dataset at one commit.

    Args:
        repo: ``owner/name``.
        revision: A branch, tag or commit; resolved to a commit once.
        cache: The folder in which files of the Hub are kept, shared by all splits.

    Raises:
        EarmarkError: when the dataset or revision is not there or not open to this account.
    """

    def __init__(self, repo: str, revision: str, cache: Path) -> None:
        from huggingface_hub import HfApi

        self.repo, self.revision, self.cache = repo, revision, cache
        self._api = HfApi()
        info = ask(
            repo,
            revision,
            "its files",
            lambda: self._api.dataset_info(repo, revision=revision),
        )
        self.commit = str(info.sha)
        self.paths = sorted(sibling.rfilename for sibling in info.siblings or [])

    def files(self, paths: list[str]) -> list[HubFile]:
        """Sizes and checksums of some files, in the order asked.

        Raises:
            EarmarkError: when one of them is not in the repository.
        """
        listed: dict[str, HubFile] = {}
        for first in range(0, len(paths), 500):  # the Hub takes so many at a time
            some = paths[first : first + 500]
            entries: list[Any] = ask(
                self.repo,
                self.commit,
                "sizes and checksums",
                lambda some=some: self._api.get_paths_info(  # type: ignore[misc]
                    self.repo, some, revision=self.commit, repo_type="dataset"
                ),
            )
            for entry in entries:
                if hasattr(entry, "size"):
                    sha256 = entry.lfs.sha256 if entry.lfs else None
                    listed[entry.path] = HubFile(entry.path, entry.size, entry.blob_id, sha256)
        for path in paths:
            if path not in listed:
                raise EarmarkError(f"{self.repo} at {self.revision} has no file {path}")
        return [listed[path] for path in paths]

    def url(self, file: HubFile) -> str:
        """Where the file's bytes are at this commit."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.repo, file.path, repo_type="dataset", revision=self.commit)


def local_file(cache: Path, repo: str, file: HubFile) -> PartialFile:
    """Where a file is kept: by its content, so revisions and splits share what they have alike."""
    name = f"{(file.sha256 or file.blob)[:16]}-{Path(file.path).name}"
    return PartialFile(cache / repo.replace("/", "--") / name, file.size)
