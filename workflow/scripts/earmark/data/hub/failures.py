"""What goes wrong on the way to the Hub: which failures are worth another try, and what to say."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from earmark.errors import EarmarkError

T = TypeVar("T")
ATTEMPTS = 6
FIRST_WAIT = 1.0  # seconds; doubled after each failure, up to LONGEST_WAIT
LONGEST_WAIT = 60.0
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


def transport_error() -> type[Exception]:
    """The base class of what the HTTP client behind `huggingface_hub` raises."""
    from huggingface_hub import errors

    kind: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]
    return kind


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an exception of the client carries, if it carries an answer."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def worth_retrying(error: BaseException) -> bool:
    """Whether the same request may succeed later: busy or broken servers, cut connections."""
    status = status_of(error)
    if status is not None:
        return status in TRANSIENT
    return isinstance(error, (transport_error(), ConnectionError, TimeoutError))


def wait_after(error: BaseException, failures: int) -> float:
    """Seconds to wait after a failure: as the Hub asks, else twice as long each time."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    asked = headers.get("Retry-After", "")
    limit = re.search(r"\bt=(\d+)", headers.get("RateLimit", ""))  # what the Hub itself sends
    if limit and status_of(error) == 429:
        asked = limit[1]
    if asked.isdigit():
        return min(float(asked), 10 * LONGEST_WAIT)
    return min(FIRST_WAIT * float(2 ** (failures - 1)), LONGEST_WAIT)


def pause(error: BaseException, failures: int, what: str) -> None:
    """Say what failed and wait before the next try."""
    seconds = wait_after(error, failures)
    reason = (
        f"HTTP {status_of(error)}" if status_of(error) else (str(error) or type(error).__name__)
    )
    print(
        f"{what}: {reason.splitlines()[0]}; trying again in {seconds:.0f} s "
        f"({failures} of {ATTEMPTS - 1})",
        file=sys.stderr,
        flush=True,
    )
    time.sleep(seconds)


def ask(repo: str, revision: str, what: str, request: Callable[[], T]) -> T:
    """Make a request of the Hub, again where that may help.

    Args:
        repo: The dataset, ``owner/name``, for the message.
        revision: The branch, tag or commit asked for, for the message.
        what: What is asked for, for the message: a path, or ``its files``.
        request: The call.

    Raises:
        EarmarkError: the failure in words that say what to do.
    """
    failures = 0
    while True:
        try:
            return request()
        except (transport_error(), OSError) as error:
            failures += 1
            if failures >= ATTEMPTS or not worth_retrying(error):
                raise explain(error, repo, revision, what) from None
            pause(error, failures, f"{repo}: {what}")


def explain(error: BaseException, repo: str, revision: str, what: str) -> EarmarkError:
    """The failure in words that name the dataset and say what would put it right."""
    from huggingface_hub import constants, errors, get_token

    if isinstance(error, EarmarkError):
        return error
    endpoint = constants.ENDPOINT
    page = f"{endpoint}/datasets/{repo}"
    status = status_of(error)
    message = str(getattr(error, "server_message", "") or "")
    has_token = get_token() is not None
    if isinstance(error, errors.GatedRepoError) or (status == 403 and "gated" in message.lower()):
        token = (
            "the token in HF_TOKEN belongs to an account that has not accepted its terms (or may "
            "not read gated repositories)"
            if has_token
            else "no token is set"
        )
        return EarmarkError(
            f"{repo} is gated and {token}: accept its terms at {page}, then set the environment "
            f"variable HF_TOKEN to a token of that account ({endpoint}/settings/tokens)"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return EarmarkError(
            f"{repo} has no revision {revision!r}: set `revision` in the split's `source` to a "
            f"branch, tag or commit that {page} lists"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        token = "the account of HF_TOKEN may not see it" if has_token else "it needs a token"
        return EarmarkError(
            f"no dataset {repo} at {endpoint}, or it is private and {token}: check `repo` in the "
            "split's `source`, and set the environment variable HF_TOKEN if the dataset is private"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return EarmarkError(f"{repo} at {revision} has no file {what}")
    if status == 401 and has_token:
        return EarmarkError(
            f"the Hub refused the token in HF_TOKEN when asked for {repo}: make a new one at "
            f"{endpoint}/settings/tokens, or unset HF_TOKEN if the dataset is public; if it is "
            f"gated, its terms are at {page}"
        )
    if status in (401, 403):
        return EarmarkError(
            f"{repo}: {what}: {endpoint} answers HTTP {status}; if the dataset is gated, accept "
            f"its terms at {page}, then set the environment variable HF_TOKEN to a token of that "
            f"account ({endpoint}/settings/tokens)"
        )
    return EarmarkError(_in_other_words(error, status, f"{repo}: {what}", endpoint))


def _in_other_words(error: Any, status: int | None, what: str, endpoint: str) -> str:
    again = "run the same command again to go on from there"
    if status == 429:
        return (
            f"{what}: {endpoint} asks to slow down (HTTP 429), {ATTEMPTS} times over; "
            f"wait some minutes, then {again} (a token in HF_TOKEN raises the limit)"
        )
    if status is not None and status >= 500:
        return f"{what}: {endpoint} answers HTTP {status}, {ATTEMPTS} times over; later, {again}"
    if status is not None:
        return f"{what}: {endpoint} answers HTTP {status}"
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return f"{what}: {endpoint} cannot be reached ({reason}); check the network, then {again}"
