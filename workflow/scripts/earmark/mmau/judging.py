"""The judge step: a language model judges open-ended answers, as MMAU-Pro's or as a split says.

The judge is a model like any other: the infer step asks it, with a manifest of what is judged.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.config import Model
from earmark.config.benchmarks import Judged
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.infer import Job, infer
from earmark.mmau import judge as reading
from earmark.mmau.answers import answered
from earmark.mmau.judge import PROMPTS, JudgementError, read_judgement
from earmark.scoring.text import reasoning
from earmark.servers import answer_settings

Settings = dict[str, Any]

_AUDIO = ("audio_filepath", "duration")


@dataclass(frozen=True)
class Judge:
    """A judge: what its work is called in logs, what determines its answers (`judge_settings`), the
    model with what is operational too, the folder of its journal, and the log of its server.
    """

    title: str
    wanted: Settings
    model: Model
    journal: Path
    server_log: Path


def judge_settings(judge: Model, judged: Judged | None = None) -> Settings:
    """Everything that determines a judge's answers, and nothing operational.

    Args:
        judge: The config's ``judge``; its ``prompt`` is a name of `PROMPTS`, or replaces ours,
            with ``{question}``, ``{reference}`` and ``{response}`` for what is judged.
        judged: A split's own prompt, in which any column may stand, and its ``votes``.

    Raises:
        EarmarkError: when the prompt has no place for the answer, or votes would be equal.
    """
    given = judge.settings["prompt"]
    named = PROMPTS[given if isinstance(given, str) else "earmark"]
    prompt = {"system": named["system"], "user": named["user"], "suffix": ""}
    prompt |= {} if isinstance(given, str) else given
    where, known = "judge.prompt.user", "{question} and {reference} are"
    kind: Settings = {"yes_no": True} if named.get("yes_no") else {}
    if judged:
        prompt = {"system": judged.system, "user": judged.user, "suffix": ""}
        where, known = "judged.user", "any column of the manifest is"
        kind = {"votes": judged.votes}
        if judged.votes > 1 and not judge.sampling.temperature:
            raise EarmarkError(
                f"judged.votes: {judged.votes} votes without judge.sampling.temperature above 0 "
                "are equal"
            )
    if "{response}" not in prompt["user"]:
        raise EarmarkError(
            f"{where}: {{response}} missing, which stands for the answer that is judged ({known} "
            "known too)"
        )
    wanted = {key: judge.settings[key] for key in ("model", "revision", "sampling", "extra_body")}
    found = answer_settings(judge, {**wanted, "api": "chat", "prompt": prompt})
    return {**found, "audio": False, "chunk_seconds": None, "num_seeds": 1, **kind}


def reading_code() -> str:
    """A hash of the code that finds the answer in a generation, and the scores in a judgement."""
    files = [str(reasoning.__file__), str(reading.__file__)]
    content = b"".join(Path(file).read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()[:16]


def judge_split(judge: Judge, manifest: str, predictions: str, judgements: str) -> None:
    """Judge a split's answers, and write a row a sample, as `judge_all` gives it.

    Raises:
        EarmarkError: as `infer`; what the judge has answered is in the journal.
    """
    samples = [(row, answer["generation"]) for row, answer in answered(manifest, predictions)]
    rows = judge_all(judge, samples)
    write_jsonl(judgements, rows)
    if "votes" in judge.wanted:  # are read when the split is scored
        return
    asked = [row for row in rows if row["judgements"]]
    unread = [row for row in asked if row["scores"] is None]
    print(f"{judge.title}: {len(asked)} judgements, {len(unread)} of them unreadable twice")
    for row in unread:
        print(f"sample {row['id']}: {row['why']}")


def judge_all(judge: Judge, samples: Sequence[tuple[Row, str]]) -> list[Row]:
    """Judge answers: with ``votes`` so often, else once more where the scores cannot be read.

    Args:
        judge: The judge.
        samples: Rows and the model's answers; about an empty one nothing is asked, nor about one
            without the reference (``answer``) that the prompt shows as ``{reference}``.

    Returns:
        For each sample ``id``, ``judgements`` (the judge's texts as they came; none where nothing
        was asked or requests failed), ``why`` (there are none, or no scores) and ``requests`` (the
        fingerprints); without ``votes``, also ``scores`` (as `read_judgement` gives them, or null)
        and, where it is so, ``no_reference`` and ``yes_no``.
    """
    votes = judge.wanted.get("votes")
    shows_reference = not votes and "{reference}" in judge.wanted["prompt"]["user"]
    found: dict[str, Row] = {}
    asked = []
    for row, answer in samples:
        name = str(row["id"])
        found[name] = {"id": row["id"], "judgements": [], **({} if votes else {"scores": None})}
        found[name] |= {"why": "empty answer", "requests": []}
        shown = {key: value for key, value in row.items() if key not in _AUDIO}
        if not votes:
            shown |= {"question": _text(row, "question"), "reference": _text(row, "answer")}
        if answer.strip() and shows_reference and not shown["reference"].strip():
            why = "no reference under `answer`, which the judge's prompt shows"
            found[name] |= {"why": why, "no_reference": True}
        elif answer.strip():
            asked.append({**shown, "id": name, "response": answer.strip()})
    for again in range(votes or 2):
        for said in ask(judge, asked, again):
            _add(found[said["id"]], said, judge.wanted)
        if not votes:
            unread = [row for row in found.values() if row["scores"] is None and row["judgements"]]
            names = {str(row["id"]) for row in unread}
            asked = [row for row in asked if row["id"] in names]
    return [found[str(row["id"])] for row, _ in samples]


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _add(row: Row, said: Row, wanted: Settings) -> None:
    """Put one of the judge's answers into a sample's row."""
    row["requests"].append(said["request"])
    if "yes_no" in wanted:
        row["yes_no"] = True
    if said["error"] is not None:
        row["why"] = f"the judge failed: {said['error']}"
        return
    row["judgements"].append(said["generation"])
    row["why"] = None
    if "votes" not in wanted:
        try:
            row["scores"] = read_judgement(said["generation"], "yes_no" in wanted)
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
