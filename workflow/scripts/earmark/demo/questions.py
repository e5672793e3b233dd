"""The demo's questions in MMAU-Pro's shape: rows of this repository, their audio made here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.audio import sha256
from earmark.data.sampling import chosen
from earmark.data.utterance import Clip, Utterance
from earmark.demo.sounds import clips
from earmark.demo.speech import SAMPLING_RATE
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, whole_file


def _rows(source: Settings) -> list[Row]:
    rows = list(read_jsonl(source["questions"]))
    for number, row in enumerate(rows, start=1):
        if not row.get("id") or not isinstance(row.get("audio"), list):
            raise EarmarkError(
                f"{source['questions']}, row {number}: `id` and a list of clips in `audio` expected"
            )
    return rows


def source_files(source: Settings) -> list[str]:
    """The table of questions."""
    return [source["questions"]]


def _names(row: Row) -> list[str]:
    return [f"{row['id']}-{number}.wav" for number in range(1, len(row["audio"]) + 1)]


def fetch(preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
    """Make every clip as a 16 kHz, 16-bit WAV file."""
    import soundfile

    rows = _rows(preparation["source"])
    names = [name for row in rows for name in _names(row)]
    files = []
    for name, samples in zip(names, clips([c for r in rows for c in r["audio"]]), strict=True):
        path = folder / name
        with whole_file(path, "wb") as stream:
            soundfile.write(stream, samples, SAMPLING_RATE, subtype="PCM_16", format="WAV")
        files.append({"path": name, "size": path.stat().st_size, "sha256": sha256(path)})
    return {"files": files}


def utterances(
    preparation: Settings, folder: Path, cache: Path
) -> tuple[int, int, Iterator[Utterance]]:
    """A question a row; the columns are those of MMAU-Pro."""
    source = preparation["source"]
    rows = _rows(source)
    picked = chosen(len(rows), preparation["limit"], preparation["sample"])

    def utterance(index: int) -> Utterance:
        row = rows[index]
        made = tuple(Clip(name, path=folder / name) for name in _names(row))
        return Utterance(
            str(row["id"]),
            f"{source['questions']}, row {index + 1}",
            made if preparation["audio"] else (),
            several=True,
            fields={key: value for key, value in row.items() if key not in ("id", "audio")},
        )

    return len(rows), len(picked), map(utterance, picked)
