"""The judge step: a language model scores each open-ended answer, an unreadable score once more.

The judge is a model like any other: its server, journal, retries and limits are those of the infer
step, to which this step gives what is to be judged as a manifest of its own.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.config import Model
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.infer import Job, infer
from earmark.mmau import judge as reading
from earmark.mmau.answers import answered
from earmark.mmau.judge import PROMPTS, JudgementError, read_judgement
from earmark.scoring.text import reasoning
from earmark.servers import answer_settings

Settings = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """A judge, and where its answers are kept.

    Attributes:
        title: What the work is called in logs.
        wanted: What determines its answers, as `judge_settings` gives it.
        model: The judge itself, with what is operational too.
        journal: The folder of its journal.
        server_log: The log of its server.
    """

    title: str
    wanted: Settings
    model: Model
    journal: Path
    server_log: Path


def judge_settings(judge: Model) -> Settings:
    """Everything that determines a judge's scores, and nothing operational.

    Args:
        judge: The config's ``judge``; its ``prompt`` is a name of `PROMPTS`, or replaces ours,
            with ``{question}``, ``{reference}`` and ``{response}`` for what is judged.

    Returns:
        What determines the answers of a model, with ``yes_no`` where the judge says Yes or No.

    Raises:
        EarmarkError: when the prompt has no place for the answer.
    """
    given = judge.settings["prompt"]
    named = PROMPTS[given if isinstance(given, str) else "earmark"]
    prompt = {"system": named["system"], "user": named["user"], "suffix": ""}
    prompt |= {} if isinstance(given, str) else given
    if "{response}" not in prompt["user"]:
        raise EarmarkError(
            "judge.prompt.user: {response} missing, which stands for the answer that is judged "
            "({question} and {reference} are known too)"
        )
    wanted = {key: judge.settings[key] for key in ("model", "revision", "sampling", "extra_body")}
    found = answer_settings(judge, {**wanted, "api": "chat", "prompt": prompt})
    kind = {"yes_no": True} if named.get("yes_no") else {}
    return {**found, "audio": False, "chunk_seconds": None, "num_seeds": 1, **kind}


def reading_code() -> str:
    """A hash of the code that finds the answer in a generation, and the scores in a judgement."""
    files = [str(reasoning.__file__), str(reading.__file__)]
    content = b"".join(Path(file).read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()[:16]


def judge_split(judge: Judge, manifest: str, predictions: str, judgements: str) -> None:
    """Judge a split's answers.

    Args:
        judge: The judge.
        manifest: The split's manifest, with ``question`` and ``answer``.
        predictions: The model's answers.
        judgements: The file to write, a row a sample, as `judge_all` gives it.

    Raises:
        EarmarkError: as `infer`; what the judge has answered is in the journal.
    """
    samples = [(row, answer["generation"]) for row, answer in answered(manifest, predictions)]
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
        where nothing was asked or the request failed), ``scores`` (as `read_judgement` gives them,
        or null), ``why`` (there are none), ``requests`` (the fingerprints) and, where it is so,
        ``no_reference`` and ``yes_no``.
    """
    shows_reference = "{reference}" in judge.wanted["prompt"]["user"]
    found: dict[str, Row] = {}
    asked = []
    for row, answer in samples:
        name, reference = str(row["id"]), _text(row, "answer")
        found[name] = {"id": row["id"], "judgements": [], "scores": None}
        found[name] |= {"why": "empty answer", "requests": []}
        if answer.strip() and shows_reference and not reference.strip():
            why = "no reference under `answer`, which the judge's prompt shows"
            found[name] |= {"why": why, "no_reference": True}
        elif answer.strip():
            question = {"question": _text(row, "question"), "reference": reference}
            asked.append({"id": name, **question, "response": answer.strip()})
    for again in (False, True):
        for said in ask(judge, asked, int(again)):
            _add(found[said["id"]], said, judge.wanted.get("yes_no", False))
        unread = [row for row in found.values() if row["scores"] is None and row["judgements"]]
        names = {str(row["id"]) for row in unread}
        asked = [row for row in asked if row["id"] in names]
    return [found[str(row["id"])] for row, _ in samples]


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _add(row: Row, answer: Row, yes_no: bool) -> None:
    """Put one of the judge's answers into a sample's row."""
    row["requests"].append(answer["request"])
    if yes_no:
        row["yes_no"] = True
    if answer["error"] is not None:
        row["why"] = f"the judge failed: {answer['error']}"
        return
    row["judgements"].append(answer["generation"])
    try:
        row["scores"], row["why"] = read_judgement(answer["generation"], yes_no), None
    except JudgementError as error:
        row["why"] = str(error)


def ask(judge: Judge, rows: Sequence[Row], again: int) -> list[Row]:
    """The judge's answers, in order; each time that it is asked ``again`` it has another seed."""
    if not rows:
        return []
    wanted, model, title = judge.wanted, judge.model, judge.title
    if again:
        title = f"{title}, once more"
        seed = (wanted["sampling"].get("seed") or 0) + again
        wanted = {**wanted, "sampling": {**wanted["sampling"], "seed": seed}}
        model = model.model_copy(update={"max_failed_fraction": 1.0})  # the first round decided
    with tempfile.TemporaryDirectory() as folder:
        manifest, answers = Path(folder, "manifest.jsonl"), Path(folder, "answers.jsonl")
        write_jsonl(manifest, rows)
        job = Job(title, wanted, model, manifest, judge.journal, answers, judge.server_log)
        infer(job)
        return list(read_jsonl(answers))
