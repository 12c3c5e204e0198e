"""The directive `code-line`: a function of ours as it stands in its file, with the line that matters marked.

    ```{code-line} maca_edu/credit/mixture.py mix
    return (psi * baselines.permute(1, 2, 0)).sum(dim=-1)
    ```

The line is named by its text, and its number is looked up at every build. So a page cannot point to a wrong line: where
the text is gone, or stands twice in the function, the build fails.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

from sphinx.directives.code import LiteralInclude

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


class CodeLine(LiteralInclude):
    """Arguments: the file, from the repository's root, and the function. Content: the line."""

    required_arguments = 2
    has_content = True
    option_spec = None

    def run(self):
        file, name = self.arguments
        try:
            at = place(file, name, self.content[0].strip())
        except (ValueError, OSError) as error:
            raise self.error(str(error)) from None
        self.arguments = [f"/../{file}"]
        self.options = {
            "caption": f"{file}, line {at.line}, in {name}",
            "lines": f"{at.first}-{at.last}",
            "lineno-match": None,
            "emphasize-lines": str(at.line - at.first + 1),
            "dedent": None,
        }
        return super().run()
