"""What was run and how to repeat it: models, data, scoring and commands, for the page."""

import json
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from earmark.files import read_json
from earmark.report.figures import protocols
from earmark.report.gather import Results
from earmark.report.leaderboard import machine

Provenance = dict[str, Any]
Lines = list[tuple[str, ...]]

_KEPT = ("model", "revision", "api", "audio", "prompt", "sampling", "extra_body", "num_seeds",
         "server_args")  # fmt: skip


def repeat(results: Results) -> dict[str, Any]:
    """What the numbers rest on, as far as it was written down.

    Returns:
        ``commands``, which repeat the run in a clone; ``exactly``, which print those of an
        evaluation from its own record; ``tables``, each a title, headings and rows.
    """
    run, known = results.run, list(provenance(results))
    ways = {one.split.scoring for one in results.evaluations.values()}
    versions = {
        name: str(block.get("version", ""))
        for one in results.evaluations.values()
        for name, block in protocols(one.metrics).items()
    }
    scoring: Lines = list(versions.items())
    scoring += [("Judge", _settings(run.judge.settings))] * bool(ways & {"open_ended", "judged"})
    scoring += [("Matcher", _shown(run.matcher.given))] * ("closed_form" in ways)
    models: Lines = [
        (one.name, str(one.settings["server"]), _settings(one.settings))
        for one in run.models.values()
    ]
    answered = "Answered by commit"  # not the commit of a later aggregation
    tables = [
        ("Models", ("Model", "Served by", "Settings"), models),
        ("Data", ("Split", "Scored by", "Samples", "Source", "Prompt"), _data(results)),
        ("Scoring", ("By", "Version"), scoring),
        ("Runs", ("Evaluation", "Answers ended", answered, "Server", "Hardware"), _runs(known)),
        ("History", ("Code", "From", "To", "Jobs", "Failed", "Answers to"), _history(results)),
    ]
    exactly = [f"earmark reproduce {shlex.quote(str(file))}" for file, _ in known]
    shown = [one for one in tables if one[2]]
    return {"commands": _commands(results, known), "exactly": exactly, "tables": shown}


def provenance(results: Results) -> Iterator[tuple[Path, Provenance]]:
    """What was written beside each benchmark's metrics, and the metrics' file."""
    for folder in results.run.models:
        for benchmark in results.run.benchmarks:
            paths, where = results.run.paths, {"model": folder, "benchmark": benchmark}
            if paths.provenance.of(**where).is_file():
                yield paths.metrics.of(**where), read_json(paths.provenance.of(**where))


def _commands(results: Results, known: list[tuple[Path, Provenance]]) -> list[str]:
    commits = {one["project"].get("commit") for _, one in known}
    commit = commits.pop() if len(commits) == 1 else None
    root = results.run.frozen["root"]
    files = [os.path.relpath(file, root) if Path(file).is_absolute() else file
             for file in str(results.run.frozen["where"]).split(" + ")]  # fmt: skip
    given = "" if files in (["config/config.yaml"], ["config"]) else shlex.join(files)
    table = f" --configfile {given}" if len(files) == 1 and given else ""
    return [
        *([f"git checkout {commit}"] if commit else []),
        "make install",
        ". .venv/bin/activate",
        f"snakemake --configfile {given}" if given else "snakemake",
        f"earmark table{table}",
    ]


def _runs(known: list[tuple[Path, Provenance]]) -> Lines:
    """A row an evaluation: when its last job ended, by which code its answers came, on what."""
    rows: Lines = []
    for _, one in known:
        jobs = [job for jobs in (one.get("inference") or {}).values() for job in jobs] or [one]
        ended = max(job.get("end") or one["written"] for job in jobs)
        commits = dict.fromkeys(_commit(job) for job in jobs)
        machines = dict.fromkeys(machine(job.get("hardware") or {}) for job in jobs)
        rows.append((f"{one['model']} on {one['benchmark']}", _at(ended), "; ".join(commits),
                     str(one.get("server", "")), "; ".join(machines)))  # fmt: skip
    return rows


def _history(results: Results) -> Lines:
    """A row a version of the code that made answers, in the order of time; none for one alone."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for one in results.evaluations.values():
        for job in one.jobs:
            found.setdefault(_commit(job), []).append((job, f"{one.model.name} on {one.subset}"))
    rows = []
    for commit, jobs in found.items():
        start, end = min(job["start"] for job, _ in jobs), max(job["end"] for job, _ in jobs)
        failed = sum(not job["ended_well"] for job, _ in jobs)
        names = ", ".join(dict.fromkeys(name for _, name in jobs))
        rows.append((start, (commit, _at(start), _at(end), str(len(jobs)), str(failed), names)))
    return [row for _, row in sorted(rows)] if len(rows) > 1 else []


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _commit(job: Provenance) -> str:
    project = job.get("project") or {}
    commit = str(project.get("commit") or "")[:9] or "not under Git"
    return commit + (", modified" if project.get("modified") else "")


def _data(results: Results) -> Lines:
    rows: Lines = []
    for split in results.run.splits:
        of = [one for one in results.of(split.benchmark) if one.split.name == split.name]
        counts = sorted({int(one.metrics["num_entries"] or 0) for one in of if one.metrics})
        shown = " or ".join(f"{count:,}" for count in counts) or "not scored yet"
        scoring = ", ".join(split.protocols) if split.scoring == "asr" else split.scoring
        given = _shown(split.source.given), _shown(split.prompt.given)
        rows.append((f"{split.benchmark}: {split.name}", scoring, shown, *given))
    return rows


def _settings(settings: Any) -> str:
    return _shown({key: settings.get(key) for key in _KEPT})


def _shown(value: Any) -> str:
    return "; ".join(
        f"{key}: {inner if isinstance(inner, str) else json.dumps(inner, default=str)}"
        for key, inner in dict(value).items()
        if inner not in (None, "", {}, [])
    )
