"""Small sets in the schemas of the real ones, quirks included, for the loopback Hub."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

ESB = "hf-audio/esb-datasets-test-only-sorted"
MMAU = "gamma-lab-umd/MMAU-Pro"


def clip(
    seed: int,
    seconds: float = 0.5,
    kind: str = "FLAC",
    rate: int = 16000,
    channels: int = 1,
    subtype: str | None = None,
) -> bytes:
    """An audio file of coloured noise: as large as speech is, and never twice the same."""
    import soundfile

    samples = np.cumsum(np.random.default_rng(seed).normal(size=(int(seconds * rate), channels)), 0)
    samples = 0.8 * samples / max(np.abs(samples).max(), 1e-9) if len(samples) else samples
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def parquet(rows: Sequence[dict[str, Any]], schema: Any = None, group: int = 100) -> bytes:
    """Rows as a Parquet file, in row groups as small as the Hub's."""
    import pyarrow
    import pyarrow.parquet

    stream = io.BytesIO()
    table = pyarrow.Table.from_pylist(list(rows), schema=schema)
    pyarrow.parquet.write_table(table, stream, row_group_size=group, compression="snappy")
    return stream.getvalue()


def esb_schema() -> Any:
    """The columns of the leaderboard's sets."""
    import pyarrow as pa

    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = [
        ("audio", audio), ("dataset", pa.string()), ("text", pa.string()), ("id", pa.string()),
        ("audio_length_s", pa.float64()),
    ]  # fmt: skip
    return pa.schema(columns)


def esb_row(name: str, number: int, text: str | None = None, **audio: Any) -> dict[str, Any]:
    """A row of a leaderboard set."""
    data = clip(number, **audio)
    return {
        "audio": {"bytes": data, "path": f"{name}-{number}.flac"},
        "dataset": name,
        "text": f"utterance number {number}" if text is None else text,
        "id": f"{name}/part-{number // 10}/{number:04d}",
        "audio_length_s": float(audio.get("seconds", 0.5)),
    }


def esb(sizes: dict[str, int], seed: int = 0, shards: int = 2, group: int = 4) -> dict[str, bytes]:
    """The leaderboard's repository, with some rows of some configurations.

    Args:
        sizes: Rows by ``config:split``, as in ``{"librispeech:test.clean": 10}``.
        seed: Another seed has other audio.
        shards: Parquet files a split.
        group: Rows in a row group.
    """
    files: dict[str, bytes] = {}
    configs: dict[str, list[str]] = {}
    for key, count in sizes.items():
        config, split = key.split(":")
        kinds = [{}, {"kind": "WAV"}, {"kind": "MP3"}, {"seconds": 1.25, "rate": 24000}]
        offset = seed + 1000 * sum(map(ord, key))
        rows = [esb_row(config, offset + n, **kinds[n % 4]) for n in range(count)]
        per = -(-count // shards)
        for shard in range(shards):
            data = parquet(rows[shard * per : (shard + 1) * per], esb_schema(), group)
            files[f"{config}/{split}-{shard:05d}-of-{shards:05d}.parquet"] = data
        configs.setdefault(config, []).append(split)
    block = "".join(
        f"- config_name: {config}\n  data_files:\n"
        + "".join(f"  - split: {s}\n    path: {config}/{s}-*\n" for s in splits)
        for config, splits in configs.items()
    )
    files["README.md"] = f"---\nlicense: cc-by-4.0\nconfigs:\n{block}---\n# Sets\n".encode()
    files[".gitattributes"] = b"*.parquet filter=lfs\n"
    return files


def mmau_schema() -> Any:
    """MMAU-Pro's columns."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    kwargs = pa.struct([("keywords", text), ("N", pa.int64()), ("end_phrase", text)])
    return pa.schema([
        ("id", text), ("audio_path", texts), ("question", text), ("answer", text),
        ("choices", texts), ("category", text), ("sub-cat", text), ("length_type", text),
        ("perceptual_skills", texts), ("reasoning_skills", texts), ("transcription", text),
        ("task_classification", text), ("task_identifier", text), ("kwargs", kwargs),
    ])  # fmt: skip


def mmau_rows() -> list[tuple[dict[str, Any], list[bytes]]]:
    """Rows of MMAU-Pro and their clips: each kind, with its quirks."""
    kinds = [
        "open",
        "instruction following",
        "sound",
        "music_speech",
        "spatial_audio",
        "voice_chat",
    ]
    made = []
    for number in range(48):
        category = kinds[number % len(kinds)]
        instruction = category == "instruction following"
        several = number % 12 in (2, 8)
        audio: dict[str, Any] = {"kind": "WAV", "seconds": 0.4 + 0.1 * (number % 5)}
        if category == "spatial_audio":
            audio |= {"channels": 4, "rate": 48000}
        elif category == "sound":
            audio |= {"rate": 192000, "seconds": 0.2}
        clips = [clip(100 * number + n, **audio) for n in range(3 if several else 1)]
        names = [f"data/{uuid.UUID(int=100 * number + n + 1)}.wav" for n in range(len(clips))]
        kwargs: dict[str, Any] = {"keywords": None, "N": None, "end_phrase": None}
        if instruction:
            kwargs |= {"N": number} if number % 4 else {"keywords": "drum, bell"}
        closed = category not in ("open", "instruction following")
        row = {
            "id": f"mmau-{number:03d}", "audio_path": names, "question": f"Question {number}?",
            "answer": None if instruction else f"choice {number}",
            "choices": [f"choice {number}", "no"] if closed and number % 10 != 4 else [],
            "category": category, "sub-cat": "a" if closed else None, "length_type": "short",
            "perceptual_skills": ["pitch", "timbre"][: number % 3], "reasoning_skills": None,
            "transcription": "said so" if instruction else None, "task_classification": None,
            "task_identifier": "Number Bullets" if instruction else None, "kwargs": kwargs,
        }  # fmt: skip
        made.append((row, clips))
    return made


def mmau() -> dict[str, bytes]:
    """MMAU-Pro's repository: one Parquet file, and a zip of clips, stored and deflated."""
    rows = mmau_rows()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("data/"), b"")
        for number, (row, clips) in enumerate(rows):
            for name, data in zip(row["audio_path"], clips, strict=True):
                method = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
                archive.writestr(zipfile.ZipInfo(name), data, method)
    return {
        "README.md": b"---\nlicense: cc\n---\n# MMAU-Pro\n",
        "test.parquet": parquet([row for row, _ in rows], mmau_schema()),
        "data.zip": stream.getvalue(),
    }


def jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
