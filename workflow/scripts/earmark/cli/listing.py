"""List the benchmarks that a config can name, or the splits of some of them.

Those of the working folder's config/benchmarks, and those that come with Earmark. `needs` says what
an evaluation wants beside a model: terms accepted on the Hub (HF_TOKEN), a judge, a matcher.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from earmark.cli.printing import print_table
from earmark.config import Split, closest, resolve
from earmark.errors import EarmarkError

EXAMPLES = ("earmark list", "earmark list asr-leaderboard mmau-pro")
_MODEL = {"m": {"server": "openai", "model": "m"}}
_NEEDS = {
    "closed_form": "matcher (NV-Embed-v2: a GPU)",
    "open_ended": "judge",
    "judged": "judge",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help="whose splits to list")


def run(args: argparse.Namespace) -> int:
    """Print the benchmarks, or the splits of those that are named."""
    known = _known()
    for name in args.names:
        if name not in known:
            raise EarmarkError(
                f"no such benchmark: {name}{closest(name, known)}; known: {', '.join(known)}"
            )
    for name in args.names:
        rows = [[one.name, *_columns([one]), _source(one)] for one in _splits(name, *known[name])]
        headings = ("split", "utterances", "language", "scoring", "needs", "source")
        print_table(headings, rows, title=f"\n{name}")
    if not args.names:
        found = {name: _splits(name, *where) for name, where in known.items()}
        rows = [[name, str(len(one)), *_columns(one)] for name, one in found.items()]
        print_table(("benchmark", "splits", "utterances", "language", "scoring", "needs"), rows)
    return 0


def _known() -> dict[str, tuple[Path, Path]]:
    """By benchmark its declaration and the folder of its project; the working folder's go first."""
    roots = (Path(__file__).resolve().parents[4], Path())
    files = [(root, file) for root in roots for file in root.glob("config/benchmarks/*.yaml")]
    return {file.stem: (root, file) for root, file in sorted(files, key=lambda one: one[1].stem)}


def _splits(name: str, root: Path, file: Path) -> list[Split]:
    config = {"benchmarks": {name: {"file": str(file.resolve())}}, "models": _MODEL}
    return resolve(config, root, "earmark list").splits


def _columns(splits: Iterable[Split]) -> list[str]:
    """What some splits are together: utterances, languages, scoring, needs."""
    splits = list(splits)
    entries = [one.entries for one in splits]
    total = "?" if None in entries else f"{sum(filter(None, entries)):,}"
    languages = sorted({one.language or "en" for one in splits})
    scoring = sorted({one.scoring for one in splits})
    needs = ["HF_TOKEN"] if any(one.gated for one in splits) else []
    needs += [_NEEDS[way] for way in scoring if way in _NEEDS]
    spoken = f"{len(languages)} languages" if len(languages) > 7 else ", ".join(languages)
    return [total, spoken, "\n".join(scoring), "\n".join(needs)]


def _source(split: Split) -> str:
    source = split.source
    if source.type == "local":
        return str(source.manifest)
    if source.type == "url":
        return "\n".join(source.urls or ())
    return ":".join(filter(None, (source.repo, source.config, source.split)))
