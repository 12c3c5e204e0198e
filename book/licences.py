"""The licences of all packages that constraints.txt pins, from what the packages say of themselves.

    python book/licences.py      # writes book/licences.md

Packages of an extra that is not installed here keep the row that they have. A test compares names and versions with the
pins, so a pin that is changed asks for this command.
"""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "licences.md"
LONGEST = 60  # letters of a licence; longer ones are its whole text
HEAD = """# Licences

The software of this course is under the MIT licence, its text and pictures are under CC BY 4.0. It is installed with
the packages below, each under its own licence as the package itself declares it. `python book/licences.py` writes this
page; the versions are those of `constraints.txt`.

| package | version | licence |
|---|---|---|
"""


def pins() -> dict[str, str]:
    """{package: version} of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def rows() -> dict[str, tuple[str, str]]:
    """{package: (version, licence)} of the page as it stands."""
    if not PAGE.exists():
        return {}
    cells = (line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines())
    return {row[0]: (row[1], row[2]) for row in cells if len(row) == 3 and row[0] not in ("package", "---")}


def licence(package: str) -> str | None:
    """What a package says of its licence; None where it is not installed."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return None
    if said["License-Expression"]:
        return said["License-Expression"]
    short = said["License"] or ""
    if 0 < len(short) <= LONGEST and "\n" not in short and short.upper() != "UNKNOWN":
        return short
    classes = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(classes) or "not declared"


def page() -> str:
    """The page's text."""
    known = rows()
    lines = []
    for package, version in sorted(pins().items(), key=lambda pin: pin[0].lower()):
        words = licence(package) or known.get(package, ("", "not known: no wheel to read"))[1]
        lines.append(f"| {package} | {version} | {words.replace('|', '/')} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
