"""A critic is tried once before a run begins, on what is seen then: what is wrong with one of your own is found there.

A prediction `[S, 1]` beside a target `[S]` would not fail but be spread over `[S, S]`, and learn nonsense. So every
shape is looked at, and the sentence names the critic, what it gave, and what is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from maca_edu.checks import check_parts, shown
from maca_edu.networks.checks import check_floats, check_truths
from maca_edu.training.config import Config
from maca_edu.training.critics import Critic, Output
from maca_edu.training.methods import Method
from maca_edu.training.records import CriticInput, CriticWords, Sizes, versions

PARTS = ("outputs", "needs_action", "judge", "bootstrap", "predict", "levels", "blank_memory")  # of a `Critic`
SHAPES = dict(  # what `judge` may say beside outputs, bootstrap and memory
    value=("S, 1", "S, n"), q=("S, 1", "S, n"), q_values=("S, n, A",), own_q=("S, n",), own_mean=("S, n",),
    baselines=("3, S, n", "3, S, 1"), psi=("S, 3", "S, n, 3"), best=("S, n",), attention=("S, n, n",),
    correction=("S",),
)  # fmt: skip


def make_critic(sizes: Sizes, method: Method, config: Config) -> nn.Module:
    """The method's critic. Raises ValueError where it is no module of torch's, or lacks a part of a `Critic`."""
    critic = method.critic(sizes, config)
    named = f"method={method.name!r}: its critic"
    if not isinstance(critic, nn.Module):
        raise ValueError(f"{named} is {shown(critic)}; allowed are modules, torch.nn.Module")
    check_parts(named, critic, PARTS, "a Critic, see maca_edu.training.critics")
    outputs = critic.outputs
    if not isinstance(outputs, tuple) or not outputs or not all(isinstance(output, Output) for output in outputs):
        raise ValueError(f"{named} has outputs={shown(outputs)}; allowed is a tuple of critics.Output, at least one")
    return critic


@torch.no_grad()
def try_critic(critic: Critic, x: CriticInput, config: Config) -> CriticWords:
    """What the critic says of S samples, when all that training asks of it was asked.

    Raises ValueError where the critic fails, writes into x, or gives another shape, a number that is not finite, or a
    prediction without a gradient.
    """
    named, before = f"critic={type(critic).__name__}", versions(x)
    words = ask(named, "judge", critic.judge, x)
    check_words(named, words, x)
    as_bootstrap = in_digits(words.bootstrap.shape)
    drawn = critic.needs_action or config.critic_targets != "shared"
    following = x if drawn else x._replace(action=None)  # as training asks about what follows a rollout
    check_floats(f"{named}: bootstrap", ask(named, "bootstrap", critic.bootstrap, following), as_bootstrap)

    with torch.enable_grad():
        predicted = ask(named, "predict", critic.predict, x)
    for word, given in (("judge", words.outputs), ("predict", predicted)):
        check_one_for_each(f"{named}: {word}", given, critic.outputs)
    for output, said, y in zip(critic.outputs, words.outputs, predicted, strict=True):
        # Where targets are shared all outputs learn the returns, which have the bootstrap's shape.
        shapes = (as_bootstrap,) if config.critic_targets == "shared" else of_one_or_all(x)
        check_floats(f"{named}: judge's output {output.name!r}", said, *shapes)
        check_floats(f"{named}: predict's output {output.name!r}", y, in_digits(said.shape))
    if not any(y.requires_grad for y in predicted):
        raise ValueError(f"{named}: predict gave numbers without a gradient; it must compute them from its parameters")

    levels = ask(named, "levels", critic.levels, x)
    if levels is not None:
        S, n, _ = x.policy.shape
        check_floats(f"{named}: levels", levels, f"{S}, {n + 1}")
    written = [name for name, count in versions(x).items() if before[name] != count]
    if written:
        raise ValueError(f"{named} writes into {', '.join(written)}; allowed are critics that leave it as it is")
    return words


def ask(named: str, word: str, method: Callable, x: CriticInput):
    """What a method of the critic's says. Raises ValueError that names the critic where it fails."""
    try:
        return method(x)
    except Exception as error:
        raise ValueError(f"{named}: {word} failed: {type(error).__name__}: {error}") from error


def check_words(named: str, words, x: CriticInput) -> None:
    """ValueError where `judge` gave no `CriticWords`, or one of them has another shape or is not finite."""
    if not isinstance(words, CriticWords):
        raise ValueError(f"{named}: judge gave {shown(words)}; allowed is records.CriticWords")
    S, n, A = x.policy.shape
    check_floats(f"{named}: judge's bootstrap", words.bootstrap, *of_one_or_all(x))
    for field, shapes in SHAPES.items():
        if getattr(words, field) is not None:
            numbers = [shape.replace("S", str(S)).replace("n", str(n)).replace("A", str(A)) for shape in shapes]
            check_floats(f"{named}: judge's {field}", getattr(words, field), *numbers)
    if words.corrset is not None:
        check_truths(f"{named}: judge's corrset", words.corrset, f"{S}, {n}, {n}")
    if x.memory is not None:
        check_floats(f"{named}: judge's memory", words.memory, in_digits((S, *x.memory.shape[1:])))


def check_one_for_each(named: str, given, outputs: tuple[Output, ...]) -> None:
    """ValueError unless there is one prediction for each of the critic's outputs."""
    if not isinstance(given, tuple) or len(given) != len(outputs):
        what = f"{len(given)} predictions" if isinstance(given, tuple) else shown(given)
        names = ", ".join(output.name for output in outputs)
        raise ValueError(f"{named} gave {what}; needed is a tuple with one for each of its outputs, {names}")


def of_one_or_all(x: CriticInput) -> tuple[str, str]:
    """The shapes of a number for the team and of one for each agent, in S samples."""
    S, n, _ = x.policy.shape
    return f"{S}", f"{S}, {n}"


def in_digits(shape) -> str:
    """A shape as `networks.checks` has it: "8, 4"."""
    return ", ".join(map(str, shape))
