"""Figure 6: where the agents of a run are, and to whom the critic attends for each of them.

The paper's figure is of one step of 5m_vs_6m. Attention of an untrained critic is far from uniform, too. So one step
shows what the critic computes; whether it knows who earns together, `maca-edu credit` measures.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maca_edu.checks import check_integer
from maca_edu.envs import film
from maca_edu.envs.smax import Units
from maca_edu.experiments.learning_curves import STYLE, save
from maca_edu.experiments.run import load
from maca_edu.networks import greedy
from maca_edu.team_env import View
from maca_edu.training.learner import Learner
from maca_edu.training.loop import env_seed
from maca_edu.training.records import CriticInput

CORNERS = ((-0.46, -0.46), (0.46, -0.46), (0.46, 0.46), (-0.46, 0.46))  # of a frame within a cell


class Moment(NamedTuple):
    """A step of an episode."""

    picture: np.ndarray  # of the game, [H, W, 3]
    units: Units | None  # of a battle in SMAX, allies first; None: another game
    names: list[str]  # of the n agents, as the picture has them
    attention: np.ndarray  # [n, n], row i: to whom the critic attends for agent i; rows sum to 1
    corrset: np.ndarray  # [n, n] bool, row i is C_i
    step: int


def draw_attention(
    run: str | Path, path: str | Path, seed: int = 0, step: int = 0, trust_env: str | None = None
) -> str:
    """Draw Figure 6 of the run in a directory and return its caption.

    path: the picture, a .png, .pdf or .svg. seed: decides the episode, in which the team plays greedily. step: of the
    episode, from 0. trust_env: see `run.load`. Raises ValueError where an argument is wrong, the episode is over before
    that step, the run's critic has no attention, or its game cannot be drawn.
    """
    check_integer("step", step, 0)
    check_integer("seed", seed, 0)
    loaded = load(run, trust_env=trust_env)
    name = loaded.settings["env"]
    with contextlib.closing(film.stage(name)) as stage:
        moment = moment_of(loaded.learner, stage, env_seed(seed, "evaluate"), step)
    draw(moment, path)
    about = f"{loaded.settings['method']} on {name}, seed {loaded.settings['seed']}"
    return (
        f"Figure 6 of {about}: step {step} of an episode (seed {seed}), and to whom the critic attends. Framed are the "
        "partners that it admits to the CorrSet of the row's agent; crosses are dead. One step of one run."
    )


@torch.no_grad()
def moment_of(learner: Learner, stage: film.Stage, seed: int, step: int) -> Moment:
    """Play greedily up to a step, and ask the critic what it thinks of it."""
    view, over, memory = stage.reset(seed), False, learner.blank_memory(1)
    for now in range(step + 1):
        if over:
            raise ValueError(f"step={step}; the episode is over after {now} steps")
        seen = learner.read(View(*(x[None] for x in view)))
        first = torch.tensor([now == 0])
        distribution, actor_memory = learner.actor(seen.obs, seen.available, memory.actor, first)
        action = greedy(distribution)
        words = learner.critic.judge(CriticInput(*seen[:2], action, distribution.probs, first, memory.critic))
        if words.attention is None:
            raise ValueError(f"the critic of {learner.method.name!r} has no attention; those of maca's methods have")
        if now == step:
            break
        memory = memory._replace(actor=actor_memory, critic=words.memory)
        view, _, over, _ = stage.step(action[0].cpu().numpy())
    attention, corrset = words.attention[0].cpu().numpy(), words.corrset[0].cpu().numpy()
    units = stage.units if isinstance(stage, film.SmaxStage) else None
    names = [str(i) if units is not None else chr(ord("A") + i) for i in range(len(attention))]
    names = [name if alive else f"{name} dead" for name, alive in zip(names, view.alive, strict=True)]
    return Moment(np.asarray(stage.draw())[..., :3], units, names, attention, corrset, step)


def draw(moment: Moment, path: str | Path) -> None:
    """The game on the left, attention on the right."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        if moment.units is not None:
            draw_units(left, moment.units, len(moment.names))
        else:
            left.imshow(moment.picture)
            left.axis("off")
        left.set_title(f"step {moment.step}", fontsize="medium")
        draw_map(right, moment)
        save(figure, path)


def draw_units(ax: Axes, units: Units, allies: int) -> None:
    """Where the units of a battle are: allies with their numbers, enemies without; the dead are crosses."""
    for k, ((x, y), health) in enumerate(zip(units.position, units.health, strict=True)):
        ours = k < allies
        mark = "x" if health <= 0 else "o" if ours else "s"
        ax.plot(x, y, mark, color="#0072B2" if ours else "#D55E00", markersize=9, alpha=0.8)
        if ours:
            ax.annotate(str(k), (x, y), (5, 5), textcoords="offset points")
    ax.set(xlabel="x", ylabel="y")
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.15)


def draw_map(ax: Axes, moment: Moment) -> None:
    """Attention as shades with numbers; a frame where a partner is admitted to the row's CorrSet."""
    n = len(moment.attention)
    ax.imshow(moment.attention, cmap="Blues", vmin=0, vmax=max(moment.attention.max(), 1e-9) * 1.25)
    for i, j in np.ndindex(n, n):
        if n <= 10:
            ax.text(j, i, f"{moment.attention[i, j]:.2f}"[1:], ha="center", va="center", fontsize=min(11, 60 / n))
        if moment.corrset[i, j] and i != j:
            frame = ax.fill(*zip(*((j + x, i + y) for x, y in CORNERS), strict=True), fill=False)
            frame[0].set(edgecolor="#D55E00", linewidth=2)
    ax.set_xticks(range(n), [name.split()[0] for name in moment.names])
    ax.set_yticks(range(n), moment.names)
    ax.set(xlabel="to agent", ylabel="of agent")
    ax.set_title("attention", fontsize="medium")
    ax.grid(visible=False)
