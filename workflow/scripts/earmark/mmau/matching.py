"""The match step: the choice whose embedding is nearest to a closed-form answer's is the match.

The protocol is the reference evaluator's (github sonalkum/MMAUPro): normalized vectors, cosine
similarity, the first of the highest. Here each distinct text is embedded once, in batches of like
length, and kept in the results, so that no other model's answers pay for it again.
"""

import hashlib
import json
import secrets
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row, whole_file, write_jsonl
from earmark.mmau.answers import answered
from earmark.mmau.matchers import Embed, Settings, Vectors, matcher_type
from earmark.mmau.verdicts import choices_of

BATCH = 64


def match_split(
    settings: Settings, manifest: str, predictions: str, matches: str, store: Path
) -> None:
    """Match a split's answers, and write a row a sample, as `match_all` does."""
    samples = [(row, answer["generation"]) for row, answer in answered(manifest, predictions)]
    write_jsonl(matches, match_all(settings, samples, store))


def match_all(
    settings: Settings, samples: Sequence[tuple[Row, str]], store: str | Path
) -> list[Row]:
    """Match answers; gives a row a sample, as `match` does.

    Args:
        settings: The config's ``matcher``.
        samples: Rows with ``choices``, and the model's answers.
        store: The folder of embeddings that are known; new ones are kept there, before a failure
            too.

    Raises:
        EarmarkError: when the matcher is not to be had, or gives what it should not.
    """
    matcher, texts = matcher_type(settings), texts_of(samples)
    kept = EmbeddingStore(Path(store), matcher.identity(settings))
    batch = settings.get("batch_size", BATCH) if settings["type"] == "embeddings" else BATCH
    with kept.turn():
        vectors = kept.load(texts)
        print(f"{len(texts)} distinct texts, {len(vectors)} of them known", flush=True)
        if len(vectors) < len(texts):
            new: dict[str, Vectors] = {}
            with matcher.running(settings) as embed:
                try:
                    for part in embed_each(embed, texts, batch, vectors):
                        new |= part
                finally:
                    kept.add(new)
            vectors |= new
    return [match(row, answer, vectors) for row, answer in samples]


def texts_of(samples: Iterable[tuple[Row, str]]) -> list[str]:
    """The distinct texts that `match` needs, in order of first use."""
    needed: dict[str, None] = {}
    for row, answer in samples:
        choices = choices_of(row)
        if len(choices) >= 2 and answer.strip():
            needed.update(dict.fromkeys([answer.strip(), *choices]))
    return list(needed)


def embed_each(
    embed: Embed,
    texts: Iterable[str],
    batch: int = BATCH,
    known: Mapping[str, Vectors] | None = None,
) -> Iterator[dict[str, Vectors]]:
    """Embed each distinct text that is not known; gives unit vectors, batch after batch.

    Args:
        embed: The matcher.
        texts: What to embed; sorted by length, so that little is padding.
        batch: Texts a call.
        known: Unit vectors that the same matcher has given before.

    Raises:
        EarmarkError: when the matcher gives another number of vectors than texts, vectors of
            another dimension than before, or one that has no direction.
    """
    known = known or {}
    dimension = next((len(vector) for vector in known.values()), None)
    rest = sorted({text for text in texts if text not in known}, key=lambda t: (len(t), t))
    for start in range(0, len(rest), batch):
        part = rest[start : start + batch]
        vectors = np.asarray(embed([_sendable(text) for text in part]), np.float32)
        first = f"{len(part)} texts, the first of them {part[0]!r:.60}"
        if vectors.ndim != 2 or len(vectors) != len(part):
            raise EarmarkError(f"the matcher gave {len(vectors)} vectors for {first}")
        if dimension not in (None, vectors.shape[1]):
            raise EarmarkError(
                f"the matcher gave vectors of {vectors.shape[1]} numbers for {first}; those before "
                f"had {dimension}. Another model seems to answer; if it is the one that you want, "
                "give it another matcher.revision"
            )
        dimension = vectors.shape[1]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        for text, (norm,) in zip(part, norms, strict=True):
            if not norm > 0 or not np.isfinite(norm):
                raise EarmarkError(
                    f"the matcher gave a vector without direction for {text!r:.60}, of length "
                    f"{norm:g}"
                )
        yield dict(zip(part, vectors / norms, strict=True))


def _sendable(text: str) -> str:
    """Embedding models take no empty text, and nothing that UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode() if text.strip() else "."


def match(row: Row, answer: str, vectors: Mapping[str, Vectors]) -> Row:
    """Match one answer to a choice, by a unit vector for each of `texts_of`.

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


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class EmbeddingStore:
    """The vectors that a matcher has given, by text; a job adds one file, whole or not at all.

    Args:
        folder: Where the folders of all matchers lie.
        identity: What determines the vectors; another identity has another folder.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self._identity = json.dumps(identity, sort_keys=True)
        self.folder = folder / hashlib.sha256(self._identity.encode()).hexdigest()[:16]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One job at a time embeds, so that none embeds what another is embedding."""
        import filelock

        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / "turn.lock", is_singleton=False):
            yield

    def load(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of those texts that were embedded before.

        Raises:
            EarmarkError: when they are not all of one length.
        """
        asked = {_key(text): text for text in texts}
        found: dict[str, Vectors] = {}
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(path) as stored:
                    keys, vectors = stored["keys"], stored["vectors"]
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                print(f"warning: {path}: not used: {error}", file=sys.stderr)
                continue
            for key, vector in zip(keys, vectors, strict=True):
                if (text := asked.get(key.tobytes())) is not None:
                    found[text] = vector
        if len({len(vector) for vector in found.values()}) > 1:
            raise EarmarkError(f"{self.folder}: vectors of unlike length; remove it and run again")
        return found

    def add(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep some texts' vectors for the jobs to come."""
        if not vectors:
            return
        keys = np.stack([np.frombuffer(_key(text), np.uint8) for text in vectors])
        with whole_file(self.folder / "matcher.json") as stream:
            stream.write(self._identity + "\n")
        with whole_file(self.folder / f"{secrets.token_hex(8)}.npz", "wb") as stream:
            np.savez(stream, keys=keys, vectors=np.stack(list(vectors.values())))
