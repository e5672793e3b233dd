"""What goes wrong on the way to the Hub, in words that say what would put it right."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from earmark.errors import EarmarkError

T = TypeVar("T")
WAITS = (1.0, 2.0, 4.0)  # seconds before another try of a small request; files have the client's
BUSY = (408, 429, 500, 502, 503, 504)


def ask(
    repo: str, revision: str, what: str, request: Callable[..., T], /, *given: Any, **named: Any
) -> T:
    """Make a small request of the Hub, again where the Hub is busy; see `explained`."""
    with explained(repo, revision, what):
        for wait in WAITS:
            try:
                return request(*given, **named)
            except Exception as error:
                if _status(error) not in BUSY:
                    raise
                time.sleep(wait)
        return request(*given, **named)


@contextmanager
def explained(repo: str, revision: str, what: str) -> Iterator[None]:
    """Turns what the Hub's client raises into an `EarmarkError`.

    Args:
        repo: The dataset, ``owner/name``.
        revision: The branch, tag or commit asked for.
        what: What is asked for: a path, or ``its files``.
    """
    from huggingface_hub import errors

    http: Any = errors.HTTPError | errors.HfHubHTTPError  # type: ignore[attr-defined]
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:  # what the Hub answered may be wrapped in words of the libraries
            if isinstance(cause, http | ConnectionError):
                raise EarmarkError(_in_words(cause, repo, revision, what)) from None
            cause = cause.__cause__ or cause.__context__
        raise


def _status(error: Any) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _in_words(error: Any, repo: str, revision: str, what: str) -> str:
    from huggingface_hub import constants, errors, get_token

    endpoint, status, has_token = constants.ENDPOINT, _status(error), get_token() is not None
    page, again = f"{endpoint}/datasets/{repo}", "run the same command again to go on from there"
    open_it = (
        f"accept its terms at {page}, then set the environment variable HF_TOKEN to a token of "
        f"that account ({endpoint}/settings/tokens)"
    )
    message = str(getattr(error, "server_message", "") or "").lower()
    if isinstance(error, errors.GatedRepoError) or (status == 403 and "gated" in message):
        token = "the token in HF_TOKEN belongs to an account that has not accepted its terms (or may not read gated repositories)"  # noqa: E501
        return f"{repo} is gated and {token if has_token else 'no token is set'}: {open_it}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}: set `revision` to one that {page} lists"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"no dataset {repo} at {endpoint}, or it is private: check `repo` in the split's "
            "`source`, or set the environment variable HF_TOKEN to a token that may see it"
        )
    if status in (401, 403):
        refused = " refused the token in HF_TOKEN: make a new one, or unset it; it" * has_token
        return (
            f"{repo}: {what}: {endpoint}{refused} answers HTTP {status}; if the dataset is gated, "
            f"{open_it}"
        )
    if status == 429:
        return (
            f"{repo}: {what}: {endpoint} asks to slow down (HTTP 429); wait some minutes, then "
            f"{again} (a token in HF_TOKEN raises the limit)"
        )
    if status is not None:
        return f"{repo}: {what}: {endpoint} answers HTTP {status}; later, {again}"
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return (
        f"{repo}: {what}: {endpoint} cannot be reached ({reason}); check the network, then {again}"
    )
