"""Checks of YAML against the JSON schemas, with messages that name the key and what is allowed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from earmark.errors import EarmarkError

SCHEMAS = Path(__file__).parents[2] / "schemas"
"""The folder of the schemas: workflow/schemas in a clone."""


@cache
def _documents() -> dict[str, Any]:
    # libyaml, where it is there, reads them ten times faster, at every start of a job.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {
        path.name: yaml.load(path.read_text(encoding="utf-8"), loader)
        for path in SCHEMAS.glob("*.schema.yaml")
    }


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    documents = _documents()
    if name not in documents:
        raise EarmarkError(f"{SCHEMAS / name}: not found; the workflow runs in a whole clone")
    resources = [(key, Resource.from_contents(value)) for key, value in documents.items()]
    registry: Any = Registry().with_resources(resources)
    root = {"$schema": documents[name]["$schema"], "$ref": name}
    return Draft202012Validator(root, registry=registry)


def read_yaml(path: Path) -> Any:
    """Read one YAML document.

    Raises:
        EarmarkError: when the file is missing or is not YAML; names the line.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or str(error)
        raise EarmarkError(f"{path}{line}: not YAML: {problem}") from None


def closest(word: str, known: Iterable[str]) -> str:
    """A suffix such as `` (did you mean 'splits'?)``, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def check(value: Any, schema: str, where: str) -> None:
    """Check a document against a schema.

    Args:
        value: The document.
        schema: The schema's file name in `SCHEMAS`.
        where: What to call the document in messages: its file.

    Raises:
        EarmarkError: naming every offending key, what was found, and what is allowed.
    """
    found = list(_validator(schema).iter_errors(value))
    if not found:
        return
    lines: list[str] = []
    for error in sorted(found, key=lambda e: [str(part) for part in e.absolute_path]):
        for line in _messages(error):
            if line not in lines:
                lines.append(line)
    raise EarmarkError("\n".join(f"{where}: {line}" for line in lines))


def _messages(error: Any) -> Iterator[str]:
    """One message an offending key."""
    key = ".".join(str(part) for part in error.absolute_path) or "the document"
    rule, allowed, found = error.validator, error.validator_value, error.instance
    if rule in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(error, key)
    elif rule == "anyOf":
        branches = [e for e in error.context if e.validator != "type" or e.path]
        best = [e for e in branches if e.absolute_path != error.absolute_path or e.context]
        if isinstance(found, dict) and best:
            for inner in best:
                yield from _messages(inner)
        else:
            yield f"{key}: {_shown(found)} is not allowed; {error.schema.get('description', '')}"
    elif rule == "enum":
        near = closest(str(found), map(str, allowed))
        yield f"{key}: {_shown(found)} is not one of {', '.join(map(_shown, allowed))}{near}"
    elif rule == "type":
        kinds = [allowed] if isinstance(allowed, str) else allowed
        yield f"{key}: {' or '.join(kinds)} expected, found {_shown(found)}"
    elif rule == "required":
        missing = [name for name in allowed if name not in found]
        yield f"{key}: {', '.join(map(repr, missing))} missing"
    elif rule == "minProperties":
        yield f"{key}: at least one entry is needed"
    else:
        yield f"{key}: {error.message}"


def _unknown_keys(error: Any, key: str) -> Iterator[str]:
    known = sorted(_known_keys(error.schema))
    extra = [name for name in error.instance if name not in known]
    for name in extra:
        path = name if key == "the document" else f"{key}.{name}"
        yield f"{path}: unknown key{closest(str(name), known)}; allowed: {', '.join(known)}"


def _known_keys(schema: Any) -> set[str]:
    """The properties that a schema names, those of what it refers to included."""
    known = set(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        known |= _known_keys(part)
    if "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#/")
        target: Any = _documents()[file or "benchmark.schema.yaml"]
        for name in pointer.split("/") if pointer else []:
            target = target[name]
        known |= _known_keys(target)
    return known


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "…"
