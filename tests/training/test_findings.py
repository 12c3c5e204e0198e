"""What a run notices about itself: each finding in a small game where it occurs, and nothing in a healthy run."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_worlds import Aim

from maca_edu import envs
from maca_edu.experiments.monitor import noticed
from maca_edu.team_env import TeamStep, View
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.findings import FEWEST, Watch, glimpse
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer, sizes_of

SIZES = dict(actor_sizes=(16,), critic_sizes=(16,), minibatches=1, diagnose_every=0)


class Signs:
    """Two agents see `numbers` signs, and each is paid for an action that tells the first of them.

    pay(right, rng): the reward `[B]`, from the share of agents who were right, `[B]`. blank: so many of the numbers are
    always 0.
    """

    deterministic, terms, entities = True, None, None
    name, n_agents, horizon, continuous = "test/signs", 2, 1, False

    def __init__(self, batch, pay=lambda right, rng: right, numbers=6, blank=0, n_actions=2):
        self.batch, self.pay, self.blank, self.n_actions = batch, pay, blank, n_actions
        self.obs_size = self.state_size = numbers
        self.reset(0)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.draw()
        return self.view()

    def draw(self):
        self.seen = self.rng.choice([-1.0, 1.0], size=(self.batch, self.obs_size)).astype(np.float32)
        self.seen[:, : self.blank] = 0

    def view(self):
        legal = np.ones((self.batch, 2, self.n_actions), dtype=bool)
        return View(np.repeat(self.seen[:, None], 2, axis=1), self.seen.copy(), legal, legal[..., 0].copy())

    def step(self, action):
        right = (action == (self.seen[:, :1] > 0)).mean(axis=1)
        reward, final = self.pay(right, self.rng), self.view()
        self.draw()
        over = np.ones(self.batch, dtype=bool)
        return TeamStep(self.view(), final, reward.astype(np.float32), over, ~over)

    def state_dict(self):
        return dict(seen=self.seen.copy(), rng=str(self.rng.bit_generator.state))

    def load_state_dict(self, state):
        self.seen, self.rng.bit_generator.state = state["seen"].copy(), eval(state["rng"])

    def close(self):
        pass


def noise(right, rng):
    return rng.normal(size=len(right))


def found(env, updates=FEWEST, **settings):
    """The findings of a short run, by their names."""
    config = Config(**(SIZES | dict(rollout=4) | settings))
    run = loop.train(env, "mappo", updates * config.rollout * env.batch, config=config)
    return {finding.name: finding for finding in run.findings}


def test_a_healthy_run_notices_nothing():
    assert not found(Signs(32), lr=2e-3)


def test_a_short_run_says_nothing():
    assert not found(Signs(8, numbers=4, blank=4), updates=FEWEST - 1)
    assert found(Signs(8, numbers=4, blank=4))


def test_entropy():
    finding = found(Signs(32), updates=40, lr=2e-2, entropy=0.0)["entropy"]
    assert finding.value < finding.limit == 0.1
    assert "of 40 on (its entropy fell below 10 %" in finding.sentence


def test_clipping():
    finding = found(Signs(8, noise), lr=2e-2, epochs=20, clip=0.05, entropy=0.1)["clipping"]
    assert finding.value > finding.limit == 0.3
    assert f"PPO clipped {100 * finding.value:.0f} %" in finding.sentence


def test_value_fit():
    """A critic that learns noise by heart."""
    finding = found(Signs(8, noise), lr=2e-2, epochs=20)["value_fit"]
    assert finding.value < finding.limit < 0
    assert "v_explained is -" in finding.sentence


def test_advantages_without_variance():
    """There is one state, so V moves all advantages together, and the rewards are lost in rounding."""
    finding = found(Signs(8, lambda right, rng: 1e-7 * right, blank=6))["advantages"]
    assert finding.value > finding.limit == 0.5
    assert "In 100 % of the updates" in finding.sentence


def test_a_solved_game_is_no_flat_one():
    """Nothing is tried any more, so all advantages are equal: that is not said a second time."""
    assert found(Signs(32), updates=60, lr=2e-2, entropy=0.0).keys() == {"entropy"}


@pytest.mark.parametrize(("pay", "words"), [(0.0, "paid 0:"), (1e-6, "paid between 0 and 1e-06:")])
def test_a_reward_that_never_varies(pay, words):
    everything = found(Signs(8, lambda right, rng: pay * right))
    assert words in everything["reward"].sentence
    assert "value_fit" not in everything  # there is nothing to explain


def test_observations_that_never_vary():
    finding = found(Signs(8, blank=4))["observations"]
    assert finding.value == pytest.approx(4 / 6)
    assert "4 of the 6 numbers in an observation never varied (counted from 0: 0, 1, 2, 3)" in finding.sentence
    assert "Every observation of the run was the same" in found(Signs(8, blank=6))["observations"].sentence
    assert "observations" not in found(Signs(8, blank=2))


def test_actions_that_were_never_taken():
    finding = found(Signs(16, n_actions=2000))["actions"]
    assert "of agent 0" in finding.sentence
    assert "Of 4000 actions" in finding.sentence
    assert finding.value >= finding.limit == 1000


# ---------------------------------------------------------------------------------------------------------------------
# What is gathered on the way


def rollouts(env, count):
    trainer = Trainer(env, find("mappo"), 0, Config(**SIZES, rollout=5))
    for _ in range(count):
        yield trainer.collect()[0]


def test_a_watch_counts_what_the_living_did():
    env = envs.make("toy/warehouse?preset=tiny&horizon=6", 3)
    watch, kept = Watch(sizes_of(env)), []
    for rollout in rollouts(env, 4):
        watch.take_in([glimpse(rollout)])
        kept.append((rollout.obs.clone(), rollout.action.clone(), rollout.available.clone(), rollout.reward.clone()))
    obs, action, available, reward = (torch.cat(parts) for parts in zip(*kept, strict=True))
    parts = watch.state_dict()
    assert torch.equal(parts["low"], obs.flatten(0, 2).amin(dim=0))
    assert torch.equal(parts["high"], obs.flatten(0, 2).amax(dim=0))
    assert parts["reward"].tolist() == [reward.min(), reward.max()]
    for agent in range(env.n_agents):
        for a in range(env.n_actions):
            assert parts["taken"][agent, a] == (action[..., agent] == a).sum()
            assert parts["legal"][agent, a] == available[..., agent, a].sum()


def test_the_dead_are_not_watched():
    (rollout,) = rollouts(Signs(4), 1)
    dead = rollout.alive.clone()
    dead[:, :, 1] = False
    seen = glimpse(rollout._replace(alive=dead, obs=rollout.obs + 9 * ~dead[..., None]))
    assert seen.high.max() == 1
    assert seen.legal.tolist() == [[20, 20], [0, 0]]
    assert seen.taken.sum(dim=1).tolist() == [20, 0]
    watch = Watch(sizes_of(Signs(4)))
    watch.take_in([glimpse(rollout._replace(alive=torch.zeros_like(dead)))])
    assert not watch.begun


def test_several_processes_see_what_one_sees():
    (rollout,) = rollouts(Signs(6), 1)
    alone, together = Watch(sizes_of(Signs(6))), Watch(sizes_of(Signs(6)))
    alone.take_in([glimpse(rollout)])
    fields = ("obs", "alive", "available", "action", "reward")
    shares = [rollout._replace(**{x: getattr(rollout, x)[:, part] for x in fields}) for part in (slice(2), slice(2, 6))]
    together.take_in([glimpse(share) for share in shares])
    for name, value in alone.state_dict().items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(together.state_dict()[name])), name


def test_a_resumed_run_remembers_what_it_saw(tmp_path):
    config = Config(**SIZES, rollout=4)

    def train(updates, **options):
        return loop.train(Signs(8, blank=4), "mappo", updates * 32, config=config, **options)

    whole = train(FEWEST + 4)
    train(4, out=tmp_path / "run")
    assert train(FEWEST + 4, out=tmp_path / "run", resume=True).findings == whole.findings != ()


def test_actions_that_are_numbers():
    env = Aim(8)
    (rollout,) = rollouts(env, 1)
    watch = Watch(sizes_of(env))
    watch.take_in([glimpse(rollout)])
    assert watch.state_dict()["taken"].shape == (0,)
    assert "entropy" not in found(Aim(8), rollout=1)


def test_the_last_line_of_a_short_run_claims_nothing():
    short = SimpleNamespace(metrics={"update": np.arange(FEWEST - 1)}, findings=())
    long = SimpleNamespace(metrics={"update": np.arange(FEWEST)}, findings=())
    assert "too few to tell" in noticed(short)
    assert noticed(long) == "noticed: nothing"
