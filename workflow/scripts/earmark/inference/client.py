"""The client: requests to an OpenAI-compatible server, until each has an answer or has failed.

Passing faults are tried again; what concerns every request (a refused key, a server that is gone)
stops the run at once instead of failing its samples one by one. aiohttp sends a message with a
third of the CPU that the openai SDK takes, which counts at hundreds of clips a second.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from earmark.config import models
from earmark.data.audio import BadAudioError
from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.inference.limiter import ConcurrencyLimit, backoff, retry_after
from earmark.inference.messages import Message, Messages, complaint
from earmark.inference.requests import Request

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses of a passing fault; those from 500 on are others."""
SILENCE = 30.0
"""Seconds of nothing but refused connections after which a server that somebody else runs counts as
gone; a pause that it asked for is none of them."""
PATIENCE = 900.0
"""Seconds for which a request may be told to come back later before it fails."""
_KEPT = "what was answered is kept, and the next run asks for the rest"
_TOO_LONG = re.compile(r"too (long|large)|longer than|exceed|maximum|at most|limit", re.I)


@dataclass(frozen=True)
class Answer:
    """What became of a request, by the names and in the order of the journal's columns.

    ``error`` is what went wrong for good, or None; ``generation_start_time`` is when the request
    was first sent and ``generation_end_time`` when its last attempt ended (Unix seconds).
    ``unanswered_since`` is no column: when the first attempt failed (`time.monotonic`), where all
    retries were used up without an answer: by the server's fault, perhaps.
    """

    id: str
    generation: str = ""
    error: str | None = None
    finish_reason: str | None = None
    num_generated_tokens: int | None = None
    num_input_tokens: int | None = None
    generation_start_time: float = field(default_factory=time.time)
    generation_end_time: float = field(default_factory=time.time)
    attempts: int = 0
    request: str = ""
    unanswered_since: float | None = None

    def row(self) -> Row:
        """The journal's row."""
        return {key: value for key, value in vars(self).items() if key != "unanswered_since"}


@dataclass(eq=False)
class _Fault(Exception):  # noqa: N818 (caught here, never shown)
    """An attempt without an answer.

    ``again``: whether another may have one; ``busy``: whether the server only asked for patience;
    ``wish``: seconds for which it wants no request, where it said so.
    """

    what: str
    again: bool = True
    busy: bool = False
    wish: float | None = None


class Client:
    """Asks one server, whose endpoints start at ``url``; an asynchronous context manager.

    ``patience`` is how long and how often it is asked, as the config says; clients that follow each
    other share the ``limit`` on requests under way. A server of our own is watched by whoever holds
    it: it is gone once ``lost`` is done.
    """

    def __init__(
        self,
        url: str,
        messages: Messages,
        patience: models.Client,
        limit: ConcurrencyLimit,
        key: str | None = None,
        lost: asyncio.Future[Any] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._messages, self._patience, self._limit = messages, patience, limit
        self._key, self._lost = key, lost
        self._unreachable: float | None = None  # since when no connection was to be had
        self._answered = False
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="audio")
        self._session: Any = None

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._patience.timeout, sock_connect=30),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            proxy=_proxy(self.url),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask_all(
        self, requests: Iterator[Request], done: Callable[[Request, Answer], None]
    ) -> list[Request]:
        """Ask until the requests are used up; each is taken when its turn comes, not before.

        ``done`` is called with what became of each, in the order of their ends. Once the server is
        lost, those that were under way are returned.

        Raises:
            EarmarkError: when the server refuses the key, the model or the address, or nothing
                answers there any more; and what ``done`` or a missing audio file raises.
        """
        under_way: dict[str, Request] = {}
        if self._lost is not None and self._lost.done():
            return []

        async def work() -> None:
            while True:
                async with self._limit:  # taken only now: one that waits for a place is not lost
                    request = next(requests, None)
                    if request is None:
                        return
                    under_way[request.fingerprint] = request
                    answer = await self.ask(request)
                    del under_way[request.fingerprint]
                done(request, answer)

        workers = [asyncio.create_task(work()) for _ in range(self._limit.most)]
        everything = asyncio.gather(*workers)
        try:
            ends = [everything] if self._lost is None else [everything, self._lost]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if everything.done():
                everything.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(everything, *workers, return_exceptions=True)
        return list(under_way.values())

    async def ask(self, request: Request) -> Answer:
        """Ask until there is an answer or the request has failed for good; raises as `ask_all`."""
        loop = asyncio.get_running_loop()
        try:
            message = await loop.run_in_executor(self._threads, self._messages.message, request)
        except BadAudioError as error:
            return Answer(request.id, error=str(error), request=request.fingerprint)
        try:
            return await self._attempts(request, message)
        finally:
            for path in message.files:
                path.unlink(missing_ok=True)

    async def _attempts(self, request: Request, message: Message) -> Answer:
        failed = attempts = 0
        failing: float | None = None
        await self._limit.pause()
        start, began = time.time(), time.monotonic()
        found: Row = {}
        while not found:
            attempts += 1
            try:
                found = await self._attempt(message)
            except _Fault as fault:
                error, wish = fault.what, fault.wish
                failing = failing or time.monotonic()
                failed += not (fault.busy and time.monotonic() - began < PATIENCE)
                if not fault.again:
                    cut = bool(request.clips) and _TOO_LONG.search(error)
                    hint = "; `chunk_seconds` cuts audio that is too long" if cut else ""
                    found = {"error": error + hint}
                elif failed > self._patience.max_retries:
                    error += f" (after {attempts} attempts)"
                    found = {"error": error, "unanswered_since": failing}
                else:
                    await asyncio.sleep(backoff(attempts if wish is None else 1) + (wish or 0))
                    await self._limit.pause()
        found["generation_start_time"] = start
        found["generation_end_time"] = start + time.monotonic() - began
        return Answer(request.id, attempts=attempts, request=request.fingerprint, **found)

    async def _attempt(self, message: Message) -> Row:
        """Send a message once; raises _Fault when there is no answer."""
        import aiohttp

        sent = time.monotonic()
        address = self.url + self._messages.endpoint
        try:
            async with self._session.post(
                address, allow_redirects=False, **message.sending()
            ) as response:
                body, status = self._masked(await response.read()), response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._unreachable = self._unreachable or time.monotonic()
            if self._lost is None and time.monotonic() - self._unreachable > SILENCE:
                raise EarmarkError(
                    f"nothing has answered at {self.url} for {SILENCE:g} s ({error}); {_KEPT}"
                ) from None
            # It concerns every request: none is to fail by it.
            raise _Fault(f"no connection: {error}", busy=True) from None
        except TimeoutError:
            self._limit.overloaded(sent)
            late = f"no reply within {self._patience.timeout:g} s; raise client.timeout, or lower "
            late += "client.concurrency"
            print(f"a request has {late}", flush=True)
            raise _Fault(late) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Fault(f"{type(error).__name__}: {error}") from None
        self._unreachable = None
        if status != 200:
            raise await self._refusal(sent, status, response.headers, body)
        try:
            reply = self._messages.reply(body)
        except ValueError as bad:
            raise _Fault(str(bad)) from None
        self._limit.answered()
        self._answered = True
        return reply

    async def _refusal(
        self, sent: float, status: int, headers: Mapping[str, str], body: bytes
    ) -> _Fault:
        """What a reply without an answer means; raises what concerns every request."""
        error = self._masked(f"HTTP {status}: {complaint(body)}".encode()).decode()
        advice = ""
        if status in (401, 403):
            advice = "check the key in the variable that `api_key_env` names, and what it may use"
        elif status == 429 and b"insufficient_quota" in body:
            advice = f"the account has no quota left; {_KEPT}"
        elif status in (404, 405) and not self._answered:
            advice = "check `base_url`, `api` and `model`"
        if advice:
            raise EarmarkError(f"{self.url}{self._messages.endpoint}: {error}; {advice}")
        if status < 500 and status not in AGAIN:
            return _Fault(error, again=False)
        wish = retry_after(headers)
        busy = status == 429 or (status == 503 and (wish is not None or await self._healthy()))
        if busy:
            self._limit.overloaded(sent, wish)
        return _Fault(error, busy=busy, wish=wish)

    async def _healthy(self) -> bool:
        """Whether a server that refused a request says that it is well: then it is only busy."""
        import aiohttp

        try:
            async with self._session.get(
                f"{self.url.removesuffix('/v1')}/health", timeout=aiohttp.ClientTimeout(total=5)
            ) as response:
                return bool(response.status == 200)
        except (aiohttp.ClientError, OSError):
            return False

    def _masked(self, text: bytes) -> bytes:
        """Some servers repeat the key that they refuse; nobody else shall.

        It is taken out before a reply is cut short to be shown: half a key is not found any more.
        """
        return text.replace(self._key.encode(), b"***") if self._key else text


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address; loopback has none.

    aiohttp would look for it too, but along with it takes a password for the address from
    ``~/.netrc``, which does not go together with a key.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    proxy = getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
