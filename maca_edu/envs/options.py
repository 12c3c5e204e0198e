"""Options behind an environment's name: "toy/ring?n_agents=8&span=3"."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl


def split(name: str) -> tuple[str, dict]:
    """The name without its options, and the options: JSON values, or words where the text is no JSON.

    Raises ValueError where what follows the question mark is no list of options.
    """
    bare, _, query = name.partition("?")
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(f"env={name!r}; options look like ?n_agents=8&span=3") from None
    return bare, {key: _value(text) for key, text in pairs}


def _value(text: str):
    """A number, truth value or list where the text is JSON, otherwise the text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
