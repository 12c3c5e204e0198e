"""From measurements to a sentence: which misconception an estimator's gradient comes from.

The tests are made in the order of this file. The first that explains a wrong mean gradient ends the search; what is
worth knowing of a sound estimator is noted after that.
"""

from __future__ import annotations

from typing import NamedTuple

from maca_edu.credit_bench.measures import Gradient
from maca_edu.credit_bench.probes import PROBED, STRAIGHT, Behaviour

BIASED = 1e-3  # relative: more than rounding in single precision
SURE = 6.0  # standard errors of a difference that is no accident


class Finding(NamedTuple):
    """One thing that is wrong with an estimator, or worth a note."""

    name: str
    wrong: bool
    sentence: str


class Mean(NamedTuple):
    """A mean gradient, and where it was measured."""

    game: str
    one_shot: bool
    fitted: bool  # the critic was fitted to few plays
    gradient: Gradient


def is_biased(gradient: Gradient) -> bool:
    """Whether the mean gradient is wrong beyond rounding and chance."""
    return gradient.bias > BIASED and gradient.z > SURE


def is_turned(gradient: Gradient) -> bool:
    """Whether it points elsewhere, too, beyond rounding and chance."""
    return gradient.scale <= 0 or (gradient.turn > BIASED and gradient.turn_z > SURE)


def is_zero(gradient: Gradient) -> bool:
    """Whether there is no mean gradient beyond rounding and chance."""
    return gradient.length <= BIASED or gradient.length_z <= SURE


def findings(behaviour: Behaviour, means: list[Mean]) -> list[Finding]:
    """What is wrong first, then the notes."""
    exact = [mean for mean in means if not mean.fitted]
    wrong = what_is_wrong(behaviour, exact)
    return ([] if wrong is None else [wrong]) + notes(behaviour, means, wrong)


def what_is_wrong(b: Behaviour, means: list[Mean]) -> Finding | None:
    """The misconception behind a wrong mean gradient with an exact critic; None where there is none."""
    if b.repeats and not b.any_order:
        return axes()
    if b.repeats and b.degree is None:
        return units()
    biased = [mean for mean in means if is_biased(mean.gradient)]
    if not biased:
        return None
    worst = max(biased, key=lambda mean: mean.gradient.bias)
    if not any(mean.one_shot for mean in biased):
        return own_step(worst)
    whole = b.straight > 1 - STRAIGHT  # Q, times something, less a legal baseline
    if whole and all(slope < 0 for slope in b.slopes):
        return Finding("sign", True, "has the wrong sign: it follows the gradient downhill")
    if whole and max(b.slopes) - min(b.slopes) > STRAIGHT * max(b.slopes):
        return agent_scale(b)
    if whole:
        return detached_scale(worst)
    if b.rotated:
        return wrong_agent(b)
    alone = b.repeats and b.row_by_row
    if all(is_zero(mean.gradient) for mean in means) and not (alone and max(map(abs, b.slopes)) > BIASED):
        return no_gradient()
    if alone:
        return own_action(worst)
    return Finding("biased", True, f"has a mean gradient that is wrong {size(worst)}, for a reason that was not found")


def size(worst: Mean) -> str:
    """How wrong, and where."""
    return f"by {worst.gradient.bias:.0%} on {worst.game}"


def axes() -> Finding:
    """The order of the rows matters."""
    what = "mixes the axes: a row's advantage depends on where in the batch the row stands"
    return Finding("axes", True, f"{what}, as when [n, S] is reshaped to [S, n] without a transpose")


def units() -> Finding:
    """Ten times the payments give something else than ten times the advantage, and than the same."""
    what = "mixes units: ten times the payments give neither ten times the advantage nor the same"
    return Finding("units", True, f"{what}; something in it is normalised and something else is not")


def no_gradient() -> Finding:
    """There is nothing to follow, though there should be."""
    what = "has no gradient: its mean is zero on every game, where the true one is not"
    return Finding("no-gradient", True, f"{what}; on average its advantages do not depend on the agent's own action")


def own_step(worst: Mean) -> Finding:
    """Wrong only where something follows."""
    what = f"sees one step only: right where a game has one step, wrong {size(worst)}"
    return Finding("own-step", True, f"{what}, where an action also changes what is paid later")


def agent_scale(b: Behaviour) -> Finding:
    """Each agent's advantage has a factor of its own."""
    factors = f"from {min(b.slopes):.3g} to {max(b.slopes):.3g}"
    return Finding("agent-scale", True, f"scales each agent by itself, {factors}, so the team's gradient is turned")


def detached_scale(worst: Mean) -> Finding:
    """A factor for everybody; wrong only where it turns the gradient, too."""
    factor = f"{worst.gradient.scale:.3g} on {worst.game}"
    what = f"has a detached scale: the mean gradient is the true one times a factor that depends on the game ({factor})"
    turned = is_turned(worst.gradient)
    return Finding("scale", turned, what if turned else f"{what}; it points right, in units of its own")


def wrong_agent(b: Behaviour) -> Finding:
    """Rotating the agents would make it right."""
    return Finding("agents", True, f"pays the wrong agent: the one who acted stands {b.rotated} places further on")


def own_action(worst: Mean) -> Finding:
    """What is subtracted from Q depends on the agent's own action."""
    what = "has the agent's own action in its baseline: with the others' actions fixed, what it subtracts from Q"
    return Finding("own-action", True, f"{what} changes with a_i, and the mean gradient is wrong {size(worst)}")


def notes(b: Behaviour, means: list[Mean], wrong: Finding | None) -> list[Finding]:
    """What is worth knowing beside it."""
    found = []
    if b.writes:
        what = f"writes to the batch that it is given ({', '.join(b.writes)})"
        found.append(Finding("writes", False, f"{what}: whoever reads it after that finds other numbers"))
    if not b.repeats:
        found.append(Finding("draws", False, "draws: the same row has another advantage next time"))
    elif b.any_order and not b.row_by_row:
        found.append(Finding("batch", False, "compares a row with the batch's other rows"))
        if b.degree == 1 and b.own_row < 1 - 1e-6:
            left = f"of a return {b.own_row:.3f} is left in a batch of {PROBED}"
            found.append(Finding("own-sample", False, f"counts the row itself in its baseline: {left}"))
    misled = [mean for mean in means if mean.fitted and is_biased(mean.gradient)]
    if wrong is None and b.shifts:
        what = "has no baseline that takes out a constant: a reward that is always paid is noise"
        found.append(Finding("no-baseline", False, what))
    if wrong is None and misled:
        worst = max(misled, key=lambda mean: mean.gradient.bias)
        what = "is as right as its critic: with a fitted one its mean gradient is wrong"
        found.append(Finding("critic", False, f"{what} {size(worst)}"))
    return found
