"""Environment-steps per second of the warehouse, 1,024 games at once (reported, never asserted)."""

import numpy as np
import pytest

from toy_envs import warehouse_v0

BATCH, STEPS = 1024, 20


def play(game, actions, state, observe):
    """Play the joint actions `[T, B, n]`, with what the agents see after every step or without."""
    for action in actions:
        state = game.step(state, action).state
        if observe:
            game.observe(state)


@pytest.mark.parametrize("observe", [False, True], ids=["step", "step+observe"])
@pytest.mark.parametrize("preset", list(warehouse_v0.PRESETS))
def test_warehouse_speed(benchmark, preset, observe):
    game, rng = warehouse_v0.game(preset), np.random.default_rng(0)
    state = game.reset(rng, BATCH)
    actions = rng.integers(len(game.actions), size=(STEPS, BATCH, game.n_agents))
    benchmark(play, game, actions, state, observe)
    if benchmark.stats:  # None where benchmarks are switched off
        benchmark.extra_info["environment-steps/s"] = round(BATCH * STEPS / benchmark.stats.stats.median)
        print(f"\n{benchmark.name}: {benchmark.extra_info['environment-steps/s']:,} environment-steps/s")
