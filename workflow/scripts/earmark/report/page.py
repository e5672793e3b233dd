"""The report: one page that works without a network, the samples' pieces within or beside it."""

import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from earmark import __version__
from earmark.files import whole_file
from earmark.report import formats
from earmark.report.charts import SECTIONS, charts
from earmark.report.charts.drawing import samples_link
from earmark.report.clips import Clips
from earmark.report.differences import ALL, Difference
from earmark.report.figures import figure, printed
from earmark.report.gather import Results, finite
from earmark.report.judge import HEADS, judge_rows
from earmark.report.leaderboard import Column, Table
from earmark.report.repeat import repeat
from earmark.report.samples import describe, packed, pieces

WITHIN = 3_000_000
"""Pieces of up to so many characters in all stand within the page; more of them beside it."""

_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("state", "tables", "pieces", "alignment", "sound", "cards", "difference", "words",
            "samples")  # fmt: skip


def write_page(
    results: Results,
    made: Sequence[Table],
    found: Sequence[Difference],
    path: str | Path,
    clips: Clips,
    scrub: Callable[[Any], Any] | None = None,
) -> None:
    """Write the report.

    Where the samples are many, their pieces go to a folder beside it, named after it
    (``report_files/`` for ``report.html``), which is replaced.

    Args:
        results: What has been evaluated; what is missing is marked.
        made: Its tables.
        found: The differences between its models.
        path: The page to write.
        clips: What the page has of the audio.
        scrub: What leaves places out of texts; see `earmark.report.anonymous`.

    Raises:
        EarmarkError: when the files of an evaluation are not of the same samples.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_name(f"{path.stem}_files")
    stamp = secrets.token_hex(6)
    scrubbed = scrub or (lambda value: value)
    parts = ((name, scrubbed(value)) for name, value in pieces(results, found, clips))
    within, beside = _store(parts, folder, stamp)
    samples = scrubbed(describe(results, within=clips.folder is not None))
    samples |= {"stamp": stamp, "folder": folder.name}
    known = scrubbed(repeat(results))
    if scrub is not None:
        known["exactly"] = []
    text = _rendered(results, made, found, within, samples, known)
    with whole_file(path) as stream:
        stream.write(text)
    old = folder.with_name(f".{folder.name}.{stamp}.old")
    if folder.exists():
        folder.rename(old)
    if beside is not None:
        beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _store(
    parts: Iterable[tuple[str, Any]], folder: Path, stamp: str
) -> tuple[dict[str, str], Path | None]:
    """The pieces by name where they are few; else the folder that they were written to."""
    within: dict[str, str] = {}
    partial: Path | None = None
    for name, value in parts:
        within[name] = packed(value)
        if partial is None and sum(map(len, within.values())) > WITHIN:
            partial = folder.with_name(f".{folder.name}.{stamp}.partial")
            partial.mkdir(parents=True)
        if partial is not None:
            for each, text in within.items():
                code = f'earmarkPiece("{stamp}","{each}","{text}");\n'
                (partial / f"{each}.js").write_text(code, encoding="ascii")
            within = {}
    return within, partial


def _rendered(
    results: Results,
    made: Sequence[Table],
    found: Sequence[Difference],
    within: dict[str, str],
    samples: dict[str, Any],
    known: dict[str, Any],
) -> str:
    """The page, by its templates: everything that they are given is escaped where it stands."""
    drawn = charts(results)
    names = [model.name for model in results.run.models.values()]
    data = {
        "models": names,
        "charts": [{"id": one.id, "spec": one.spec, "rows": one.rows} for one in drawn],
        "samples": samples,
    }
    title = f"{', '.join(results.run.benchmarks)}: " + (
        ", ".join(names) if len(names) < 4 else f"{len(names)} models"
    )
    protocols: dict[str, dict[str, None]] = {}
    for table in made:
        protocols.setdefault(table.benchmark, {})[table.protocol] = None
    first: dict[str, str] = {}  # each benchmark's protocol, under which differences stand
    compared = [
        one
        for one in found
        if first.setdefault(one.benchmark, one.protocol) == one.protocol and "why" not in one.line
    ]
    return (
        _environment()
        .get_template("page.html")
        .render(
            version=__version__,
            now=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            nonce=secrets.token_hex(12),
            title=title,
            style=_files("page.css", "samples.css"),
            theme=_files("theme.js"),
            script=_files(*(f"{name}.js" for name in _SCRIPTS)),
            vega=_vega() if drawn else "",
            drawing=_files("charts.js") if drawn else "",
            data=finite(data),
            pieces=within,
            results=results,
            facts=_facts(results),
            tables=made,
            protocols=protocols,
            link=partial(_link, results),
            sections={key: SECTIONS[key] for key in dict.fromkeys(one.section for one in drawn)},
            charts=drawn,
            judged=judge_rows(results),
            judge_heads=HEADS,
            samples=samples,
            compared=compared,
            asr="asr" in map(results.run.scoring, results.run.benchmarks),
            repeat=known,
        )
    )


def _environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    env.globals |= {"printed": printed, "formats": formats, "ALL": ALL}
    return env


def _files(*names: str) -> Markup:
    return Markup("\n".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in names))


def _vega() -> Markup:
    """Vega, Vega-Lite and Vega-Embed, from the installed package: nothing is fetched."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return Markup(bundle.replace("</script", "<\\/script"))


def _link(results: Results, table: Table, cell: Any, column: Column) -> str | None:
    """The address of the samples that a figure was counted over, by the protocol that counted."""
    if cell.folder == "":
        return None
    names = list(results.run.benchmarks[table.benchmark])
    one = results.evaluations[cell.folder, table.benchmark, column.split or names[0]]
    if one.metrics is None:
        return None
    more = {"protocol": table.protocol} if table.protocol else {}
    if column.level == 2 and column.key.startswith(f"{one.subset}-"):
        more["category"] = column.key.removeprefix(f"{one.subset}-")
    return samples_link(one, everywhere=column.split is None and len(names) > 1, **more)


def _facts(results: Results) -> list[tuple[str, str]]:
    """What the head of the page counts, and what each count is called."""
    done = [one.metrics for one in results.evaluations.values() if one.metrics is not None]
    seconds, samples, failed = (
        sum(figure(metrics, key) or 0 for metrics in done)
        for key in ("audio_seconds", "num_entries", "num_failed")
    )
    counts = {
        "models": len(results.run.models),
        "splits": sum(map(len, results.run.benchmarks.values())),
        "scored answers": samples,
        "hours of audio transcribed": seconds / 3600,
        "failed samples": failed,
    }
    if broken_off := sum(one.state == "failed" for one in results.missing()):
        counts["failed evaluations"] = broken_off
    return [
        (what.removesuffix("s") if n == 1 else what, printed(n, 1 if "hours" in what else 0))
        for what, n in counts.items()
    ]
