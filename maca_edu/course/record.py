"""Keep a measured number in the executed lab, so that the book's text quotes it and never a copy."""

from __future__ import annotations

import numpy as np
from IPython.display import display

from maca_edu.checks import check, in_python, shown

GLUE = "application/papermill.record/"  # the prefix under which myst-nb looks for glued values


def record(name: str, value) -> None:
    """Store a number or a word under `name` in the cell's output; nothing is shown.

    A text quotes it with the role glue:text, as in `../labs/01_who_carried_the_fridge.ipynb::ch01_value:.2f`.
    Numbers keep six digits: in the later ones two machines may differ. ValueError for anything else.
    """
    check("name", name, str)
    if isinstance(value, str):
        text = repr(value)
    elif isinstance(value, int | np.integer) and not isinstance(value, bool):
        text = str(int(value))
    elif isinstance(in_python(value), float) and np.isfinite(value):
        text = f"{0.0 if abs(value) < 1e-9 else float(value):.6g}"
    else:
        raise ValueError(f"value={shown(value)} for {name!r}; only a finite number or a word can be recorded")
    display({GLUE + "text/plain": text}, raw=True, metadata={"scrapbook": {"name": name, "mime_prefix": GLUE}})
