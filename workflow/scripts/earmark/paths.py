"""Where every file of a run lies. Nobody else spells a path of `data_dir` or `results_dir`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLES = ("csv", "md", "tex")
"""The leaderboard's formats."""
RESERVED = frozenset(
    {"logs", "embeddings", "report.html", "report_files", "report.config.json"}
    | {f"leaderboard.{form}" for form in TABLES}
)
"""What `results_dir` holds beside the models' folders."""


class Pattern(str):
    """A path with wildcards, as rules have it."""

    __slots__ = ()

    def of(self, **wildcards: Any) -> Path:
        """The path for some values; by default those of the only seed and shard."""
        return Path(self.format(**{"seed": "", "shard": 0, **wildcards}))


class Paths:
    """The files of a run: a pattern each, by the wildcards model, benchmark, split and seed."""

    def __init__(self, data_dir: str, results_dir: str) -> None:
        data, model = f"{data_dir}/{{benchmark}}/{{split}}", f"{results_dir}/{{model}}"
        logs, split = f"{results_dir}/logs", "{benchmark}/{split}"
        answers, ours = f"{split}{{seed}}", f"{model}/eval-results/{{benchmark}}"
        self.files = Pattern(f"{data}/source/files.json")
        self.source = Pattern(f"{data}/source.json")
        self.manifest = Pattern(f"{data}/manifest.jsonl")
        self.imported = Pattern(f"{model}/imported/{split}.jsonl")
        self.predictions = Pattern(f"{model}/predictions/{answers}.jsonl")
        self.shard = Pattern(f"{model}/predictions/{answers}.shards/{{shard}}-of-{{shards}}.jsonl")
        self.journal = Pattern(f"{model}/journal/{split}")
        self.jobs = Pattern(f"{model}/jobs/{split}.jsonl")
        self.judgements = Pattern(f"{model}/judgements/{answers}.jsonl")
        self.judging = Pattern(f"{model}/judging/{answers}")
        self.matches = Pattern(f"{model}/matches/{answers}.jsonl")
        self.comet = Pattern(f"{model}/comet/{answers}.jsonl")
        self.comet_kept = Pattern(f"{model}/comet/{answers}")
        self.embeddings = Pattern(f"{results_dir}/embeddings")
        self.scores = Pattern(f"{model}/scores/{split}.jsonl")
        self.split_metrics = Pattern(f"{model}/scores/{split}.metrics.json")
        self.metrics = Pattern(f"{ours}/metrics.json")
        self.provenance = Pattern(f"{ours}/provenance.json")
        self.category = Pattern(f"{ours}/{{benchmark}}.{{split}}/metrics.json")
        self.details = Pattern(f"{ours}/{{benchmark}}.{{split}}/details.json")
        self.leaderboard = Pattern(f"{results_dir}/leaderboard.{{format}}")
        self.report = Pattern(f"{results_dir}/report.html")
        self.owner = Pattern(f"{results_dir}/report.config.json")
        self.server_log = Pattern(f"{logs}/servers/{{model}}.{{shard}}.log")
        self.judge_log = Pattern(f"{logs}/servers/judge.{{model}}.log")
        below = {
            **dict.fromkeys(("download", "manifest"), split),
            **dict.fromkeys(
                ("infer", "gather", "match", "judge", "comet_scores"), f"{{model}}/{answers}"
            ),
            **dict.fromkeys(("score", "category"), f"{{model}}/{split}"),
            "infer_shard": f"{{model}}/{answers}.{{shard}}-of-{{shards}}",
            "aggregate": "{model}/{benchmark}",
            "report": "report",
        }
        self.logs = {
            rule: Pattern(f"{logs}/{rule.partition('_')[0]}/{name}.log")
            for rule, name in below.items()
        }
        self.infer_log = self.logs["infer"]


@dataclass(frozen=True)
class Files:
    """The files of some model, benchmark and split: a path each, by the names of `Paths`."""

    paths: Paths
    wildcards: Mapping[str, str]

    def __getattr__(self, name: str) -> Path:
        pattern: Pattern = getattr(self.paths, name)
        return pattern.of(**self.wildcards)


def folder(name: str) -> str:
    """A model's name in paths: the same, but for characters that a path cannot hold."""
    return re.sub(r"[^\w.+=@-]+", "_", name).lstrip(".") or "_"


def seeds(number: int) -> list[str]:
    """What stands for each of a model's seeds in names of files: nothing where it has one."""
    return [""] if number == 1 else [f".seed{k}" for k in range(number)]
