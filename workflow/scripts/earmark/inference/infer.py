"""The infer step: ask a model for every sample that its journal has no answer to."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from earmark.config import Model
from earmark.errors import EarmarkError
from earmark.files import Row, disk_error, read_jsonl, write_jsonl
from earmark.inference.client import Answer, Client
from earmark.inference.journal import Journal, Writer, shard_file
from earmark.inference.limiter import ConcurrencyLimit
from earmark.inference.messages import Messages
from earmark.inference.predictions import prediction, random_choices
from earmark.inference.requests import Request, Requests, Sample, seeds
from earmark.progress import Progress, human_bytes
from earmark.servers import server_type
from earmark.servers.base import api_key
from earmark.servers.run import Run, current_run
from earmark.servers.shared import SharedServer, hold

_SYNC_EVERY = 2.0
_LINE_SIZE = 500
"""About how many bytes an answer takes in a journal, and again in the predictions."""
_RUN_ENDED = "the Snakemake run that started this job has ended"
_KEPT = "every answer so far is kept, and the next run asks for the rest"


@dataclass(frozen=True)
class Job:
    """One job's share of a model and a split.

    Attributes:
        request: What determines the answers (`earmark.servers.answer_settings`).
        model: The model, with what is operational too.
        journal: The folder of the split's journal.
        predictions: The file to write, in the manifest's order.
        seed: Which of the model's ``num_seeds`` predictions this is, from 0.
        shard: Which of ``shards`` shares of the rows this is, from 0: every ``shards``-th row.
        folders: What a server in a container sees under the same paths: data and results.
    """

    title: str
    request: dict[str, Any]
    model: Model
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
        requests = Requests(self.request, self.manifest.parent)
        seed = seeds(self.request)[self.seed]
        for row in self.rows():
            yield requests.sample(row, seed)


def infer(job: Job, run: Run | None = None) -> None:
    """Ask for what is missing, then write the predictions.

    Without a ``run``, the Snakemake run that this belongs to is found by itself. A journal that
    another job is at, such as one whose Snakemake was killed, is waited for.

    Raises:
        EarmarkError: when the server does not come up or is lost, refuses the key, or too many
            samples fail; when the run ends while another job is at the journal; and when the disk
            is full.
    """
    own = shard_file(job.journal, job.shard, job.shards, job.seed)
    total = 1
    try:
        if job.model.server == "random-choice":
            rows = random_choices(job.rows(), seeds(job.request)[job.seed] or 0)
            write_jsonl(job.predictions, rows)
            return
        run = run or current_run()
        with Writer(own, wait=run.alive) as writer:
            missing = Missing(job)
            total = missing.known + len(missing.left)
            print(f"{job.title}: {missing.known:,} of {total:,} answers are in the journal")
            if missing.left:
                asyncio.run(_Session(job, writer, missing, run).run())
            _write_predictions(job, missing.samples)
    except OSError as error:
        size = human_bytes(2 * _LINE_SIZE * total)
        needed = f"about {size} are needed for answers and predictions; {_KEPT}"
        raise EarmarkError(str(disk_error(error, own.parent, needed, "results_dir"))) from None


class Missing:
    """The requests without an answer, each once, counted first and read again when asked.

    ``left`` are the fingerprints of those that have not been taken, ``known`` is how many requests
    the journal answers, and ``samples`` how many samples the job has.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.samples = 0
        self.left: set[str] = set()
        known: set[str] = set()
        with Journal(job.journal) as journal:
            for sample in job.samples():
                self.samples += 1
                for key in (request.fingerprint for request in sample.requests):
                    (known if key in journal else self.left).add(key)
        self.known = len(known)

    def __iter__(self) -> Iterator[Request]:
        """Take them; chunks of a sample come one after another, in order."""
        for sample in self._job.samples():
            for request in sample.requests:
                if request.fingerprint in self.left:
                    self.left.discard(request.fingerprint)
                    yield request


class _Session:
    """One job's time with its server, which may have to be started again on the way."""

    def __init__(self, job: Job, writer: Writer, missing: Missing, run: Run) -> None:
        self._job, self._model, self._run = job, job.model, run
        self._writer, self._missing = writer, missing
        # Of this job alone, as its journal's file is: shards may have equal requests. What a killed
        # job left there goes.
        scratch = job.journal / "clips" / writer.path.stem
        shutil.rmtree(scratch, ignore_errors=True)
        self._messages = Messages(job.model, scratch)
        total = missing.known + len(missing.left)
        self._progress = Progress(job.title, total, "requests", missing.known, every=60.0)
        self._failures: dict[str, str] = {}
        # What was learned of the server's speed holds for the next one too.
        client = job.model.client
        most = client.concurrency or server_type(job.model).concurrency
        self._limit = ConcurrencyLimit(most, client.adaptive)
        self._server: SharedServer | None = None  # our own
        self._doubtful: list[tuple[Request, Answer]] = []  # without an answer, for now
        self._restarts = job.model.max_server_restarts

    async def run(self) -> None:
        """Ask for everything, with a report a minute and the journal on disk every few seconds."""
        terminated = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, terminated.set)
        url = self._model.base_url
        work = self._ask(url, iter(self._missing)) if url else self._with_server()
        tasks = [asyncio.create_task(work), asyncio.create_task(self._watch(terminated))]
        try:
            with self._progress:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            loop.remove_signal_handler(signal.SIGTERM)

    async def _watch(self, terminated: asyncio.Event) -> None:
        """Have the disk hold what was written; raise once the job or its run is to end."""
        while self._run.alive():
            with suppress(TimeoutError, ProcessLookupError):
                await asyncio.wait_for(terminated.wait(), _SYNC_EVERY)
                if self._run.allocation:  # whose time is over: no other job of it may begin
                    os.kill(self._run.pid, signal.SIGTERM)
                raise EarmarkError(f"ended by SIGTERM; {_KEPT}")
            await asyncio.to_thread(self._writer.sync)  # a full disk may say so only now
        raise EarmarkError(f"{_RUN_ENDED}; {_KEPT}")

    async def _with_server(self) -> None:
        """Ask the model's own server; start it again when it dies, or lives and does not work.

        What was under way then is asked again with nothing else under way: only the request on
        which the server fails once more has failed.
        """
        missing = iter(self._missing)
        suspects: list[Request] = []
        while True:
            server = self._server = await hold(
                self._model, self._job.server_log, self._run, self._job.shard, self._job.folders
            )
            culprits: list[Request] = []
            well = False
            try:
                one_by_one = iter(suspects)
                for _ in suspects:
                    culprits = culprits or await self._ask(server.url, islice(one_by_one, 1), True)
                suspects = list(one_by_one)
                if not server.lost.done():
                    suspects = await self._ask(server.url, missing)
                well = not server.lost.done()
            finally:
                await server.release(well)
            left = bool(suspects or self._missing.left)
            if (left or culprits) and not self._run.alive():
                raise EarmarkError(f"{_RUN_ENDED}; {_KEPT}")
            if left and self._restarts == 0:
                raise EarmarkError(
                    f"{server.lost.result()}\nIt was started again max_server_restarts times; "
                    f"{_KEPT}"
                )
            for culprit in culprits:
                error = (
                    "the server died or did not answer each time this was asked, at last with "
                    f"nothing else under way: {server.lost.result().splitlines()[0]}"
                )
                self._keep(Answer(culprit.id, error=error, attempts=2, request=culprit.fingerprint))
            if not left:
                return
            self._restarts -= 1
            print(f"{server.lost.result()}\nstarting it again", flush=True)

    async def _ask(
        self, url: str, requests: Iterator[Request], alone: bool = False
    ) -> list[Request]:
        """Ask, and return what had no answer yet when the server of our own was lost."""
        key, patience = api_key(self._model.api_key_env), self._model.client
        lost = self._server.lost if self._server else None
        async with Client(url, self._messages, patience, self._limit, key, lost) as client:
            left = await client.ask_all(requests, partial(self._done, alone))
        doubtful, self._doubtful = self._doubtful, []
        if self._server and await self._server.is_lost():
            return [*(request for request, _ in doubtful), *left]
        for _, answer in doubtful:
            self._keep(answer)
        return left

    def _done(self, alone: bool, request: Request, answer: Answer) -> None:
        """Keep what became of a request, unless the server of our own may be to blame for it."""
        since = answer.unanswered_since
        if self._server and self._restarts > 0 and since is not None:
            self._doubtful.append((request, answer))
            if alone or len(self._doubtful) > 1:
                self._server.unanswered(since)
            return
        if self._server and since is None and answer.attempts:
            self._server.answered()
            doubtful, self._doubtful = self._doubtful, []
            for _, failed in doubtful:  # the server works: it was the requests
                self._keep(failed)
        self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        """Write an answer down; stop when more samples have failed than may."""
        self._writer.append(answer.row())
        self._progress.add(1, errors=answer.error is not None)
        if answer.error is not None:
            print(f"sample {answer.id}: {answer.error}", flush=True)
            self._failures.setdefault(answer.id, answer.error)
            _check(self._failures, self._missing.samples, self._model)


def _write_predictions(job: Job, samples: int) -> None:
    failures: dict[str, str] = {}

    def rows(journal: Journal) -> Iterator[Row]:
        for sample in job.samples():
            row = prediction(sample, journal.get)
            if row["error"]:
                failures[row["id"]] = row["error"]
            yield row
        _check(failures, samples, job.model)

    with Journal(job.journal) as journal:
        write_jsonl(job.predictions, rows(journal))
    if failures:
        print(f"{job.title}: {len(failures)} of {samples} samples failed; their rows say why")


def _check(failures: dict[str, str], samples: int, model: Model) -> None:
    """Stop when more samples have failed than may; their errors by id."""
    allowed, count = model.max_failed_fraction, len(failures)
    if count <= allowed * samples:
        return
    named = [f"\n  {name}: {error}" for name, error in list(failures.items())[:5]]
    more = f"\n  and {count - 5} more" if count > 5 else ""
    raise EarmarkError(
        f"{count} of {samples} samples failed, more than max_failed_fraction ({allowed:g}) "
        f"allows:{''.join(named)}{more}"
    )
