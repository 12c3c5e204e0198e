"""Warehouse: agents carry loads to a dock, and every load needs its whole crew (a game over time, with known credit).

The floor has `height` rows and `width` columns; the last column is the dock. Each of the n agents stands in a cell (a
cell may hold any number of agents) and chooses one of six actions, all of them always allowed: stay, up, down, left,
right, lift. Load l lies in row l and belongs to a crew G_l of agents. When *every* member of the crew stands in the
load's cell and lifts in the same step, the load and its crew move one cell to the right. A load in the dock column is
delivered and gone. The game ends when all loads are delivered.

The reward is the sum of these terms, in this order:

    load_AB   {A, B}   value * 2   whenever the load of crew {A, B} moves one cell: value for each member of the crew
    walk_A    {A}      -walk_cost  whenever A walks, into a wall too
    lift_A    {A}      -lift_cost  whenever A lifts, whether or not anything moves

The cost of lifting is paid on every lift. A cost paid only when the lift fails would depend on what the rest of the
crew does, so it would not be a term of A alone. A load always pays more than its crew's lifts cost together.

With random=True every episode starts with new crews, new cells for the agents and new columns for the loads. The crew
sizes stay the same but are dealt to the rows afresh. Then no fixed set of agents owns a load, so the terms `load_0`,
`load_1`, ... are declared over all agents and `members(state)` names the crew of the episode. The crews are part of
the state, and every agent sees them.
"""

from __future__ import annotations

import itertools
import math
import numbers
from typing import NamedTuple

import numpy as np

from toy_envs.adapter import checked_options, environments
from toy_envs.core import (
    RewardTerm,
    Step,
    agent_names,
    check_action,
    check_generator,
    check_integer,
    check_whole_numbers,
    shown,
    whole,
)

ACTIONS = ("stay", "up", "down", "left", "right", "lift")
LIFT = ACTIONS.index("lift")
ROW_MOVE = np.array([0, -1, 1, 0, 0, 0])
COLUMN_MOVE = np.array([0, 0, 0, -1, 1, 0])

MAX_AGENTS = 62  # a crew is kept as the bits of one int64
MAX_INITIAL_STATES = 50_000  # the most initial states that initial_states() lists

PRESETS = {
    "tiny": dict(n_agents=2, height=2, width=4, crews=((0,), (0, 1)), random=True),
    "small": dict(n_agents=3, height=3, width=3, crews=((0,), (0, 1), (0, 1, 2)), random=False),
    "practice": dict(n_agents=3, height=3, width=3, crews=((0,), (0, 1), (0, 1, 2)), random=True, lift_cost=1 / 32),
    "team": dict(n_agents=5, height=4, width=6, crews=((0,), (0, 1), (2, 3), (1, 2, 4)), random=False),
    "crowd": dict(
        n_agents=12,
        height=8,
        width=8,
        crews=((0,), (0, 1), (1, 2, 3), (4, 5), (5, 6, 7), (8,), (8, 9), (9, 10, 11)),
        random=False,
    ),
}


class Layout(NamedTuple):
    """A batch of states, taken apart."""

    row: np.ndarray  # [B, n] the agents' rows
    column: np.ndarray  # [B, n] the agents' columns
    load: np.ndarray  # [B, L] the loads' columns; load l lies in row l
    crew: np.ndarray  # [B, L, n] bool: who owns load l
    delivered: np.ndarray  # [B, L] bool: the load has reached the dock


class Warehouse:
    """The game. A state is a row of D = n + 2L integers: the agents' cells, the loads' columns, the loads' crews.

    A cell is row * width + column; a crew is a bit mask (bit i: agent i). The arguments are those of `game`.
    """

    name = "warehouse_v0"
    actions = ACTIONS

    def __init__(self, n_agents, height, width, crews, random, view, value, walk_cost, lift_cost, horizon):
        self.n_agents = _whole("n_agents", n_agents, 1, MAX_AGENTS)
        self.crews = _check_crews(crews, self.n_agents)
        self.n_loads = len(self.crews)
        self.height = _whole("height", height, self.n_loads, why="every load needs a row of its own")
        self.width = _whole("width", width, 2, why="a load needs a column to start in and the dock")
        self.view = _whole("view", view, 0)
        if not isinstance(random, bool | np.bool_):
            raise ValueError(f"random={shown(random)}; expected True or False")
        self.random = bool(random)
        if not self.random and len(set(self.crews)) < self.n_loads:
            raise ValueError(
                f"crews={self.crews} names a crew twice; a term is called after its crew, so no two may agree"
            )
        self.value, self.walk_cost, self.lift_cost = _check_payments(value, walk_cost, lift_cost)
        one_by_one = self.n_loads * (self.height + 2 * self.width - 3)  # per load: walk to it, then carry it
        self.horizon = one_by_one if horizon is None else _whole("horizon", horizon, 1)

        self.agents = agent_names(self.n_agents)
        self.reward_terms = self._declare_terms()
        self._agent = np.arange(self.n_agents)
        counts = (self.n_agents, self.n_loads, self.n_loads)  # a state's cells, columns and crews
        highest = self.height * self.width - 1, self.width - 1, 2**self.n_agents - 1
        self._lowest = np.repeat([0, 0, 1], counts)  # [D]
        self._range = np.repeat(highest, counts).astype(np.uint64) - self._lowest.astype(np.uint64)  # [D]
        self._around = (self._agent[:, None] + self._agent) % self.n_agents  # [n, n] row i: i, i + 1, ..., i - 1

    def _declare_terms(self) -> tuple[RewardTerm, ...]:
        names = ["".join(self.agents[i] for i in crew) for crew in self.crews]
        terms = [RewardTerm(f"load_{name}", crew) for name, crew in zip(names, self.crews, strict=True)]
        if self.random:
            terms = [RewardTerm(f"load_{l}", tuple(range(self.n_agents))) for l in range(self.n_loads)]
        for i, name in enumerate(self.agents):
            terms += [RewardTerm(f"walk_{name}", (i,)), RewardTerm(f"lift_{name}", (i,))]
        return tuple(terms)

    # -- states ---------------------------------------------------------------------------------------------------

    def place(self, cells, loads, crews=None) -> np.ndarray:
        """Build one state `[1, D]` by hand.

        cells: (row, column) of each agent, `[n, 2]`. loads: the column of each load, `[L]`; width - 1 = delivered.
        crews: the agents who own each load (default: the game's own crews). ValueError where something is off the
        floor or the numbers of agents or loads are wrong.
        """
        cells = check_whole_numbers("cells", cells, (self.n_agents, 2))
        loads = check_whole_numbers("loads", loads, (self.n_loads,), self.width - 1, "one column per load")
        if (cells < 0).any() or (cells >= (self.height, self.width)).any():
            raise ValueError(f"cells={cells.tolist()}; rows are below {self.height}, columns below {self.width}")
        crews = self.crews if crews is None else _check_crews(crews, self.n_agents)
        if len(crews) != self.n_loads:
            raise ValueError(f"crews names {len(crews)} crews; expected {self.n_loads}, one per load")
        return np.array([[*(cells @ (self.width, 1)), *loads, *map(_bits, crews)]], dtype=np.int64)

    def unpack(self, state: np.ndarray) -> Layout:
        """Take states `[B, D]` apart into rows, columns, loads and crews; ValueError where one is no state."""
        n, L = self.n_agents, self.n_loads
        state = check_whole_numbers("state", state, (None, n + 2 * L), axes="games x (agents + 2 loads)")
        wrong = (state - self._lowest).astype(np.uint64) > self._range  # [B, D]; what is negative becomes huge
        if wrong.any():
            game, place = np.argwhere(wrong)[0].tolist()
            limits = f"{self._lowest[place]} to {self._lowest[place] + int(self._range[place])}"
            raise ValueError(f"state[{game}, {place}]={state[game, place]}; allowed there are {limits}")
        row, column = np.divmod(state[:, :n], self.width)  # [B, n]
        load = state[:, n : n + L]  # [B, L]
        crew = (state[:, n + L :, None] >> self._agent & 1).astype(bool)  # [B, L, n]
        return Layout(row, column, load, crew, load == self.width - 1)

    def reset(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """Initial states `[B, D]`: agents at the dock and loads at the far end or, if random, all drawn afresh."""
        n, L, batch = self.n_agents, self.n_loads, check_integer("batch", batch, 1)
        check_generator("rng", rng)
        if not self.random:
            return np.repeat(self._first_state(), batch, axis=0)
        cells = rng.integers(self.height * self.width, size=(batch, n))
        loads = rng.integers(self.width - 1, size=(batch, L))
        sizes = rng.permuted(np.tile([len(crew) for crew in self.crews], (batch, 1)), axis=1)  # [B, L]
        shuffled = rng.permuted(np.tile(self._agent, (batch, L, 1)), axis=2)  # [B, L, n] places in a queue
        crews = ((shuffled < sizes[:, :, None]) << self._agent).sum(axis=2)  # the first in the queue are the crew
        return np.concatenate([cells, loads, crews], axis=1)

    def _first_state(self) -> np.ndarray:
        """Without random: agent i waits at the dock in row i mod height, load l lies in column 0 or 1 in turn."""
        cells = [(i % self.height, self.width - 1) for i in range(self.n_agents)]
        loads = [l % 2 if self.width > 2 else 0 for l in range(self.n_loads)]
        return self.place(cells, loads)

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """Every initial state `[S0, D]` and its probability `[S0]`; ValueError where there are over 50,000."""
        if not self.random:
            return self._first_state(), np.ones(1)
        n, L, sizes = self.n_agents, self.n_loads, [len(crew) for crew in self.crews]
        orders = math.factorial(L) // math.prod(math.factorial(sizes.count(k)) for k in set(sizes))
        dealt = math.prod(math.comb(n, k) for k in sizes)
        count = (self.height * self.width) ** n * (self.width - 1) ** L * orders * dealt
        if count > MAX_INITIAL_STATES:
            raise ValueError(f"this warehouse has {count:,} initial states; at most {MAX_INITIAL_STATES:,} are listed")
        crews = [
            tuple(map(_bits, dealing))
            for order in sorted(set(itertools.permutations(sizes)))
            for dealing in itertools.product(*(itertools.combinations(range(n), k) for k in order))
        ]
        cells = itertools.product(range(self.height * self.width), repeat=n)
        loads = itertools.product(range(self.width - 1), repeat=L)
        states = np.array([a + b + c for a, b, c in itertools.product(cells, loads, crews)])
        return states, np.full(count, 1 / count)

    # -- one step -------------------------------------------------------------------------------------------------

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Play joint actions `[B, n]` in states `[B, D]`; every load is lifted, or not, from where it lies now."""
        n, L, state = self.n_agents, self.n_loads, np.asarray(state)
        row, column, load, crew, delivered = self.unpack(state)
        action = check_action(action, len(row), n, len(ACTIONS))
        lift = action == LIFT  # [B, n]

        lifted_cell = np.where(lift, state[:, :n], -1)  # [B, n]
        load_cell = np.arange(L) * self.width + load  # [B, L]
        helps = lifted_cell[:, None, :] == load_cell[:, :, None]  # [B, L, n] i lifts where load l lies
        moves = (helps | ~crew).all(axis=2) & ~delivered  # [B, L]
        carries = (moves[:, :, None] & crew).any(axis=1)  # [B, n]

        reached = np.empty_like(state)
        row = np.clip(row + ROW_MOVE[action], 0, self.height - 1)
        column = np.clip(column + COLUMN_MOVE[action], 0, self.width - 1) + carries
        reached[:, :n] = row * self.width + column
        reached[:, n : n + L] = load + moves
        reached[:, n + L :] = state[:, n + L :]

        payments = np.empty((len(state), L + 2 * n))
        payments[:, :L] = np.where(moves, self.value * crew.sum(axis=2), 0.0)
        payments[:, L::2] = np.where((action > 0) & ~lift, -self.walk_cost, 0.0)
        payments[:, L + 1 :: 2] = np.where(lift, -self.lift_cost, 0.0)
        return Step(reached, payments, (reached[:, n : n + L] == self.width - 1).all(axis=1))

    def members(self, state: np.ndarray) -> np.ndarray:
        """Who can still earn each term, bool `[B, K, n]`: a load's crew until it is delivered, then nobody."""
        layout, L, eye = self.unpack(state), self.n_loads, np.eye(self.n_agents, dtype=bool)
        member = np.empty((len(layout.row), len(self.reward_terms), self.n_agents), dtype=bool)
        member[:, :L] = layout.crew & ~layout.delivered[:, :, None]
        member[:, L::2] = eye
        member[:, L + 1 :: 2] = eye
        return member

    # -- what is seen ---------------------------------------------------------------------------------------------

    def observe(self, state: np.ndarray) -> np.ndarray:
        """What each agent sees, float32 `[B, n, d]`, all values in [-1, 1], d = height + width + 3(n-1) + (4+n)L.

        In this order: its own row and column (one-hot); for each other agent (visible, rows away / view, columns
        away / view); for each load (visible, rows away, columns away, delivered); for each load who owns it. What
        is more than `view` rows or columns away gives zeros. Agent i meets the agents in the order i, i + 1, ...,
        round to i - 1, so a policy shared by all agents always finds itself first.
        """
        n, L, H, W = self.n_agents, self.n_loads, self.height, self.width
        row, column, load, crew, delivered = self.unpack(state)
        seen = np.empty((len(row), n, H + W + 3 * (n - 1) + (4 + n) * L), dtype=np.float32)
        seen[:, :, :H] = row[:, :, None] == np.arange(H)
        seen[:, :, H : H + W] = column[:, :, None] == np.arange(W)

        row, column, load = (x.astype(np.float32) for x in (row, column, load))
        agents, loads, owners = np.split(seen[:, :, H + W :], [3 * (n - 1), 3 * (n - 1) + 4 * L], axis=2)  # views
        rows_away = row.take(self._around, axis=1)[:, :, 1:] - row[:, :, None]  # [B, n, n-1]
        columns_away = column.take(self._around, axis=1)[:, :, 1:] - column[:, :, None]
        self._write_visible(agents, 3, rows_away, columns_away, True)

        rows_away = np.arange(L, dtype=np.float32) - row[:, :, None]  # [B, n, L]
        columns_away = load[:, None, :] - column[:, :, None]
        self._write_visible(loads, 4, rows_away, columns_away, ~delivered[:, None, :])
        loads[:, :, 3::4] = delivered[:, None, :]

        twice = np.concatenate([crew, crew], axis=2).astype(np.float32)  # [B, L, 2n]: n columns from the i-th on
        from_i = np.lib.stride_tricks.sliding_window_view(twice, n, axis=2)[:, :, :n]  # are agent i's [B, L, n, n]
        owners.reshape(len(row), n, L, n)[...] = from_i.swapaxes(1, 2)  # splitting an axis makes a view, not a copy
        return seen

    def _write_visible(self, seen, stride, rows_away, columns_away, there):
        """Write (visible, rows away, columns away) into `seen`, `stride` numbers apart; zeros where out of view."""
        visible = (np.maximum(np.abs(rows_away), np.abs(columns_away)) <= self.view) & there
        seen[:, :, 0::stride] = visible
        for k, away in ((1, rows_away), (2, columns_away)):
            seen[:, :, k::stride] = away * visible / np.float32(max(self.view, 1))

    def features(self, state: np.ndarray) -> np.ndarray:
        """The whole state for a central critic, float32 `[B, n(height + width) + L(width + n)]` of zeros and ones.

        In this order: every agent's row and column (one-hot), every load's column (one-hot), every load's crew.
        """
        row, column, load, crew, _ = self.unpack(state)
        parts = [
            row[:, :, None] == np.arange(self.height),  # [B, n, H]
            column[:, :, None] == np.arange(self.width),  # [B, n, W]
            load[:, :, None] == np.arange(self.width),  # [B, L, W]
            crew,  # [B, L, n]
        ]
        return np.concatenate([part.reshape(len(row), -1) for part in parts], axis=1).astype(np.float32)

    def render(self, state, action=None, payments=None, mode: str = "ansi"):
        """Draw one state `[D]`: text for "ansi", an RGB image `[height, width, 3]` for "rgb_array".

        action `[n]` and payments `[K]` are those of the step that led here (None right after reset).
        """
        from toy_envs import render_warehouse

        if mode not in ("ansi", "rgb_array"):
            raise ValueError(f"mode={mode!r}; allowed are 'ansi' and 'rgb_array'")
        draw = render_warehouse.as_text if mode == "ansi" else render_warehouse.as_image
        return draw(self, state, action, payments)


def _bits(crew) -> int:
    return sum(1 << i for i in crew)


def _whole(name: str, value, low: int, high: int | None = None, why: str = "") -> int:
    """A whole number from low to high, or a ValueError that says so."""
    number = whole(value)
    if number is None or number < low or (high is not None and number > high):
        limits = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}={shown(value)}; expected a whole number {limits}" + (f": {why}" if why else ""))
    return number


def _check_payments(value, walk_cost, lift_cost) -> tuple[float, float, float]:
    """The three amounts as floats; ValueError where one is not a number, negative, or lifting cannot pay."""
    for name, amount in (("value", value), ("walk_cost", walk_cost), ("lift_cost", lift_cost)):
        if isinstance(amount, bool) or not isinstance(amount, numbers.Real) or not 0 <= amount < math.inf:
            raise ValueError(f"{name}={shown(amount)}; expected a finite number of at least 0")
    if value <= lift_cost:
        raise ValueError(f"value={value!r}; it must exceed lift_cost={lift_cost!r}, or lifting never pays")
    return float(value), float(walk_cost), float(lift_cost)


def _check_crews(crews, n_agents: int) -> tuple[tuple[int, ...], ...]:
    """The crews as sorted tuples of agent numbers; ValueError names the first crew that is wrong."""
    try:
        listed = [[whole(i) for i in crew] for crew in crews]
    except TypeError:  # no list of lists
        listed = [[None]]
    if any(None in crew for crew in listed):
        raise ValueError(f"crews={shown(crews)}; expected one tuple of agent numbers per load, e.g. ((0,), (0, 1))")
    checked = tuple(tuple(sorted(crew)) for crew in listed)
    if not checked:
        raise ValueError("crews is empty; a warehouse needs at least one load")
    for l, crew in enumerate(checked):
        if not crew:
            raise ValueError(f"crews[{l}] is empty; a load needs at least one agent")
        if len(set(crew)) < len(crew):
            raise ValueError(f"crews[{l}]={crew} names an agent twice; each may occur once")
        if crew[0] < 0 or crew[-1] >= n_agents:
            raise ValueError(f"crews[{l}]={crew}; with n_agents={n_agents} agents are 0 to {n_agents - 1}")
    return checked


@checked_options
def game(
    preset: str = "small",
    *,
    n_agents: int | None = None,
    height: int | None = None,
    width: int | None = None,
    crews=None,
    random: bool | None = None,
    view: int = 1,
    value: float = 1.0,
    walk_cost: float = 1 / 16,
    lift_cost: float | None = None,
    horizon: int | None = None,
) -> Warehouse:
    """A warehouse: a preset, of which any part may be replaced.

    preset: "tiny" (2 agents, 2 loads, random; can be enumerated), "small" (3 agents, 3 loads; can be enumerated),
        "practice" ("small" with random starts and lifts at a quarter of the cost, which can be learned in minutes),
        "team" (5 agents, 4 loads) or "crowd" (12 agents, 8 loads), the last two for learning.
    n_agents, height, width: sizes; at most 62 agents, at least as many rows as loads, at least 2 columns.
    crews: for each load the numbers of the agents who own it, e.g. `((0,), (0, 1))`; no two the same,
        unless random, where only their sizes count.
    random: draw crews (of the sizes in `crews`), agents' cells and loads' columns afresh in every episode.
    view: how many rows and columns away an agent sees.
    value: what a load pays per cell and member of its crew. walk_cost, lift_cost: per action; a lift costs 1/8 where
        the preset does not say otherwise. value > lift_cost.
        Multiples of a power of two, as here, add up without rounding.
    horizon: steps after which an episode is cut (default: enough to deliver the loads one after another).

    Raises ValueError for an unknown option or preset and for any argument that is out of range.
    """
    if preset not in tuple(PRESETS):
        raise ValueError(f"preset={shown(preset)}; allowed are {', '.join(map(repr, PRESETS))}")
    given = {"n_agents": n_agents, "height": height, "width": width, "crews": crews, "random": random}
    given["lift_cost"] = lift_cost
    chosen = {"lift_cost": 1 / 8} | PRESETS[preset] | {name: x for name, x in given.items() if x is not None}
    return Warehouse(**chosen, view=view, value=value, walk_cost=walk_cost, horizon=horizon)


parallel_env, env = environments(game)
