"""A matcher behind any OpenAI-compatible ``/v1/embeddings``: NVIDIA's hosted ones, vLLM, TEI, …."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.mmau.matchers import Embed, Settings, Vectors

_NO_KEY = "none"
_LONGEST_WAIT = 60.0
"""Seconds that the client waits before it tries again, if a server asks for it."""


def identity(settings: Settings) -> Settings:
    """See `earmark.mmau.matchers.Matcher`."""
    return {
        "type": "embeddings",
        "model": settings["model"],
        "revision": settings.get("revision"),
        "extra_body": settings.get("extra_body") or {},
    }


@contextmanager
def running(settings: Settings) -> Iterator[Embed]:
    """See `earmark.mmau.matchers.Matcher`.

    Raises:
        EarmarkError: when the settings lack ``model`` or ``base_url``, or the variable that
            ``api_key_env`` names is not set.
    """
    import openai

    client = openai.AsyncOpenAI(
        base_url=settings["base_url"],
        api_key=_key(settings),
        timeout=settings.get("timeout", 600),
        max_retries=settings.get("max_retries", 8),
    )
    with asyncio.Runner() as runner:
        try:
            yield _Endpoint(client, settings, runner)
        finally:
            runner.run(client.close())


def _key(settings: Settings) -> str:
    variable = settings.get("api_key_env")
    if not variable:
        return _NO_KEY
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EarmarkError(
            f"matcher.api_key_env names the environment variable {variable}, which is not set; "
            f"export {variable}=… before starting"
        )
    return key


class _Endpoint:
    def __init__(self, client: Any, settings: Settings, runner: asyncio.Runner) -> None:
        self._client = client
        self._settings = settings
        self._runner = runner

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch; an answer that is no list of vectors is asked for again."""
        import openai

        retries = self._settings.get("max_retries", 8)
        where = f"{self._settings['base_url']} (matcher, model {self._settings['model']!r})"
        for attempt in range(retries + 1):
            try:
                return self._runner.run(self._ask(texts))
            except TimeoutError:
                raise EarmarkError(
                    f"{where}: no whole answer to {len(texts)} texts within {self._patience:g} s "
                    "(matcher.timeout, for each of matcher.max_retries and the first attempt)"
                ) from None
            except openai.APIStatusError as error:
                raise EarmarkError(
                    f"{where}: HTTP {error.status_code} for a batch of {len(texts)} texts: "
                    f"{self._told(error.message)}"
                ) from None
            except openai.APIConnectionError as error:
                cause = error.__cause__ or error
                raise EarmarkError(f"{where}: cannot be reached: {self._told(cause)}") from None
            except (openai.APIError, TypeError, ValueError) as error:
                if attempt == retries:
                    raise EarmarkError(
                        f"{where}: {retries + 1} answers that hold no embeddings; the last: "
                        f"{self._told(error)}"
                    ) from None
                time.sleep(min(8.0, 0.25 * 2**attempt))
        raise AssertionError("unreachable")

    def _told(self, said: object) -> str:
        """What a server said, in short; some repeat the key that they refuse."""
        key = self._client.api_key
        text = str(said) if key == _NO_KEY else str(said).replace(key, "***")
        return text[:500]

    @property
    def _patience(self) -> float:
        """Seconds for a batch, retries too: the client's own limit is one between two bytes."""
        retries: int = self._settings.get("max_retries", 8)
        seconds: float = self._settings.get("timeout", 600)
        return (retries + 1) * seconds + retries * _LONGEST_WAIT

    async def _ask(self, texts: Sequence[str]) -> Vectors:
        async with asyncio.timeout(self._patience):
            answer = await self._client.embeddings.create(
                model=self._settings["model"],
                input=list(texts),
                encoding_format="float",
                extra_body=self._settings.get("extra_body") or {},
            )
        return _read(answer, len(texts))


def _read(answer: Any, count: int) -> Vectors:
    """The vectors of an answer, in the order of its texts.

    Raises:
        ValueError: when it is no list of as many vectors of one length; says what it is.
    """
    items = getattr(answer, "data", None)
    if not isinstance(items, list):
        shown = answer.to_dict() if hasattr(answer, "to_dict") else answer
        raise ValueError(f"no `data` in it: {shown}")
    if len(items) != count:
        raise ValueError(f"{len(items)} embeddings for {count} texts")
    indices = [getattr(item, "index", None) for item in items]
    if set(indices) != set(range(count)):
        shown = items if any(isinstance(item, str) for item in items) else indices
        raise ValueError(f"their `index` is not 0 to {count - 1}, each once: {shown}")
    by_index = {item.index: item.embedding for item in items}
    rows = [by_index[place] for place in range(count)]
    try:
        vectors: Vectors = np.asarray(rows, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"no lists of as many numbers: {_seen(rows)}") from None
    return vectors


def _seen(rows: Sequence[Any]) -> str:
    """What there is in the place of vectors, each kind once."""
    kinds = (f"{len(row)} numbers" if isinstance(row, list) else f"{row!r:.40}" for row in rows)
    return ", ".join(list(dict.fromkeys(kinds))[:5])
