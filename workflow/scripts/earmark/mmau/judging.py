"""The judge step: a language model scores each open-ended answer, an unreadable score once more.

The judge is a model like any other: its server, journal, retries and pace are those of the infer
step, to which this step gives what is to be judged as a manifest of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.infer import Job, infer
from earmark.mmau.judge import (
    JUDGE_SYSTEM,
    JUDGE_USER,
    SCORES,
    JudgementError,
    read_judgement,
)
from earmark.scoring.pairs import paired
from earmark.servers import answer_settings

Settings = dict[str, Any]

_BARE = "no reference under `answer`, which the judge's prompt shows"


@dataclass(frozen=True)
class Judge:
    """A judge, and where its answers are kept.

    Attributes:
        title: What the work is called in logs.
        wanted: What determines its answers, as `judge_settings` gives it.
        settings: Its settings, operational ones too.
        journal: The folder of its journal.
        server_log: The log of its server.
    """

    title: str
    wanted: Settings
    settings: Settings
    journal: Path
    server_log: Path


def judge_settings(settings: Mapping[str, Any]) -> Settings:
    """Everything that determines a judge's scores, and nothing operational.

    Args:
        settings: The settings of the config's ``judge``, a model; its ``prompt`` may replace ours,
            with ``{question}``, ``{reference}`` and ``{response}`` for what is judged.

    Raises:
        EarmarkError: when the prompt has no place for the answer.
    """
    user = settings["prompt"].get("user")
    if user is not None and "{response}" not in user:
        raise EarmarkError(
            "judge.prompt.user: {response} missing, which stands for the answer that is judged "
            "({question} and {reference} are known too)"
        )
    prompt = {"system": JUDGE_SYSTEM, "user": JUDGE_USER, "suffix": "", **settings["prompt"]}
    wanted = {key: settings[key] for key in ("model", "revision", "sampling", "extra_body")}
    found = answer_settings(settings, {**wanted, "api": "chat", "prompt": prompt})
    return {**found, "audio": False, "chunk_seconds": None, "num_seeds": 1}


def judge_split(judge: Judge, manifest: str, predictions: str, judgements: str) -> None:
    """Judge a split's answers.

    Args:
        judge: The judge.
        manifest: The split's manifest, with ``question`` and ``answer``.
        predictions: The model's answers.
        judgements: The file to write, a row a sample, as `judge_all` gives it.

    Raises:
        EarmarkError: when the judge's server is not to be had, refuses, or fails too often; what
            it has answered is in the journal.
    """
    samples = [(row, answer["generation"]) for row, answer in paired(manifest, predictions)]
    rows = judge_all(judge, samples)
    write_jsonl(judgements, rows)
    unread = [row for row in rows if row["scores"] is None and row["judgements"]]
    asked = sum(bool(row["judgements"]) for row in rows)
    print(f"{judge.title}: {asked} judgements, {len(unread)} of them unreadable twice", flush=True)
    for row in unread:
        print(f"sample {row['id']}: {row['why']}", flush=True)


def judge_all(judge: Judge, samples: Sequence[tuple[Row, str]]) -> list[Row]:
    """Judge answers; those whose judgement cannot be read are asked about once more.

    Args:
        judge: The judge.
        samples: Rows (with ``id``, ``question`` and ``answer``) and the model's answers; about an
            empty one nothing is asked, nor about one without the reference that the prompt shows.

    Returns:
        For each sample ``id``, ``judgements`` (the judge's texts as they came, one or two; none
        where nothing was asked or the request failed), ``scores`` (for each of `SCORES`, or
        null), ``why`` (there are none), ``requests`` (the fingerprints) and, where it is so,
        ``no_reference``.
    """
    bare = _without_reference(judge, samples)
    asked = [
        _question(row, answer)
        for row, answer in samples
        if answer.strip() and str(row["id"]) not in bare
    ]
    found: dict[str, Row] = {row["id"]: _judged(row) for row in _ask(judge, asked, again=False)}
    unread = {name for name, row in found.items() if row["scores"] is None and row["judgements"]}
    if unread:
        seconds = _ask(judge, [row for row in asked if row["id"] in unread], again=True)
        for second in seconds:
            found[second["id"]] = _joined(found[second["id"]], _judged(second))
    found |= {name: {**_nothing(), "why": _BARE, "no_reference": True} for name in bare}
    return [{**found.get(str(row["id"]), _nothing()), "id": row["id"]} for row, _ in samples]


def _without_reference(judge: Judge, samples: Sequence[tuple[Row, str]]) -> set[str]:
    """The ids of answers that cannot be held against the reference that the prompt shows."""
    if "{reference}" not in judge.wanted["prompt"]["user"]:
        return set()
    return {
        str(row["id"])
        for row, answer in samples
        if answer.strip() and not _text(row, "answer").strip()
    }


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _question(row: Row, answer: str) -> Row:
    return {
        "id": str(row["id"]),
        "question": _text(row, "question"),
        "reference": _text(row, "answer"),
        "response": answer.strip(),
    }


def _ask(judge: Judge, rows: Sequence[Row], again: bool) -> list[Row]:
    """The judge's answers, in order; ``again`` asks with the next seed, so that it is asked."""
    if not rows:
        return []
    wanted, settings = judge.wanted, judge.settings
    title = judge.title
    if again:
        title = f"{title}, once more"
        seed = (wanted["sampling"].get("seed") or 0) + 1
        wanted = {**wanted, "sampling": {**wanted["sampling"], "seed": seed}}
        settings = {**settings, "max_failed_fraction": 1.0}  # the first round has decided that
    with tempfile.TemporaryDirectory() as folder:
        manifest, answers = Path(folder, "manifest.jsonl"), Path(folder, "answers.jsonl")
        write_jsonl(manifest, rows)
        infer(
            Job(
                title=title,
                request=wanted,
                settings=settings,
                manifest=manifest,
                journal=judge.journal,
                predictions=answers,
                server_log=judge.server_log,
            )
        )
        return list(read_jsonl(answers))


def _judged(answer: Row) -> Row:
    row = {**_nothing(), "id": answer["id"]}
    row["requests"] = [answer["request"]]
    if answer["error"] is not None:
        row["why"] = f"the judge failed: {answer['error']}"
        return row
    row["judgements"] = [answer["generation"]]
    try:
        scores = read_judgement(answer["generation"])
    except JudgementError as error:
        row["why"] = str(error)
    else:
        row["scores"] = {name: scores[name] for name in SCORES}
        row["why"] = None
    return row


def _joined(first: Row, second: Row) -> Row:
    return {
        **second,
        "judgements": [*first["judgements"], *second["judgements"]],
        "requests": [*first["requests"], *second["requests"]],
    }


def _nothing() -> Row:
    return {"id": None, "judgements": [], "scores": None, "why": "empty answer", "requests": []}
