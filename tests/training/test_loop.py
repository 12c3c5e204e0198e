"""The loop on toy games: every method learns without NaN, a resumed run is the same run, nothing is overwritten."""

import dataclasses
import json
import math
import re
import tracemalloc

import numpy as np
import pytest
import torch

from maca_edu import envs
from maca_edu.training import checkpoint, loop
from maca_edu.training.config import Config
from maca_edu.training.judging import judge
from maca_edu.training.methods import METHODS, find
from maca_edu.training.play import env_seed
from maca_edu.training.returns import rollout_returns
from maca_edu.training.run_directory import RunDirectory
from maca_edu.training.team import Team
from maca_edu.training.trainer import Trainer, sizes_of

SMALL = Config(rollout=4, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4)
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=6"


def train(method, updates, env="toy/fridge", batch=8, seed=0, config=SMALL, **options):
    steps = updates * config.rollout * batch
    return loop.train(envs.make(env, batch), method, steps, seed, config=config, **options)


def weights(run):
    return torch.cat(
        [p.detach().flatten() for net in (run.learner.actor, run.learner.critic) for p in net.parameters()]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("env", ["toy/fridge", WAREHOUSE])
def test_every_method_trains(method, env):
    """On the warehouse the clock cuts episodes, so final observations are bootstrapped from."""
    run = train(method, 3, env)
    assert run.metrics["update"].tolist() == [1, 2, 3]
    assert run.metrics["env_steps"].tolist() == [32, 64, 96]
    for name, column in run.metrics.items():
        if name == "psi_signal_share":  # there is none before the eighth generation
            continue
        measured = column[:1] if name.startswith(("noise", "variance", "cosine", "level", "action_share")) else column
        if name != "return_mean" or env == "toy/fridge":
            assert np.isfinite(measured).all(), name
    untrained = Trainer(envs.make(env, 8), find(method), 0, SMALL)
    assert (weights(run) != weights(untrained)).float().mean() > 0.3
    assert {name.rpartition("_")[2] for name in list(run.metrics)[-4:]} == {"seconds", "second"}


@pytest.mark.parametrize("method", ["coma", "maca", "maca-dec"])
def test_the_critics_own_q_as_advantage(method):
    run = train(method, 2, config=dataclasses.replace(SMALL, advantage="critic"))
    assert np.isfinite(run.metrics["policy_loss"]).all()
    with pytest.raises(ValueError, match="not for method='mappo'"):
        train("mappo", 1, config=dataclasses.replace(SMALL, advantage="critic"))


@pytest.mark.parametrize("method", ["mappo", "maca", "happo", "coma", "ppo-mix", "maca-lsq", "maca-ob"])
def test_a_resumed_run_is_the_uninterrupted_run(method, tmp_path):
    """Stopped after 7 updates, the last checkpoint after 6; metrics and weights end equal to the last bit."""
    whole = train(method, 10, WAREHOUSE, out=tmp_path / "whole", save_every=3)

    class KilledError(Exception):
        pass

    def kill(row):
        if row["update"] == 7:
            raise KilledError

    with pytest.raises(KilledError):
        train(method, 10, WAREHOUSE, out=tmp_path / "cut", save_every=3, report=kill)
    with open(tmp_path / "cut" / "metrics.csv", "a") as file:
        file.write("8,25")  # died as it wrote
    resumed = train(method, 10, WAREHOUSE, out=tmp_path / "cut", save_every=3, resume=True)
    assert torch.equal(weights(resumed), weights(whole))
    for name in whole.metrics:
        if not name.endswith(("_seconds", "_per_second")):
            np.testing.assert_array_equal(resumed.metrics[name], whole.metrics[name])
    first, second = (RunDirectory(tmp_path / name).rows(99) for name in ("whole", "cut"))
    clocks = ("env_seconds", "act_seconds", "learn_seconds", "steps_per_second")
    assert str([{k: v for k, v in row.items() if k not in clocks} for row in first]) == str(
        [{k: v for k, v in row.items() if k not in clocks} for row in second]
    )
    assert (weights(train(method, 10, WAREHOUSE, seed=1)) != weights(whole)).any()


def test_a_table_is_its_rows_by_columns_and_small():
    rows = [{"update": 1, "loss": 0.5, "wins": 0}, {"update": 2, "loss": math.nan, "other": 3.0, "wins": 0.5}]
    rows.append({"update": 3})
    found = loop.Table(rows).columns()
    assert str({name: column.tolist() for name, column in found.items()}) == str(
        {name: [row.get(name, math.nan) for row in rows] for name in rows[0]} | {"wins": [0.0, 0.5, math.nan]}
    )
    assert (found["update"].dtype.kind, found["wins"].dtype.kind) == ("i", "f")
    assert loop.Table().columns() == {}
    tracemalloc.start()
    many = loop.Table({f"column {k}": 0.1 * k for k in range(50)} for _ in range(1_000))
    assert tracemalloc.get_traced_memory()[0] < 600_000
    tracemalloc.stop()
    assert len(many.columns()["column 7"]) == 1_000


def test_a_run_directory_is_not_overwritten(tmp_path):
    out = tmp_path / "run"
    train("mappo", 2, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert before.keys() == {"config.json", "metrics.csv", "state.npz"}
    for options in (dict(), dict(resume=True, seed=1), dict(resume=True, config=dataclasses.replace(SMALL, lr=1.0))):
        with pytest.raises(ValueError, match=re.escape(f"out={str(out)!r}")):
            train("mappo", 2, out=out, **options)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    longer = train("mappo", 3, out=out, resume=True)
    assert len(longer.metrics["update"]) == 3
    assert json.loads((out / "config.json").read_text())["steps"] == 96


def test_a_loaded_run_is_the_run(tmp_path):
    run = train("maca", 3, out=tmp_path / "run")
    again = loop.load(envs.make("toy/fridge", 8), tmp_path / "run")
    assert torch.equal(weights(again), weights(run))
    for name, column in run.metrics.items():
        np.testing.assert_array_equal(again.metrics[name], column)
    with pytest.raises(ValueError, match="is not the directory of a run"):
        loop.load(envs.make("toy/fridge", 8), tmp_path)
    assert checkpoint.load(tmp_path / "run" / "state.npz")["updates"] == 3


def test_playing_is_greedy_and_on_seeds_of_its_own():
    run = train("mappo", 1, WAREHOUSE)
    seeds = {env_seed(seed, purpose) for seed in range(50) for purpose in ("train", "evaluate")}
    assert len(seeds) == 100
    draws = run.learner.draws.get_state()
    result = [loop.play(run, envs.make(WAREHOUSE, 5), seed) for seed in (0, 0, 1)]
    assert result[0] == result[1] != result[2]
    assert result[0].win_rate is None
    assert torch.equal(run.learner.draws.get_state(), draws)  # no action was drawn
    view = envs.make(WAREHOUSE, 5).reset(0)
    probs = run.learner.actor(torch.from_numpy(view.obs), torch.from_numpy(view.available))[0].probs
    np.testing.assert_array_equal(run.policy(view), probs.argmax(dim=-1).numpy())


def test_cut_episodes_bootstrap_from_the_observation_they_ended_on():
    env = envs.make("toy/warehouse?preset=tiny&horizon=4", 8)
    trainer = Trainer(env, find("mappo"), 0, SMALL)
    state = env.state_dict()["state"]
    rollout, *_ = trainer.collect()
    learner = trainer.learner
    for action in rollout.action.numpy():  # the game itself says where each episode ended
        state = env.game.step(state, action).state
    cut = rollout.truncated[3]
    assert cut.any()
    assert not rollout.truncated[:3].any()
    judgement = judge(learner.actor, learner.critic, rollout)
    got = rollout_returns(rollout, judgement, SMALL).view(rollout.shape)[3, cut]
    norm = learner.critic.outputs[0].norm
    with torch.no_grad():
        final, after = (
            norm.denormalise(learner.critic.net(torch.from_numpy(env.game.features(s)))[0])[cut]
            for s in (state, env.state_dict()["state"])
        )
    torch.testing.assert_close(got, rollout.reward[3, cut] + 0.99 * final)
    assert not torch.allclose(final, after)  # the next episode's first state is another


def test_separate_networks_act_each_for_its_agent():
    sizes = sizes_of(envs.make("toy/fridge", 2))
    team = Team(sizes, SMALL, shared=False)
    obs, legal = torch.randn(5, 4, sizes.obs), torch.ones(5, 4, 2, dtype=torch.bool)
    together = team(obs, legal)[0].probs
    for i in range(4):
        alone = team(obs[:, i : i + 1], legal[:, i : i + 1], agent=i)[0].probs
        torch.testing.assert_close(alone, together[:, i : i + 1])
    assert len(team.nets) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(rollout=0), "rollout=0"),
        (dict(advantage="q"), "advantage='q'; allowed are return, critic"),
        (dict(sigma=2), "sigma=2"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Config(**change)


def test_wrong_lengths_are_refused(tmp_path):
    with pytest.raises(ValueError, match="steps=31; one update takes rollout"):
        loop.train(envs.make("toy/fridge", 8), "mappo", 31, config=SMALL)
    with pytest.raises(ValueError, match="minibatches=33; allowed are 1 to 32"):
        train("mappo", 1, config=dataclasses.replace(SMALL, minibatches=33), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["mappo", "maca"])
@pytest.mark.parametrize("seed", range(3))
def test_fridge_is_learned(method, seed):
    """95 % of the optimum, 5, within 20,000 steps; sampled play of the last rollouts, and greedy play."""
    run = loop.train(envs.make("toy/fridge", 32), method, 10_000, seed)
    assert run.metrics["env_steps"][-1] <= 20_000
    assert run.metrics["return_mean"][-5:].mean() >= 4.75
    assert loop.play(run, envs.make("toy/fridge", 4), seed).return_mean == 5.0
