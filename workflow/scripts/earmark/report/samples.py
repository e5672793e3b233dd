"""The samples behind the numbers, packed in pieces that the page loads as they are looked at."""

import base64
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from earmark.config.benchmarks import MEASURES, Session
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.report import words
from earmark.report.clips import Clips, listed, waveforms
from earmark.report.differences import Difference
from earmark.report.figures import protocols
from earmark.report.gather import Evaluation, Results, finite
from earmark.scoring.measures import measure_type, rates_of

SIZE = 2000
"""Rows a piece."""

FACETS = {
    "category": ("Category", "category"),
    "subcategory": ("Sub-category", "sub-cat"),
    "length_type": ("Length, as classed", "length_type"),
    "skill": ("Skill", "perceptual_skills", "reasoning_skills"),
}
"""What rows are filtered by, beside any column of few values: a title, and columns."""

VALUES = 40
"""A column with more values than these sorts rows no more than their ids do."""

_GIVEN = [
    (bit, name, True, "bad")
    for bit, name in ((8, "failed"), (16, "empty answer"), (32, "cut short"))
]
KINDS: dict[str, list[tuple[int, str, bool, str]]] = {
    "asr": [
        (1, "substitutions", False, ""),
        (2, "deletions", False, ""),
        (4, "insertions", False, ""),
        *_GIVEN,
        (64, "signs of hallucination", True, "bad"),
    ],
    "mmau": [
        (128, "wrong", True, "bad"),
        (256, "right", True, "good"),
        (512, "not scored", True, ""),
        *_GIVEN,
    ],
    "measure": [(128, "fails", True, "bad"), (256, "succeeds", True, "good"), *_GIVEN],
}
"""What a sample may be, by the kind of its split: a bit, what it is called, whether it is shown
at the sample, and in which tone."""

BUCKETS = [
    [f"{low}-{high}", f"{low} to {high} s" if high else f"{low} s or more"]
    for low, high in ((0, 2), (2, 5), (5, 10), (10, 15), (15, 20), (20, 30), (30, 60), (60, ""))
]

_ERRORS = ("substitutions", "deletions", "insertions")

_SHOWN = (
    "id", "audio_filepath", "duration", "text", "question", "choices", "answer", "audio_sha256",
    "sampling_rate", "channels", "category", "kwargs",
)  # fmt: skip


def packed(value: Any) -> str:
    """JSON, deflated, in base64: what the page's ``pieces.load`` unpacks."""
    form: Any = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    try:
        text = json.dumps(value, **form)
    except ValueError:  # a number that is none: rare, and looking for it takes as long as the rest
        text = json.dumps(finite(value), **form)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 6)).decode()


def describe(results: Results, within: bool = False) -> dict[str, Any]:
    """What the page must know of the samples before it loads any; ``within`` a bundle or not."""
    return {
        "size": SIZE,
        "kinds": KINDS,
        "buckets": BUCKETS,
        "splits": [split for _, split in _splits(results, within)],
    }


def _splits(
    results: Results, within: bool = False
) -> Iterator[tuple[list[Evaluation], dict[str, Any]]]:
    """The splits with a scored evaluation: its evaluations, and what the page is told.

    Audio is addressed from the page: it lies ``within`` a bundle, or in the data folder.
    """
    folders = list(results.run.models)
    groups: dict[tuple[str, str], list[Evaluation]] = {}
    for one in results.evaluations.values():
        if one.metrics is not None and one.files.manifest.is_file():
            groups.setdefault((one.split.benchmark, one.split.name), []).append(one)
    for number, ((benchmark, name), group) in enumerate(groups.items()):
        first, way = group[0], group[0].split.way
        folder = os.path.relpath(first.files.manifest.parent, results.run.results_dir)
        told = {
            "at": number,
            "benchmark": benchmark,
            "key": f"{benchmark}/{name}",
            "name": f"{benchmark}: {name}",
            "kind": "measure" if way in MEASURES else way,
            "audio": "" if within else f"{quote(folder)}/",
            "models": [folders.index(one.model.folder) for one in group],
            "protocols": list(protocols(first.metrics)),
        }
        if way in MEASURES:
            rates = {one.name: [one.title, one.lower] for one in rates_of([first.split])}
            told |= {"protocols": list(rates), "rates": rates}
        yield group, told


def pieces(
    results: Results, found: Sequence[Difference], clips: Clips
) -> Iterator[tuple[str, Any]]:
    """All pieces, by name: ``u<split>`` and ``a<split>-<model>`` are what rows are ranked and
    filtered by, ``u<split>-<k>`` and ``a<split>-<model>-<k>`` the rows themselves; ``w<split>``
    and ``w<split>-<model>`` the words of speech recognition, ``p<split>`` the waveforms of the
    worst, ``tests`` the models' differences.

    Raises:
        EarmarkError: when scores, predictions and manifest are not of the same samples.
    """
    folders = list(results.run.models)
    yield "tests", [
        {"benchmark": one.benchmark, "protocol": one.protocol, "split": one.split,
         "a": folders.index(one.a), "b": folders.index(one.b), **one.line}
        for one in found
    ]  # fmt: skip
    for group, split in _splits(results):
        chunks, asr = list(read_jsonl(group[0].files.manifest)), split["kind"] == "asr"
        sessions = _sessions(chunks, group[0].split.session)
        entries = _wholes(chunks, sessions)
        utterances = [_utterance(entry) for entry in entries]
        yield f"u{split['at']}", _utterance_index(entries)
        costs = []
        for one, model in zip(group, split["models"], strict=True):
            name = f"a{split['at']}-{model}"
            scores = _rows(one.files.scores, entries)
            answers = _wholes(_rows(one.files.predictions, chunks), sessions)
            judged = [Row()] * len(entries)
            if one.files.judgements.is_file():
                judged = _rows(one.files.judgements, entries)
            index = _answer_index(scores, answers, split)
            costs.append(index["by"][0]["cost"])
            yield name, index
            rows = [
                _told(answer) | (_recognized(score) if asr else _answered(score, judgement))
                for score, answer, judgement in zip(scores, answers, judged, strict=True)
            ]
            if asr and one is group[0]:
                for utterance, score in zip(utterances, scores, strict=True):
                    utterance["reference"] = score.get("reference")
                first = scores
                spoken, known = words.said(first)
                yield f"w{split['at']}", spoken
            if asr:
                yield f"w{name[1:]}", words.heard(scores, first, known)
            for piece, part in _parts(rows):
                yield f"{name}-{piece}", part
        manifest, worst = group[0].files.manifest, clips.rows(costs)
        yield f"p{split['at']}", waveforms(manifest, entries, worst)
        if clips.folder is not None:
            copies = clips.copied(manifest, entries, split["at"], worst)
            for row, utterance in enumerate(utterances):
                utterance["audio"] = copies.get(row, [])
        for piece, part in _parts(utterances):
            yield f"u{split['at']}-{piece}", part


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


def _sessions(chunks: Sequence[Row], session: Session | None) -> dict[str, list[int]]:
    """The places of the chunks of each recording, in the order of the scores; empty without any."""
    found: dict[str, list[int]] = {}
    for place, row in enumerate(chunks if session else ()):
        found.setdefault(str(row[session.group]), []).append(place)  # type: ignore[union-attr]
    for places in found.values():
        places.sort(key=lambda place: float(chunks[place][session.order]))  # type: ignore[union-attr]
    return dict(sorted(found.items()))


def _wholes(rows: list[Row], sessions: Mapping[str, Sequence[int]]) -> list[Row]:
    """Rows of the manifest or of predictions, a recording each where they are of its chunks."""
    found = []
    for name, places in sessions.items():
        parts = [rows[place] for place in places]
        whole = {**parts[0], "id": name}
        for key in ("audio_filepath", "duration"):
            if key in whole:
                whole[key] = [part[key] for part in parts]
        if "generation" in whole:
            whole["generation"] = " ".join(str(part["generation"] or "") for part in parts)
            for key in ("error", "finish_reason"):
                worst = (part.get(key) for part in parts if part.get(key) not in (None, "stop"))
                whole[key] = next(worst, whole.get(key))
            whole["generation_end_time"] = parts[-1].get("generation_end_time")
        found.append(whole)
    return found if sessions else rows


def _utterance(entry: Row) -> Row:
    choices = entry.get("choices")
    more = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in entry.items()
        if key not in _SHOWN and value not in (None, "", [], {})
    }
    return {
        "id": str(entry["id"]),
        "duration": _duration(entry),
        "audio": [quote(str(path)) for path in listed(entry.get("audio_filepath"))],
        **{key: entry.get(key) for key in ("text", "question", "answer")},
        "choices": [str(one) for one in choices] if isinstance(choices, list) else [],
        "more": more,
    }


def _duration(entry: Row) -> float | None:
    known = [float(part) for part in listed(entry.get("duration")) if part is not None]
    return sum(known) if known else None


def _utterance_index(entries: Sequence[Row]) -> Row:
    facets = []
    named = {column for _, *columns in FACETS.values() for column in columns}
    others = dict.fromkeys(key for entry in entries for key in entry)
    chosen = {**FACETS, **{f"by.{key}": (key.replace("_", " "), key) for key in others
                           if key not in named and key not in _SHOWN}}  # fmt: skip
    for name, (title, *columns) in chosen.items():
        values: dict[str, int] = {}
        of = []
        for entry in entries:
            each = [one for column in columns for one in listed(entry.get(column))]
            mine = dict.fromkeys(str(one) for one in each if one not in (None, ""))
            of.append([values.setdefault(one, len(values)) for one in mine])
            if name not in FACETS and len(values) > VALUES:
                break
        if values and (name in FACETS or 1 < len(values) <= VALUES):
            facets.append({"name": name, "title": title, "values": list(values), "of": of})
    return {"duration": [_duration(entry) for entry in entries], "facets": facets}


def _answer_index(scores: Sequence[Row], answers: Sequence[Row], split: Row) -> Row:
    """What answers are ranked and filtered by: of speech recognition, under each protocol."""
    kinds = []
    for score, answer in zip(scores, answers, strict=True):
        bits = 8 * bool(answer.get("error")) + 32 * (answer.get("finish_reason") == "length")
        bits += 16 * (not str(answer.get("generation") or "").strip())
        if split["kind"] == "asr":
            bits += 64 * bool(score.get("signals"))
        else:
            correct = score.get("correct", score.get("success"))
            bits += 512 if correct is None else 256 if correct else 128
        kinds.append(bits)
    if split["kind"] != "asr":
        return {"kinds": kinds, "by": [{"cost": [_cost(score) for score in scores]}]}
    counted = []
    for place, name in enumerate(split["protocols"]):
        rows = [(s.get("protocols") or {}).get(name, s) if place else s for s in scores]
        errors = [[int(row.get(kind) or 0) for kind in _ERRORS] for row in rows]
        counted.append({
            "cost": [sum(three) if row.get("scored", True) else None
                     for row, three in zip(rows, errors, strict=True)],
            "words": [row.get("ref_words") for row in rows],
            "kinds": [bool(s) + 2 * bool(d) + 4 * bool(i) for s, d, i in errors],
        })  # fmt: skip
    return {"kinds": kinds, "by": counted}


def _cost(score: Row) -> float | None:
    """How bad an answer is: by its measure, the judge's overall score, or wrong against right."""
    if "cost" in score:
        return float(score["cost"])
    if score.get("correct") is None:
        return None
    overall = (score.get("scores") or {}).get("overall")
    return round(5 - overall, 3) if overall is not None else float(not score["correct"])


def _told(answer: Row) -> Row:
    """What is shown of any answer."""
    start, end = answer.get("generation_start_time"), answer.get("generation_end_time")
    return _known({
        "raw": answer.get("generation"),
        "error": answer.get("error"),
        "finish": answer.get("finish_reason"),
        "tokens": answer.get("num_generated_tokens"),
        "seconds": None if start is None or end is None else round(end - start, 3),
        "attempts": answer.get("attempts"),
    })  # fmt: skip


def _known(row: Row) -> Row:
    return {key: value for key, value in row.items() if value is not None}


def _recognized(score: Row) -> Row:
    """What is shown of a transcript: its words, errors, and other protocols' words."""
    edits = [
        [kind, at_ref, len(str(ref).split()), at_hyp, len(str(hyp).split())]
        for kind, at_ref, at_hyp, ref, hyp in score.get("edits") or []
    ]
    texts = ("reference", "hypothesis")
    others = {
        name: [other.get(key) for key in texts]
        for name, other in (score.get("protocols") or {}).items()
        if any(other.get(key) != score.get(key) for key in texts)
    }
    signals = "; ".join(_signal(*one) for one in (score.get("signals") or {}).items())
    row = {"hypothesis": score.get("hypothesis"), "edits": edits}
    return _known({**row, "others": others or None, "signals": signals or None})


def _signal(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {inner}" for key, inner in value.items())
    shown = f"{value:.1f}" if isinstance(value, float) else str(value)
    return f"{name.replace('_', ' ')}: {shown}"


def _answered(score: Row, judged: Row) -> Row:
    """What is shown of an answer to a question, or by a measure."""
    row = {key: score.get(key) for key in ("match", "similarities", "scores", "why")}
    if "counts" in score:  # of a measure: its own rate, or the words that it lacks and adds
        rates = {rate.name: rate.title for name in MEASURES for rate in measure_type(name).rates}
        parts = [f"{title} {score[name]:.1f}" for name, title in rates.items() if name in score]
        for key in ("missed", "false"):
            parts += [f"{key}: {', '.join(score[key])}"] if score.get(key) else []
        row["why"] = row["why"] or "; ".join(parts)
    if texts := judged.get("judgements"):
        row["judgement"] = "\n\n--- asked again ---\n\n".join(map(str, texts))
    return _known(row)
