"""Write docs/config.md and the JSON schemas in workflow/schemas from the config's classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from earmark.config import Config, Model, Selection
from earmark.config.benchmarks import BenchmarkSplit, Declaration
from earmark.config.models import ASKED, STARTED
from earmark.config.parts import Part

HOME = Path(__file__).resolve().parent.parent
SCHEMAS = {
    "config.schema.yaml": ("config/config.yaml", Config),
    "benchmark.schema.yaml": ("config/benchmarks/<name>.yaml", Declaration),
}
TABLES: dict[str, tuple[type[Part], type[Part]]] = {
    "config/config.yaml": (Config, Part),
    "A model, and the judge": (Model, Part),
    "A benchmark's selection": (Selection, BenchmarkSplit),
    "config/benchmarks/<name>.yaml": (Declaration, BenchmarkSplit),
    "A split, or all splits of a benchmark": (BenchmarkSplit, Part),
}
"""The classes that have a table, and those whose keys are told in another one."""


class Untitled(GenerateJsonSchema):
    """A schema without a title for each key, which would repeat it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def schema(title: str, part: type[Part]) -> dict[str, Any]:
    """A class as a JSON schema; what a key is only for stands before its description."""
    made = part.model_json_schema(schema_generator=Untitled)
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
    for one in (made, *made.get("$defs", {}).values()):
        for key in one.get("properties", {}).values():
            only = key.pop("only", ASKED)
            if only != ASKED:
                types = "started servers" if only == STARTED else ", ".join(only.split())
                key["description"] = f"{types}: {key['description']}"
    return made


def kind(key: dict[str, Any]) -> str:
    """What a key may hold, in a word or two."""
    if "anyOf" in key:
        return " or ".join(dict.fromkeys(kind(one) for one in key["anyOf"]))
    if "enum" in key or "const" in key:
        values = key.get("enum", [key.get("const")])
        return ", ".join("`" + str(value).lower() + "`" for value in values)
    name = key.get("type", "mapping")
    return {"object": "mapping", "array": "list"}.get(name, str(name))


def default(value: Any) -> str:
    """A default as YAML has it; nothing for a key that has to be given."""
    if value is PydanticUndefined:
        return ""
    value = value.given if isinstance(value, Part) else value
    value = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=999)
    return f"`{text.splitlines()[0]}`"


def rows(part: type[Part], told: type[Part], keys: dict[str, Any], before: str) -> Iterator[str]:
    """A row of the table for each key of a class, and of the mappings within it."""
    for name, field in part.model_fields.items():
        if name in told.model_fields:
            continue
        key = keys[part.__name__]["properties"][name]
        text = key["description"].replace("|", "\\|")
        yield f"| `{before}{name}` | {kind(key)} | {default(field.default)} | {text} |"
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, Part) and not issubclass(inner, Model):
                yield from rows(inner, Part, keys, f"{before}{name}.")


def page() -> str:
    """docs/config.md."""
    parts = [
        "# The config, key by key\n",
        "Made from the classes of `earmark.config` by `docs/make_config.py`.\n",
    ]
    keys = {}
    for title, part in SCHEMAS.values():
        made = schema(title, part)
        keys |= {**made["$defs"], part.__name__: made}
    for title, (part, told) in TABLES.items():
        parts.append(f"## {title}\n")
        parts.append("| key | value | default | |\n|---|---|---|---|")
        parts.append("\n".join(rows(part, told, keys, "")) + "\n")
    return "\n".join(parts)


def files() -> dict[Path, str]:
    """What is made, by file."""
    made = {HOME / "docs" / "config.md": page()}
    for name, (title, part) in SCHEMAS.items():
        text = yaml.safe_dump(schema(title, part), sort_keys=False, allow_unicode=True, width=100)
        made[HOME / "workflow" / "schemas" / name] = f"# Made by docs/make_config.py.\n{text}"
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
