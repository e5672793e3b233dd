"""YAML as it is read and checked, with messages that name the key and what is allowed."""

import difflib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import ValidationError

from earmark.config.parts import KEYS, Part
from earmark.errors import EarmarkError

Made = TypeVar("Made", bound=Part)
Path_ = tuple[Any, ...]

_KINDS = {
    "string_type": "text", "int_type": "integer", "float_type": "number",
    "bool_type": "true or false", "list_type": "list", "tuple_type": "list",
    "dict_type": "mapping", "model_type": "mapping",
}  # fmt: skip
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"), "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
}  # fmt: skip
_SECRET = re.compile(rf"\b{KEYS}|api.?key|secret|passw|://[^/\s]*@", re.IGNORECASE)


# libyaml, where it is there, is ten times faster, at every start of a job.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Refuses a key that a mapping has twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, mark = str(key.value), key.start_mark
            if name in lines and name != "<<":
                raise EarmarkError(
                    f"{mark.name}, line {mark.line + 1}: the key {name!r} is there already, in "
                    f"line {lines[name]}; only one of them would count: remove the other"
                )
            lines.setdefault(name, mark.line + 1)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read one YAML document; an `EarmarkError` names a line that is none, or a key given twice."""
    try:
        with path.open("rb") as stream:
            return yaml.load(stream, _Loader)
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise EarmarkError(f"{path}{line}: not YAML: {problem}") from None


def read_or_exit(path: str | Path) -> Any:
    """Read one YAML document, where no caller would turn an error into a message."""
    try:
        return read_yaml(Path(path))
    except EarmarkError as error:
        sys.exit(f"error: {error}")


def existing(given: str, root: str | Path, key: str, expected: str) -> str:
    """A file that a config names, relative to the working folder; an error where it is not there.

    Args:
        given: The path as the config has it.
        root: Where relative paths start: the folder that holds ``config/``. What is not there is
            looked for in the working folder, where the files of a workflow are that uses this one.
        key: The file and key that name it, for the message.
        expected: What the file is to be, for the message.
    """
    tried = [*dict.fromkeys(Path(folder, given).absolute() for folder in (root, Path()))]
    for path in tried:
        if path.is_file():
            return os.path.relpath(path)
    is_folder = any(path.is_dir() for path in tried)
    problem = "is a folder" if is_folder else "does not exist"
    raise EarmarkError(f"{key}: {' and '.join(map(str, tried))} {problem}; {expected} is expected")


def closest(word: str, known: Iterable[str]) -> str:
    """A suffix such as `` (did you mean 'splits'?)``, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def check(value: Any, kind: type[Made], where: str, more: Iterable[str] = ()) -> Made:
    """A document, as YAML holds it, as an object of its class.

    Args:
        value: The document.
        kind: The class.
        where: What to call the document in messages: its file.
        more: What else is wrong with it, as ``key: what, and what would be right``.

    Raises:
        EarmarkError: naming every offending key, what was found, and what is allowed.
    """
    lines: list[str] = []
    try:
        made = kind.model_validate(value)
    except ValidationError as error:
        lines += _messages(error, kind, value)
    lines += more
    if lines:
        raise EarmarkError("\n".join(f"{where}: {line}" for line in dict.fromkeys(lines)))
    return made


def _messages(error: ValidationError, kind: type[Part], value: Any) -> Iterator[str]:
    """One message an offending key; of a union's members only what is meant is told."""
    found: dict[Path_, list[Any]] = {}
    for one in error.errors(include_url=False):
        found.setdefault(_path(one["loc"], value, one["type"]), []).append(one)
    for path in sorted(found, key=lambda path: [str(part) for part in path]):
        errors = found[path]
        deeper = any(other[: len(path)] == path for other in found if len(other) > len(path))
        if deeper and all(one["type"] in {*_KINDS, "literal_error", "too_short"} for one in errors):
            continue
        name = ".".join(map(str, path)) or "the document"
        yield f"{name}: {_message(errors, path, kind)}"


def _path(loc: Path_, value: Any, kind: str) -> Path_:
    """Where an error is in the document: its location without the names of a union's members."""
    path: list[Any] = []
    for place, part in enumerate(loc):
        missing = kind == "missing" and place == len(loc) - 1
        if isinstance(value, dict) and (part in value or missing):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _message(errors: list[Any], path: Path_, kind: type[Part]) -> str:
    first = errors[0]
    rule, context = first["type"], first.get("ctx", {})
    if rule == "extra_forbidden":
        part = _part(kind, path[:-1])
        if path[-1] in part.renamed:
            return f"is now called `{part.renamed[path[-1]]}`; rename it"
        names = sorted(part.model_fields)
        return f"unknown key{closest(str(path[-1]), names)}; allowed: {', '.join(names)}"
    if rule == "missing":
        field = _part(kind, path[:-1]).model_fields[path[-1]]
        return f"missing; {field.description}"
    shown = _shown(first["input"], path)
    if rule == "value_error":
        said = str(context["error"])
        return f"{shown} {said}" if said.startswith("is not") else said
    if rule == "literal_error":
        known = _known(first)
        allowed = known.replace('"', "").split(", ")
        return f"{shown} is not one of {known}{closest(str(first['input']), allowed)}"
    if rule in ("too_short", "string_too_short"):
        least = context["min_length"]
        needed = "one entry is" if least == 1 else f"{least} entries are"
        return f"at least {needed} needed" if rule == "too_short" else "must not be empty"
    if rule in _BOUNDS:
        word, bound = _BOUNDS[rule]
        return f"must be {word} {context[bound]:g}, found {shown}"
    if rule == "string_pattern_mismatch":
        return "a name of letters, digits and . _ + - expected, beginning with a letter or digit"
    kinds = dict.fromkeys(
        f"one of {_known(one)}"
        if one["type"] == "literal_error"
        else f"at most {one['ctx']['max_length']} of them"
        if one["type"] == "too_long"
        else _KINDS.get(one["type"], one["msg"])
        for one in errors
    )
    if "number" in kinds:
        kinds.pop("integer", None)
    quote = "; quote it" if "text" in kinds and isinstance(first["input"], int | float) else ""
    return f"{' or '.join(kinds)} expected, found {shown}{quote}"


def _known(error: Any) -> str:
    expected: str = error["ctx"]["expected"]
    return expected.replace("'", '"').replace(" or ", ", ").replace("False", "false")


def _part(kind: type[Part], path: Path_) -> type[Part]:
    """The class of the mapping at a path."""
    named = False
    for part in path:
        if named:  # a name that the user chose: of a model, a benchmark, a split
            named = False
        elif part in kind.model_fields:
            annotation = kind.model_fields[part].annotation
            kind = next(_classes(annotation), kind)
            named = any(get_origin(one) is dict for one in (annotation, *get_args(annotation)))
    return kind


def _classes(annotation: Any) -> Iterator[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for inner in get_args(annotation):
        yield from _classes(inner)


def _shown(value: Any, path: Path_ = ()) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if _SECRET.search(text) or any(_SECRET.search(str(part)) for part in path):
        return "what is not repeated here"
    return text if len(text) <= 80 else text[:77] + "…"
