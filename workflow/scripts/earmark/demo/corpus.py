"""The demo's utterances: sentences of this repository, spoken by espeak-ng, clean or with noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.audio import sha256
from earmark.data.sampling import chosen
from earmark.data.utterance import Clip, Utterance
from earmark.demo.speech import SAMPLING_RATE, Speech, add_noise, say
from earmark.errors import EarmarkError
from earmark.files import whole_file

VOICES = ("gmw/en-US", "gmw/en")


def sentences(path: str | Path) -> list[tuple[str, str]]:
    """Read a table of sentences.

    Args:
        path: Lines of reference, and after a tab what to say where that differs; lines that
            begin with ``#`` are comments.

    Returns:
        Pairs of reference and what to say.

    Raises:
        EarmarkError: when the file is missing, or a line has more than two columns; names it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) > 2:
            raise EarmarkError(f"{path}, line {number}: {len(columns)} columns, two at most")
        pairs.append((columns[0], columns[-1]))
    if not pairs:
        raise EarmarkError(f"{path}: no sentences in it")
    return pairs


def source_files(source: Settings) -> list[str]:
    """The table of sentences."""
    return [source["sentences"]]


def _name(number: int, source: Settings) -> str:
    return f"{Path(source['sentences']).stem}-{number:03d}"


def fetch(preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
    """Synthesize the sentences as 16 kHz, 16-bit WAV files."""
    import soundfile

    source = preparation["source"]
    speeches = [
        Speech(
            text=spoken,
            voice=VOICES[number % 2],
            words_per_minute=145 + 5 * (number % 3),
            pitch=45 + 5 * (number % 2),
        )
        for number, (_, spoken) in enumerate(sentences(source["sentences"]))
    ]
    files = []
    for number, samples in enumerate(say(speeches), start=1):
        snr_db = source.get("snr_db")
        if snr_db is not None:
            samples = add_noise(samples, snr_db, seed=number)
        path = folder / f"{_name(number, source)}.wav"
        with whole_file(path, "wb") as stream:
            soundfile.write(stream, samples, SAMPLING_RATE, subtype="PCM_16", format="WAV")
        files.append({"path": path.name, "size": path.stat().st_size, "sha256": sha256(path)})
    return {"files": files}


def utterances(
    preparation: Settings, folder: Path, cache: Path
) -> tuple[int, int, Iterator[Utterance]]:
    """An utterance a sentence."""
    source = preparation["source"]
    pairs = sentences(source["sentences"])
    picked = chosen(len(pairs), preparation["limit"], preparation["sample"])

    def utterance(index: int) -> Utterance:
        name = _name(index + 1, source)
        path = folder / f"{name}.wav"
        clips = (Clip(str(path), path=path),) if preparation["audio"] else ()
        where = f"{source['sentences']}, sentence {index + 1}"
        return Utterance(name, where, clips, text=pairs[index][0])

    return len(pairs), len(picked), map(utterance, picked)
