"""References that are elsewhere: joined to a split's rows by a key (``source.references``)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from earmark.config import Source, Split
from earmark.config.source import References
from earmark.data.audio import sha256
from earmark.data.hub import source as hub
from earmark.data.table import Table, form_of
from earmark.data.utterance import Utterance, text_of
from earmark.errors import EarmarkError
from earmark.files import Row, write_json

FOLDER = "references"


def _of_hub(split: Split, wanted: References) -> Split:
    """The split of the repository that holds the references, without audio."""
    keys = {"repo", "revision", "config", "split", "files", "options"}
    columns: dict[str, str | None] = {"id": wanted.key, "text": wanted.text}
    source = Source(type="hub", columns=columns, **wanted.model_dump(include=keys))
    return Split(benchmark=split.benchmark, name=split.name, source=source, audio=False)


def bring(split: Split, folder: Path, cache: Path) -> Row:
    """Bring the references of a split; returns what they are, for the record of the download."""
    wanted = split.source.references
    if wanted is None:
        return {}
    if wanted.manifest is not None:
        return {"references": {"path": wanted.manifest, "sha256": sha256(wanted.manifest)}}
    (folder / FOLDER).mkdir(exist_ok=True)
    record = hub.fetch(_of_hub(split, wanted), folder / FOLDER, cache)
    write_json(folder / FOLDER / "files.json", record)
    return {"references": record}


def joined(
    split: Split, folder: Path, cache: Path, utterances: Iterator[Utterance]
) -> Iterator[Utterance]:
    """The utterances, each with the reference of its key; an error where there is none, or two."""
    wanted = split.source.references
    if wanted is None:
        yield from utterances
        return
    texts: dict[str, str] = {}
    for key, text, where in _read(split, wanted, folder, cache):
        if texts.setdefault(key, text) != text:
            raise EarmarkError(f"{where}: another reference has the same {wanted.key!r}: {key!r}")
    own = wanted.row_key or wanted.key
    for utterance in utterances:
        at, column = utterance.where, split.source.columns.get("id", "id")
        if own not in utterance.fields and own != column:
            raise EarmarkError(
                f"{at}: no column {own!r}, by which references are joined (source.references: "
                "`row_key`, else `key`); of a set of the Hub, name it in `source.keep`"
            )
        given = utterance.fields.get(own, utterance.id)
        key = text_of(given, wanted.key, "references.key", at)
        if key not in texts and wanted.missing == "error":
            raise EarmarkError(f"{at}: no reference has the {wanted.key!r} {key!r}")
        yield replace(utterance, text=texts.get(key, ""))


def _read(
    split: Split, wanted: References, folder: Path, cache: Path
) -> Iterator[tuple[str, str, str]]:
    """Key, text and place of each reference."""
    if wanted.manifest is None:
        for one in hub.utterances(_of_hub(split, wanted), folder / FOLDER, cache)[2]:
            yield one.id, one.text or "", one.where
        return
    path = Path(wanted.manifest)
    columns = [wanted.key, wanted.text]
    for _, where, row in Table([(str(path), path)], form_of(path), wanted.options, columns).read():
        for name in columns:
            if name not in row:
                raise EarmarkError(f"{where}: no key {name!r}; it has {', '.join(map(repr, row))}")
        key, text = (text_of(row[name], name, name, where) for name in columns)
        yield key, text, where
