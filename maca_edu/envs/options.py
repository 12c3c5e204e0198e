"""Options behind an environment's name: "toy/ring?n_agents=8&span=3"."""

from __future__ import annotations

import ast
import json
from urllib.parse import unquote


def split(name: str) -> tuple[str, dict]:
    """The name without its options, and the options. A value is read as JSON or as Python writes it; else it is a word.

    Raises ValueError where what follows the question mark does not look like options, or one is given twice.
    """
    bare, _, query = name.partition("?")
    chosen: dict = {}
    for part in query.split("&") if query else []:
        key, equals, text = part.partition("=")
        if not key or not equals or not text:
            raise ValueError(f"env={name!r} has the option {part!r}; options look like ?n_agents=8&span=3")
        if key in chosen:
            raise ValueError(f"env={name!r} gives the option {key!r} twice; allowed is once")
        chosen[key] = _value(unquote(text))
    return bare, chosen


def truth(key: str, value) -> bool:
    """The option `key`, which is true or false. Raises ValueError where it is neither."""
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value!r}; allowed are true and false")
    return value


def _value(text: str):
    """What the text means: 8, true or True, null or None, [1, 2], ...; the text itself where it means nothing."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text
