"""From measurements to a sentence: which misconception an estimator's gradient comes from.

The tests are made in the order of `what_is_wrong`. The first that explains a wrong mean gradient ends the search. A
name needs evidence of its own; what is worth knowing of a sound estimator is noted after that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from maca_edu.credit_bench.measures import Fit, Gradient, Measures, OverTime
from maca_edu.credit_bench.probes import PROBED, STRAIGHT, Behaviour

if TYPE_CHECKING:
    from maca_edu.credit_bench.score import Result

BIASED = 1e-3  # relative: more than rounding in single precision
SURE = 6.0  # standard errors of a difference that is no accident
LEFT = 0.2  # of a drawn mean gradient: more than that is not left to chance


class Finding(NamedTuple):
    """One thing that is wrong with an estimator, or worth a note."""

    name: str
    wrong: bool
    sentence: str


class Mean(NamedTuple):
    """A mean gradient, and where it was measured."""

    game: str
    fitted: bool  # the critic was fitted to few plays
    gradient: Gradient
    direction: Gradient  # the same; over time from all joint actions at once, where drawn rows are too noisy to tell
    over_time: OverTime | None  # None: a one-shot game

    @classmethod
    def of(cls, result: Result, surer: Measures) -> Mean:
        """From the result on one game, and from measures that say more surely where its gradient points."""
        return cls(result.game, result.critic == "fitted", result.measures.gradient, surer.gradient, surer.over_time)

    @property
    def turned(self) -> bool:
        """Whether it points elsewhere than the true one."""
        return is_turned(self.gradient) or is_turned(self.direction)

    @property
    def right(self) -> bool:
        """Whether it points where the true one does, as far as that was measured."""
        return not (self.turned or is_zero(self.direction)) and self.direction.turn <= LEFT


def is_biased(gradient: Gradient) -> bool:
    """Whether the mean gradient is wrong beyond rounding and chance."""
    return gradient.bias > BIASED and gradient.z > SURE


def is_turned(gradient: Gradient) -> bool:
    """Whether it points elsewhere, too, beyond rounding and chance."""
    return gradient.scale <= 0 or (gradient.turn > BIASED and gradient.turn_z > SURE)


def is_zero(gradient: Gradient) -> bool:
    """Whether there is no mean gradient beyond rounding and chance."""
    return gradient.length <= BIASED or gradient.length_z <= SURE


def explains(fit: Fit) -> bool:
    """Whether known gradients are all that a mean gradient is made of, up to rounding and chance."""
    return fit.left <= BIASED or (fit.left <= LEFT and fit.left_z <= SURE)


def findings(behaviour: Behaviour, means: list[Mean]) -> list[Finding]:
    """What is wrong first, then the notes."""
    exact = [mean for mean in means if not mean.fitted]
    wrong = what_is_wrong(behaviour, exact)
    return ([] if wrong is None else [wrong]) + notes(behaviour, means, wrong)


def what_is_wrong(b: Behaviour, means: list[Mean]) -> Finding | None:
    """The misconception behind a wrong mean gradient with an exact critic; None where there is none."""
    biased = [mean for mean in means if is_biased(mean.gradient)]
    if not biased:
        return None
    turned = [mean for mean in biased if mean.turned]
    whole = b.settled and b.bent < STRAIGHT  # Q, times something, less a legal baseline
    if whole and all(slope < 0 for slope in b.slopes):
        return Finding("sign", True, "has the wrong sign: it follows the gradient downhill")
    if whole and max(b.slopes) - min(b.slopes) > STRAIGHT * max(b.slopes):
        return agent_scale(b)
    if all(mean.right for mean in means) and (whole or not b.settled):
        return units() if whole and b.degree is None and b.own_degree == 0 else detached_scale(biased)
    if b.repeats and not b.any_order:
        return axes(b)
    if turned and all(mean.over_time for mean in turned):
        return wrong_over_time(turned)
    if b.repeats and b.own_degree is None and (turned or not whole):
        return nonlinear(biased)
    if b.column:
        return wrong_agent(b)
    alone = b.repeats and b.row_by_row
    if all(is_zero(mean.gradient) for mean in means) and not (alone and max(map(abs, b.slopes)) > BIASED):
        return no_gradient()
    return own_action(biased) if alone and not whole else unknown(biased)


def wrong_over_time(turned: list[Mean]) -> Finding:
    """What turns the gradient of games over time and of no other."""
    worst = most_turned(turned)
    by_step, by_state = map(explains, worst.over_time)
    if by_step and (worst.over_time.steps.left <= BIASED or not by_state):
        return own_step(worst)
    if by_state and not by_step:
        return state_scale(worst)
    return unknown(turned)


def most_biased(means: list[Mean]) -> Mean:
    """Where the mean gradient is farthest from the true one."""
    return max(means, key=lambda mean: mean.gradient.bias)


def most_turned(means: list[Mean]) -> Mean:
    """Where it points farthest from it; downhill is farther than anything."""
    return max(means, key=lambda mean: (mean.direction.scale <= 0, mean.direction.turn))


def size(means: list[Mean]) -> str:
    """How wrong at worst, and where."""
    worst = most_biased(means)
    return f"by {worst.gradient.bias:.0%} on {worst.game}"


def axes(b: Behaviour) -> Finding:
    """The order of the rows matters."""
    what = "mixes the axes: a row's advantage depends on where in the batch the row stands"
    missing = "; read as [n, S] and transposed it does not, so a transpose is missing"
    return Finding("axes", True, what + missing * b.untransposed)


def units() -> Finding:
    """The return was divided by its size, and what is subtracted from it was not."""
    what = "mixes units: with ten times the payments an agent's own action changes its advantage as before"
    return Finding("units", True, f"{what}, and the rest is another; the return is normalised and its baseline is not")


def nonlinear(biased: list[Mean]) -> Finding:
    """Clipped, or squashed."""
    what = "is not linear in the rewards: with ten times the payments an agent's own action changes its advantage"
    return Finding("nonlinear", True, f"{what} neither ten times as much nor as before; it is wrong {size(biased)}")


def no_gradient() -> Finding:
    """There is nothing to follow, though there should be."""
    what = "has no gradient: its mean is zero on every game, where the true one is not"
    return Finding("no-gradient", True, f"{what}; on average its advantages do not depend on the agent's own action")


def own_step(worst: Mean) -> Finding:
    """What follows a step counts more or less than the step."""
    now, later = worst.over_time.steps.factors
    what = "sees one step only" if abs(later) < 0.05 * abs(now) else "weighs later steps in another way than this one"
    counts = f"what is paid later counts {round(later, 2) + 0:g} times, and what is paid at once {now:.3g} times"
    return Finding("own-step", True, f"{what}: {counts}, which turns the mean gradient {turn(worst)}")


def state_scale(worst: Mean) -> Finding:
    """Each state's advantage has a factor of its own."""
    factors = worst.over_time.states.factors
    what = f"scales each state by itself, from {min(factors):.3g} to {max(factors):.3g}"
    return Finding("state-scale", True, f"{what}, which turns the mean gradient {turn(worst)}")


def turn(worst: Mean) -> str:
    """How far it is turned, and where."""
    return f"by {worst.direction.turn:.0%} of its length on {worst.game}"


def agent_scale(b: Behaviour) -> Finding:
    """Each agent's advantage has a factor of its own."""
    factors = f"from {min(b.slopes):.3g} to {max(b.slopes):.3g}"
    return Finding("agent-scale", True, f"scales each agent by itself, {factors}, so the team's gradient is turned")


def detached_scale(biased: list[Mean]) -> Finding:
    """A factor for everybody, which turns no gradient."""
    worst = most_biased(biased)
    factor = f"{worst.gradient.scale:.3g} on {worst.game}"
    what = f"has a detached scale: the mean gradient is the true one times a factor that depends on the game ({factor})"
    return Finding("scale", False, f"{what}; it points right, in units of its own")


def wrong_agent(b: Behaviour) -> Finding:
    """Exchanging the columns would make it right."""
    swapped = [f"{column} that of {i}" for i, column in enumerate(b.column) if i != column]
    return Finding("agents", True, f"pays the wrong agents: of {len(b.column)}, {', '.join(sorted(swapped))}")


def own_action(biased: list[Mean]) -> Finding:
    """What is subtracted from Q depends on the agent's own action."""
    what = "has the agent's own action in its baseline: with the others' actions fixed, what it subtracts from Q"
    return Finding("own-action", True, f"{what} changes with a_i, and the mean gradient is wrong {size(biased)}")


def unknown(wrong: list[Mean]) -> Finding:
    """None of these."""
    return Finding("biased", True, f"has a mean gradient that is wrong {size(wrong)}, for a reason that was not found")


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
    elif not b.any_order and (wrong is None or wrong.name != "axes"):
        what = "depends on the order of the rows: a row's advantage is another where the row stands elsewhere"
        found.append(Finding("order", False, what))
    if b.repeats and b.degree is None and (wrong is None or not wrong.wrong):
        what = "does not scale with the reward: ten times the payments give neither ten times the advantage"
        found.append(Finding("units", False, f"{what} nor the same"))
    misled = [mean for mean in means if mean.fitted and is_biased(mean.gradient)]
    if wrong is None and b.shifts:
        what = "has no baseline that takes out a constant: a reward that is always paid is noise"
        found.append(Finding("no-baseline", False, what))
    if wrong is None and misled:
        what = "is as right as its critic: with a fitted one its mean gradient is wrong"
        found.append(Finding("critic", False, f"{what} {size(misled)}"))
    return found
