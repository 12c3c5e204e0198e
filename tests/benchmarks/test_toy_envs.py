"""How much faster games are that are stepped together, and what observing and PettingZoo cost."""

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


def episodes(game, rng, batch):
    """One episode of each of `batch` copies of a one-shot game, stepped together."""
    action = rng.integers(len(game.actions), size=(batch, len(game.agents)))
    return lambda: game.step(game.reset(rng, batch), action).reward


@pytest.mark.parametrize("name", ONE_SHOT)
def test_one_shot_games_together(compare, name):
    rng = np.random.default_rng(0)
    single, together = episodes(ONE_SHOT[name], rng, 1), episodes(ONE_SHOT[name], rng, 64)

    def one_after_the_other():
        for _ in range(64):
            single()

    compare(f"{name}: 64 episodes, one after the other over all together", one_after_the_other, together)


def steps(game, rng, batch, observe):
    """Four steps of `batch` copies."""
    state = game.reset(rng, batch)
    actions = rng.integers(len(game.actions), size=(4, batch, len(game.agents)))

    def run():
        reached = state
        for action in actions:
            reached = game.step(reached, action).state
            if observe:
                game.observe(reached)

    return run


@pytest.mark.parametrize("preset", warehouse_v0.PRESETS)
def test_warehouses_together(compare, preset):
    game, rng = warehouse_v0.game(preset), np.random.default_rng(0)
    single, together = steps(game, rng, 1, observe=False), steps(game, rng, 64, observe=False)

    def one_after_the_other():
        for _ in range(64):
            single()

    compare(f"warehouse {preset}: 64 games, one after the other over all together", one_after_the_other, together)


@pytest.mark.parametrize("preset", warehouse_v0.PRESETS)
def test_observing_the_warehouse(compare, preset):
    game, rng = warehouse_v0.game(preset), np.random.default_rng(0)
    compare(
        f"warehouse {preset}, 1,024 games: stepping and observing over stepping",
        steps(game, rng, 1024, observe=True),
        steps(game, rng, 1024, observe=False),
    )


def test_pettingzoo(compare):
    env, rng = warehouse_v0.parallel_env(), np.random.default_rng(0)
    env.reset(seed=0)
    actions = [
        dict(zip(env.possible_agents, row, strict=True)) for row in rng.integers(2, size=(4, env.max_num_agents))
    ]

    def pettingzoo_steps():
        for action in actions:
            if not env.agents:
                env.reset()
            env.step(action)

    compare(
        "one warehouse: by PettingZoo's interface over the game itself, which observes, too",
        pettingzoo_steps,
        steps(warehouse_v0.game(), rng, 1, observe=True),
    )
