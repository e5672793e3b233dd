"""The infer step: ask a model for every sample that its journal has no answer to."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import signal
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.chance import random_choices
from earmark.inference.client import Client, Outcome
from earmark.inference.journal import Journal, Writer, shard_file
from earmark.inference.messages import Wire
from earmark.inference.predictions import prediction
from earmark.inference.requests import Recipe, Request, Sample, seeds
from earmark.inference.tally import Tally
from earmark.servers import server_type
from earmark.servers.base import api_key
from earmark.servers.run import Run, current_run
from earmark.servers.shared import ServerDiedError, SharedServer, hold

Settings = Mapping[str, Any]
_SYNC_EVERY = 5.0
_RESTARTS = 3
_RUN_ENDED = "the Snakemake run that started this job has ended"
_KEPT = "every answer so far is kept, and the next run asks for the rest"


@dataclass(frozen=True)
class Job:
    """One job's share of a model and a split.

    Attributes:
        title: What it is called in logs.
        wanted: What determines the answers (`earmark.servers.answer_settings`).
        settings: The model's settings, operational ones too.
        manifest: The split's manifest.
        journal: The folder of the split's journal.
        predictions: The file to write, in the manifest's order.
        server_log: The log of the model's server.
        seed: Which of the model's ``num_seeds`` predictions this is, from 0.
        shard: Which of ``shards`` shares of the rows this is, from 0: every ``shards``-th row.
        shards: How many jobs share the split.
        folders: What a server in a container sees under the same paths: data and results.
    """

    title: str
    wanted: dict[str, Any]
    settings: Settings
    manifest: Path
    journal: Path
    predictions: Path
    server_log: Path
    seed: int = 0
    shard: int = 0
    shards: int = 1
    folders: tuple[Path, ...] = ()

    def rows(self) -> Iterator[Row]:
        """This job's rows of the manifest, read one by one."""
        for number, row in enumerate(read_jsonl(self.manifest)):
            if number % self.shards == self.shard:
                yield row

    def samples(self) -> Iterator[Sample]:
        """This job's rows as what is asked for them."""
        recipe = Recipe(self.wanted, self.manifest.parent)
        seed = seeds(self.wanted)[self.seed]
        for row in self.rows():
            yield recipe.sample(row, seed)


def infer(job: Job, run: Run | None = None) -> None:
    """Ask for what is missing, then write the predictions.

    Args:
        job: What to do.
        run: The Snakemake run that this belongs to; found by itself when None.

    Raises:
        EarmarkError: when the server does not come up or is lost, refuses the key, or too many
            samples fail; and when another job is at the same journal.
    """
    if job.settings["server"] == "random-choice":
        rows = random_choices(list(job.rows()), seeds(job.wanted)[job.seed] or 0)
        write_jsonl(job.predictions, rows)
        return
    # The client's library reads certificates as it is imported: meanwhile, the missing are counted.
    threading.Thread(target=importlib.import_module, args=("aiohttp",), daemon=True).start()
    own = shard_file(job.journal, job.shard, job.shards, job.seed)
    with Writer(own) as writer, Journal(job.journal) as journal:
        missing = Missing(job, journal)
        print(f"{job.title}: {missing.known:,} of {missing.total:,} answers are in the journal")
        if missing.known < missing.total:
            asyncio.run(_Session(job, writer, journal, missing, run or current_run()).run())
        journal.refresh()
        _write_predictions(job, journal, missing.asked())


class Missing:
    """The requests without an answer, each once, counted first and read again when asked.

    Attributes:
        samples: The job's samples.
        total: Its requests; equal ones count once.
        known: How many of them the journal answers.
    """

    def __init__(self, job: Job, journal: Journal) -> None:
        self._job = job
        self._journal = journal
        # Every request's fingerprint, and how many each sample has: 24 bytes a sample.
        self._keys = bytearray()
        self._counts = array("I")
        seen: set[bytes] = set()
        open_ones: set[bytes] = set()
        for sample in job.samples():
            self._counts.append(len(sample.requests))
            for request in sample.requests:
                key = bytes.fromhex(request.fingerprint)
                self._keys += key
                seen.add(key)
                if request.fingerprint not in journal:
                    open_ones.add(key)
        self._open = open_ones
        self.samples = len(self._counts)
        self.total = len(seen)
        self.known = self.total - len(open_ones)

    def __iter__(self) -> Iterator[Request]:
        """Chunks of a sample come one after another, in order."""
        for sample in self._job.samples():
            for request in sample.requests:
                key = bytes.fromhex(request.fingerprint)
                if key in self._open:
                    self._open.discard(key)
                    yield request

    def asked(self) -> Iterator[list[str]]:
        """The fingerprints of each sample's requests, known or not, in the samples' order."""
        size = len(self._keys) // max(1, sum(self._counts))
        at = 0
        for count in self._counts:
            end = at + count * size
            yield [self._keys[k : k + size].hex() for k in range(at, end, size)]
            at = end


class _Session:
    """One job's time with its server, which may have to be started again on the way."""

    def __init__(
        self, job: Job, writer: Writer, journal: Journal, missing: Missing, run: Run
    ) -> None:
        self._job = job
        self._settings = job.settings
        self._kind = server_type(job.settings)
        self._writer = writer
        self._journal = journal
        self._missing = missing
        self._run = run
        # Of this job alone, as its journal's file is: shards may have equal requests. What a killed
        # job left there goes.
        scratch = job.journal / "clips" / writer.path.stem
        shutil.rmtree(scratch, ignore_errors=True)
        self._wire = Wire(self._kind, job.settings, scratch)
        self._client_settings = {"concurrency": self._kind.concurrency, **job.settings["client"]}
        self._tally = Tally(job.title, missing.total, missing.known)
        self._failures: list[Row] = []
        self._failed: set[str] = set()
        self._stopped: str | None = None
        self._server: SharedServer | None = None  # our own
        self._doubtful: list[tuple[Request, Outcome]] = []  # failed; perhaps the server did
        self._alone = self._worked = False
        self._restarts = int(job.settings.get("max_server_restarts", _RESTARTS))

    async def run(self) -> None:
        """Ask for everything, with a report a minute and the journal on disk every few seconds."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop, task, "ended by SIGTERM")
        beside = [asyncio.create_task(self._tally.report()), asyncio.create_task(self._sync())]
        beside.append(asyncio.create_task(self._watch_run(task)))
        try:
            if self._settings.get("base_url"):
                await self._ask(str(self._settings["base_url"]), iter(self._missing), None)
            else:
                await self._with_server()
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            raise EarmarkError(f"{self._stopped}; {_KEPT}") from None
        finally:
            self._tally.close()
            for other in beside:
                other.cancel()
            loop.remove_signal_handler(signal.SIGTERM)

    def _stop(self, task: asyncio.Task[Any], why: str) -> None:
        self._stopped = why
        task.cancel()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY)
            await asyncio.to_thread(self._writer.sync)
            await asyncio.to_thread(self._journal.refresh)  # so that little is left for the end

    async def _watch_run(self, task: asyncio.Task[Any]) -> None:
        while self._run.alive():
            await asyncio.sleep(1)
        self._stop(task, _RUN_ENDED)

    async def _with_server(self) -> None:
        """Ask the model's own server; start it again when it dies."""
        todo: Iterator[Request] = iter(self._missing)
        deaths: Counter[str] = Counter()
        again: list[Request] = []
        while True:
            server = self._server = await hold(
                self._settings, self._job.server_log, self._job.shard, self._run,
                self._job.folders,
            )  # fmt: skip
            well = False
            try:
                # What was under way at two deaths is the likely cause: asked with nothing beside
                # it, so that only the culprit fails.
                suspects = [request for request in again if deaths[request.fingerprint] > 1]
                todo = chain([r for r in again if deaths[r.fingerprint] <= 1], todo)
                self._alone = True
                again = await self._ask_alone(server, suspects)
                self._alone = False
                if not server.lost.done():
                    again = await self._ask(server.url, todo, server.lost)
                well = not server.lost.done()
                following = next(todo, None)
                if not again and following is None:
                    return
                todo = todo if following is None else chain([following], todo)
            finally:
                await server.release(well)
            deaths.update(request.fingerprint for request in again)
            if len(again) == 1:  # nothing else can have been the cause
                deaths[again[0].fingerprint] += 1
            if not self._run.alive():
                raise EarmarkError(f"{_RUN_ENDED}; {_KEPT}")
            self._restarts -= 1
            if self._restarts < 0:
                raise ServerDiedError(
                    f"{server.lost.result()}\nIt was started again max_server_restarts times; what "
                    "was answered is kept, and the next run asks for the rest"
                )
            print(f"{server.lost.result()}\nstarting it again", flush=True)

    async def _ask_alone(self, server: SharedServer, suspects: list[Request]) -> list[Request]:
        """Ask suspects one at a time; the one on which the server dies has failed for good.

        Returns:
            The suspects that were not asked, because the server died.
        """
        for number, request in enumerate(suspects):
            only = iter([request])
            died = bool(await self._ask(server.url, only, server.lost))
            if next(only, None) is not None:  # it was dead already
                return suspects[number:]
            if died:
                error = (
                    "the server died or did not answer each time this was asked, at last with "
                    f"nothing else under way: {server.lost.result().splitlines()[0]}"
                )
                self._done(request, Outcome(None, error, time.time(), time.time(), 3))
                return suspects[number + 1 :]
        return []

    async def _ask(
        self, url: str, requests: Iterator[Request], lost: asyncio.Future[str] | None
    ) -> list[Request]:
        key = api_key(self._settings)
        async with Client(url, self._wire, self._client_settings, key) as client:
            left = await client.ask_all(requests, self._done, lost)
        if self._server and await self._server.is_lost():
            left = [*(request for request, _ in self._doubtful), *left]
            self._doubtful = []
        self._blame()
        return left

    def _done(self, request: Request, outcome: Outcome) -> None:
        """Keep an answer, or see whether the request has failed or the server."""
        if self._server and outcome.error is None:
            self._worked = True
            self._server.answered()
            self._blame()
        elif self._server and outcome.unanswered_since is not None and self._restarts > 0:
            self._doubtful.append((request, outcome))
            if (self._worked and len(self._doubtful) > 1) or self._alone:
                self._server.unanswered(outcome.unanswered_since, self._alone)
            return
        self._keep(request, outcome)

    def _blame(self) -> None:
        """Where the server answers others, it is the requests without an answer that failed."""
        doubtful, self._doubtful = self._doubtful, []
        for request, outcome in doubtful:
            self._keep(request, outcome)

    def _keep(self, request: Request, outcome: Outcome) -> None:
        """Keep an outcome; stop when more samples have failed than may."""
        row = record(request, outcome)
        self._writer.append(row)
        self._tally.count(outcome.error is not None)
        if outcome.error is None:
            return
        print(f"sample {request.id}: {outcome.error}", flush=True)
        if request.id in self._failed:  # another chunk of it
            return
        self._failed.add(request.id)
        self._failures.append(row)
        _check_failures(self._failures, self._missing.samples, self._settings)


def record(request: Request, outcome: Outcome) -> Row:
    """What the journal keeps of a request's end."""
    reply = outcome.reply
    return {
        "id": request.id,
        "generation": reply.generation if reply else "",
        "error": outcome.error,
        "finish_reason": reply.finish_reason if reply else None,
        "num_generated_tokens": reply.output_tokens if reply else None,
        "num_input_tokens": reply.input_tokens if reply else None,
        "generation_start_time": outcome.start,
        "generation_end_time": outcome.end,
        "attempts": outcome.attempts,
        "request": request.fingerprint,
    }


def gather(manifest: Path, parts: list[Path], predictions: Path) -> None:
    """Put the predictions of a split's shards together, in the manifest's order.

    Args:
        manifest: The split's manifest.
        parts: The shards' files, in order: shard k has every len(parts)-th row from the k-th.
        predictions: The file to write.

    Raises:
        EarmarkError: when a shard lacks a row, has another, or has one too many.
    """

    def rows() -> Iterator[Row]:
        shards = [read_jsonl(part) for part in parts]
        for number, row in enumerate(read_jsonl(manifest)):
            found = next(shards[number % len(parts)], None)
            if found is None or found.get("id") != str(row["id"]):
                has = "no row" if found is None else f"sample {found.get('id')!r}"
                raise EarmarkError(
                    f"{parts[number % len(parts)]}: {has} where {manifest} has {row['id']!r}; "
                    "remove it and run again (nothing is asked twice)"
                )
            yield found
        for part, rest in zip(parts, shards, strict=True):
            if (extra := next(rest, None)) is not None:
                raise EarmarkError(f"{part}: sample {extra.get('id')!r} is not in {manifest}")

    write_jsonl(predictions, rows())


def _write_predictions(job: Job, journal: Journal, asked: Iterator[list[str]]) -> None:
    failures: list[Row] = []
    count = 0

    def rows() -> Iterator[Row]:
        nonlocal count
        for manifest_row, fingerprints in zip(job.rows(), asked, strict=True):
            count += 1
            row = prediction(str(manifest_row["id"]), fingerprints, journal.get)
            if row["error"]:
                failures.append(row)
            yield row
        _check_failures(failures, count, job.settings)

    write_jsonl(job.predictions, rows())
    if failures:
        print(f"{job.title}: {len(failures)} of {count} samples failed; their rows say why")


def _check_failures(failures: list[Row], samples: int, settings: Settings) -> None:
    allowed = float(settings["max_failed_fraction"])
    if len(failures) <= allowed * samples:
        return
    named = "\n".join(f"  {row['id']}: {row['error']}" for row in failures[:5])
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    raise EarmarkError(
        f"{len(failures)} of {samples} samples failed, more than max_failed_fraction "
        f"({allowed:g}) allows:\n{named}{more}"
    )
