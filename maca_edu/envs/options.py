"""Options behind an environment's name: "toy/ring?n_agents=8&span=3"."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl


def split(name: str) -> tuple[str, dict]:
    """The name without its options, and the options: their values are read as JSON or, where they are none, are words.

    Raises ValueError where what follows the question mark does not look like options.
    """
    bare, _, query = name.partition("?")
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(f"env={name!r}; options look like ?n_agents=8&span=3") from None
    return bare, {key: _value(text) for key, text in pairs}


def _value(text: str):
    """What the text means as JSON: a number, true or false, a list, ...; the text itself where it is no JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
