"""The client's limit and patience, without a server."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import cast

import pytest

from earmark import config
from earmark.errors import EarmarkError
from earmark.inference import limiter
from earmark.inference.client import Answer, Client, _proxy
from earmark.inference.limiter import ConcurrencyLimit, backoff, retry_after
from earmark.inference.messages import Message, Messages, complaint
from earmark.inference.requests import Request


def test_pauses_double_to_a_minute_with_jitter() -> None:
    for attempt in [*range(1, 40), 5000]:
        whole = min(60.0, 0.5 * 2.0 ** min(attempt - 1, 10))
        waits = [backoff(attempt) for _ in range(20)]
        assert all(whole / 2 <= wait <= whole for wait in waits)
        assert len(set(waits)) > 1


@pytest.mark.parametrize(
    "headers, wish",
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "1e9"}, limiter.LONGEST_WISH),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_each_form_and_never_waits_for_ever(
    headers: dict[str, str], wish: float | None
) -> None:
    assert retry_after(headers) == wish


def test_retry_after_may_be_a_date() -> None:
    wish = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)})
    assert wish is not None and 95 < wish <= 100


def test_the_limit_halves_once_for_all_that_were_under_way_and_grows_back() -> None:
    limit = ConcurrencyLimit(16)
    sent = time.monotonic()
    for _ in range(5):
        limit.overloaded(sent, None)
    assert limit.limit == 8
    limit.overloaded(time.monotonic(), None)
    assert limit.limit == 4
    for _ in range(5):
        limit.answered()
    assert limit.limit == 5
    for _ in range(1000):
        limit.answered()
    assert limit.limit == 16


def test_the_limit_never_falls_below_one_and_stays_where_it_does_not_adapt() -> None:
    adaptive, fixed = ConcurrencyLimit(4), ConcurrencyLimit(4, adaptive=False)
    for _ in range(10):
        adaptive.overloaded(time.monotonic(), None)
        fixed.overloaded(time.monotonic(), None)
    assert (adaptive.limit, fixed.limit) == (1, 4)


def test_places_go_to_all_who_wait_never_more_than_the_limit_at_once() -> None:
    limit = ConcurrencyLimit(3)
    inside = most = finished = 0

    async def one() -> None:
        nonlocal inside, most, finished
        async with limit:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
        finished += 1

    async def everyone() -> None:
        await asyncio.gather(*(one() for _ in range(50)))

    asyncio.run(asyncio.wait_for(everyone(), 10))
    assert (most, finished) == (3, 50)


@pytest.mark.parametrize(
    "body, said",
    [
        (b'{"error": {"message": "too long"}}', "too long"),
        (b'{"error": "too long"}', "too long"),
        (b'{"detail": "too long"}', "too long"),
        (b'{"message": "too long"}', "too long"),
        (b"<html>\n Bad  Gateway</html>", "<html> Bad Gateway</html>"),
        (b"", "an empty body"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'["odd"]', '["odd"]'),
    ],
)
def test_what_a_server_says_is_wrong_is_found_in_its_reply(body: bytes, said: str) -> None:
    assert complaint(body) == said


def test_a_complaint_is_short_and_no_nesting_breaks_it() -> None:
    assert len(complaint(b"x" * 10_000)) == 300
    assert len(complaint(b"[" * 100_000)) == 300


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:8"])
def test_no_proxy_stands_before_loopback(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    assert _proxy(url) is None and _proxy("http://api.example.com/v1") is not None


def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    assert _proxy("https://api.example.com/v1") == "http://proxy.example.com:3128"
    assert _proxy("https://127.0.0.1:8000/v1") is None
    assert _proxy("http://api.example.com/v1") is None
    monkeypatch.setenv("no_proxy", "example.com")
    assert _proxy("https://api.example.com/v1") is None


def test_an_endpoint_is_not_gone_before_it_was_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long ago it was heard of: it may have asked for a pause to start again. And as long
    as nobody can be reached, no request is the one to fail, however few retries it has.
    """
    pauses: list[int] = []
    monkeypatch.setattr(
        "earmark.inference.client.backoff", lambda attempt: pauses.append(attempt) or 0.1
    )
    monkeypatch.setattr("earmark.inference.client.SILENCE", 0.25)
    messages = SimpleNamespace(endpoint="/x", message=lambda request: Message(b"{}"))

    async def ask() -> None:
        patience, url = config.Client(max_retries=0, timeout=10), "http://127.0.0.1:1/v1"
        limit = ConcurrencyLimit(1)
        async with Client(url, cast(Messages, messages), patience, limit) as client:
            await client.ask(Request("s", "0" * 40, None, "x", (), None))

    with pytest.raises(EarmarkError, match=r"at http://127.0.0.1:1/v1 for 0.25 s \("):
        asyncio.run(ask())
    assert pauses[:2] == [1, 2]


def test_a_request_is_answered_under_way_or_not_taken_when_the_server_is_lost() -> None:
    """None is lost between the queue and a place, though the limit has fallen below the workers."""
    requests = [Request(f"s{n}", f"{n:040x}", None, "x", (), None) for n in range(20)]

    async def lose() -> list[str]:
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        answered: list[str] = []
        asked = 0

        class Losing(Client):
            async def ask(self, request: Request) -> Answer:
                nonlocal asked
                asked += 1
                if asked > 5:
                    lost.set_result("gone")
                    await asyncio.Event().wait()
                return Answer(request.id)

        patience, limit = config.Client(max_retries=3, timeout=10), ConcurrencyLimit(8)
        client = Losing("http://127.0.0.1:1/v1", cast(Messages, None), patience, limit, lost=lost)
        for _ in range(5):
            limit.overloaded(time.monotonic(), None)
        todo = iter(requests)
        async with client:
            left = await client.ask_all(todo, lambda request, answer: answered.append(answer.id))
        assert len(answered) == 5 and len(left) == 1
        return [*answered, *(request.id for request in left), *(request.id for request in todo)]

    assert asyncio.run(asyncio.wait_for(lose(), 10)) == [request.id for request in requests]
