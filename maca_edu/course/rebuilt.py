"""Whether a lab that has just been run again shows what is stored: texts, numbers, widgets and pictures.

On one machine everything is the same, byte for byte. Another processor rounds otherwise: texts are still the same, a
recorded number differs in its later digits, a line in a picture can move by a pixel. So texts are compared exactly,
numbers up to a share of them, pictures by what an eye would notice.
"""

from __future__ import annotations

import base64
import io
import math
import re
from itertools import zip_longest

import numpy as np
from PIL import Image

from maca_edu.course.build import WIDGETS
from maca_edu.course.record import GLUE

IGNORED = "nbval-ignore-output"  # the tag of a cell whose outputs may be others: nbval passes over them, too
SETTINGS = 1e-6  # numbers of widgets are the same if they differ by no more than this share of the larger one
RECORDED = 0.01  # so are numbers that `maca_edu.course.record` keeps for the book, which rounds them
SHADES = 40  # how far a pixel may lie outside the range of its neighbours in the other picture, of 255
RECORD = f"{GLUE}text/plain"
PNG = "iVBORw0KGgo"  # how a PNG begins in base64
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def differences(stored, rebuilt) -> list[str]:
    """What differs between two notebooks of one source, a sentence each; empty where they show the same.

    stored, rebuilt: notebooks as `maca_edu.course.build.tidy` leaves them. How often a cell ran is not compared, and
    neither is what a cell shows that has the tag IGNORED.
    """
    found = []
    for number, (left, right) in enumerate(zip(stored.cells, rebuilt.cells, strict=True)):
        if IGNORED not in left.get("metadata", {}).get("tags", ()):
            found += compare(f"cell {number}: outputs", shown(left), shown(right))
    states = [notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {}) for notebook in (stored, rebuilt)]
    return found + compare("widgets", *states)


def shown(cell) -> list[dict]:
    """The outputs of a cell, without the count of executions."""
    return [{key: part for key, part in out.items() if key != "execution_count"} for out in cell.get("outputs", [])]


def compare(where: str, stored, rebuilt) -> list[str]:
    """What differs between two trees of dicts and lists, a sentence each. `where` is the way down to them."""
    if isinstance(stored, dict) and isinstance(rebuilt, dict):
        only = stored.keys() ^ rebuilt.keys()
        found = [f"{where}: {key} is only {'stored' if key in stored else 'rebuilt'}" for key in sorted(only)]
        for key in sorted(stored.keys() - only):
            look = compare_records if key == RECORD else compare
            found += look(f"{where}, {key}", stored[key], rebuilt[key])
        return found
    if isinstance(stored, list) and isinstance(rebuilt, list):
        if len(stored) != len(rebuilt):
            return [f"{where}: {len(stored)} are stored, {len(rebuilt)} rebuilt"]
        pairs = enumerate(zip(stored, rebuilt, strict=True))
        return [line for number, pair in pairs for line in compare(f"{where} {number}", *pair)]
    if isinstance(stored, str) and isinstance(rebuilt, str):
        look = compare_pictures if stored.startswith(PNG) and rebuilt.startswith(PNG) else compare_texts
        return look(where, stored, rebuilt)
    same = type(stored) is type(rebuilt) and stored == rebuilt
    if same or (type(stored) is type(rebuilt) is float and math.isclose(stored, rebuilt, rel_tol=SETTINGS)):
        return []
    return [f"{where}: stored is {stored!r}, rebuilt {rebuilt!r}"]


def compare_records(where: str, stored: str, rebuilt: str) -> list[str]:
    """Two recorded numbers, which differ a little from machine to machine, or two recorded words, which do not."""
    try:
        if math.isclose(float(stored), float(rebuilt), rel_tol=RECORDED):
            return []
    except ValueError:
        pass  # a word
    return compare_texts(where, stored, rebuilt)


def compare_texts(where: str, stored: str, rebuilt: str) -> list[str]:
    """Two texts are the same letter for letter, but for pictures inside them, which are compared as pictures."""
    pictures = [EMBEDDED.findall(text) for text in (stored, rebuilt)]
    left, right = (EMBEDDED.sub("(picture)", text) for text in (stored, rebuilt))
    if left != right:
        begin = max(0, next(i for i, (a, b) in enumerate(zip_longest(left, right)) if a != b) - 20)
        return [f"{where}: stored is ...{left[begin : begin + 60]!r}, rebuilt ...{right[begin : begin + 60]!r}"]
    return [line for pair in zip(*pictures, strict=True) for line in compare_pictures(where, *pair)]


def compare_pictures(where: str, stored: str, rebuilt: str) -> list[str]:
    """What an eye would see of the difference between two PNGs in base64.

    A pixel must lie between the darkest and the lightest of the nine pixels there in the other picture, in each of its
    three colours. So a line may move by a pixel, or get a softer edge, but neither turn, nor change colours or places.
    """
    if stored == rebuilt:
        return []
    left, right = pixels(stored), pixels(rebuilt)
    if left.shape != right.shape:
        sizes = [f"{width} x {height}" for height, width, _ in (left.shape, right.shape)]
        return [f"{where}: the stored picture has {sizes[0]} pixels, the rebuilt one {sizes[1]}"]
    apart = np.maximum(outside(left, right), outside(right, left))
    if apart.max() <= SHADES:
        return []
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    return [
        f"{where}: the picture differs in {(apart > SHADES).sum():,} of {apart.size:,} pixels, most at "
        f"x={column}, y={row}: by {apart.max()} of 255 shades, allowed are {SHADES}"
    ]


def pixels(png: str) -> np.ndarray:
    """The colours of a PNG in base64, `[height, width, 3]`, 0 to 255."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def outside(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far each pixel is outside the range of the nine around it in another picture `[height, width, 3]`.

    Returns `[height, width]`, the largest of the three colours.
    """
    return beyond(picture, *ranges(other))


def ranges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest of the nine pixels around each, `[height, width, 3]` both."""
    height, width, _ = picture.shape
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = [padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
    return np.minimum.reduce(around), np.maximum.reduce(around)


def beyond(picture: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How far each pixel is outside its range, `[height, width]`, in the colour where it is farthest."""
    return np.maximum(low - picture, picture - high).clip(min=0).max(axis=-1)
