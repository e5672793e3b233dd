"""The config's keys of where utterances, and their references, come from."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from earmark.config import parts
from earmark.config.parts import LocalPath, Part, Plain, Text, key


class References(Part):
    """References that are elsewhere, on the Hub or in a manifest: `Source.references`."""

    repo: Text | None = key(None, "The repository, as owner/name.")
    revision: Text = key("main", "A commit, tag or branch.")
    config: str | None = key(None, "The configuration, where there are several.")
    split: str = key("test", "The split's name there.")
    files: parts.Texts | None = key(
        None, "The files that hold the rows (globs), if the README has no list."
    )
    manifest: LocalPath | None = key(None, "A file of your own: JSON Lines, CSV or TSV.")
    options: Plain = key({}, "How rows are read, as `source.options`.")
    text: Text = key(..., "The column of the reference.")
    row_key: Text | None = key(
        None, "The key of the source's rows that holds it, where it is not called as `key`."
    )
    missing: Literal["error", "empty"] = key(
        "error", "A row that none belongs to: an error, or its reference is empty (see `exclude`)."
    )
    key: Text = key(..., "The column that says which row is which, here and in the source's rows.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.repo is None) == (self.manifest is None):
            raise ValueError("is not allowed; either `repo: OWNER/NAME` or `manifest: FILE`")
        return self


class Source(Part):
    """Where the utterances come from: `Split.source`."""

    kind: ClassVar = "type"
    needs: ClassVar = {"hub": ("repo",), "local": ("manifest",), "url": ("urls",)}

    type: Literal["hub", "local", "url"] | None = key(
        None,
        "`hub`: a Hugging Face set; `local`: a manifest (JSONL, CSV) of your own; `url`: archives "
        "at addresses, as OpenSLR's.",
    )
    repo: Text | None = key(None, "The repository, as owner/name.", "hub")
    revision: Text = key("main", "A commit, tag or branch; a commit is what repeats.", "hub")
    config: str | None = key(None, "The configuration, where there are several.", "hub")
    split: str = key("test", "The split's name there.", "hub")
    files: parts.Texts | None = key(
        None,
        "The files that hold the rows (globs), if the README has no list; of `url`, in the "
        "archives.",
        "hub url",
    )
    urls: Annotated[list[parts.Address], Field(min_length=1)] | None = key(
        None, "Addresses of archives (tar, tar.gz, zip) with rows and clips.", "url"
    )
    clips: parts.Texts | None = key(
        None, "Clips in the archives (globs) that are a row each, where no file has rows.", "url"
    )
    archive: parts.Archive | None = key(
        None, "The archive (zip, tar, tar.gz) with the clips of the audio column.", "hub"
    )
    clip_folder: Text | None = key(
        None,
        "The folder of the clips that the audio column names, if not beside the rows.",
        "hub local",
    )
    rows: Annotated[dict[str, parts.Values], Field(min_length=1)] | None = key(
        None,
        "Only rows whose column holds a value of this list, or none of the list under `not`.",
        "hub",
    )
    keep: list[str] = key([], "Further columns for the manifest, as they are.", "hub")
    manifest: LocalPath | None = key(
        None, "The manifest; audio paths in it are relative to its folder.", "local"
    )
    options: Plain = key(
        {},
        "How rows are read, as load_dataset takes it: `{sep: ;, encoding: latin-1}` for CSV, "
        "`{field: data}` for JSON.",
    )
    columns: dict[str, str | None] = key(
        {},
        "The manifest's key (`id`, `audio`, `text`, or any) and the column that holds it. "
        "`id: null` numbers the rows; `text: null` is for sets without a reference.",
        "hub local url",
    )
    references: References | None = key(
        None,
        "Where the references are, if not in the rows (`columns: {text: null}`).",
        "hub local url",
    )
