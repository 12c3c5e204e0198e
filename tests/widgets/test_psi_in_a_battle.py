"""What lab 16 says of psi in the battle that comes with the library."""

from pathlib import Path

import numpy as np

from maca_edu.widgets.cockpit_explorer import flight_of
from maca_edu.widgets.cockpit_numbers import read

LAB = Path(__file__).parents[2] / "notebooks" / "src" / "16_starcraft_without_starcraft.md"


def test_how_far_psi_moves_an_advantage():
    """From one corner of its triangle to another: the ally that is moved most, mean over the steps."""
    flight = flight_of("battle", None)
    corners = np.array(
        [[read(flight, step, None, psi).from_return for psi in np.eye(3)] for step in range(flight.record.steps)]
    )  # [steps, 3, n]
    moved, size = np.ptp(corners, axis=1).max(axis=1).mean(), np.abs(corners).mean()
    words = f"it moves most by {moved:.3f} in a step, on average, where advantages have a size of {size:.3f}"
    assert words in LAB.read_text(encoding="utf-8")
