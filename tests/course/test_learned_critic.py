"""What chapter 9 measures of a learned critic, against plain sums over joint actions."""

from itertools import product

import numpy as np
import pytest
import torch

from maca_edu import envs, exact
from maca_edu.course.learned_critic import LOOKS, critic_tables, critique, exact_coma, measured, team_policy
from maca_edu.training.config import Config
from maca_edu.training.methods import COMA
from maca_edu.training.records import CriticInput
from maca_edu.training.trainer import Trainer
from toy_envs import climb_v0, fridge_v0

SMALL = Config(rollout=1, minibatches=1, epochs=1, diagnose_every=0)


def test_a_critic_without_errors_has_no_bias():
    q, rng = fridge_v0.game().payoff(), np.random.default_rng(0)
    found = critique(np.stack([q] * 4), q, rng.dirichlet(np.ones(2), size=4))
    assert found.error == found.own == found.bias == 0
    assert found.cosine == pytest.approx(1)


def test_the_pencils_error_turns_the_lifts_of_b():
    q, half = fridge_v0.game().payoff(), np.full((4, 2), 0.5)
    tables = np.stack([q] * 4)
    tables[1] -= np.indices(q.shape)[1]  # B's critic takes B's lift to be worth 1 less
    found = critique(tables, q, half)
    assert found.error == pytest.approx(np.sqrt(0.5 / 4))  # the mean square over four agents
    assert found.own == pytest.approx(np.sqrt(0.25 / 4))
    assert found.bias == pytest.approx(np.sqrt(2) / 4)  # 1/4 less for the lift, 1/4 more for the rest


@pytest.mark.parametrize("game", [fridge_v0.game(), climb_v0.game()], ids=lambda game: game.name)
def test_exact_coma_is_the_exact_individual_advantage(game):
    q, n, A = game.payoff(), game.n_agents, len(game.actions)
    policy = np.random.default_rng(1).dirichlet(np.ones(A), size=n)
    actions = list(product(range(A), repeat=n))
    batch = type("Batch", (), {})()  # what the row asks for, and nothing else
    batch.action = torch.tensor(actions)
    batch.policy = torch.from_numpy(policy).float().expand(len(actions), -1, -1)
    got = exact_coma(game).advantage(batch).numpy()  # [S, n]
    for i in range(n):
        wanted = exact.advantage(q, policy, (i,))
        assert got[:, i] == pytest.approx([wanted[a] for a in actions], abs=1e-4)


def test_the_critics_table_is_what_it_says_when_asked_one_by_one():
    env = envs.make("toy/climb", batch=4)
    trainer = Trainer(env, COMA, 3, SMALL)
    trainer.step()
    learner, view = trainer.learner, env.view()
    policy = team_policy(learner, env.game)
    assert policy.sum(axis=1) == pytest.approx(1)
    tables = critic_tables(learner, env.game, policy)
    assert tables.shape == (2, 3, 3)
    obs, state = torch.from_numpy(view.obs[:1]), torch.from_numpy(view.state[:1])
    for action in product(range(3), repeat=2):
        pi, first = torch.from_numpy(policy).float()[None], torch.ones(1, dtype=torch.bool)
        with torch.no_grad():
            q = learner.critic.judge(CriticInput(obs, state, torch.tensor([action]), pi, first, None)).q[0]
        assert tables[:, action[0], action[1]] == pytest.approx(q.numpy(), abs=1e-5)


def test_a_team_that_follows_exact_coma_learns_fridge():
    env = envs.make("toy/fridge", batch=16)
    trainer = Trainer(
        env, exact_coma(env.game), 0, Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0, lr=0.01)
    )
    for _ in range(25):
        trainer.step()
    assert exact.value(env.game.payoff(), team_policy(trainer.learner, env.game)) > 4.5


@pytest.mark.parametrize("game", ["Fridge", "Ring"])
def test_the_experiment_has_twenty_runs_of_every_arm(game):
    assert {arm: values.shape for arm, values in measured(game, "value").items()} == dict.fromkeys(
        ("MAPPO", "COMA, exact", "COMA, return", "COMA, critic"), (20, 50)
    )
    assert {arm: bias.shape for arm, bias in measured(game, "bias").items()} == dict.fromkeys(
        ("COMA, return", "COMA, critic"), (20, len(LOOKS))
    )
