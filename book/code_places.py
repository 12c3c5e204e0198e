"""Where a function stands in its file, and in it the line with a given text; needs no Sphinx."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Place(NamedTuple):
    """Where a function stands in its file, as numbers of lines."""

    first: int
    last: int
    line: int  # the line that matters


def definition(tree: ast.AST, name: str) -> ast.AST | None:
    """The function or class of that name ("Maca.baselines") in a parsed file; None where there is none."""
    for part in name.split("."):
        tree = next((node for node in tree.body if getattr(node, "name", None) == part), None)
        if tree is None:
            return None
    return tree


def place(file: str, name: str, line: str) -> Place:
    """Where the function stands, and in it the line with this text, spaces around it left out.

    Raises ValueError where there is no such function, or it does not have the line exactly once.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    found = definition(ast.parse(text), name)
    if found is None:
        raise ValueError(f"{file} has no {name}")
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    lines = text.splitlines()[first - 1 : found.end_lineno]
    numbers = [number for number, said in enumerate(lines, first) if said.strip() == line]
    if len(numbers) != 1:
        raise ValueError(f"{name} in {file} has this line {len(numbers)} times: {line}")
    return Place(first, found.end_lineno, numbers[0])
