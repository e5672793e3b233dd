"""A matcher behind any OpenAI-compatible ``/v1/embeddings``: NVIDIA's hosted ones, vLLM, TEI, …."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.mmau.matchers import Embed, Settings, Vectors
from earmark.servers.base import api_key

_NO_KEY = "none"
_LONGEST_WAIT = 60.0
"""Seconds that the client waits before it tries again, if a server asks for it."""


def identity(settings: Settings) -> dict[str, Any]:
    """See `earmark.mmau.matchers.Matcher`."""
    return {
        "type": "embeddings",
        "model": settings["model"],
        "revision": settings.get("revision"),
        "extra_body": settings.get("extra_body") or {},
    }


@contextmanager
def running(settings: Settings) -> Iterator[Embed]:
    """See `earmark.mmau.matchers.Matcher`; raises EarmarkError where the key is not set."""
    import openai

    retries, timeout = settings.get("max_retries", 8), settings.get("timeout", 600)
    # The client's own limit is one between two bytes.
    patience = (retries + 1) * timeout + retries * _LONGEST_WAIT
    key = api_key(settings.get("api_key_env")) or _NO_KEY
    client = openai.AsyncOpenAI(
        base_url=settings["base_url"], api_key=key, timeout=timeout, max_retries=retries
    )

    def failed(what: str, said: object = "") -> EarmarkError:
        """An error with what a server said, in short; some repeat the key that they refuse."""
        shown = (str(said) if key == _NO_KEY else str(said).replace(key, "***"))[:500]
        where = f"{settings['base_url']} (matcher, model {settings['model']!r})"
        return EarmarkError(f"{where}: {what}{shown}")

    async def ask(texts: Sequence[str]) -> Any:
        async with asyncio.timeout(patience):
            return await client.embeddings.create(
                model=settings["model"],
                input=list(texts),
                encoding_format="float",
                extra_body=settings.get("extra_body") or {},
            )

    def embed(texts: Sequence[str]) -> Vectors:
        """Embed a batch; an answer that is no list of vectors is asked for again."""
        for attempt in range(retries + 1):
            try:
                return _vectors(runner.run(ask(texts)), len(texts))
            except TimeoutError:
                raise failed(
                    f"no whole answer to {len(texts)} texts within {patience:g} s "
                    "(matcher.timeout, for each of matcher.max_retries and the first attempt)"
                ) from None
            except openai.APIStatusError as error:
                what = f"HTTP {error.status_code} for a batch of {len(texts)} texts: "
                raise failed(what, error.message) from None
            except openai.APIConnectionError as error:
                raise failed("cannot be reached: ", error.__cause__ or error) from None
            except (openai.APIError, TypeError, ValueError) as error:
                said = error
            if attempt < retries:
                time.sleep(min(8.0, 0.25 * 2**attempt))
        raise failed(f"{retries + 1} answers that hold no embeddings; the last: ", said)

    with asyncio.Runner() as runner:
        try:
            yield embed
        finally:
            runner.run(client.close())


def _vectors(answer: Any, count: int) -> Vectors:
    """The vectors in the order of their texts; a ValueError says what the answer is instead."""
    try:
        by_index = {item.index: item.embedding for item in answer.data}
        vectors = np.asarray([by_index[place] for place in range(count)], np.float32)
        if len(answer.data) == count and vectors.ndim == 2:
            return vectors
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise ValueError(f"no {count} vectors of one length, with `index` 0 to {count - 1}: {answer}")
