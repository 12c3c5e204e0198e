"""How fast the games are: environment-steps per second on one core, reported and never asserted."""

import numpy as np
import pytest

from toy_envs import climb_v0, fridge_v0, penalty_v0, ring_v0, warehouse_v0, xor_v0

ONE_SHOT = {
    "fridge": fridge_v0.game(),
    "ring of 5": ring_v0.game(5),
    "ring of 32 in triples": ring_v0.game(32, span=3),
    "ring of 100": ring_v0.game(100),
    "climb": climb_v0.game(),
    "penalty": penalty_v0.game(),
    "xor": xor_v0.game(),
}


def report(benchmark, steps):
    """Write env-steps/s into the report (nothing to write where benchmarks are switched off)."""
    if benchmark.stats is not None:
        benchmark.extra_info["env_steps_per_s"] = round(steps / benchmark.stats.stats.median)


@pytest.mark.parametrize("game", ONE_SHOT.values(), ids=ONE_SHOT)
def test_one_shot_games_at_batch_1024(benchmark, game):
    rng = np.random.default_rng(0)
    action = rng.integers(len(game.actions), size=(1024, len(game.agents)))

    def episode():
        return game.step(game.reset(rng, 1024), action).reward

    benchmark(episode)
    report(benchmark, 1024)


@pytest.mark.parametrize("observe", [False, True], ids=["step", "step and observe"])
@pytest.mark.parametrize("preset", warehouse_v0.PRESETS)
def test_warehouse_at_batch_1024(benchmark, preset, observe):
    game, rng = warehouse_v0.game(preset), np.random.default_rng(0)
    state = game.reset(rng, 1024)
    actions = rng.integers(len(game.actions), size=(16, 1024, len(game.agents)))

    def steps():
        reached = state
        for action in actions:
            step = game.step(reached, action)
            reached, _ = step.state, step.reward
            if observe:
                game.observe(reached)
        return reached

    benchmark(steps)
    report(benchmark, 16 * 1024)


@pytest.mark.parametrize("module", [fridge_v0, warehouse_v0], ids=["fridge", "warehouse"])
def test_one_pettingzoo_environment(benchmark, module):
    env, rng = module.parallel_env(), np.random.default_rng(0)
    actions = [
        dict(zip(env.possible_agents, rng.integers(2, size=len(env.possible_agents)), strict=True)) for _ in range(16)
    ]
    env.reset(seed=0)

    def steps():
        for action in actions:
            if not env.agents:
                env.reset()
            env.step(action)

    benchmark(steps)
    report(benchmark, 16)


def test_picture_of_a_one_shot_game(benchmark):
    env = fridge_v0.parallel_env(render_mode="rgb_array")
    env.reset(seed=0)
    benchmark(env.render)
