"""What was run and how to repeat it: models, data, scoring and commands, for the page."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from earmark.files import read_json
from earmark.provenance import commands
from earmark.report.figures import protocols
from earmark.report.gather import Results, is_asr
from earmark.report.markup import Markup, tag

WHOLE = 12
"""The commands of up to so many evaluations stand in the page; of more, what prints them."""

Provenance = dict[str, Any]


def repeat(results: Results) -> Markup:
    """The section of the page that says what the numbers rest on."""
    known = [*_provenance(results)]
    judged = any(found.split.scoring == "open_ended" for found in results.evaluations.values())
    matched = any(found.split.scoring == "closed_form" for found in results.evaluations.values())
    beside = [("Judge", _shown(_kept(results.run.judge.settings)))] if judged else []
    beside += [("Matcher", _shown(results.run.matcher.given))] if matched else []
    return tag(
        "section",
        tag("h2", "How to repeat it"),
        tag("p", "In a clone of the project, with the same config. What was answered already is "
            "not asked again.", class_="note"),
        tag("pre", tag("code", "\n".join(_commands(results, known))), tabindex="0"),
        *_exactly(known),
        _table("Models", ("Model", "Served by", "Name in requests", "Settings"), _models(results)),
        _table("Data", ("Split", "Scored by", "Samples", "Source", "Prompt"), _data(results)),
        _table("Scoring", ("By", "Version"), [*_protocols(results), *beside]),
        _table("Runs", ("Evaluation", "Finished", "Commit", "Server", "Hardware"), _runs(known)),
        id="repeat",
    )  # fmt: skip


def _provenance(results: Results) -> Iterator[tuple[Path, Provenance]]:
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


def _exactly(known: list[tuple[Path, Provenance]]) -> Iterator[Markup]:
    """How to repeat each evaluation from nothing but its own record."""
    if not known:
        return
    if len(known) > WHOLE:
        lines = "\n".join(f"earmark reproduce {shlex.quote(str(file))}" for file, _ in known)
        yield tag("details", tag("summary", "Each evaluation by itself"),
                  tag("pre", tag("code", lines), tabindex="0"))  # fmt: skip
        return
    for file, one in known:
        title = f"{one['model']} on {one['benchmark']}, from nothing"
        script = tag("pre", tag("code", commands(file)), tabindex="0")
        yield tag("details", tag("summary", title), script)


def _runs(known: list[tuple[Path, Provenance]]) -> list[tuple[str, ...]]:
    """A row an evaluation: when its last job ended, by which code, on what."""
    rows: list[tuple[str, ...]] = []
    for _, one in known:
        jobs = [job for jobs in (one.get("inference") or {}).values() for job in jobs]
        ended = max((job["end"] for job in jobs), default=one["written"])
        machines = [job.get("hardware") or {} for job in jobs] or [one.get("hardware") or {}]
        commit = str(one["project"].get("commit") or "")[:9] or "not under Git"
        rows.append(
            (
                f"{one['model']} on {one['benchmark']}",
                datetime.fromtimestamp(ended, UTC).strftime("%Y-%m-%d %H:%M UTC"),
                commit + (", modified" if one["project"].get("modified") else ""),
                str(one.get("server", "")),
                "; ".join(dict.fromkeys(map(_machine, machines))),
            )
        )
    return rows


def _machine(told: Provenance) -> str:
    gpus = told.get("gpus") or []
    main = f"{told.get('processor', '?')}, {told.get('cores', '?')} cores"
    return f"{main}, {len(gpus)} × {gpus[0].split(',')[0]}" if gpus else main


def _kept(settings: Any) -> dict[str, Any]:
    names = ("server", "model", "revision", "api", "audio", "prompt", "sampling", "extra_body",
             "num_seeds", "server_args")  # fmt: skip
    return {name: settings[name] for name in names if settings.get(name)}


def _models(results: Results) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for model in results.run.models.values():
        settings = _kept(model.settings)
        server, name = settings.pop("server", ""), settings.pop("model", "")
        rows.append((model.name, str(server), str(name), _shown(settings)))
    return rows


def _data(results: Results) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for benchmark, splits in results.run.benchmarks.items():
        for split in splits.values():
            counts = {
                int((found.metrics or {}).get("num_entries") or 0)
                for found in results.of(benchmark)
                if found.split.name == split.name and found.metrics is not None
            }
            shown = " or ".join(f"{count:,}" for count in sorted(counts)) or "not scored yet"
            scoring = ", ".join(split.protocols) if is_asr(split) else split.scoring
            name = f"{benchmark}: {split.name}"
            rows.append(
                (name, scoring, shown, _shown(split.source.given), _shown(split.prompt.given))
            )
    return rows


def _protocols(results: Results) -> list[tuple[str, ...]]:
    versions: dict[str, str] = {}
    for found in results.evaluations.values():
        for name, block in protocols(found.metrics).items():
            versions[name] = str(block.get("version", ""))
    return [*versions.items()]


def _shown(value: Any) -> str:
    pairs = {key: inner for key, inner in dict(value).items() if inner not in (None, "", {}, [])}
    return "; ".join(
        f"{key}: {inner if isinstance(inner, str) else json.dumps(inner, default=str)}"
        for key, inner in pairs.items()
    )


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Markup | None:
    if not rows:
        return None
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
        class_="text",
    )
    region = tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=title)
    return tag("div", tag("div", tag("h3", title), class_="caption"), region, class_="card")
