"""Random one-shot games for the property tests: hypothesis strategies that shrink to small ones."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

PAYOFFS = st.integers(-100, 100).map(lambda x: x / 8)
CHANCES = (0.0, 1e-9, 1e-3, 0.1, 0.5, 1.0, 3.0)  # zero and one, nearly zero and one, and undecided


class Random(NamedTuple):
    """A game, a policy, an agent, and a group that contains the agent."""

    q: np.ndarray  # (A,) * n
    policy: np.ndarray  # [n, A]
    agent: int
    group: tuple[int, ...]


@st.composite
def policies(draw, n, A, chances=CHANCES):
    rows = st.lists(st.sampled_from(chances), min_size=A, max_size=A).filter(lambda row: sum(row) > 1e-6)
    weights = np.array(draw(st.lists(rows, min_size=n, max_size=n)))
    return weights / weights.sum(axis=1, keepdims=True)


@st.composite
def games(draw, min_agents=1, chances=CHANCES):
    n, A = draw(st.integers(min_agents, 4)), draw(st.integers(2, 3))
    q = draw(arrays(float, (A,) * n, elements=PAYOFFS))
    agent = draw(st.integers(0, n - 1))
    group = draw(st.sets(st.integers(0, n - 1))) | {agent}
    return Random(q, draw(policies(n, A, chances)), agent, tuple(sorted(group)))


def undecided(min_agents=1):
    """Games whose policies play every action with a probability that is not tiny."""
    return games(min_agents, chances=(0.1, 0.5, 1.0, 3.0))


def meets(group, other) -> bool:
    return bool(set(group) & set(other))
