"""What an earlier build left behind, and Sphinx leaves where it is: pages whose text is gone, and links to them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote

NOT_OURS = ("_static", "slides")  # pages that no text stands behind; slides.py makes the slides
WITHOUT_TEXT = ("search",)


def built_pages(built: Path) -> dict[str, Path]:
    """The pages of the built book that have, or once had, a text: name ("chapters/01_x") and file."""
    found = {path.relative_to(built).with_suffix("").as_posix(): path for path in sorted(built.rglob("*.html"))}
    return {
        name: path
        for name, path in found.items()
        if name.partition("/")[0] not in NOT_OURS and name not in WITHOUT_TEXT
    }


def pages_to_write_again(built: Path, documents: Collection[str]) -> list[str]:
    """All of `documents` where the built book has other pages than these, for every page lists all pages at its side.

    A page whose own text has not changed would otherwise go on listing one that is gone.
    """
    return [] if set(built_pages(built)) == set(documents) else sorted(documents)


def remove_stale_files(built: Path, documents: Collection[str]) -> list[str]:
    """Remove pages that are not in `documents`, their sources, and pictures that no page shows; returns the names."""
    stale = [path for name, path in built_pages(built).items() if name not in documents]
    for source in built.glob("_sources/**/*.txt"):  # _sources/chapters/01_x.md.txt
        if source.relative_to(built / "_sources").with_suffix("").with_suffix("").as_posix() not in documents:
            stale.append(source)
    for path in stale:
        path.unlink()
    stale += remove_pictures_without_page(built)
    for folder in {path.parent for path in stale} - {built}:
        if not any(folder.iterdir()):
            folder.rmdir()
    return sorted(path.relative_to(built).as_posix() for path in stale)


def remove_pictures_without_page(built: Path) -> list[Path]:
    """Remove the pictures that no page and no slide names; returns them."""
    pictures = {path.name: path for path in built.glob("_images/*") if path.is_file()}
    shown = set()
    for page in built.rglob("*.html"):
        shown.update(map(unquote, re.findall(r"_images/([^\"'?#)\s]+)", page.read_text(encoding="utf-8"))))
    stale = [path for name, path in pictures.items() if name not in shown]
    for path in stale:
        path.unlink()
    return stale
