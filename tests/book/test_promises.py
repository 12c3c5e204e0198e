"""The page of promises names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "guides" / "promises.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)


def is_there(file: str, name: str) -> bool:
    """Whether a file exists and, where a name is given, defines a test of that name."""
    path = ROOT / file
    if not path.is_file():
        return False
    tests = {
        node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    }
    return name == "" or (name.startswith("test_") and name in tests)


def test_every_test_that_the_page_names_is_there():
    assert len(NAMED) > 30
    assert [f"{file}::{name}" for file, name in NAMED if not is_there(file, name)] == []
    assert not is_there("tests/book/test_promises.py", "test_no_such_thing")
    assert not is_there("tests/no_such_file.py", "")


def test_every_promise_has_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 20
    assert [row for row in rows if "`tests/" not in row.split(" | ")[1]] == []
