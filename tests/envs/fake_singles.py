"""Tiny games of one copy each for `workers.Vector`, and the faults it must survive."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from maca_edu.envs.workers import Broken


class Walk:
    """Two agents walk at random from where the seed put them; together beyond 20 they win, 5 steps are the limit."""

    n_agents, n_actions, obs_size, state_size, horizon = 2, 3, 2, 1, 5
    continuous, winnable, info_names, entities = False, True, ("far",), None

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.time, self.place = 0, self.rng.integers(10, size=2).astype(float)
        return self.look()

    def look(self):
        legal = np.ones((2, 3), dtype=bool)
        legal[0, 2] = self.place[0] < 9
        return np.stack([self.place, [self.time] * 2], 1), [self.place.sum()], legal, [True, self.time < 4]

    def step(self, action):
        self.time += 1
        self.place += action - 1 + self.rng.normal(size=2)
        won = self.place.sum() > 20
        return self.look(), self.place.sum(), won, self.time >= 5, won, {"far": self.place.max()}

    def close(self):
        pass


class Glide(Walk):
    """The same with numbers as actions, and nothing to win."""

    continuous, winnable, info_names = True, False, ()

    def step(self, action):
        view, reward, terminated, truncated, _, _ = super().step(action[:, 0] * action[:, 1])
        return view, reward, terminated, truncated, None, {}


class Faulty(Walk):
    """A walk that goes wrong once: from the third call of `where` ("reset", "step") on, if `marker` is not yet a file.

    kind: "crash", "hang", "broken", "error" or "shape". always: whether it goes wrong every time, from the first call.
    which: only the copy that was made so many-th in its process, 0: any.
    """

    made = 0

    def __init__(self, kind, where, marker, always=False, which=0):
        self.kind, self.where, self.marker, self.always = kind, where, Path(marker), always
        self.calls = {"reset": 0, "step": 0}
        Faulty.made += 1
        self.chosen = which in (0, Faulty.made)

    def reset(self, seed):
        return self.maybe("reset") or super().reset(seed)

    def step(self, action):
        return self.maybe("step") or super().step(action)

    def maybe(self, where):
        self.calls[where] += 1
        if where != self.where or not self.chosen or not (self.always or self.calls[where] >= 3):
            return None
        if not self.always:
            try:
                self.marker.touch(exist_ok=False)
            except FileExistsError:
                return None
        if self.kind == "crash":
            os._exit(7)
        if self.kind == "hang":
            time.sleep(1000)
        if self.kind == "broken":
            raise Broken("the game is gone")
        if self.kind == "error":
            raise KeyError("no such unit")
        return np.zeros((1, 1)), [0.0], np.ones((2, 3)), [True, True]


class WithProgram(Walk):
    """A walk that starts a program beside it, as StarCraft does, and writes both process numbers to a file."""

    def __init__(self, folder):
        self.folder, self.program = Path(folder), None

    def reset(self, seed):
        if self.program is None:
            self.program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            (self.folder / f"pids-{os.getpid()}").write_text(f"{os.getpid()} {self.program.pid}")
        return super().reset(seed)


class Stubborn(WithProgram):
    """The same, and it does not want to end."""

    def close(self):
        time.sleep(1000 if self.program else 0)


class Drift(Walk):
    """A walk that claims to follow its seed and does not."""

    def reset(self, seed):
        return super().reset(int.from_bytes(os.urandom(4), "little"))
