"""Remove pages of the built book whose text is gone, which Sphinx leaves where they are."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

NOT_OURS = ("_static", "slides")  # pages that no text stands behind; slides.py makes the slides
WITHOUT_TEXT = ("search",)


def remove_stale_pages(built: Path, documents: Collection[str]) -> list[str]:
    """Remove every page that is not one of `documents` ("chapters/01_x"); returns the names of those removed."""
    removed = []
    for page in sorted(built.rglob("*.html")):
        name = page.relative_to(built).with_suffix("").as_posix()
        if name.partition("/")[0] in NOT_OURS or name in WITHOUT_TEXT or name in documents:
            continue
        page.unlink()
        removed.append(name)
    return removed
