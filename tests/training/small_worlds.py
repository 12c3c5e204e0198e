"""Two team environments that need what the toy games do not: a memory, and actions that are numbers."""

import numpy as np

from maca_edu.team_env import Entities, Group, Part, TeamStep, View


class Recall:
    """Two agents see a bit in the first step, nothing in the second, and are paid for saying it in the third."""

    deterministic, terms = True, None
    entities = Entities((Group("bit", 1, (Part(0, 1),)),))  # the clock is nobody's
    name, n_agents, n_actions, obs_size, state_size, horizon, continuous = "test/recall", 2, 2, 2, 2, 3, False

    def __init__(self, batch):
        self.batch = batch
        self.reset(0)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.bit, self.time = self.rng.integers(2, size=self.batch), np.zeros(self.batch, dtype=int)
        return self.view()

    def view(self):
        sign = np.where(self.time == 0, 2 * self.bit - 1, 0)
        state = np.stack([sign, self.time / 2], axis=1).astype(np.float32)  # [B, 2]
        legal = np.ones((self.batch, 2, 2), dtype=bool)
        return View(np.repeat(state[:, None], 2, axis=1), state, legal, np.ones((self.batch, 2), dtype=bool))

    def step(self, action):
        right = (action == self.bit[:, None]).mean(axis=1)
        reward = np.where(self.time == 2, right, 0).astype(np.float32)
        self.time += 1
        over, final = self.time == 3, self.view()
        self.bit = np.where(over, self.rng.integers(2, size=self.batch), self.bit)
        self.time[over] = 0
        return TeamStep(self.view(), final, reward, over, np.zeros_like(over), over & (right == 1), {"right": right})

    def state_dict(self):
        return dict(bit=self.bit.copy(), time=self.time.copy(), rng=str(self.rng.bit_generator.state))

    def load_state_dict(self, state):
        self.bit, self.time = state["bit"].copy(), state["time"].copy()
        self.rng.bit_generator.state = eval(state["rng"])

    def close(self):
        pass


class Aim:
    """Three agents name numbers, agent 2 one, the others two: -(mean squared distance from what each sees).

    Beside its goals an agent sees 1 and -1: feature normalisation would leave of two numbers alone only their order.
    """

    deterministic, terms = True, None
    entities = Entities((Group("agents", 3, (Part(0, 4),)),))
    name, n_agents, n_actions, obs_size, state_size, horizon, continuous = "test/aim", 3, 2, 4, 12, 1, True

    def __init__(self, batch):
        self.batch = batch
        self.real = np.array([[True, True], [True, True], [True, False]])
        self.reset(0)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.draw()
        return self.view()

    def draw(self):
        self.goal = self.rng.uniform(-1, 1, (self.batch, 3, 2)).astype(np.float32)

    def view(self):
        real = np.repeat(self.real[None], self.batch, axis=0)
        signs = np.broadcast_to(np.array([1, -1], dtype=np.float32), self.goal.shape)
        obs = np.concatenate([self.goal, signs], axis=-1)  # [B, 3, 4]
        return View(obs, obs.reshape(self.batch, 12).copy(), real, real[..., 0].copy())

    def step(self, action):
        assert action.shape == (self.batch, 3, 2)
        assert (action[:, 2, 1] == 0).all()  # a number that does not exist
        reward = -(((action - self.goal) ** 2)[:, self.real]).mean(axis=1)
        final = self.view()
        self.draw()
        over = np.ones(self.batch, dtype=bool)
        return TeamStep(self.view(), final, reward.astype(np.float32), over, ~over)

    def close(self):
        pass
