"""Take result files of others as a model's predictions, to stand beside ours in tables and report.

Files are those of the Open ASR Leaderboard (MODEL_…_DATASET_….jsonl), whose names tell model and
set, or any that `earmark wer` reads, with --model, --benchmark and --split; references may be
missing. Answers are scored anew by every protocol of the benchmark, against its own references, by
the next `snakemake`. The model is to be in the config with `server: imported`; the command prints
the line.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from earmark.cli.columns import add_columns, columns_of
from earmark.cli.project import add_configfile, load_run
from earmark.config import Run, Split
from earmark.errors import EarmarkError
from earmark.files import write_jsonl
from earmark.paths import RESERVED, folder
from earmark.scoring import imported
from earmark.scoring.result_files import samples
from earmark.scoring.result_names import checked_model, model_of, splits_of

EXAMPLES = (
    "earmark import results/openai-whisper-large-v3/",
    "earmark import answers.jsonl --model other/asr --benchmark asr-leaderboard --split ami",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="result files, or folders of them")
    add_configfile(parser)
    add(
        "--model", metavar="NAME", help="what the model is called (default: as the file's name has)"
    )
    add("--benchmark", metavar="NAME", help="the benchmark, where names of files do not tell it")
    add("--split", metavar="NAME", help="the split that the file is of")
    add_columns(parser)


def run(args: argparse.Namespace) -> int:
    """Check each file and put it where the model's predictions are made from."""
    config = load_run(args.configfile)
    for key, given, names in (
        ("benchmark", args.benchmark, list(config.benchmarks)),
        ("split", args.split, [split.name for split in config.splits]),
    ):
        if given is not None and given not in names:
            raise EarmarkError(
                f"--{key} {given}: {args.configfile} has {', '.join(dict.fromkeys(names))}"
            )
    for file in args.files:
        if not file.exists():
            raise EarmarkError(f"{str(file)!r}: there is no such file or folder")
    files = [
        one
        for file in args.files
        for one in (sorted(file.glob("*.jsonl")) if file.is_dir() else [file])
    ]
    if not files:
        raise EarmarkError(f"{args.files[0]}: no files *.jsonl in it")
    work = [
        (file, _model(config, file, args), split)
        for file in files
        for split in _splits(config, file, args)
    ]
    taken: dict[tuple[str, str, str], Path] = {}
    for file, model, split in work:
        other = taken.setdefault((model, split.benchmark, split.name), file)
        if other != file:
            where = f"{model} on {split.benchmark}/{split.name}"
            raise EarmarkError(f"{other} and {file}: both are {where}; give one of them alone")
    columns = columns_of(args)
    for file, model, split in work:
        _bring(config, file, model, split, columns)
    known = {model.name for model in config.models.values()}
    if new := [name for name in dict.fromkeys(model for _, model, _ in work) if name not in known]:
        print(f"\nto be put under `models:` of {args.configfile}:")
        for name in new:
            print(f"  {name}: {{server: imported, model: {name}}}")
    return 0


def _model(config: Run, file: Path, args: argparse.Namespace) -> str:
    name = checked_model(args.model, "--model") if args.model else model_of(file)
    if name is None:
        raise EarmarkError(f"{file}: its name tells no model; give --model NAME")
    if folder(name) in RESERVED:
        raise EarmarkError(f"--model {name}: results_dir has a file of that name; choose another")
    ours = config.models.get(folder(name))
    if ours and (ours.name != name or ours.server != "imported"):
        raise EarmarkError(
            f"{file}: {ours.name} is a model of the config with `server: {ours.server}`, whose own "
            "answers it has; give the other one another name with --model"
        )
    return name


def _splits(config: Run, file: Path, args: argparse.Namespace) -> list[Split]:
    chosen = [
        split
        for split in config.splits
        if args.benchmark in (None, split.benchmark) and args.split in (None, split.name)
    ]
    if args.split is None:
        chosen = splits_of(file, chosen)
    names = ", ".join(f"{one.benchmark}/{one.name}" for one in chosen)
    if not chosen or (args.split and len(chosen) > 1):
        known = ", ".join(f"{one.benchmark}/{one.name}" for one in config.splits)
        raise EarmarkError(
            f"{file}: which split it is of is not told ({names or 'none fits'}); give --benchmark "
            f"and --split; the config has {known}"
        )
    if other := next((one for one in chosen if one.scoring != "asr"), None):
        raise EarmarkError(
            f"{file}: {other.benchmark}/{other.name} is not scored by word errors; of MMAU-Pro "
            "`earmark mmau` scores files"
        )
    return chosen


def _bring(config: Run, file: Path, model: str, split: Split, columns: Mapping[str, str]) -> None:
    """Copy a file's rows, checked, and say what will be missing of the split."""
    where = {"model": folder(model), "benchmark": split.benchmark, "split": split.name}
    place, manifest = (one.of(**where) for one in (config.paths.imported, config.paths.manifest))
    told = ["the split is not prepared yet; `snakemake` pairs them when it is"]
    if manifest.is_file():
        told = imported.predictions(str(manifest), str(file), columns)[1]
    rows = (
        {
            "id": one.id,
            "text": one.reference,
            "pred_text": one.generation,
            "duration": one.duration,
            "time": one.seconds,
        }
        for one in samples(file, columns, None, needed=["pred_text"])
    )
    count = write_jsonl(place, rows)
    print(f"{model} on {split.benchmark}/{split.name}: {count} answers of {file}")
    for line in told:
        print(f"  {line}")
