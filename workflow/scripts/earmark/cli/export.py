"""Write result files as the Open ASR Leaderboard has them, and .eval_results for a model's page.

A folder a model: MODEL_…_DATASET_….jsonl, which `earmark wer` and the leaderboard's own scripts
score, and, of the benchmark open-asr-leaderboard, .eval_results/open_asr_leaderboard.yaml. RTFx is
of requests to a server, and says so. Whole sets of the Hub that are scored by word errors are
exported; splits that are cut short, local, scored otherwise or not yet answered are left out and
named.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from earmark.cli.project import add_configfile, check_names, load_run
from earmark.config import Model, Run, Split
from earmark.errors import EarmarkError
from earmark.files import read_json, whole_file, write_jsonl

EXAMPLES = (
    "earmark export --output leaderboard",
    "earmark export --model my-model --benchmark open-asr-leaderboard",
)
_MAIN = "open-asr-leaderboard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add_configfile(parser)
    add("--output", type=Path, default="leaderboard", help="the folder (default: %(default)s)")
    for name in ("model", "benchmark"):
        add(f"--{name}", action="append", metavar="NAME", help=f"only this {name} (repeatable)")


def run(args: argparse.Namespace) -> int:
    """Write each model's files, and say what was left out."""
    config = load_run(args.configfile)
    names = [model.name for model in config.models.values()]
    check_names("model", args.model, names, args.configfile)
    check_names("benchmark", args.benchmark, config.benchmarks, args.configfile)
    count = 0
    for folder, model in config.models.items():
        if args.model and model.name not in args.model:
            continue
        if model.server == "imported":
            print(f"{model.name}: left out: its answers are not ours", file=sys.stderr)
        else:
            count += _model(config, folder, model, args)
    if not count:
        raise EarmarkError(
            "nothing to export: whole sets of the Hub can be that are scored by word errors, once "
            "`snakemake` has asked a model"
        )
    return 0


def _model(config: Run, folder: str, model: Model, args: argparse.Namespace) -> int:
    from earmark.scoring.exported import result_rows, unfit
    from earmark.scoring.result_names import file_name

    place = args.output / folder
    chosen = [
        one
        for one in config.splits
        if args.benchmark in (None, []) or one.benchmark in args.benchmark
    ]
    done = 0
    for split in chosen:
        where = {"model": folder, "benchmark": split.benchmark, "split": split.name}
        seeded = config.paths.predictions.of(seed="" if model.num_seeds == 1 else ".seed0", **where)
        why = unfit(split)
        if why is None and model.audio is False:
            why = "answered without audio"
        if why is None and not seeded.is_file():
            why = "not answered yet"
        if why:
            print(
                f"{model.name} on {split.benchmark}/{split.name}: left out: {why}", file=sys.stderr
            )
            continue
        name = (
            model.model
            if model.model.count("/") == 1 and model.model[0] not in "/."
            else model.name
        )
        path = place / file_name(name, split)
        manifest = str(config.paths.manifest.of(**where))
        print(f"{path}: {write_jsonl(path, result_rows(split, manifest, str(seeded)))} rows")
        done += 1
    if _MAIN in {split.benchmark for split in chosen}:
        _eval_results(config, folder, model, place)
    return done


def _eval_results(config: Run, folder: str, model: Model, place: Path) -> None:
    import yaml

    from earmark.report.gather import first_mode
    from earmark.scoring.exported import eval_results, sets

    metrics = config.paths.metrics.of(model=folder, benchmark=_MAIN)
    if not metrics.is_file() or model.audio is False:
        return
    blocks = {name: first_mode(modes) or {} for name, modes in read_json(metrics).items()}
    whole = sets(list(config.benchmarks[_MAIN].values()))
    found = eval_results(
        blocks.get(_MAIN, {}),
        {one.name: blocks.get(f"{_MAIN}-{one.name}", {}) for one in whole},
        len(whole) == _declared(config),
        _revision(whole),
        f"`server: {model.server}` with up to {model.client.concurrency or 'the default of'} "
        "requests at once",
    )
    path = place / ".eval_results" / "open_asr_leaderboard.yaml"
    with whole_file(path) as stream:
        yaml.safe_dump(found, stream, sort_keys=False, allow_unicode=True)
    print(f"{path}: {len(found)} results")


def _declared(config: Run) -> int:
    content: Any = config.frozen["declarations"][_MAIN]["content"]
    return len(content["splits"])


def _revision(splits: list[Split]) -> str | None:
    told = {
        one.source.revision for one in splits if one.source.repo == "hf-audio/open-asr-leaderboard"
    }
    return told.pop() if len(told) == 1 and told != {"main"} else None
