"""The comet step: COMET's scores of translations, each sentence once.

COMET (Rei et al., EMNLP 2020) is a model of what was said, the translation and the reference. Its
package wants older ones than Earmark's, so a worker runs under the interpreter that
``comet.python`` names; ``workflow/envs/comet.txt`` lists what that environment holds. Scores are
kept in a journal, so that an answer is scored anew only where its texts or the model change.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from earmark.config.models import Comet
from earmark.errors import EarmarkError
from earmark.files import Row, write_jsonl
from earmark.inference.journal import Journal, Writer
from earmark.scoring.pairs import paired
from earmark.scoring.text import reasoning
from earmark.servers import worker

KIND = worker.Kind(
    name="COMET",
    key="comet",
    script=Path(__file__).with_name("comet_worker.py"),
    packages="workflow/envs/comet.txt",
    memory="a lower comet.batch_size needs less of a GPU, and an xCOMET model half as much with "
    "comet.dtype: bfloat16",
)
SOURCE = "said"
"""The column of the manifest with what was said, in the language of the audio."""
_PORTION = 1000
"""Sentences that the worker is asked about at once, and that a killed job loses at most."""

Texts = tuple[str, str, str]


def check_source(entry: Row) -> None:
    """See that a row of the manifest has what was said.

    Raises:
        EarmarkError: when it does not; begins with the key of the split.
    """
    said = entry.get(SOURCE)
    if not isinstance(said, str) or not said.strip():
        raise EarmarkError(
            f"comet: {SOURCE!r} must be what was said, as a text, found {said!r:.80}; "
            f"`source.columns: {{{SOURCE}: …}}` names the set's column of it"
        )


def reading_code() -> str:
    """A hash of the code that finds the translation in a generation."""
    return hashlib.sha256(Path(reasoning.__file__).read_bytes()).hexdigest()[:16]


def lacks(comet: Comet) -> str | None:
    """What this machine lacks of what COMET needs, and what to do; None for nothing."""
    if not Path(comet.python).is_file():
        return f"comet.python: {comet.python} does not exist; make COMET's environment"
    if comet.checkpoint is None and (comet.model.count("/") != 1 or comet.model[0] in "/.~"):
        return f"comet.model: {comet.model} is no file, nor a model of the Hub as owner/name"
    return None


def comet_split(comet: Comet, manifest: str, predictions: str, scores: str, kept: Path) -> None:
    """Score a split's translations.

    Args:
        comet: The split's ``comet``.
        manifest: The split's manifest, with ``said`` and ``text``.
        predictions: The model's answers.
        scores: The file to write, a row a sample: ``id``, ``comet`` (1 is best), and ``by``: what
            scored it, as the signature of metrics.
        kept: The folder of the scores that were made before.

    Raises:
        EarmarkError: when a row lacks what was said, and when the model is not to be had, or gives
            what it should not; scores made until then are kept.
    """
    identity = dict(comet.identity)
    if comet.checkpoint:
        status = Path(comet.checkpoint).stat()
        identity["file"] = [status.st_size, status.st_mtime_ns]
    rows = list(_texts(manifest, predictions))
    keys = [_fingerprint(identity, texts) for _, texts in rows]
    with Writer(kept / "scores.jsonl") as writer:
        with Journal(kept) as journal:
            missing = {
                key: texts for key, (_, texts) in zip(keys, rows, strict=True) if key not in journal
            }
        print(f"{len(set(keys)):,} distinct sentences, {len(missing):,} to score", flush=True)
        if missing:
            _score(comet, missing, writer)
    with Journal(kept) as journal:
        found = [journal.get(key) or {} for key in keys]
    write_jsonl(
        scores,
        (
            {"id": name, "comet": one["comet"], "by": one["by"]}
            for (name, _), one in zip(rows, found, strict=True)
        ),
    )


def _texts(manifest: str, predictions: str) -> Iterator[tuple[Any, Texts]]:
    """Each sample's id, and what was said, the translation and the reference."""
    for entry, prediction in paired(manifest, predictions):
        try:
            check_source(entry)
        except EarmarkError as error:
            raise EarmarkError(f"{manifest}, sample {entry['id']!r}: {error}") from None
        heard, _ = reasoning.answer(prediction["generation"])
        reference = str(entry.get("text") or "")
        yield entry["id"], (entry[SOURCE].strip(), heard.strip(), reference.strip())


def _fingerprint(identity: dict[str, Any], texts: Texts) -> str:
    return hashlib.sha256(json.dumps([identity, *texts], sort_keys=True).encode()).hexdigest()


def _score(comet: Comet, missing: dict[str, Texts], writer: Writer) -> None:
    settings = {**comet.identity, "batch_size": comet.batch_size, "gpus": comet.gpus}
    settings["model"] = comet.checkpoint or comet.model
    with worker.running(KIND, Path(comet.python), settings, comet.gpus) as model:
        by = signature(comet, model.loaded)
        left, done = iter(missing.items()), 0
        while portion := dict(islice(left, _PORTION)):
            found = model.ask(list(portion.values()))["scores"]
            if len(found) != len(portion) or not all(map(math.isfinite, found)):
                raise EarmarkError(
                    f"COMET gave {len(found)} scores for {len(portion)} sentences, of which some "
                    f"are no numbers: {found!r:.80}; is {comet.model} whole?"
                )
            for key, score in zip(portion, found, strict=True):
                writer.append({"request": key, "error": None, "comet": score, "by": by})
            done += len(portion)
            print(f"{done:,} of {len(missing):,} scored", flush=True)


def signature(comet: Comet, loaded: Row) -> str:
    """What scored, in the form of sacrebleu's signatures."""
    revision = loaded["revision"] or "-"
    version = f"dtype:{comet.dtype}|version:{loaded['version']}"
    return f"model:{comet.model}|revision:{revision}|{version}"
