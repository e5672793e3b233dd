"""Write docs/config.md, the reference of the config, from its schemas."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HOME = Path(__file__).resolve().parent.parent
SCHEMAS = HOME / "workflow" / "schemas"


def rows(schema: dict[str, Any], defs: dict[str, Any], before: str = "") -> Iterator[str]:
    """A row of the table for each key of a schema and of what is within it."""
    for key, value in schema.get("properties", {}).items():
        kind = value.get("type") or ("one of" if "enum" in value else "")
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        if "enum" in value:
            kind = ", ".join(f"`{one}`" for one in value["enum"])
        default = (
            f"`{yaml.safe_dump(value['default'], default_flow_style=True).split(chr(10))[0]}`"
            if "default" in value
            else ""
        )
        text = " ".join(str(value.get("description", "")).split()).replace("|", "\\|")
        yield f"| `{before}{key}` | {kind} | {default} | {text} |"
        yield from rows(value, defs, f"{before}{key}.")


def page() -> str:
    """The whole page."""
    config = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8"))
    benchmark = yaml.safe_load((SCHEMAS / "benchmark.schema.yaml").read_text(encoding="utf-8"))
    parts = [
        "# The config, key by key\n",
        "Made from `workflow/schemas/` by `docs/make_config.py`.\n",
    ]
    tables = [("config/config.yaml", config, config.get("$defs", {}))]
    tables += [
        (f"A {name}" if name != "selection" else "A benchmark's selection", one, {})
        for name, one in config.get("$defs", {}).items()
        if "properties" in one
    ]
    tables += [("config/benchmarks/<name>.yaml", benchmark, {})]
    tables += [
        (f"A benchmark's {name}", one, {})
        for name, one in benchmark.get("$defs", {}).items()
        if "properties" in one
    ]
    for title, schema, defs in tables:
        parts.append(f"## {title}\n")
        parts.append("| key | value | default | |\n|---|---|---|---|")
        parts.append("\n".join(rows(schema, defs)) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (HOME / "docs" / "config.md").write_text(page(), encoding="utf-8")
    sys.exit(0)
