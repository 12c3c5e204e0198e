"""One archive for a class without internet: `make bundle`.

    python book/bundle.py      # reads book/_build/html and notebooks/, writes dist/maca-edu-class.zip

It holds the built book with its slides, the students' copy of the labs, a read-me, and the PDF, which `make bundle`
makes first where Chromium is found; one that is older than its pages is left out. The same book and labs give the same
archive, byte for byte.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

from maca_edu.course.class_copy import LABS, class_copy
from maca_edu.files import whole_file

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "book" / "_build" / "html"
PDF = ROOT / "book" / "_build" / "pdf" / "maca-edu.pdf"
BUNDLE = ROOT / "dist" / "maca-edu-class.zip"

FOLDER = "maca-edu-class"  # what unpacking the archive makes
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip file knows; every file in it has this one
NOT_PAGES = (".doctrees", ".buildinfo")  # what Sphinx keeps for its next build

READ_ME = """Multi-agent credit assignment, from a shared reward to MACA

Unpack this archive. What is in it needs no network.

book/index.html           the textbook: open it in a browser. Sliders move, formulas and the search work.
book/slides/index.html    slides for the lecturer. Arrow keys turn them, S opens the speaker notes.
book/teaching/index.html  how to teach the course: plans, exam questions with model answers, projects
maca-edu.pdf              the texts, fit to print, if this archive was made with them
labs/                     the labs for students, without solutions, answers and outputs; hints are there

The book shows the labs with their solutions, folded.

The labs need Python with the course installed, about 1.5 GB. Install it where there is a network, before the class, as
the course's README says. One machine is enough for a class: students then need a browser and nothing else. Copy labs/
into the course's folder and start JupyterLab there with

    make lab

The folder labs is then in its list of files.

Text and figures: CC BY 4.0. Code: MIT licence.
"""


def pages(built: Path) -> dict[str, Path]:
    """Every file of the built book, {its name in the archive: where it is}. SystemExit where pages are missing."""
    for needed in ("index.html", "slides/index.html"):
        if not (built / needed).is_file():
            raise SystemExit(f"{built / needed} is not there; make bundle builds the book and the slides first.")
    files = [path for path in built.rglob("*") if path.is_file()]
    names = {path: path.relative_to(built) for path in files}
    return {f"book/{name.as_posix()}": path for path, name in names.items() if name.parts[0] not in NOT_PAGES}


def is_current(pdf: Path, built: Path) -> bool:
    """Whether the PDF is there, and no page that it may have been made of is newer."""
    sources = [*built.glob("*.html"), *built.glob("chapters/*.html")]
    return pdf.is_file() and pdf.stat().st_mtime >= max(page.stat().st_mtime for page in sources)


def write(archive: Path, files: dict[str, Path]) -> None:
    """A zip file of the read-me and `files`, {name: path}, which says nothing of when and where it was made."""
    contents = {name: path.read_bytes() for name, path in files.items()}
    contents["READ-ME.txt"] = READ_ME.encode()
    with zipfile.ZipFile(archive, "w") as into:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose rights follow: everybody may read
            entry.external_attr = 0o100644 << 16
            into.writestr(entry, contents[name])


def bundle(target: Path, built: Path, labs: Path, pdf: Path) -> str:
    """Write the archive, whole or not at all; returns what became of `target`: written, replaced or unchanged."""
    files = pages(built)
    if is_current(pdf, built):
        files["maca-edu.pdf"] = pdf
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.read_bytes() if target.exists() else None
    with tempfile.TemporaryDirectory() as work:
        files |= {f"labs/{lab.name}": lab for lab in class_copy(Path(work) / "labs", labs)}
        with whole_file(target) as temporary:
            write(temporary, files)
    if before is None:
        return "written"
    return "unchanged" if before == target.read_bytes() else "replaced"


def main() -> None:
    became = bundle(BUNDLE, BUILT, LABS, PDF)
    said = {"written": "is written", "replaced": "is replaced: the earlier one differed", "unchanged": "is as it was"}
    print(f"{BUNDLE.relative_to(ROOT)} {said[became]}, {BUNDLE.stat().st_size / 1e6:.0f} MB.")
    if not is_current(PDF, BUILT):
        print("It has no PDF, for there is none of this book: make pdf writes one.")


if __name__ == "__main__":
    sys.exit(main())
