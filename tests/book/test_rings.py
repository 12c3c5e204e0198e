"""The tables of book/rings.py are made of its runs, and a run is counted to the update that reaches the goal."""

from dataclasses import replace

import learned
import numpy as np
import pytest
import rings
import scipy.stats

TABLES = sorted(path.stem for path in rings.DATA.glob("*.md"))


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_made_of_the_data(name, monkeypatch):
    monkeypatch.setattr(rings, "updates_to_goal", None)  # a run that is missing is an error, and is not trained
    runs = rings.Runs(name)
    assert (rings.DATA / f"{name}.md").read_text(encoding="utf-8") == rings.table(runs) + "\n"
    assert len(runs.done) >= len(runs.race.arms) * len(runs.race.rates) * len(runs.race.tuning)


def test_claims_about_policies_of_their_own():
    """What the guide says of the arms with 32 agents."""
    runs = rings.Runs("own_policies_32")
    arms = tuple(runs.race.arms)
    assert arms == ("joint", "equal thirds", "CMA-ES", "least squares", "individual", "best legal")
    assert [rings.lost(runs, arm) for arm in arms] == [2, 0, 9, 1, 1, 2]
    change = learned.updates("own_policies_32", "joint", "individual")
    share = rings.reached(runs, "individual").mean / 100
    assert (share * change.mean, share * change.half) == pytest.approx((-1.4, 7.5), abs=0.05)
    means = {
        (arm, rate): np.mean([runs.updates(arm, rate, seed) for seed in runs.race.tuning])
        for arm in ("CMA-ES", "equal thirds")
        for rate in (0.004, 0.008)
    }
    assert list(means.values()) == pytest.approx([24.8, 21.8, 24.0, 39.0], abs=0.05)


def test_claims_about_sixty_four_agents():
    """What the guide says of 64 agents, and of the two arms at one slow rate."""
    runs = rings.Runs("own_policies_64")
    assert [rings.lost(runs, arm) for arm in runs.race.arms] == [5, 4, 3, 0, 0, 2]
    assert runs.best_rate("joint") == 0.004
    assert runs.best_rate("individual") == 0.002
    assert more_updates("own_policies_64") == pytest.approx((5.4, 9.5), abs=0.05)
    assert scipy.stats.fisher_exact([[5, 5], [0, 10]]).pvalue == pytest.approx(0.03, abs=0.005)

    slow = rings.Runs("own_policies_64_slow")
    assert [rings.lost(slow, arm) for arm in slow.race.arms] == [0, 0]
    assert more_updates("own_policies_64_slow") == pytest.approx((10.5, 6.9), abs=0.05)
    needed = {arm: [slow.updates(arm, 0.002, seed) for seed in slow.race.seeds] for arm in slow.race.arms}
    assert sum(a > b for a, b in zip(needed["joint"], needed["individual"], strict=True)) == 9


def more_updates(race: str) -> tuple[float, float]:
    """How many updates more the joint baseline needs than the individual one, and half of the 95 % interval."""
    change = learned.updates(race, "joint", "individual")
    share = rings.reached(rings.Runs(race), "individual").mean / 100
    return share * change.mean, share * change.half


def test_claims_about_the_warehouse():
    runs = rings.Runs("warehouse")
    assert [rings.lost(runs, arm) for arm in runs.race.arms] == [4, 3, 5, 6]
    changes = [learned.words(learned.updates("warehouse", arm, "joint")) for arm in list(runs.race.arms)[1:]]
    assert changes == ["+2 % ± 17", "−8 % ± 19", "+8 % ± 11"]
    assert len({runs.best_rate(arm) for arm in runs.race.arms}) == 3


def test_an_interval_by_hand(monkeypatch):
    # 1, 2, 3: mean 2, deviation 1, t(.975; 2) = 4.3027, half length 4.3027 / sqrt(3); seed 2 took all updates
    runs = rings.Runs("one_shot")
    runs.race = replace(runs.race, rates=(0.1, 0.2), tuning=range(5, 6), seeds=range(3), updates=3)
    runs.done = {("joint", 0.1, 5): 9, ("joint", 0.2, 5): 8} | {("joint", 0.2, seed): seed + 1 for seed in range(3)}
    assert rings.reached(runs, "joint") == pytest.approx((2.0, 2 - 2.4842, 2 + 2.4842), abs=1e-3)
    assert rings.lost(runs, "joint") == 1


@pytest.mark.parametrize(("returns", "updates"), [([4, 0, 1, 3, 2, 9], 5), ([9, 0, 9], 2), ([0, 0, 0, 4], 4)])
def test_the_goal_is_a_mean_over_a_window(returns, updates, monkeypatch):
    """Goal 2.5, the mean of two: one high return does not do, and a run that never gets there counts in full."""

    class Played:
        def __init__(self, *_):
            self.returns = iter(returns)

        def step(self):
            return {"return_mean": next(self.returns)}

    monkeypatch.setattr(rings, "Trainer", Played)
    race = replace(rings.ONE_SHOT, goal=2.5, window=2, updates=len(returns))
    assert rings.updates_to_goal(race, None, None, 0) == updates
