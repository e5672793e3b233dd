"""What the config's classes are made of: their base, and the types of their keys."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WrapValidator, model_serializer
from pydantic import SerializerFunctionWrapHandler as Dump

from earmark.language import code

Plain = dict[str, Any]

KEYS = "(sk|hf|nvapi|gsk|ghp|xai|pplx)[-_]|AIza"
"""How the keys of well-known services begin."""


def key(default: Any, meaning: str, only: str = "") -> Any:
    """A key of the config.

    Args:
        default: Its default; ``...`` where it has to be given.
        meaning: What it means, for users.
        only: The types (of server, source, matcher, scoring) for which it means something; blank
            for all.
    """
    return Field(default, description=meaning, json_schema_extra={"only": only} if only else None)


class Part(BaseModel):
    """A mapping of the config: it holds the keys that its class names, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    kind: ClassVar[str] = ""
    """The key that tells its type, on which the meaning of others depends."""
    types: ClassVar[tuple[str, ...]] = ()
    """The types that the meanings of keys are known for; by default all that may be given."""
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By type, the keys that it cannot do without."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys that had other names once."""

    @model_serializer(mode="wrap")
    def _plain(self, dump: Dump) -> Plain:
        """As a dictionary without the keys that are null because nobody gave them."""
        return {k: v for k, v in dump(self).items() if v is not None or k in self.model_fields_set}

    @property
    def given(self) -> Plain:
        """The keys that were given, as a plain dictionary."""
        # Pydantic warns of a union that it finds the second member of.
        return self.model_dump(exclude_unset=True, warnings=False)

    @classmethod
    def unsuited(cls, given: Any) -> Iterator[tuple[str, str]]:
        """The keys that a mapping lacks for its type, or that mean nothing for it, and why."""
        kind = given.get(cls.kind) if isinstance(given, Mapping) else None
        types = cls.model_fields[cls.kind].annotation
        known = cls.types or [one for part in (types, *get_args(types)) for one in get_args(part)]
        if kind not in known:
            return  # not given, or none of them, which is told elsewhere
        for name in cls.needs.get(str(kind), ()):
            if given.get(name) is None:
                yield name, f"missing, and `{cls.kind}: {kind}` needs it"
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            only = str(extra["only"]).split() if isinstance(extra, dict) else None
            if only and kind not in only and given.get(name) is not None:
                yield name, f"means nothing for `{cls.kind}: {kind}`; it is for {', '.join(only)}"


def _as_written(value: Any, check: Callable[[Any], float]) -> Any:
    """A number as it was written: 0 does not become 0.0, which would make another request."""
    check(value)
    return value


def _expanded(path: str) -> str:
    made = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - it may be no path
    if unset := re.search(r"\$(\w+|\{\w+\})", made):
        name = unset[1].strip("{}")
        raise ValueError(f"the variable {name} is not set; export it, or write the path out")
    return made


def _folder(path: str) -> str:
    if "{" in path or "}" in path:
        raise ValueError("braces are for wildcards in Snakemake's paths; name another folder")
    taken = next((part for part in (Path(path), *Path(path).parents) if part.is_file()), None)
    if taken:
        raise ValueError(
            f"{taken.absolute()} is a file; a folder is expected, or the name of one to make"
        )
    return path.rstrip("/") or "/"


def _variable(name: str) -> str:
    if re.match(KEYS, name) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(
            "not the name of an environment variable (and not repeated here, since it may be a "
            "key): export the key as MY_API_KEY, say, and put MY_API_KEY here"
        )
    return name


def _address(url: str) -> str:
    parts = re.fullmatch(r"https?://(\[[\da-fA-F:.]+\]|[^\s/?#@:]+)(?::(\d+))?(/[^\s?#]*)?", url)
    if parts and 0 < int(parts[2] or 80) < 65536:
        return url
    raise ValueError(
        "no address such as http://host:port/v1 or https://host/v1, with nothing behind the path "
        "and no user before the host; a key goes into the variable that api_key_env names"
    )


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _language(given: str) -> str:
    code(given)
    return given


def _archive(name: str) -> str:
    if re.search(r"\.(zst|rar|7z|lz4|lz)$", name, re.IGNORECASE):
        raise ValueError("an archive of a kind that is not read; a zip, tar or tar.gz is expected")
    return name


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("a phrase is expected, found spaces alone, which most answers have")
    return text


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("one is named twice")
    return names


def splits(given: Any) -> Any:
    """The splits of a selection: ``all``, or a mapping, which a list of names becomes."""
    if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
        return dict.fromkeys(given)
    if given == "all" or (isinstance(given, Mapping) and given):
        return given
    raise ValueError(
        "is not allowed; `all`, a list of splits, or a mapping of splits to what is overridden"
    )


Name = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=100)]
Text = Annotated[str, Field(min_length=1)]
LocalPath = Annotated[Text, AfterValidator(_expanded)]
Folder = Annotated[LocalPath, AfterValidator(_folder)]
Variable = Annotated[str, AfterValidator(_variable)]
Regex = Annotated[Text, AfterValidator(_regex)]
Address = Annotated[str, AfterValidator(_address)]
Language = Annotated[str, AfterValidator(_language)]
Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Number = Annotated[float, WrapValidator(_as_written)]
Words = str | list[str | int | float]
NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0), WrapValidator(_as_written)]
Archive = Annotated[str, AfterValidator(_archive)]
Phrases = Annotated[list[Annotated[Text, AfterValidator(_said)]], Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
_Some = Annotated[list[Any], Field(min_length=1)]
Values = _Some | Annotated[dict[Literal["not"], _Some], Field(min_length=1)]
_Edges = Annotated[list[int | float], Field(min_length=1)]
Sliced = Text | Annotated[dict[Text, _Edges], Field(min_length=1, max_length=1)]
Scoring = Literal[
    "asr", "translation", "keywords", "hallucination", "closed_form", "open_ended",
    "instruction_following", "multiple_choice", "refusal", "judged",
]  # fmt: skip
Protocol = Literal[
    "whisper", "nemo_skills", "open_asr_leaderboard",
    "nemo_skills_multilingual", "open_asr_leaderboard_multilingual",
    "nemo_skills_pc", "nemo_skills_c", "nemo_skills_per", "nemo_skills_no_tn_itn",
    "basic", "none",
]  # fmt: skip
ProtocolAt = Annotated[str, Field(pattern=rf"^({'|'.join(get_args(Protocol))})@[\w-]+$")]
"""A protocol that takes references from that column of the manifest."""
Protocols = Annotated[
    tuple[Protocol | ProtocolAt, ...], Field(min_length=1, strict=False), AfterValidator(_distinct)
]
