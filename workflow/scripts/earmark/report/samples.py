"""The samples behind the numbers, packed in pieces that the page loads as they are looked at."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.report.gather import Evaluation, Results, finite, is_asr

SIZE = 2000
"""Rows a piece."""

FACETS = {
    "category": ("Category", "category"),
    "subcategory": ("Sub-category", "sub-cat"),
    "length_type": ("Length, as classed", "length_type"),
    "skill": ("Skill", "perceptual_skills", "reasoning_skills"),
}
"""What rows are filtered by: a title, and the manifest's columns."""

KINDS: dict[str, list[tuple[int, str, str, bool, str]]] = {
    "asr": [
        (1, "substitutions", "substitutions", False, ""),
        (2, "deletions", "deletions", False, ""),
        (4, "insertions", "insertions", False, ""),
        (8, "failed", "failed", True, "bad"),
        (16, "empty answer", "empty answer", True, "bad"),
        (32, "cut short", "cut short", True, "bad"),
        (64, "signs of hallucination", "signs of hallucination", True, "bad"),
    ],
    "mmau": [
        (128, "wrong", "wrong", True, "bad"),
        (256, "right", "right", True, "good"),
        (512, "not scored", "not scored", True, ""),
        (8, "failed", "failed", True, "bad"),
        (16, "empty answer", "empty answer", True, "bad"),
        (32, "cut short", "cut short", True, "bad"),
    ],
}
"""What a sample may be, by the kind of its split: a bit, the filter's label, the chip's label,
whether there is a chip, and the chip's tone."""

BUCKETS = [
    [f"{low}-{high}", f"{low} to {high} s" if high else f"{low} s or more"]
    for low, high in ((0, 2), (2, 5), (5, 10), (10, 15), (15, 20), (20, 30), (30, 60), (60, ""))
]

_SHOWN = (
    "id", "audio_filepath", "duration", "text", "question", "choices", "answer", "audio_sha256",
    "sampling_rate", "channels", "category", "kwargs",
)  # fmt: skip


def packed(value: Any) -> str:
    """JSON, deflated, in base64: what the page's ``pieces.load`` unpacks."""
    try:
        text = _json(value)
    except ValueError:  # a number that is none: rare, and looking for it takes as long as the rest
        text = _json(finite(value))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 6)).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def describe(results: Results) -> dict[str, Any]:
    """What the page must know of the samples before it loads any."""
    return {
        "size": SIZE,
        "models": [model.name for model in results.run.models.values()],
        "kinds": {
            kind: [(bit, label, chip, shown, tone) for bit, label, chip, shown, tone in kinds]
            for kind, kinds in KINDS.items()
        },
        "buckets": BUCKETS,
        "splits": [split for _, _, split in _splits(results)],
    }


def _splits(results: Results) -> Iterator[tuple[int, list[Evaluation], dict[str, Any]]]:
    """The splits with a scored evaluation: number, its evaluations, and what the page is told."""
    folders = list(results.run.models)
    groups: dict[tuple[str, str], list[Evaluation]] = {}
    for found in results.evaluations.values():
        if found.metrics is not None and found.manifest.is_file():
            groups.setdefault((found.split.benchmark, found.split.name), []).append(found)
    for number, ((benchmark, name), group) in enumerate(groups.items()):
        folder = os.path.relpath(group[0].manifest.parent, results.run.results_dir)
        yield (
            number,
            group,
            {
                "at": number,
                "key": f"{benchmark}/{name}",
                "name": f"{benchmark}: {name}",
                "kind": "asr" if is_asr(group[0].split) else "mmau",
                "entries": int((group[0].metrics or {}).get("num_entries") or 0),
                "audio": quote(folder.replace(os.sep, "/")) + "/",
                "models": [folders.index(found.model.folder) for found in group],
            },
        )


def pieces(results: Results) -> Iterator[tuple[str, Any]]:
    """All pieces, by name: ``u<split>`` and ``a<split>-<model>`` are what rows are ranked and
    filtered by, ``u<split>-<k>`` and ``a<split>-<model>-<k>`` the rows themselves.

    Raises:
        EarmarkError: when scores, predictions and manifest are not of the same samples.
    """
    for number, group, split in _splits(results):
        entries = list(read_jsonl(group[0].manifest))
        utterances = [_utterance(entry) for entry in entries]
        yield f"u{number}", _utterance_index(entries)
        shared: list[Row] | None = None
        for found, model in zip(group, split["models"], strict=True):
            scores = _rows(found.scores, entries)
            answers = _rows(found.predictions, entries)
            judged = _rows(found.judgements, entries) if found.judgements.is_file() else None
            yield f"a{number}-{model}", _answer_index(scores, answers, split["kind"])
            rows = [
                _asr_answer(score, answer) if split["kind"] == "asr"
                else _mmau_answer(score, answer, judged[place] if judged else {})
                for place, (score, answer) in enumerate(zip(scores, answers, strict=True))
            ]  # fmt: skip
            if shared is None and split["kind"] == "asr":
                shared = scores
                for utterance, score in zip(utterances, scores, strict=True):
                    utterance["reference"] = score.get("reference")
            for piece, part in _parts(rows):
                yield f"a{number}-{model}-{piece}", part
        for piece, part in _parts(utterances):
            yield f"u{number}-{piece}", part


def _parts(rows: Sequence[Row]) -> Iterator[tuple[int, Sequence[Row]]]:
    for start in range(0, len(rows), SIZE):
        yield start // SIZE, rows[start : start + SIZE]


def _rows(path: Path, entries: Sequence[Row]) -> list[Row]:
    """The rows of a file, one a sample: with several seeds, those of the first."""
    if not path.is_file() and (seeded := path.with_suffix(".seed0.jsonl")).is_file():
        path = seeded
    rows = [row for row in read_jsonl(path) if not row.get("seed")]
    if [row.get("id") for row in rows] != [entry.get("id") for entry in entries]:
        raise EarmarkError(
            f"{path}: its samples are not those of the manifest now; `snakemake` brings them up "
            "to date"
        )
    return rows


def _utterance(entry: Row) -> Row:
    audio = entry.get("audio_filepath")
    paths = [audio] if isinstance(audio, str) else list(audio or [])
    choices = entry.get("choices")
    listed = choices if isinstance(choices, list) else []
    more = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in entry.items()
        if key not in _SHOWN and value not in (None, "", [], {})
    }
    return {
        "id": str(entry["id"]),
        "duration": _duration(entry),
        "audio": [quote(str(path)) for path in paths],
        "text": entry.get("text"),
        "question": entry.get("question"),
        "answer": entry.get("answer"),
        "choices": [str(choice) for choice in listed],
        "more": more,
    }


def _duration(entry: Row) -> float | None:
    given = entry.get("duration")
    parts = given if isinstance(given, list) else [given]
    known = [float(part) for part in parts if isinstance(part, int | float)]
    return sum(known) if known else None


def _utterance_index(entries: Sequence[Row]) -> Row:
    facets = []
    for name, (title, *columns) in FACETS.items():
        values: dict[str, int] = {}
        of = []
        for entry in entries:
            mine: dict[str, None] = {}
            for column in columns:
                found = entry.get(column)
                each = found if isinstance(found, list) else [found]
                mine |= {str(one): None for one in each if one not in (None, "")}
            of.append([values.setdefault(one, len(values)) for one in mine])
        if len(values) > 1 or (values and not all(of)):
            facets.append({"name": name, "title": title, "values": list(values), "of": of})
    return {"duration": [_duration(entry) for entry in entries], "facets": facets}


def _answer_index(scores: Sequence[Row], answers: Sequence[Row], kind: str) -> Row:
    kinds = []
    for score, answer in zip(scores, answers, strict=True):
        bits = 8 * bool(answer.get("error")) + 32 * (answer.get("finish_reason") == "length")
        bits += 16 * (not str(answer.get("generation") or "").strip())
        if kind == "asr":
            bits += bool(score.get("substitutions")) + 2 * bool(score.get("deletions"))
            bits += 4 * bool(score.get("insertions")) + 64 * bool(score.get("signals"))
        else:
            correct = score.get("correct")
            bits += 512 if correct is None else 256 if correct else 128
        kinds.append(bits)
    index: Row = {"kinds": kinds}
    if kind == "asr":
        index["cost"] = [_errors(score) for score in scores]
        index["words"] = [score.get("ref_words") for score in scores]
    else:
        index["cost"] = [_cost(score) for score in scores]
    return index


def _errors(score: Row) -> int | None:
    if not score.get("scored", True):
        return None
    return sum(int(score.get(key) or 0) for key in ("substitutions", "deletions", "insertions"))


def _cost(score: Row) -> float | None:
    """How bad an answer of MMAU-Pro is: the judge's overall score, or wrong against right."""
    if score.get("correct") is None:
        return None
    overall = (score.get("scores") or {}).get("overall")
    return round(5 - overall, 3) if overall is not None else float(not score["correct"])


def _answered(answer: Row) -> Row:
    start, end = answer.get("generation_start_time"), answer.get("generation_end_time")
    row = {
        "raw": answer.get("generation"),
        "error": answer.get("error"),
        "finish": answer.get("finish_reason"),
        "tokens": answer.get("num_generated_tokens"),
        "seconds": None if start is None or end is None else round(end - start, 3),
        "attempts": answer.get("attempts"),
    }
    return {key: value for key, value in row.items() if value is not None}


def _asr_answer(score: Row, answer: Row) -> Row:
    edits = [
        [kind, at_ref, len(str(ref).split()), at_hyp, len(str(hyp).split())]
        for kind, at_ref, at_hyp, ref, hyp in score.get("edits") or []
    ]
    row = {**_answered(answer), "hypothesis": score.get("hypothesis"), "edits": edits}
    if score.get("signals"):
        row["signals"] = "; ".join(_signal(*one) for one in score["signals"].items())
    return row


def _signal(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {inner}" for key, inner in value.items())
    shown = f"{value:.1f}" if isinstance(value, float) else str(value)
    return f"{name.replace('_', ' ')}: {shown}"


def _mmau_answer(score: Row, answer: Row, judged: Row) -> Row:
    row = _answered(answer)
    for key in ("match", "margin", "similarities", "scores", "why"):
        if score.get(key) is not None:
            row[key] = score[key]
    texts = judged.get("judgements") or []
    if texts:
        row["judgement"] = "\n\n--- asked again ---\n\n".join(map(str, texts))
    return row
