"""The config's other keys, and those of benchmarks' declarations: type, default, meaning."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from earmark.config import parts
from earmark.config.models import Comet, Judge, Matcher, Model, Prompt
from earmark.config.parts import Count, Folder, LocalPath, Name, Part, Plain, Text, key
from earmark.config.source import Source

MEASURES = ("translation", "keywords", "hallucination")
"""Ways of scoring that are a file each of `earmark.scoring.measures`."""


class Exclude(Part):
    """Which rows are left out: `Split.exclude`."""

    shorter_than: parts.NotNegative = key(
        0.1, "Seconds; rows with a shorter clip are left out (feature extraction fails on them)."
    )
    empty_text: bool = key(True, "Whether rows whose reference is empty are left out.")


class Sample(Part):
    """A random sample of the rows: `Split.sample`."""

    n: Count = key(..., "How many rows.")
    seed: int = key(0, "Another seed draws other rows.")


class Group(Part):
    """Which utterances belong together, for intervals: `Split.group`. One of both keys."""

    column: Text | None = key(None, "The manifest's column that names the speaker, call or talk.")
    pattern: parts.Regex | None = key(
        None, "A regular expression; what its first group (or all of it) matches in the id."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.pattern is None):
            raise ValueError("is not allowed; either `column: NAME` or `pattern: REGEX`")
        return self


class Session(Part):
    """Recordings in chunks that have one reference: `Split.session`."""

    group: Text = key(..., "The manifest's column that names the recording, such as `parent_id`.")
    order: Text = key(..., "The column of the chunk's place in it, counted by ones.")


class Judged(Part):
    """How a judge decides on open answers: `Split.judged`, of `scoring: judged`."""

    system: str | None = key(None, "The judge's system message; null for none.")
    user: str = key(
        "", "What it is asked; {response} is the answer, and any column may be named. Needed."
    )
    pattern: parts.Regex | None = key(
        None,
        "Where the verdict stands in its answer: a regular expression, whose first group (or all) "
        "is read. null: the answer is nothing but the verdict.",
    )
    values: dict[str, float] = key(
        {},
        'What words are worth, such as `{"yes": 1, "no": 0}`, in any case; none: numbers are read.',
    )
    scale: Annotated[list[parts.Number], Field(min_length=2, max_length=2)] = key(
        [1, 5], "The lowest and the highest value; any other cannot be read."
    )
    success_from: parts.Number | None = key(
        None, "The value from which an answer is a success. Needed."
    )
    votes: Count = key(1, "How often it is asked about each answer, with other seeds.")
    combine: Literal["mean", "majority"] = key("mean", "What becomes of several votes.")


class SplitKeys(Part):
    """What can be said of a split, of its whole benchmark, and in the config over both."""

    kind: ClassVar = "scoring"
    renamed: ClassVar = {"leave_out": "exclude", "allow_bad_audio": "skip_bad_audio"}

    scoring: parts.Scoring = key(
        "asr",
        "By word error rate; BLEU and chrF; words that rows list; characters a minute; by matching "
        "with choices, by a judge, and by rules (MMAU-Pro); by the choice that is named; by the "
        "phrases of a refusal; by a judge as `judged` says.",
    )
    target_language: parts.Language | None = key(
        None, "What is translated into, such as `de`; decides BLEU's tokenizer.", "translation"
    )
    tokenizer: Literal["13a", "intl", "char", "zh", "ja-mecab", "ko-mecab", "none"] | None = key(
        None, "BLEU's tokenizer in sacrebleu, where it is not the language's.", "translation"
    )
    comet: Comet | None = key(
        None,
        "COMET beside BLEU and chrF, in an environment of its own (docs/scoring.md); null: none.",
        "translation",
    )
    keywords: Text = key("keywords", "The column whose list of words is looked for.", "keywords")
    choices: Annotated[list[Text], Field(min_length=2)] | None = key(
        None, "Columns of a choice each; null: all are in the column `choices`.", "multiple_choice"
    )
    refusals: parts.Phrases | None = key(
        None, "Phrases of which an answer that refuses has one, in any case. Needed.", "refusal"
    )
    judged: Judged | None = key(None, "What the judge is asked, and how it is read.", "judged")
    sentences: Literal["punctuation", "punkt"] = key(
        "punctuation",
        "How sentences are counted; punkt is NLTK's model.",
        "instruction_following",
    )
    protocols: parts.Protocols = key(
        ("whisper", "open_asr_leaderboard"),
        "Protocols of word error rates (docs/scoring.md); the first is primary.",
        "asr",
    )
    postprocess: Literal["none", "chatty"] = key(
        "none",
        "chatty drops quotes, lead-ins, stamps and refusals before answers are scored.",
        "asr",
    )
    shards: Count = key(
        1, "How many jobs share the requests, each with a server; never a reason to ask again."
    )
    prompt: Prompt = key(
        Prompt(),
        "What the model is asked, after the audio. {question} stands for that column of the "
        "sample, a list of two or more becomes lettered lines, {words|, } is a list with commas "
        "between, and {{ is a brace.",
    )
    language: parts.Language | None = key(
        None,
        "What is spoken, such as `de` or `cmn_hans_cn`: decides what is scored, and is sent with "
        "`api: transcriptions`. null: scored as English, and the server decides.",
    )
    group: Group | None = key(
        None,
        "Which utterances belong together, for intervals; null: as their ids tell.",
        "asr translation keywords hallucination",
    )
    session: Session | None = key(
        None,
        "For chunks of recordings whose references are of the whole: they are scored so.",
        "asr",
    )
    group_by: Annotated[list[parts.Sliced], Field(min_length=1)] | None = key(
        None,
        "Columns of the manifest by whose values rates are given too: `[gender, accent]`; of "
        "numbers by ranges, `{age: [20, 40, 60]}`. `duration` is in seconds, and has ranges.",
    )
    gated: bool = key(
        False, "Whether terms are to be accepted on the Hub first, and a token set in HF_TOKEN."
    )
    averaged_with: Text | None = key(
        None,
        "A name; splits with the same count as one in the mean over splits, as CORAAL's do.",
        "asr",
    )
    audio: bool = key(True, "Whether audio is prepared and sent; results without are labelled so.")
    limit: Count | None = key(
        None,
        "Evaluate the first so many rows; results are labelled so. Of chunks (`session`): the "
        "first whole recordings whose rows fit, and one at least.",
    )
    sample: Sample | None = key(
        None, "Evaluate a random sample; results are labelled so. Of chunks: as for `limit`."
    )
    ids: parts.Texts | None = key(
        None, "Evaluate these rows alone, of those that `limit` and `sample` leave; labelled so."
    )
    exclude: Exclude = key(Exclude(), "Which rows are left out; each is counted in source.json.")
    skip_bad_audio: bool = key(
        False,
        "Whether rows with damaged clips are left out and counted; otherwise one is an error.",
    )
    check_audio: Literal["full", "header"] = key(
        "full", "`full`: each clip is decoded, which finds damage; `header`: only lengths are read."
    )
    source: Source = key(Source(), "Where the utterances come from.")


class BenchmarkSplit(SplitKeys):
    """A split; whatever it does not say comes from its benchmark."""

    entries: Count | None = key(
        None, "How many utterances published runs counted; another number is remarked on."
    )


class Split(BenchmarkSplit):
    """A split, with everything that was said for it, for its benchmark and in the config."""

    benchmark: str
    name: str

    @cached_property
    def preparation(self) -> Plain:
        """Everything that determines the split's manifest, and nothing else; as plain values."""
        return {
            "source": self.source.given,
            "audio": self.audio,
            "limit": self.limit,
            "sample": self.sample and self.sample.given,
            **({"ids": self.ids} if self.ids else {}),
            "exclude": self.exclude.model_dump(),
            "skip_bad_audio": self.skip_bad_audio,
            "check_audio": self.check_audio,
            **({"session": self.session.given} if self.session else {}),
        }

    @property
    def record(self) -> Plain:
        """All of it as a plain dictionary, from which the same is made again."""
        return {**self.model_dump(), **self.preparation, "prompt": self.prompt.given}

    @property
    def way(self) -> str:
        """How it is scored and shown: ``asr``, a measure by its name, or ``mmau`` for the rest."""
        return self.scoring if self.scoring in ("asr", *MEASURES) else "mmau"

    @property
    def measured(self) -> Plain:
        """What a measure is told; see `earmark.scoring.measures.Measure`."""
        said = ("language", "target_language", "tokenizer", "keywords")
        values = {name: getattr(self, name) for name in said}
        return {**values, "comet": self.comet and self.comet.identity}

    @property
    def beside(self) -> str:
        """What is needed for scoring beside answers: ``comet``, or as `scoring` says."""
        return "comet" if self.comet else self.scoring

    @property
    def units(self) -> Plain:
        """What is scored of what: language, groups of utterances, sessions, slices, where said."""
        said = ("language", "group", "session", "averaged_with", "group_by")
        values = {name: getattr(self, name) for name in said}
        return {
            name: value if isinstance(value, str | list) else value.given
            for name, value in values.items()
            if value is not None
        }

    def chosen(self, total: int, sessions: Sequence[object] = ()) -> Sequence[int]:
        """The rows to evaluate of so many, as ascending indices; the same for the same seed.

        Args:
            total: How many rows there are.
            sessions: The recording that each row is a chunk of, where they are chunks: whole
                recordings are taken then, as many as fit, and one at least.
        """
        if sessions:
            return self._of_sessions(sessions)
        rows = range(total if self.limit is None else min(self.limit, total))
        if self.sample is None or self.sample.n >= len(rows):
            return rows
        return sorted(random.Random(self.sample.seed).sample(rows, self.sample.n))

    def _of_sessions(self, sessions: Sequence[object]) -> Sequence[int]:
        rows = Counter(sessions)
        names = list(rows)
        if self.limit is not None:
            names = _fitting(names, rows, self.limit)
        if self.sample is not None:
            random.Random(self.sample.seed).shuffle(names)
            names = _fitting(names, rows, self.sample.n)
        taken = set(names)
        return [place for place, name in enumerate(sessions) if name in taken]

    def label(self, audio: bool = True) -> str | None:
        """What sets results apart from those of the whole split: ``text only; first 100 rows``.

        Args:
            audio: Whether the model is sent audio, where there is some.
        """
        parts = [] if self.audio and audio else ["text only"]
        rows = "rows of whole sessions" if self.session else "rows"
        if self.limit is not None:
            parts.append(f"first {self.limit} {rows}")
        if self.ids is not None:
            parts.append(f"{len(self.ids)} rows by id")
        if self.sample is not None:
            parts.append(f"{self.sample.n} random {rows}, seed {self.sample.seed}")
        return "; ".join(parts) or None

    @cached_property
    def selection(self) -> Plain:
        """What of `preparation` determines what is downloaded."""
        names = ["source", "audio", "limit", "sample"]
        if self.session and (self.limit or self.sample):
            names.append("session")
        return {name: self.preparation[name] for name in names}


def _fitting(names: Sequence[object], rows: Mapping[object, int], most: int) -> list[object]:
    """The first of some recordings, as many as have so many rows at most; one at least."""
    ends = accumulate(rows[name] for name in names)
    fitting = sum(1 for end in ends if end <= most)
    return list(names[: max(fitting, 1)])


class Declaration(SplitKeys):
    """A benchmark, declared; what is said for it holds for splits that do not say otherwise."""

    title: str | None = key(None, "A line that says what this is.")
    splits: Annotated[dict[Name, BenchmarkSplit | None], Field(min_length=1)] = key(
        ..., "The splits, by name."
    )


class Selection(SplitKeys):
    """What is run of a benchmark, and what is said over its declaration."""

    file: LocalPath | None = key(
        None, "The declaration, where it is not config/benchmarks/<name>.yaml."
    )
    splits: Annotated[
        Literal["all"] | dict[str, BenchmarkSplit | None],
        BeforeValidator(
            parts.splits,
            json_schema_input_type=Literal["all"] | list[str] | dict[str, BenchmarkSplit | None],
        ),
    ] = key("all", "`all`, a list of splits, or a mapping of splits to what is overridden.")


class Config(Part):
    """What to evaluate. The one file that users edit."""

    data_dir: Folder = key("data", "Folder for manifests and audio.")
    hub_cache: Folder | None = key(
        None, "Folder for files of the Hub as they came; null for hub-cache in data_dir."
    )
    results_dir: Folder = key("results", "Folder for predictions, scores and tables.")
    download_locally: bool = key(
        True,
        "On a cluster: whether splits are downloaded where Snakemake runs, which has the network, "
        "or by jobs, whose partition (set-resources of `download`) must then have it.",
    )
    published: LocalPath | None = key(
        None,
        "A CSV file of published numbers, to stand beside ours, marked as not ours: a column "
        "`model`, optionally `source` and `protocol`, and a column a split, in percent.",
    )
    benchmarks: Annotated[dict[Name, Selection | None], Field(min_length=1)] = key(
        ...,
        "What to run, by name. A benchmark is declared in config/benchmarks/<name>.yaml; any key "
        "of that declaration can be overridden here, for all of it or for one split.",
    )
    judge: Judge = key(
        Judge(
            server="openai",
            base_url="https://integrate.api.nvidia.com/v1",
            api_key_env="NVIDIA_API_KEY",
            model="qwen/qwen2.5-7b-instruct",
        ),
        "The model that judges open-ended answers, at temperature 0.1 unless it says otherwise.",
    )
    matcher: Matcher = key(
        Matcher(type="nv-embed"), "What matches closed-form answers to choices; docs/mmau-pro.md."
    )
    models: Annotated[dict[str, Model], Field(min_length=1)] = key(
        ..., "The models under test, by the name that results and tables use."
    )
