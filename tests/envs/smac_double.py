"""A stand-in for `smacv2.env.StarCraftCapabilityEnvWrapper`: its methods, its answers and its faults, without a game.

Three allies fight three enemies. An ally's shot takes 4 of an enemy's 8 health; every living enemy takes 2 from the
first living ally's health, which the draws put at 5 to 9. Who shoots wins, who does not loses; nothing happens to a
team that stands still while `calm`, so the clock ends that.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

N, M, SHOOT, LIMIT = 3, 3, 6, 6
A = SHOOT + M


class Places:
    """Like the package's distributions: generators without a seed, one inside another, and Python's own."""

    def __init__(self, inner=None):
        self.rng, self.inner, self.config = np.random.default_rng(), inner, {}

    def generate(self):
        own = [int(self.rng.integers(5, 10)) for _ in range(N)]
        random.shuffle(own)
        return own if self.inner is None else [*self.inner.generate(), *own]


class Double:
    """fault: None or what goes wrong, once: in the `episode`-th reset of a process, or in the step after it.

    "none": reset returns None; "restarted": it restarts the game inside; "units": too few units; "key": KeyError;
    "reset_hang", "reset_crash", "step_hang", "step_crash"; "lost": step returns (0, True, {}); "assertion".
    marker: a file that is made when it happens, so that it does not happen again; None: it happens every time.
    clock: whether it ends episodes at the limit by itself. calm: enemies do not shoot. folder: where the process
    numbers of the stand-in for the game are written, None: there is no such process.
    """

    def __init__(self, fault=None, marker=None, episode=1, clock=True, calm=False, folder=None):
        self.fault, self.marker, self.episode = fault, marker and Path(marker), episode
        self.clock, self.calm, self.folder = clock, calm, folder
        self.env_key_to_distribution_map = {"team_gen": Places(), "start_positions": Places(Places())}
        self.env = SimpleNamespace(_seed=None)
        self.agents, self.enemies, self.n_agents, self.n_enemies = {}, {}, N, M
        self.force_restarts = self.resets = self.ended = self.games = 0
        self.program, self.closed = None, False

    def get_env_info(self):
        sizes = dict(state_shape=N + M + N * A, obs_shape=5, cap_shape=0, n_actions=A, n_agents=N, episode_limit=LIMIT)
        return sizes | dict(agent_features=["health"], enemy_features=["health"])

    def reset(self):
        self.resets += 1
        if self.ended == 0:
            self.launch()
        self.drawn = {key: way.generate() for key, way in self.env_key_to_distribution_map.items()}
        if self.happens("none"):
            return None
        if self.happens("key"):
            raise KeyError(0)
        if self.happens("reset_hang"):
            time.sleep(1000)
        if self.happens("reset_crash"):
            os._exit(9)
        self.force_restarts += self.happens("restarted")
        self.time, self.last = 0, np.zeros((N, A))
        health = self.drawn["team_gen"][: N - self.happens("units")]
        self.agents = {i: SimpleNamespace(health=float(h)) for i, h in enumerate(health)}
        self.enemies = {i: SimpleNamespace(health=8.0) for i in range(M)}
        return self.get_obs() if len(self.agents) == N else [], self.get_state()

    def launch(self):
        """Start the game; the package does so in every reset until an episode has ended."""
        self.games += 1
        if self.folder is not None:
            self.program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            name = Path(self.folder) / f"pids-{os.getpid()}-{self.games}-{id(self)}"
            name.write_text(f"{os.getpid()} {self.program.pid}")

    def happens(self, fault):
        """Whether this fault is due now."""
        if fault != self.fault or self.resets < self.episode or (self.marker is not None and self.marker.exists()):
            return False
        if self.marker is not None:
            self.marker.touch()
        return True

    def step(self, actions):
        assert all(type(action) is int for action in actions)
        assert all(self.get_avail_actions()[i][action] for i, action in enumerate(actions)), "cannot perform action"
        if self.happens("step_hang"):
            time.sleep(1000)
        if self.happens("step_crash"):
            os._exit(9)
        if self.happens("assertion"):
            raise AssertionError("No-op only available for dead agents.")
        if self.happens("lost"):
            self.force_restarts += 1
            return 0, True, {}
        self.time, self.last = self.time + 1, np.eye(A)[actions]
        before = sum(unit.health for unit in self.enemies.values())
        for action in actions:
            if action >= SHOOT:
                hurt(self.enemies[action - SHOOT], 4)
        for enemy in self.enemies.values():
            living = [unit for unit in self.agents.values() if unit.health > 0]
            if enemy.health > 0 and living and not self.calm:
                hurt(living[0], 2)
        return self.outcome(before)

    def outcome(self, before):
        dead_allies, dead_enemies = (sum(u.health == 0 for u in x.values()) for x in (self.agents, self.enemies))
        info = {"battle_won": False, "dead_allies": dead_allies, "dead_enemies": dead_enemies}
        reward, over = before - sum(unit.health for unit in self.enemies.values()), False
        if dead_enemies == M or dead_allies == N:
            over, info["battle_won"] = True, dead_enemies == M
        elif self.time >= LIMIT and self.clock:
            over = info["episode_limit"] = True
        self.ended += over
        return reward + 200 * info["battle_won"], over, info

    def get_obs(self):
        draws = [np.random.rand(), *self.drawn["start_positions"][:2]]  # noqa: NPY002  # as the package does
        return [np.array([u.health, self.time, *draws], np.float32) for u in self.agents.values()]

    def get_state(self):
        health = [unit.health for units in (self.agents, self.enemies) for unit in units.values()]
        return np.concatenate([health, self.last.ravel()]).astype(np.float32)

    def get_avail_actions(self):
        shots = [int(unit.health > 0) for unit in self.enemies.values()]
        dead, alive = [1] + [0] * (A - 1), [0, 1, 1, 0, 1, 1, *shots]
        return [alive if unit.health > 0 else dead for unit in self.agents.values()]

    def close(self):
        self.closed = True
        if self.program is not None:
            self.program.kill()
            self.program.wait()


def hurt(unit, points):
    unit.health = max(unit.health - points, 0.0)
