"""The config, checked and resolved: which models meet which splits, and with what settings."""

import copy
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from earmark.config.benchmarks import Config, Declaration, Judged, Split
from earmark.config.models import Judge, Matcher, Model
from earmark.config.parts import Plain
from earmark.config.reading import check, closest, existing, read_yaml
from earmark.config.source import Source
from earmark.errors import EarmarkError
from earmark.paths import RESERVED, Paths, folder

_LONGEST = 100
"""Characters of a model's name; with what stands around it, a file's name has 255 bytes at most."""


@dataclass(frozen=True)
class Run:
    """A whole config, resolved."""

    data_dir: str  # for manifests and audio
    results_dir: str  # for predictions, scores and tables
    hub_cache: str  # for files of the Hub as they came, shared by all splits
    benchmarks: dict[str, dict[str, Split]]  # the selected splits, by benchmark and split
    models: dict[str, Model]  # under test, by their folder in `results_dir`
    judge: Model  # of open-ended answers
    matcher: Matcher  # of closed-form answers to choices
    frozen: Plain  # the config's key ``frozen``: what a job resolves it alike with (see `resolve`)
    given: Plain  # the config as it was given, with its paths expanded
    published: str | None = None  # a CSV file of published numbers, to stand beside ours

    @cached_property
    def paths(self) -> Paths:
        """Where the run's files lie."""
        return Paths(self.data_dir, self.results_dir)

    @property
    def splits(self) -> list[Split]:
        """The selected splits of all benchmarks."""
        return [split for splits in self.benchmarks.values() for split in splits.values()]

    def split(self, wildcards: Any) -> Split:
        """The split that a job's wildcards (``benchmark``, ``split``) name."""
        return self.benchmarks[wildcards.benchmark][wildcards.split]

    def scoring(self, benchmark: str) -> str:
        """How a benchmark is scored: the `Split.way` that all its splits have."""
        return next(iter(self.benchmarks[benchmark].values())).way

    def request(self, wildcards: Any) -> Plain:
        """What determines the answers of the job whose wildcards these are."""
        return self.models[wildcards.model].request(self.split(wildcards))

    def label(self, wildcards: Any) -> str | None:
        """What sets a job's results apart from those of the whole split with audio."""
        return self.split(wildcards).label(self.models[wildcards.model].audio is not False)

    @cached_property
    def comet_gpus(self) -> int:
        """How many GPUs jobs that score translations by COMET ask for."""
        return max((split.comet.gpus for split in self.splits if split.comet), default=0)

    def imported(self, wildcards: Any) -> list[str]:
        """The result file that a job takes its answers from, where its model is ``imported``."""
        if self.models[wildcards.model].server != "imported":
            return []
        where = {"model": wildcards.model, "benchmark": wildcards.benchmark}
        path = self.paths.imported.of(**where, split=wildcards.split)
        return [str(path)] if path.is_file() else []

    @cached_property
    def sharded(self) -> str:
        """A pattern of the splits that several jobs share, each known by its benchmark's folder."""
        return "|".join(
            f"(?<=/{re.escape(split.benchmark)}/){re.escape(split.name)}"
            for split in self.splits
            if split.shards > 1
        )

    @cached_property
    def on_gpus(self) -> str:
        """A pattern of the models whose servers need GPUs: their jobs go where there are some."""
        return "|".join(re.escape(key) for key, model in self.models.items() if model.total_gpus)

    def resource(self, name: str) -> int | Callable[[Any], int]:
        """An attribute of models as a resource of jobs: one number, where all have the same.

        Snakemake looks numbers up at once, and calls functions for each of thousands of jobs.
        """
        values = {int(getattr(model, name)) for model in self.models.values()}
        if len(values) == 1:
            return values.pop()
        return lambda wildcards: int(getattr(self.models[wildcards.model], name))


def resolve(config: Mapping[str, Any], root: str | Path = ".", where: str = "config") -> Run:
    """Check a config and resolve it against the benchmarks that it names.

    Args:
        config: The config as Snakemake (or `read_yaml`) has it; with the key ``frozen``, as a job
            has it, it was checked when the run began, and no file is read.
        root: The folder that holds ``config/benchmarks``; relative paths in the config start there.
        where: What to call the config in messages: its file.

    Raises:
        EarmarkError: naming the offending keys, and what would be allowed.
    """
    config = dict(config)
    frozen = config.get("frozen")
    if isinstance(frozen, dict) and "declarations" in frozen:
        where = frozen["where"]
        del config["frozen"]
        made = check(config, Config, where)
    else:
        made = check(config, Config, where, _unsuited(config))
        frozen = {"root": str(Path(root).absolute()), "where": where, "declarations": {}}
        if made.published:
            key = f"{where}: published"
            expected = "a CSV file of published numbers"
            frozen["published"] = existing(made.published, root, key, expected)
        for name, selection in made.benchmarks.items():
            path = _declaration(name, selection.file if selection else None, Path(root), where)
            declared = check(read_yaml(path), Declaration, str(path))
            frozen["declarations"][name] = {"file": str(path), "content": declared.given}
    given = made.given
    return Run(
        data_dir=made.data_dir,
        hub_cache=made.hub_cache or f"{made.data_dir}/hub-cache",
        results_dir=made.results_dir,
        benchmarks={
            name: _benchmark(name, selection or {}, frozen)
            for name, selection in given["benchmarks"].items()
        },
        models=_named(made.models, where),
        judge=made.judge,
        matcher=made.matcher,
        frozen=frozen,
        given=given,
        published=frozen.get("published"),
    )


def load(path: str | Path, root: str | Path = ".") -> Run:
    """Read, check and resolve a config file; raises as `resolve` does."""
    config = read_yaml(Path(path))
    if not isinstance(config, dict):
        raise EarmarkError(f"{path}: a mapping with `benchmarks` and `models` was expected")
    return resolve(config, root, str(path))


def alone(config: Mapping[str, Any], where: str = "config") -> Config:
    """A config of which only some keys are used: the others need not be there."""
    unused = {"benchmarks": {"unused": None}, "models": {"m": {"server": "openai", "model": "m"}}}
    return check({**unused, **config}, Config, where, _unsuited(config))


def _unsuited(config: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with names of models, and keys that mean nothing for their type."""
    models = config.get("models")
    for name, given in models.items() if isinstance(models, Mapping) else ():
        if len(str(name)) > _LONGEST:
            yield (
                f"models.{str(name)[:20]}…: a name of {len(str(name))} characters; results are "
                f"kept in a folder of that name, which can have {_LONGEST}: shorten it"
            )
        elif folder(str(name)) in RESERVED:
            yield f"models.{name}: results_dir has a file of that name; call the model otherwise"
        for key, why in Model.unsuited(given):
            yield f"models.{name}.{key}: {why}"
    for part, kind in (("judge", Judge), ("matcher", Matcher)):
        for key, why in kind.unsuited(config.get(part)):
            yield f"{part}.{key}: {why}"


def _named(given: Mapping[str, Model], where: str) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for name, keys in given.items():
        model = keys.named(name)
        if model.folder in found:
            raise EarmarkError(
                f"{where}: models {found[model.folder].name!r} and {name!r} would share the "
                f"folder {model.folder!r}; rename one of them"
            )
        found[model.folder] = model
    return found


def not_imported(run: Run) -> Iterator[str]:
    """The splits that an imported model has no answers to: each of their jobs will fail."""
    for folder_, model in run.models.items():
        for split in run.splits if model.server == "imported" else ():
            where = {"benchmark": split.benchmark, "split": split.name}
            if not run.paths.imported.of(model=folder_, **where).is_file():
                yield (
                    f"models.{model.name}: nothing was imported for {split.benchmark}/{split.name} "
                    "(`earmark import FILE` does it); its jobs fail, and `snakemake --keep-going` "
                    "goes on with the rest"
                )


def unset_keys(run: Run) -> Iterator[str]:
    """The keys that the environment lacks: of models under test, and of the Hub for gated sets.

    It stops no run: known answers are not asked for again, and jobs may run elsewhere.
    """
    gated = sorted({split.benchmark for split in run.splits if split.gated})
    if gated and not os.environ.get("HF_TOKEN", "").strip():
        yield f"{', '.join(gated)}: gated on the Hub, and HF_TOKEN is not set (docs/data.md)"
    for model in run.models.values():
        name = model.api_key_env
        if name and not os.environ.get(name, "").strip():
            yield (
                f"models.{model.name}.api_key_env: {name} is not set; export {name}=… before the "
                "model is asked"
            )


def _declaration(name: str, file: str | None, root: Path, where: str) -> Path:
    directory = root / "config" / "benchmarks"
    if file:
        key = f"{where}: benchmarks.{name}.file"
        return Path(existing(file, root, key, "a benchmark's declaration (YAML)"))
    path = directory / f"{name}.yaml"
    own = Path("config", "benchmarks", path.name)  # of a workflow that uses this one
    if path.is_file() or own.is_file():
        return path if path.is_file() else own
    known = sorted(one.stem for one in directory.glob("*.yaml"))
    raise EarmarkError(
        f"{where}: benchmarks.{name}: no such benchmark{closest(name, known)}; "
        f"known: {', '.join(known) or 'none'} (a new one is a file {path})"
    )


def _benchmark(name: str, selection: Plain, frozen: Plain) -> dict[str, Split]:
    declaration, file = (frozen["declarations"][name][key] for key in ("content", "file"))
    where, declared = frozen["where"], declaration["splits"]
    chosen = selection.get("splits", "all")
    overrides = dict.fromkeys(declared) if chosen == "all" else chosen
    unknown = [
        f"{where}: benchmarks.{name}.splits: unknown split {split!r}"
        f"{closest(split, declared)}; {file} declares: {', '.join(declared)}"
        for split in overrides
        if split not in declared
    ]
    if unknown:
        raise EarmarkError("\n".join(unknown))
    shared = [
        {k: v for k, v in layer.items() if k not in ("splits", "title", "file")}
        for layer in (declaration, selection)
    ]
    splits = {}
    for split, override in overrides.items():
        keys: Plain = {"benchmark": name, "name": split}
        for layer in (shared[0], declared[split] or {}, shared[1], override or {}):
            keys = _merged(keys, layer)
        splits[split] = _split(keys, f"{where} and {file}: splits.{split}", Path(frozen["root"]))
    _check_suited(name, frozen, selection, overrides, splits)
    if len({split.way for split in splits.values()}) > 1:
        listed = ", ".join(f"{split.name}: {split.scoring}" for split in splits.values())
        raise EarmarkError(
            f"{where} and {file}: benchmark {name!r} mixes ways of scoring ({listed}) which do "
            "not add up; make it two benchmarks"
        )
    return splits


def _check_suited(
    name: str, frozen: Plain, selection: Plain, overrides: Plain, splits: Mapping[str, Split]
) -> None:
    """Refuse keys that mean nothing for the scoring of any split that they are said for.

    Raises:
        EarmarkError: naming each where it stands, and the scoring that it is for.
    """
    declaration, file = (frozen["declarations"][name][key] for key in ("content", "file"))
    mine = f"{frozen['where']}: benchmarks.{name}."
    declared, usual = declaration["splits"], declaration.get("scoring", "asr")
    ways = {one: (keys or {}).get("scoring", usual) for one, keys in declared.items()}
    chosen = {one: split.scoring for one, split in splits.items()}
    layers = [(f"{file}: ", declaration, list(ways.values()))]
    layers += [(f"{file}: splits.{one}.", keys, [ways[one]]) for one, keys in declared.items()]
    layers += [(mine, selection, list(chosen.values()))]
    layers += [(f"{mine}splits.{one}.", keys, [chosen[one]]) for one, keys in overrides.items()]
    lines = []
    for where, keys, scorings in layers:
        first, *others = (
            dict(Split.unsuited({**(keys or {}), "scoring": one})) for one in scorings
        )
        alike = (key for key in first if all(key in other for other in others))
        lines += [f"{where}{key}: {first[key]}" for key in alike]
    if lines:
        raise EarmarkError("\n".join(lines))


def _merged(below: Any, above: Any) -> Any:
    """``above`` over ``below``, key by key; of another type of source nothing is taken over."""
    if isinstance(below, dict) and isinstance(above, dict):
        if "type" in above and above["type"] != below.get("type"):
            return copy.deepcopy(above)
        return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
    return copy.deepcopy(above)


def _split(keys: Plain, where: str, root: Path) -> Split:
    source = dict(keys.get("source") or {})
    if "type" not in source:
        raise EarmarkError(f"{where}.source.type: missing; one of {', '.join(Source.needs)}")
    if lines := [f"{where}.source.{key}: {why}" for key, why in Source.unsuited(source)]:
        raise EarmarkError("\n".join(lines))
    if "manifest" in source:
        key = f"{where}.source.manifest"
        source["manifest"] = existing(source["manifest"], root, key, "a file of rows")
    if isinstance(references := source.get("references"), dict) and "manifest" in references:
        key = f"{where}.source.references.manifest"
        path = existing(references["manifest"], root, key, "a file of references")
        source["references"] = {**references, "manifest": path}
    made = check({**keys, "source": source}, Split, where)
    if made.scoring == "refusal" and made.refusals is None:
        raise EarmarkError(
            f"{where}.refusals: missing; `scoring: refusal` needs the phrases of a refusal"
        )
    rule = made.judged
    if made.scoring == "judged" and not (rule and rule.user and rule.success_from is not None):
        raise EarmarkError(
            f"{where}.judged: `scoring: judged` needs its keys `user`, what the judge is asked, "
            "and `success_from`, the value from which an answer is a success"
        )
    for line in _off_the_scale(rule) if rule else ():
        raise EarmarkError(f"{where}.judged.{line}")
    return made


def _off_the_scale(rule: Judged) -> Iterator[str]:
    """What of a judge's verdicts could never be read, or be a share of the highest value."""
    low, high = rule.scale
    if not 0 <= low < high:
        yield f"scale: two numbers that rise from 0 on, such as [1, 5]; found {rule.scale}"
    for name, value in (("success_from", rule.success_from), *rule.values.items()):
        if value is not None and not low <= value <= high:
            key = name if name == "success_from" else f"values.{name}"
            yield f"{key}: {value:g} is not on `scale`, which is {rule.scale}"
