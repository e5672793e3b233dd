"""HTML by construction: everything that is put into a tag is escaped, unless it is HTML already."""

from __future__ import annotations

import json
from html import escape
from typing import Any


class Markup(str):
    """Text that is HTML already, made by `tag` or `joined`."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An HTML element.

    Args:
        name: The element's name, such as ``td``.
        children: Its content in order: text is escaped, `Markup` is not, None is left out.
        attributes: Its attributes; a trailing underscore is dropped (``class_``) and others become
            hyphens (``aria_sort``). None and False leave an attribute out, True gives it no value.
    """
    given = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        given.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    return Markup(f"<{name}{''.join(given)}>{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """HTML and text side by side; text is escaped."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(str(child))
            for child in children
            if child is not None
        )
    )


def script_data(value: Any) -> str:
    """JSON that can stand inside a ``<script>`` element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("utf-8", "replace").decode()
