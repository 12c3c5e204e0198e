"""What the labs need beside the mathematics: exercises that check themselves, predictions, recorded numbers."""

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.predictions import reveal
from maca_edu.course.record import record
from maca_edu.course.verdict import Mistake, Verdict, exercise, random_game, random_games

__all__ = [
    "Mistake",
    "Verdict",
    "as_array",
    "as_number",
    "exercise",
    "random_game",
    "random_games",
    "record",
    "reveal",
]
