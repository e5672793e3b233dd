"""What was run and how to repeat it: models, data, scoring and commands, for the page."""

from __future__ import annotations

import json
from typing import Any

from earmark.report.figures import protocols
from earmark.report.gather import Results, is_asr
from earmark.report.markup import Markup, tag


def repeat(results: Results) -> Markup:
    """The section of the page that says what the numbers rest on."""
    return tag(
        "section",
        tag("h2", "How to repeat it"),
        tag("p", "In a clone of the project, with the same config:", class_="note"),
        tag("pre", tag("code", "make install\nsnakemake\nearmark table"), tabindex="0"),
        _table("Models", ("Model", "Served by", "Name in requests", "Settings"), _models(results)),
        _table("Data", ("Split", "Scored by", "Samples", "Source", "Prompt"), _data(results)),
        _table("Scoring protocols", ("Protocol", "Version"), _protocols(results)),
        id="repeat",
    )


def _models(results: Results) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for model in results.run.models.values():
        kept = ("revision", "api", "audio", "prompt", "sampling", "extra_body", "num_seeds",
                "server_args")  # fmt: skip
        settings = {key: model.settings[key] for key in kept if model.settings.get(key)}
        server, name = model.settings.get("server"), model.settings.get("model")
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
            rows.append((name, scoring, shown, _shown(split.source), _shown(split.prompt)))
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
