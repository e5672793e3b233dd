"""Closed-form answers: the choice whose embedding is nearest to the answer's is the match.

The protocol is the reference evaluator's (github sonalkum/MMAUPro): normalized vectors, cosine
similarity, the first of the highest. The difference is in what it costs: the reference makes two
calls of the model a sample, here each distinct text is embedded once, in batches of like length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row, write_jsonl
from earmark.mmau.matchers import Embed, Settings, Vectors, matcher_type
from earmark.mmau.store import EmbeddingStore
from earmark.scoring.pairs import paired

BATCH = 64


def match_split(
    settings: Settings, manifest: str, predictions: str, matches: str, store: Path
) -> None:
    """The match step: match a split's answers.

    Args:
        settings: The config's ``matcher``.
        manifest: The split's manifest, with ``choices``.
        predictions: The model's answers.
        matches: The file to write, a row a sample, as `match` gives it.
        store: The folder of embeddings that were made before.

    Raises:
        EarmarkError: when the matcher is not to be had, or gives what it should not.
    """
    samples = [(row, answer["generation"]) for row, answer in paired(manifest, predictions)]
    write_jsonl(matches, match_all(settings, samples, store))


def match_all(
    settings: Settings, samples: Sequence[tuple[Row, str]], store: Path | None
) -> list[Row]:
    """Match answers, each distinct text embedded once and, with a store, once in all runs.

    What was embedded before a failure is kept in the store. Arguments and errors are those of
    `match_split`; returns a row a sample, as `match` gives it.
    """
    texts = texts_of(samples)
    kept = EmbeddingStore(store, matcher_type(settings).identity(settings)) if store else None
    # Jobs with the same matcher take turns, so that none embeds what another is embedding.
    with kept.turn() if kept else nullcontext():
        vectors = _vectors(settings, texts, kept)
    return [match(row, answer, vectors) for row, answer in samples]


def _vectors(
    settings: Settings, texts: Sequence[str], kept: EmbeddingStore | None
) -> dict[str, Vectors]:
    known = kept.load(texts) if kept else {}
    print(f"{len(texts)} distinct texts, {len(known)} of them known", flush=True)
    if kept and len({len(vector) for vector in known.values()}) > 1:
        raise EarmarkError(f"{kept.folder}: vectors of unlike length; remove it and run again")
    if len(known) == len(texts):
        return known
    vectors: dict[str, Vectors] = {}
    batch = settings.get("batch_size", BATCH) if settings["type"] == "embeddings" else BATCH
    with matcher_type(settings).running(settings) as embed:
        try:
            for part in embed_each(embed, texts, batch, known):
                vectors |= part
        finally:
            if kept:
                kept.add({text: vectors[text] for text in vectors if text not in known})
    return vectors


def choices_of(row: Mapping[str, Any]) -> list[str]:
    """A row's choices as texts; an empty list where it has none."""
    choices = row.get("choices")
    if not isinstance(choices, list | tuple):
        return []
    return [str(choice) for choice in choices if choice is not None]


def texts_of(samples: Iterable[tuple[Row, str]]) -> list[str]:
    """The distinct texts that matching needs, in order of first use.

    Args:
        samples: Rows (with ``choices``) and the model's answers. Rows without two choices and
            empty answers need nothing.
    """
    wanted: dict[str, None] = {}
    for row, answer in samples:
        choices = choices_of(row)
        if len(choices) >= 2 and answer.strip():
            wanted.update(dict.fromkeys([answer.strip(), *choices]))
    return list(wanted)


def embed_each(
    embed: Embed,
    texts: Iterable[str],
    batch: int = BATCH,
    known: Mapping[str, Vectors] | None = None,
) -> Iterator[dict[str, Vectors]]:
    """Embed each distinct text once.

    Args:
        embed: The matcher.
        texts: What to embed.
        batch: Texts a call; they are sorted by length first, so that little is padding.
        known: Unit vectors of texts that the same matcher has embedded before.

    Yields:
        A unit vector for each text, batch after batch, those of ``known`` first.

    Raises:
        EarmarkError: when the matcher gives another number of vectors than texts, vectors of
            another dimension than before, or one that has no direction.
    """
    todo = dict.fromkeys(texts)
    found = {text: vector for text, vector in (known or {}).items() if text in todo}
    dimension = next((len(vector) for vector in found.values()), None)
    yield found
    rest = sorted((text for text in todo if text not in found), key=lambda t: (len(t), t))
    for start in range(0, len(rest), batch):
        part = rest[start : start + batch]
        vectors = np.asarray(embed([_sendable(text) for text in part]), np.float32)
        _check(vectors, part, dimension)
        dimension = vectors.shape[1]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        yield dict(zip(part, vectors / norms, strict=True))


def _sendable(text: str) -> str:
    """Embedding models take no empty text, and nothing that UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode() if text.strip() else "."


def _check(vectors: Vectors, texts: Sequence[str], dimension: int | None) -> None:
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise EarmarkError(
            f"the matcher gave {len(vectors)} vectors for {len(texts)} texts, "
            f"the first of them {_shown(texts[0])}"
        )
    if dimension is not None and vectors.shape[1] != dimension:
        raise EarmarkError(
            f"the matcher gave vectors of {vectors.shape[1]} numbers for {len(texts)} texts, the "
            f"first of them {_shown(texts[0])}; those before had {dimension}. Another model seems "
            "to answer; nothing was matched. If it is the one that you want, give it another "
            "matcher.revision"
        )
    norms = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        place = int(bad[0])
        raise EarmarkError(
            f"the matcher gave a vector without direction for {_shown(texts[place])}, of length "
            f"{norms[place]:g}; nothing was matched"
        )


def match(row: Row, answer: str, vectors: Mapping[str, Vectors]) -> Row:
    """Match one answer to a choice.

    Args:
        row: The sample, with ``id`` and ``choices``.
        answer: The model's answer.
        vectors: A unit vector for each of `texts_of`.

    Returns:
        ``id``, ``similarities`` (cosine with each choice, in order), ``match`` (the choice) and
        ``margin`` (over the next best); null where the row has fewer than two choices or the
        answer is empty.
    """
    choices = choices_of(row)
    if len(choices) < 2 or not answer.strip():
        return {"id": row["id"], "match": None, "margin": None, "similarities": None}
    stacked = np.stack([vectors[choice] for choice in choices])
    similarities = stacked.astype(np.float64) @ vectors[answer.strip()].astype(np.float64)
    best = int(similarities.argmax())
    rest = np.delete(similarities, best)
    return {
        "id": row["id"],
        "match": choices[best],
        "margin": round(float(similarities[best] - rest.max()), 6),
        "similarities": [round(float(value), 6) for value in similarities],
    }


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
