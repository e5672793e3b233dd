"""The commands of the README and the guides: found in their text, and what each needs to be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[1]
PAGES = ["README.md", "profiles/slurm/README.md", *sorted(
    str(page.relative_to(HOME)) for page in (HOME / "docs").glob("*.md")
)]  # fmt: skip
PROGRAMS = (
    "make", "snakemake", "earmark", "pip", "python", "git", "export", "touch", "tmux", ".", "uv",
    "apt-get", "docker", "sbatch", "srun", "scancel", "squeue", "sinfo", "sacctmgr", "tectonic", "pdflatex",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command as a page has it."""

    page: str
    text: str


@dataclass(frozen=True)
class Instead:
    """What is run in a command's place: the same, with names where the page has placeholders."""

    text: str


@dataclass(frozen=True)
class TestedBy:
    """The test that runs a command where this one cannot: ``file::function``."""

    test: str


@dataclass(frozen=True)
class NotHere:
    """Why a command cannot be run in a test."""

    why: str


Handling = Instead | TestedBy | NotHere

HANDLING: dict[str, Handling] = {
    "make test": NotHere("it is what runs this test"),
    "make check": NotHere("CI runs it before the tests; it would run most of them again"),
    "make bench": NotHere("it measures for most of an hour"),
    "git pull": NotHere("it changes the clone"),
    "snakemake --profile profiles/slurm": TestedBy(
        "tests/cluster/test_profile.py::"
        "test_the_demo_runs_on_the_cluster_once_a_site_has_edited_three_lines"
    ),
    "snakemake --profile profiles/slurm -n": TestedBy(
        "tests/cluster/test_profile.py::"
        "test_the_demo_runs_on_the_cluster_once_a_site_has_edited_three_lines"
    ),
    "tmux new -s eval snakemake --profile profiles/slurm": TestedBy(
        "tests/cluster/test_profile.py::"
        "test_the_demo_runs_on_the_cluster_once_a_site_has_edited_three_lines"
    ),
    "snakemake --profile profiles/slurm --unlock": TestedBy(
        "tests/workflow/test_processes.py::"
        "test_nothing_is_left_when_snakemakes_main_process_is_killed"
    ),
    "squeue --me -o '%.10i %.9P %.2t %.10M %.20r %k'": TestedBy(
        "tests/cluster/test_profile.py::test_a_job_that_can_never_start_is_told"
    ),
    "scancel --me": NotHere("it ends whatever this user has on a cluster"),
    "sacctmgr show associations user=$USER": NotHere("it needs SLURM's accounting database"),
    "sinfo -o '%P %G'": NotHere("it is SLURM's own, and needs a cluster"),
    "python -m sglang.launch_server": NotHere("it is SGLang's, and needs a GPU"),
    "earmark status --watch": Instead("timeout 5 earmark status --watch; test $? = 124"),
    "earmark compare MODEL_A MODEL_B": Instead("earmark compare tiny again"),
    "earmark wer --postprocess chatty": Instead("earmark wer --postprocess chatty results.jsonl"),
    "earmark import results/openai-whisper-large-v3/": TestedBy(
        "tests/unit/test_exchange.py::test_published_files_become_a_model_of_the_tables"
    ),
    "earmark import answers.jsonl --model other/asr --benchmark asr-leaderboard --split ami": TestedBy(
        "tests/workflow/test_slices_and_imports.py::"
        "test_imported_answers_are_scored_sliced_and_followed_when_they_change"
    ),
    "earmark export --output leaderboard --model my-model": TestedBy(
        "tests/unit/test_exchange.py::"
        "test_a_model_s_files_are_those_of_the_leaderboard_and_score_alike"
    ),
    "earmark fitting cleaned/*.jsonl": Instead("earmark fitting results.jsonl more.jsonl"),
    "earmark fitting cleaned/*.jsonl --original voxpopuli_test.jsonl": TestedBy(
        "tests/unit/test_fitting.py::test_the_command_counts_both_and_writes_the_places"
    ),
    "earmark reproduce results/<model>/eval-results/<benchmark>/metrics.json": Instead(
        "earmark reproduce results/tiny/eval-results/demo/metrics.json"
    ),
}  # fmt: skip
"""What is not simply run as it stands. Everything else is."""


def commands() -> list[Command]:
    """Every command of every page, each text once: of its blocks, and within its sentences."""
    found: dict[str, Command] = {}
    for page in PAGES:
        for text in commands_in((HOME / page).read_text(encoding="utf-8")):
            found.setdefault(text, Command(page, text))
    return list(found.values())


def commands_in(text: str) -> Iterator[str]:
    """The commands of a page.

    A block of a shell's language holds nothing else; one without a language holds those of its
    lines that begin with a program. In sentences, a command is what stands between backquotes,
    begins with a program, and says what it is to do.
    """
    fence = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
    for _, language, block in fence.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            command = " ".join(re.sub(r"(^|\s)#.*", "", line).removeprefix("$ ").split())
            shell = language in ("sh", "bash", "shell", "console")
            if command and (shell or (not language and command.split()[0] in PROGRAMS)):
                yield command
    for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", fence.sub("", text)):
        words = span.split()
        if len(words) > 1 and words[0] in PROGRAMS:
            yield " ".join(words)


def to_run(command: str) -> str | TestedBy | NotHere:
    """What is run for a command, or why it is not run here.

    A subcommand that a sentence only names (``earmark wer``) is asked for its help.
    """
    known = HANDLING.get(command)
    if isinstance(known, TestedBy | NotHere):
        return known
    if isinstance(known, Instead):
        return known.text
    bare = re.fullmatch(
        r"earmark (wer|compare|reproduce|normalize|mmau|journal|import|export)", command
    )
    return f"{command} --help" if bare else command
