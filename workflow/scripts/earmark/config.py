"""The config, checked and resolved: which models meet which splits, and with what settings."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.data.sampling import label
from earmark.errors import EarmarkError
from earmark.paths import check_made, existing
from earmark.schema import check, closest, read_yaml

Settings = dict[str, Any]

_SOURCE_NEEDS = {
    "hub": ("repo",),
    "local": ("manifest",),
}
_MODEL_DEFAULTS: Settings = {
    "revision": None,
    "api": "chat",
    "prompt": {},
    "sampling": {},
    "extra_body": {},
    "health_timeout": 1800,
    "num_seeds": 1,
    "max_server_restarts": 3,
    "max_failed_fraction": 0.01,
}
_JUDGE: Settings = {
    "server": "openai",
    "base_url": "https://integrate.api.nvidia.com/v1",
    "api_key_env": "NVIDIA_API_KEY",
    "model": "qwen/qwen2.5-7b-instruct",
}
_JUDGE_SAMPLING: Settings = {"temperature": 0.1, "max_tokens": 512}
_MATCHER: Settings = {"type": "nv-embed"}
_MATCHER_NEEDS = {"nv-embed": (), "embeddings": ("model", "base_url"), "demo": ()}
_DOWNLOADED = ("source", "audio", "limit", "sample")
_EXCLUDE: Settings = {"shorter_than": 0.1, "empty_text": True}
_PROTOCOLS = ("whisper", "open_asr_leaderboard")
# How many requests at once is the server type's to say, unless the config does.
_CLIENT_DEFAULTS: Settings = {"timeout": 600, "max_retries": 8}


@dataclass(frozen=True)
class Split:
    """A split of a benchmark, with everything that was said for it and for its benchmark.

    Attributes:
        benchmark: The benchmark's name.
        name: The split's name.
        source: Where the utterances come from; its paths are relative to the working folder.
        prompt: ``system`` (may be None), ``user`` and ``suffix``.
        scoring: How answers are scored.
        entries: How many utterances published runs counted, where known.
        protocols: The scoring protocols, for speech recognition; the first is primary.
        postprocess: What is done to answers before they are scored.
        sentences: How sentences are counted, for instruction following.
        audio: Whether it is prepared with audio; without, models are sent text alone.
        limit: How many of its first rows are evaluated; None for all.
        sample: ``n`` and ``seed`` of a random sample; None for all rows.
        exclude: The rules by which rows are left out: ``shorter_than`` (seconds) and
            ``empty_text``.
        skip_bad_audio: Whether rows with damaged clips are left out rather than refused.
        check_audio: How clips are checked: ``full`` decodes them, ``header`` does not.
        shards: How many jobs share the split's requests, each with a server of its own.
    """

    benchmark: str
    name: str
    source: Settings
    prompt: Settings
    scoring: str
    entries: int | None
    protocols: tuple[str, ...] = _PROTOCOLS
    postprocess: str = "none"
    sentences: str = "punctuation"
    audio: bool = True
    limit: int | None = None
    sample: Settings | None = None
    exclude: Settings = field(default_factory=lambda: dict(_EXCLUDE))
    skip_bad_audio: bool = False
    check_audio: str = "full"
    shards: int = 1

    @property
    def preparation(self) -> Settings:
        """Everything that determines the split's manifest, and nothing else."""
        return {
            "source": self.source,
            "audio": self.audio,
            "limit": self.limit,
            "sample": self.sample,
            "exclude": self.exclude,
            "skip_bad_audio": self.skip_bad_audio,
            "check_audio": self.check_audio,
        }

    @property
    def selection(self) -> Settings:
        """What of `preparation` determines what is downloaded."""
        return {k: v for k, v in self.preparation.items() if k in _DOWNLOADED}


@dataclass(frozen=True)
class Model:
    """A model under test.

    Attributes:
        name: The name in the config, tables and reports.
        folder: The name in paths: the same, but for characters that a path cannot hold.
        settings: The checked settings, defaults filled in.
    """

    name: str
    folder: str
    settings: Settings

    @property
    def nodes(self) -> int:
        """How many nodes its server runs on."""
        return int(self.settings.get("nodes") or 1)

    @property
    def gpus(self) -> int:
        """How many GPUs its server gets, on all nodes together; none where none is started."""
        return (
            0 if self.settings.get("base_url") else int(self.settings.get("gpus") or 0) * self.nodes
        )

    def request(self, split: Split) -> Settings:
        """Everything that determines the model's answers on a split, and nothing operational."""
        prompt = {"system": None, "user": "", "suffix": "", **split.prompt}
        chosen = {
            key: self.settings[key]
            for key in ("model", "revision", "api", "sampling", "extra_body")
        }
        chosen["audio"] = self.settings.get("audio")
        return {**chosen, "prompt": {**prompt, **self.settings["prompt"]}}


@dataclass(frozen=True)
class Run:
    """A whole config, resolved.

    Attributes:
        data_dir: Folder for manifests and audio.
        results_dir: Folder for predictions, scores and tables.
        hub_cache: Folder for files of the Hub as they came, shared by all splits.
        benchmarks: The selected splits, by benchmark and split.
        models: The models under test, by their folder in `results_dir`.
        judge: The model that judges open-ended answers.
        matcher: What matches closed-form answers to choices, by ``type``.
        frozen: What a job needs beside the config to resolve it alike, whatever has become of
            the files: the config's ``frozen`` key.
        published: A CSV file of published numbers, to stand beside ours.
    """

    data_dir: str
    results_dir: str
    hub_cache: str
    benchmarks: dict[str, dict[str, Split]]
    models: dict[str, Model]
    judge: Model
    matcher: Settings
    frozen: Settings
    published: str | None = None

    def split(self, wildcards: Any) -> Split:
        """The split that a job's wildcards (``benchmark``, ``split``) name."""
        return self.benchmarks[wildcards.benchmark][wildcards.split]

    def scoring(self, benchmark: str) -> str:
        """How a benchmark is scored: ``asr``, or ``mmau`` for any of its three ways."""
        ways = {split.scoring for split in self.benchmarks[benchmark].values()}
        return "asr" if ways == {"asr"} else "mmau"

    def request(self, wildcards: Any) -> Settings:
        """What determines the answers of the job whose wildcards these are."""
        return self.models[wildcards.model].request(self.split(wildcards))

    def label(self, wildcards: Any) -> str | None:
        """What sets a job's results apart from those of the whole split with audio."""
        split, model = self.split(wildcards), self.models[wildcards.model]
        audio = split.audio and model.settings.get("audio") is not False
        return label(audio, split.limit, split.sample)


def resolve(config: Mapping[str, Any], root: str | Path = ".", where: str = "config") -> Run:
    """Check a config and resolve it against the benchmarks that it names.

    Args:
        config: The config as Snakemake (or `read_yaml`) has it; with the key ``frozen``, as a job
            has it, it was checked when the run began, and no file is read.
        root: The folder that holds ``config/benchmarks``; relative paths in the config start there.
        where: What to call the config in messages: its file.

    Raises:
        EarmarkError: naming the offending key, and what would be allowed.
    """
    config = dict(config)
    frozen = config.get("frozen")
    if isinstance(frozen, dict) and "declarations" in frozen:
        del config["frozen"]
    else:
        check(config, "config.schema.yaml", where)
        check_made(config, where)
        frozen = {"root": str(Path(root).absolute()), "where": where, "declarations": {}}
        if published := config.get("published"):
            key = f"{where}: published"
            frozen["published"] = existing(published, root, key, "a CSV file of published numbers")
        for name, selection in config["benchmarks"].items():
            declaration, file = _declaration(name, selection or {}, Path(root), where)
            frozen["declarations"][name] = {"file": file, "content": declaration}
    where = frozen["where"]
    benchmarks = {
        name: _benchmark(name, selection or {}, frozen, where)
        for name, selection in config["benchmarks"].items()
    }
    data_dir = str(config.get("data_dir", "data")).rstrip("/") or "/"
    return Run(
        data_dir=data_dir,
        hub_cache=str(config.get("hub_cache") or f"{data_dir}/hub-cache"),
        results_dir=str(config.get("results_dir", "results")).rstrip("/") or "/",
        benchmarks=benchmarks,
        models=models(config, where),
        judge=judge(config),
        matcher=matcher(config, where),
        frozen=frozen,
        published=frozen.get("published"),
    )


def models(config: Mapping[str, Any], where: str = "config") -> dict[str, Model]:
    """The models of a checked config, by the name of their folder.

    Raises:
        EarmarkError: when two names come to the same folder.
    """
    found: dict[str, Model] = {}
    for name, given in config["models"].items():
        if isinstance(given.get("prompt"), str):
            raise EarmarkError(f"{where}: models.{name}.prompt: only the judge's may be a name")
        model = _model(name, given)
        if model.folder in found:
            raise EarmarkError(
                f"{where}: models {found[model.folder].name!r} and {name!r} would share the "
                f"folder {model.folder!r}; rename one of them"
            )
        found[model.folder] = model
    return found


def judge(config: Mapping[str, Any]) -> Model:
    """The judge of a checked config: a model, with the reference's sampling unless it says so."""
    given = {"sampling": _JUDGE_SAMPLING, **(config.get("judge") or _JUDGE)}
    return _model("judge", {**given, "audio": False})


def matcher(config: Mapping[str, Any], where: str = "config") -> Settings:
    """The matcher of a checked config.

    Raises:
        EarmarkError: when it lacks what its type needs.
    """
    found: Settings = config.get("matcher") or _MATCHER
    for key in _MATCHER_NEEDS[found["type"]]:
        if key not in found:
            raise EarmarkError(f"{where}: matcher.{key}: missing; type {found['type']} needs it")
    if "@" in found.get("base_url", "").partition("://")[2].partition("/")[0]:
        raise EarmarkError(
            f"{where}: matcher.base_url: holds a user or password; name the key in api_key_env"
        )
    return dict(found)


def load(path: str | Path, root: str | Path = ".") -> Run:
    """Read, check and resolve a config file; raises as `resolve` does."""
    config = read_yaml(Path(path))
    if not isinstance(config, dict):
        raise EarmarkError(f"{path}: a mapping with `benchmarks` and `models` was expected")
    return resolve(config, root, str(path))


def _model(name: str, given: Settings) -> Model:
    folder = re.sub(r"[^\w.+=@-]+", "_", str(name)).lstrip(".") or "_"
    settings = {**copy.deepcopy(_MODEL_DEFAULTS), **given}
    settings["client"] = {**_CLIENT_DEFAULTS, **(given.get("client") or {})}
    return Model(name=str(name), folder=folder, settings=settings)


def _merge(below: Any, above: Any) -> Any:
    """``above`` over ``below``; mappings are merged key by key."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merge(below.get(key), value) for key, value in above.items()}}
    return copy.deepcopy(above)


def _known(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "none"


def _declaration(name: str, selection: Settings, root: Path, where: str) -> tuple[Settings, str]:
    folder = root / "config" / "benchmarks"
    path = folder / f"{name}.yaml"
    if "file" in selection:
        key = f"{where}: benchmarks.{name}.file"
        path = Path(existing(selection["file"], root, key, "a benchmark's declaration (YAML)"))
    elif not path.is_file() and Path("config/benchmarks", path.name).is_file():
        path = Path("config/benchmarks", path.name)  # of a workflow that uses this one
    elif not path.is_file():
        known = {file.stem: file for file in folder.glob("*.yaml")}
        raise EarmarkError(
            f"{where}: benchmarks.{name}: no such benchmark{closest(name, known)}; "
            f"known: {_known(known)} (a new one is a file {path})"
        )
    declaration = read_yaml(path)
    check(declaration, "benchmark.schema.yaml", str(path))
    return declaration, str(path)


def _benchmark(name: str, selection: Settings, frozen: Settings, where: str) -> dict[str, Split]:
    declaration, file = (frozen["declarations"][name][key] for key in ("content", "file"))
    root = Path(frozen["root"])
    declared: dict[str, Any] = declaration["splits"]
    chosen = selection.get("splits", "all")
    if chosen == "all":
        chosen = list(declared)
    overrides = chosen if isinstance(chosen, dict) else dict.fromkeys(chosen)
    for split in overrides:
        if split not in declared:
            raise EarmarkError(
                f"{where}: benchmarks.{name}.splits: unknown split {split!r}"
                f"{closest(str(split), declared)}; {file} declares: {', '.join(declared)}"
            )
    shared = [
        {k: v for k, v in layer.items() if k != "splits"} for layer in (declaration, selection)
    ]
    splits = {}
    for split, override in overrides.items():
        settings: Settings = {}
        for layer in (shared[0], declared[split] or {}, shared[1], override or {}):
            settings = _merge(settings, layer)
        splits[split] = _split(name, split, settings, f"{where} and {file}", root)
    if len({split.scoring == "asr" for split in splits.values()}) > 1:
        listed = ", ".join(f"{split.name}: {split.scoring}" for split in splits.values())
        raise EarmarkError(
            f"{where} and {file}: benchmark {name!r} mixes `asr` with other scoring ({listed}), "
            "which do not add up; make it two benchmarks"
        )
    return splits


def _split(benchmark: str, name: str, settings: Settings, where: str, root: Path) -> Split:
    source = settings.get("source") or {}
    key = f"{where}: splits.{name}.source"
    if "type" not in source:
        raise EarmarkError(f"{key}.type: missing; one of {', '.join(_SOURCE_NEEDS)}")
    for needed in _SOURCE_NEEDS[source["type"]]:
        if needed not in source:
            raise EarmarkError(f"{key}.{needed}: missing, and a {source['type']} source needs it")
    if "manifest" in source:
        named = existing(source["manifest"], root, f"{key}.manifest", "a file of rows")
        source = {**source, "manifest": named}
    return Split(
        benchmark=benchmark,
        name=name,
        source=source,
        prompt=settings.get("prompt") or {},
        scoring=settings.get("scoring", "asr"),
        protocols=tuple(settings.get("protocols", _PROTOCOLS)),
        postprocess=settings.get("postprocess", "none"),
        sentences=settings.get("sentences", "punctuation"),
        entries=settings.get("entries"),
        audio=settings.get("audio", True),
        limit=settings.get("limit"),
        sample=settings.get("sample"),
        exclude={**_EXCLUDE, **settings.get("exclude", {})},
        skip_bad_audio=settings.get("skip_bad_audio", False),
        check_audio=settings.get("check_audio", "full"),
        shards=settings.get("shards", 1),
    )
