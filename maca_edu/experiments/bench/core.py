"""All that `maca-edu bench` measures: the learner without whole trainings, in this process, with one thread."""

from __future__ import annotations

from dataclasses import dataclass

from maca_edu.experiments.bench.critics import HEADS, BaselinesRow, compare_baselines
from maca_edu.experiments.bench.growth import GrowthRow, with_agents, with_environments
from maca_edu.experiments.bench.shares import SharesRow, missing, shares
from maca_edu.experiments.bench.timing import About, about
from maca_edu.experiments.bench.updates import DefinitionRow, UpdateRow, compare_definition, compare_methods
from maca_edu.experiments.memory import keep_memory
from maca_edu.experiments.run import one_thread


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 9
    samples: tuple[int, ...] = (128, 1000)  # of the baselines
    rollouts: tuple[tuple[int, int], ...] = ((50, 4), (200, 20))  # steps and environments of the updates
    teams: tuple[int, ...] = (5, 25)  # agents of the updates with baselines by definition
    agents: tuple[int, ...] = (5, 10, 25, 50, 100)  # of the growth
    environments: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)  # of the growth
    games: tuple[str, ...] = ("toy/warehouse", "smax/5m_vs_6m")  # of the shares
    updates: int = 6  # of the shares


@dataclass(frozen=True)
class Core:
    """What was measured."""

    about: About
    plan: Plan
    baselines: list[BaselinesRow]
    updates: list[UpdateRow]
    definition: list[DefinitionRow]
    shares: list[SharesRow]  # of the games that are installed
    agents: list[GrowthRow]
    environments: list[GrowthRow]


def measure(plan: Plan | None = None) -> Core:
    """Measure everything; None: the plan as it stands above."""
    plan = Plan() if plan is None else plan
    keep_memory()
    with one_thread():
        return Core(
            about(),
            plan,
            [compare_baselines(head, samples, plan.rounds) for head in HEADS for samples in plan.samples],
            [compare_methods(gru, *shape, plan.rounds) for shape in plan.rollouts for gru in (False, True)],
            [compare_definition(n, gru, *plan.rollouts[0], plan.rounds) for n in plan.teams for gru in (False, True)],
            [
                shares(game, method, plan.updates)
                for game in plan.games
                if not missing(game)
                for method in ("mappo", "maca")
            ],
            with_agents(plan.agents, plan.rounds),
            with_environments(plan.environments, plan.rounds),
        )
