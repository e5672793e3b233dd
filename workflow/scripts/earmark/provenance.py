"""What is needed to repeat an evaluation: written beside its metrics, and told as commands."""

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from earmark import __version__
from earmark.config import Model, Run, Split, resolve
from earmark.data.manifest import comparable, prepared_otherwise
from earmark.errors import EarmarkError
from earmark.files import read_json, write_json
from earmark.servers import answer_settings, server_type
from earmark.servers.gpus import nvidia_smi

_PACKAGES = (
    "snakemake", "openai", "datasets", "huggingface-hub", "soundfile", "soxr", "numpy",
    "rapidfuzz", "kaldialign", "jiwer", "vllm", "sglang", "torch", "faster-whisper",
)  # fmt: skip


@contextmanager
def recorded(path: Path, model: Model, project: Any) -> Iterator[None]:
    """Append a line on an inference job to a log that a split's jobs share: when, where, with what.

    ``project`` is what the config's ``frozen`` key says of the code.
    """
    start, failure = time.time(), None
    try:
        yield
    except BaseException as error:
        failure = str(error) or type(error).__name__
        raise
    finally:
        row = {
            "start": start,
            "end": time.time(),
            "ended_well": failure is None,
            "error": failure,
            "server": server_command(model),
            "hardware": hardware(),
            "versions": versions(),
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            "project": project,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as log:
            log.write((json.dumps(row) + "\n").encode())  # one write: jobs may share the file


def jobs(path: Path) -> list[dict[str, Any]]:
    """What `recorded` has written down of a split's inference jobs."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with suppress(ValueError):  # a line torn by a crash
            rows.append(json.loads(line))
    return rows


def server_command(model: Model) -> str:
    """The command line of a model's server (its port left open), or where it was attached to."""
    if model.base_url:
        return model.base_url
    kind = server_type(model)
    if not kind.starts:  # chance, or a file: there is no server
        return kind.name
    return shlex.join(kind.command(model, 0))


def hardware() -> dict[str, Any]:
    """This machine: its name, processor, cores, memory (GB) and GPUs."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "host": platform.node(),
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "gpus": nvidia_smi("name,memory.total,driver_version") or [],
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Versions of Python, of Earmark, and of the packages that have a say in the numbers."""
    found = {"python": sys.version.split()[0], "earmark": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write(
    config: Mapping[str, Any], model: str, benchmark: str, metrics: str | Path, path: str | Path
) -> None:
    """Write what is needed to repeat the metrics of a model (by its folder) on a benchmark.

    ``config`` is Snakemake's, with its ``frozen`` key, and ``path`` the file to write.
    """
    run = resolve(config)
    name, settings = run.models[model].name, run.models[model].settings
    splits = run.benchmarks[benchmark]
    write_json(
        path,
        {
            "model": name,
            "benchmark": benchmark,
            "metrics": Path(metrics).name,
            "written": time.time(),
            "project": {"version": __version__, **config["frozen"]["project"]},
            "resolved": {
                "model": settings,
                "judge": run.judge.settings,
                "matcher": run.matcher.given,
                "splits": {split: made.record for split, made in splits.items()},
            },
            "config": {
                "benchmarks": {benchmark: config["benchmarks"][benchmark]},
                "models": {name: config["models"][name]},
                **{key: config[key] for key in ("judge", "matcher") if config.get(key)},
            },
            "declaration": config["frozen"]["declarations"][benchmark]["content"],
            "server": server_command(run.models[model]),
            "seeds": {
                "sampling": settings["sampling"].get("seed"),
                "num_seeds": settings.get("num_seeds", 1),
            },
            "protocols": {split: list(made.protocols) for split, made in splits.items()},
            "data": {split: _source(run, benchmark, split) for split in splits},
            "inference": {
                split: jobs(run.paths.jobs.of(model=model, benchmark=benchmark, split=split))
                for split in splits
            },
            "versions": versions(),
            "hardware": hardware(),
        },
    )


def _source(run: Run, benchmark: str, split: str) -> Any:
    record = read_json(run.paths.source.of(benchmark=benchmark, split=split))
    return {key: value for key, value in record.items() if key not in ("files", "rows")}


def changed(run: Run, model: str, benchmark: str) -> list[str]:
    """What is otherwise than when the metrics of a model (by its folder) on a benchmark were made.

    Returns:
        Names of settings such as ``sampling`` or ``protocols``; none where there are no metrics.
    """
    path = run.paths.provenance.of(model=model, benchmark=benchmark)
    if not path.is_file():
        return []
    was = read_json(path)["resolved"]
    found = set()
    for name, split in run.benchmarks[benchmark].items():
        if name not in was["splits"]:
            continue  # Snakemake sees that its files are missing
        try:
            before = Split.model_validate(was["splits"][name])
            tested = Model.model_validate(was["model"])
            old = _decisive(tested, before, was["judge"], was["matcher"])
        except (ValueError, KeyError):  # the settings had other names then
            return ["settings, by another version of Earmark"]
        new = _decisive(run.models[model], split, run.judge.settings, run.matcher.given)
        found |= {key for key in new if _text(new[key]) != _text(old[key])}
    return sorted(found)


def made_elsewhere(run: Run, known: Callable[[str], bool], models: Iterable[str]) -> Iterator[str]:
    """Warnings of files that Snakemake takes for up to date and are not.

    Data and results that were moved here, or are met by a fresh clone, lack Snakemake's own record
    of the settings that they were made with; theirs is beside them.

    Args:
        run: The config as it is now.
        known: Whether Snakemake has its record of a file.
        models: The models whose metrics are looked at, by folder.
    """
    again = []
    for split in run.splits:
        where = {"benchmark": split.benchmark, "split": split.name}
        manifest = str(run.paths.manifest.of(**where))
        other = prepared_otherwise(split, run.paths.source.of(**where))
        if other and not known(manifest):
            again.append(str(run.paths.files.of(**where)))
            yield f"{manifest} was made with other {', '.join(other)}, elsewhere"
    if again:
        yield f"to prepare anew, run once with `--forcerun {' '.join(again)}` added"
    for model in models:
        for benchmark in run.benchmarks:
            metrics = str(run.paths.metrics.of(model=model, benchmark=benchmark))
            other = changed(run, model, benchmark)
            if other and not known(metrics):
                yield (
                    f"{metrics} was made with other {', '.join(other)}, elsewhere: to make it "
                    "anew, run once with `--forcerun download infer score` added (known answers "
                    "are not asked for again)"
                )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _decisive(model: Model, split: Split, judge: Any, matcher: Any) -> dict[str, Any]:
    """All that decides a split's numbers, by the names that the config has for it."""
    found = {
        **comparable(split),
        **answer_settings(model, model.request(split)),
        **{key: getattr(split, key) for key in ("scoring", "protocols", "postprocess")},
        **({"judged": split.judged.given} if split.judged else {}),
        "judge": None,
        "matcher": None,
    }
    if split.scoring in ("open_ended", "judged"):
        decisive = ("model", "revision", "sampling", "extra_body", "prompt")
        found["judge"] = {key: judge.get(key) for key in decisive}
    if split.scoring == "closed_form":
        found["matcher"] = matcher
    return found


def find(metrics: str | Path) -> Path:
    """The provenance that belongs to a metrics file, of a benchmark or of a category of it.

    Raises:
        EarmarkError: when there is none.
    """
    folder = Path(metrics) if Path(metrics).is_dir() else Path(metrics).parent
    for candidate in (folder, folder.parent):
        if (candidate / "provenance.json").is_file():
            return candidate / "provenance.json"
    raise EarmarkError(f"{metrics}: there is no provenance.json beside it; `snakemake` writes it")


def commands(metrics: str | Path) -> str:
    """The shell commands that repeat an evaluation in a clone of the repository.

    Raises:
        EarmarkError: when the metrics have no provenance.
    """
    import yaml

    known = read_json(find(metrics))
    project, config, declared = known["project"], known["config"], known["declaration"]
    benchmark = known["benchmark"]
    selection = dict(config["benchmarks"][benchmark] or {})
    selection["file"] = "reproduce/benchmark.yaml"
    for split, source in known["data"].items():
        given = dict(declared["splits"][split] or {})
        commit = source.get("commit") or source.get("revision")
        if commit and known["resolved"]["splits"][split]["source"]["type"] == "hub":
            given["source"] = {**(given.get("source") or {}), "revision": commit}
        declared["splits"][split] = given
    config["benchmarks"][benchmark] = selection
    config |= {"data_dir": "reproduce/data", "results_dir": "reproduce/results"}
    lines = [f"# {known['model']} on {benchmark}, by Earmark {project['version']}"]
    if project["commit"]:
        lines.append(f"git checkout {project['commit']}")
        if project["modified"]:
            lines.append(f"# The clone had uncommitted changes then (content {project['code']}).")
    else:
        lines.append(f"# The code was not under Git; its content was {project['code']}.")
    lines += ["make install", "mkdir -p reproduce"]
    for name, value in (("benchmark", declared), ("config", config)):
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip()
        lines += [f"cat > reproduce/{name}.yaml <<'YAML'", text, "YAML"]
    lines.append(f"# The model's server was: {known['server']}")
    key = known["resolved"]["model"].get("api_key_env")
    if key:
        lines.append(f": ${{{key}:?holds the API key}}")
    lines.append(".venv/bin/snakemake --configfile reproduce/config.yaml")
    return "\n".join(lines)
