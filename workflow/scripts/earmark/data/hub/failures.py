"""What goes wrong on the way to the Hub, in words that say what would put it right."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from earmark.errors import EarmarkError

T = TypeVar("T")
WAITS = (1.0, 2.0, 4.0)  # seconds before another try of a small request; the client's own for files
AGAIN = "run the same command again to go on from there"


def ask(repo: str, revision: str, what: str, request: Callable[[], T]) -> T:
    """Make a small request of the Hub, again where the Hub is busy; see `explained`."""
    with explained(repo, revision, what):
        for wait in WAITS:
            try:
                return request()
            except Exception as error:
                if (_status(error) or 0) not in (408, 429, 500, 502, 503, 504):
                    raise
                print(f"{repo}: {what}: HTTP {_status(error)}; trying again", file=sys.stderr)
                time.sleep(wait)
        return request()


@contextmanager
def explained(repo: str, revision: str, what: str) -> Iterator[None]:
    """Turns what the Hub's client raises into an `EarmarkError`.

    Args:
        repo: The dataset, ``owner/name``.
        revision: The branch, tag or commit asked for.
        what: What is asked for: a path, or ``its files``.
    """
    from huggingface_hub import errors

    try:
        yield
    except Exception as error:
        # The libraries wrap what the Hub answered in words that fit other uses.
        for cause in _causes(error):
            if isinstance(cause, errors.HTTPError | errors.HfHubHTTPError | ConnectionError):
                raise EarmarkError(_in_words(cause, repo, revision, what)) from None
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _in_words(error: Any, repo: str, revision: str, what: str) -> str:
    from huggingface_hub import constants, errors, get_token

    endpoint, status, has_token = constants.ENDPOINT, _status(error), get_token() is not None
    page, tokens = f"{endpoint}/datasets/{repo}", f"{endpoint}/settings/tokens"
    message = str(getattr(error, "server_message", "") or "").lower()
    terms = f"accept its terms at {page}, then set the environment variable HF_TOKEN to a token of that account ({tokens})"  # fmt: skip # noqa: E501
    if isinstance(error, errors.GatedRepoError) or (status == 403 and "gated" in message):
        token = (
            "the token in HF_TOKEN belongs to an account that has not accepted its terms (or may "
            "not read gated repositories)"
        )
        return f"{repo} is gated and {token if has_token else 'no token is set'}: {terms}"
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"{repo} has no revision {revision!r}: set `revision` in the split's `source` to a "
            f"branch, tag or commit that {page} lists"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        token = "the account of HF_TOKEN may not see it" if has_token else "it needs a token"
        return (
            f"no dataset {repo} at {endpoint}, or it is private and {token}: check `repo` in the "
            "split's `source`, and set the environment variable HF_TOKEN if the dataset is private"
        )
    if status == 401 and has_token:
        return (
            f"the Hub refused the token in HF_TOKEN when asked for {repo}: make a new one at "
            f"{tokens}, or unset HF_TOKEN if the dataset is public; if it is gated, its terms are "
            f"at {page}"
        )
    if status in (401, 403):
        return f"{repo}: {what}: {endpoint} answers HTTP {status}; if the dataset is gated, {terms}"
    if status == 429:
        return (
            f"{repo}: {what}: {endpoint} asks to slow down (HTTP 429); wait some minutes, then "
            f"{AGAIN} (a token in HF_TOKEN raises the limit)"
        )
    if status is not None:
        return f"{repo}: {what}: {endpoint} answers HTTP {status}; later, {AGAIN}"
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return (
        f"{repo}: {what}: {endpoint} cannot be reached ({reason}); check the network, then {AGAIN}"
    )
