"""The client: requests to an OpenAI-compatible server, until each has an answer or has failed.

Bodies go out as bytes through aiohttp: audio is never turned into a Python string, which is what
makes a request cheap. Passing faults are tried again; what concerns every request (a refused
key, a server that is gone) stops the run at once instead of failing its samples one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from earmark.errors import EarmarkError
from earmark.inference.conversion import UnreadableAudio
from earmark.inference.limiter import Pace, backoff, retry_after
from earmark.inference.messages import BadReply, Payload, Reply, Wire, complaint
from earmark.inference.requests import Request

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses of a passing fault; those from 500 on are others."""
BUSY = frozenset({429, 503})
UNWELCOME = frozenset({401, 403})
UNREACHABLE = -1
SILENCE = 30.0
"""Seconds of nothing but refused connections after which a server that somebody else runs counts as
gone; a pause that it asked for is none of them."""
PATIENCE = 900.0
"""Seconds for which a request may be told to come back later before it fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        reply: The answer, or None when the request failed for good.
        error: What went wrong for good, or None.
        start: Unix seconds at which the last attempt began.
        end: Unix seconds at which it ended.
        attempts: How often it was sent.
        unanswered_since: When its first attempt failed (`time.monotonic`), where it failed for want
            of an answer: the server's failure, perhaps.
    """

    reply: Reply | None
    error: str | None
    start: float
    end: float
    attempts: int
    unanswered_since: float | None = None


class RefusedError(EarmarkError):
    """A server refuses every request, not this one: a wrong key, an unknown model or address."""


class GoneError(EarmarkError):
    """A server that somebody else runs does not answer any more."""


class Client:
    """Asks one server.

    Use it as an asynchronous context manager, which opens and closes its connections.

    Args:
        url: Where the server's endpoints start, such as ``http://127.0.0.1:8000/v1``.
        wire: The wire format.
        settings: ``concurrency``, ``timeout`` (seconds an attempt may take), ``max_retries`` and
            ``adaptive``, as the config's ``client`` has them.
        key: The API key, or None.
    """

    def __init__(
        self, url: str, wire: Wire, settings: Mapping[str, Any], key: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.concurrency = int(settings["concurrency"])
        self._wire = wire
        self._retries = int(settings["max_retries"])
        self._timeout = float(settings["timeout"])
        self._key = key
        self._pace = Pace(self.concurrency, bool(settings.get("adaptive", True)))
        self._heard = time.monotonic()
        self._refused: float | None = None  # since when connections have been, all of them
        self._answered = False
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="audio")
        self._session: Any = None
        self._lost: asyncio.Future[Any] | None = None

    async def __aenter__(self) -> Client:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=30),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            proxy=_proxy(self.url),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask_all(
        self,
        requests: Iterator[Request],
        done: Callable[[Request, Outcome], None],
        lost: asyncio.Future[Any] | None = None,
    ) -> list[Request]:
        """Ask until the requests are used up; each is taken when its turn comes, not before.

        Args:
            requests: What to ask.
            done: Called with each request and what became of it, in the order of their ends.
            lost: When this is done, the server is gone: asking stops.

        Returns:
            The requests that were under way when the server was lost; none otherwise.

        Raises:
            RefusedError: when the server refuses the key, the model or the address.
            GoneError: when nothing answers at the server's address any more.
            EarmarkError: whatever ``done`` or a missing audio file raises.
        """
        under_way: dict[str, Request] = {}
        self._lost = lost
        self._heard = time.monotonic()

        async def work() -> None:
            while True:
                async with self._pace:  # taken only now: one that waits for a place is not lost
                    request = next(requests, None)
                    if request is None:
                        return
                    under_way[request.fingerprint] = request
                    outcome = await self.ask(request)
                    del under_way[request.fingerprint]
                done(request, outcome)

        workers = [asyncio.ensure_future(work()) for _ in range(self.concurrency)]
        waiting: set[asyncio.Future[Any]] = set(workers)
        try:
            while waiting and not (lost is not None and lost.done()):
                watched = waiting if lost is None else {*waiting, lost}
                ended, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for worker in ended & waiting:
                    waiting.discard(worker)
                    worker.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return list(under_way.values())

    async def ask(self, request: Request) -> Outcome:
        """Ask until there is an answer or the request has failed for good; raises as `ask_all`."""
        loop = asyncio.get_running_loop()
        start = time.time()
        try:
            payload = await loop.run_in_executor(self._threads, self._wire.payload, request)
        except UnreadableAudio as error:
            return Outcome(None, str(error), start, time.time(), 0)
        try:
            return await self._attempts(payload)
        finally:
            for path in payload.files:
                with contextlib.suppress(OSError):
                    path.unlink()

    async def _attempts(self, payload: Payload) -> Outcome:
        failed = attempts = 0
        failed_at: float | None = None
        first = time.monotonic()
        while True:
            await self._pace.pause()
            attempts += 1
            start, began = time.time(), time.monotonic()
            status, headers, body, error = await self._send(payload)
            end = start + (time.monotonic() - began)
            if status == 200:
                try:
                    reply = self._wire.reply(body)
                except BadReply as bad:
                    bad = BadReply(bad.what, self._without_key(bad.body))
                    error = self._hidden(f"a reply that is none: {bad}")
                else:
                    self._pace.answered()
                    self._answered = True
                    return Outcome(reply, None, start, end, attempts)
            elif status > 0:
                error = self._hidden(f"HTTP {status}: {complaint(self._without_key(body))}")
                self._stop_if_refused(status, error)
                if status < 500 and status not in AGAIN:
                    return Outcome(None, error, start, end, attempts)
            wish = retry_after(headers)
            if status in BUSY:
                self._pace.refused(began, wish)
            failed_at = failed_at or time.monotonic()
            busy = status in BUSY and time.monotonic() - first < PATIENCE
            failed += not busy
            if failed > self._retries:
                if status == UNREACHABLE and self._heard < first:
                    raise self._gone(error)
                error = f"{error} (after {attempts} attempts)"
                return Outcome(None, error, start, end, attempts, unanswered_since=failed_at)
            await asyncio.sleep(backoff(attempts if wish is None else 1) + (wish or 0.0))

    async def _send(self, payload: Payload) -> tuple[int, dict[str, str], bytes, str]:
        """One attempt.

        Returns:
            Status, headers and body of the reply, and nothing; or 0 (`UNREACHABLE`: nobody was
            there) and what went wrong.
        """
        import aiohttp

        try:
            async with self._session.post(
                self.url + self._wire.endpoint,
                data=_Body(payload.body) if len(payload.body) > 2**20 else payload.body,
                headers={"Content-Type": payload.content_type},
                allow_redirects=False,
            ) as response:
                body = await response.read()
                self._heard, self._refused = time.monotonic(), None
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status, headers, body, ""
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            await self._expect_loss()
            self._refused = self._refused or time.monotonic()
            if time.monotonic() - self._refused > SILENCE:
                raise self._gone(str(error)) from None
            return UNREACHABLE, {}, b"", f"no connection: {error}"
        except TimeoutError:
            return 0, {}, b"", f"no reply within {self._timeout:g} s"
        except (aiohttp.ClientError, OSError) as error:
            await self._expect_loss()
            return 0, {}, b"", f"{type(error).__name__}: {error}"

    async def _expect_loss(self) -> None:
        """After a broken connection to a server of our own: wait for the news that it has ended,
        so that its death is not held against the request.
        """
        if self._lost is not None:
            await asyncio.wait({self._lost}, timeout=1.0)
            if self._lost.done():
                await asyncio.Event().wait()  # until `ask_all` ends this attempt

    def _stop_if_refused(self, status: int, error: str) -> None:
        if status in UNWELCOME:
            raise RefusedError(
                f"{self.url} refuses this client: {error}; check the key in the variable that "
                "`api_key_env` names, and what it may use"
            )
        if status in (404, 405) and not self._answered:
            raise RefusedError(
                f"{self.url}{self._wire.endpoint}: {error}; check `base_url`, `api` and `model`"
            )

    def _gone(self, error: str) -> GoneError:
        silent = time.monotonic() - self._heard
        so_long = "" if silent < 1 else f" for {silent:.0f} s"
        return GoneError(
            f"nothing has answered at {self.url}{so_long} ({error}); what was answered is kept, "
            "and the next run asks for the rest"
        )

    def _hidden(self, text: str) -> str:
        """Some servers repeat the key that they refuse; nobody else shall."""
        return text.replace(self._key, "***") if self._key else text

    def _without_key(self, body: bytes) -> bytes:
        """The same before a reply is cut short to be shown: half a key is not found any more."""
        return body.replace(self._key.encode(), b"***") if self._key else body


def _Body(body: bytes) -> Any:  # noqa: N802
    """A body of megabytes, which aiohttp wants as a stream."""
    import io

    return io.BytesIO(body)


def _on_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address.

    aiohttp would look for it too, at each request, but along with it takes a password for the
    address from ``~/.netrc``, which does not go together with a key.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if _on_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    proxy = getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
