"""The table of all methods in the toy games, and what the guide "Learning curves" says of it."""

import sys
from pathlib import Path

import numpy as np
from scipy.stats import ttest_ind

BOOK = Path(__file__).parents[2] / "book"
sys.path.insert(0, str(BOOK))
import toys  # noqa: E402
from peer_curves import lead  # noqa: E402

from maca_edu.exact.baselines import squared_scores  # noqa: E402
from maca_edu.experiments.sweep_tables import read_curves, read_final, read_measured  # noqa: E402
from maca_edu.training.methods import METHODS  # noqa: E402
from toy_envs import climb_v0, fridge_v0, longring_v0, ring_v0  # noqa: E402

OWN = ("maca-ob", "maca-ind", "maca-ob-own", "maca-ind-own")  # see book/climb_trials.py
FOLLOW_THE_CRITIC = ("ppo-sum", "ppo-mix", "maca-text")  # no return in their advantage
GUIDE = " ".join((BOOK / "guides" / "curves.md").read_text(encoding="utf-8").split())


def test_table_and_commands_are_made_of_the_data():
    assert (toys.DATA / "toys" / "table.md").read_text() == toys.table()
    assert (toys.DATA / "toys" / "commands.md").read_text() == toys.commands()
    assert (BOOK / "_static" / "toys.png").stat().st_size > 10_000


def test_what_the_best_team_earns():
    """The warehouse's number is asserted in tests/exact/test_practice_optimum.py."""
    one_shot = (fridge_v0.game(), ring_v0.game(n_agents=16, span=3), climb_v0.game())
    ring = longring_v0.game()
    best = [*(game.payoff().max() for game in one_shot), ring.horizon * ring.n_agents * (ring.reward - ring.cost)]
    np.testing.assert_allclose([game.best for game in toys.GAMES[:4]], best)


def test_every_method_has_every_seed():
    for game in toys.GAMES:
        values = toys.returns(game)
        assert list(values) == list(METHODS)
        assert len({len(seeds) for seeds in values.values()}) == 1


def test_a_cell_is_the_mean_and_the_worst_seed():
    climb = toys.returns(toys.Game("climb", "Climb", 11.0))["mappo"]
    row = next(line for line in toys.table().splitlines() if line.startswith("| mappo |"))
    assert f"{sum(climb) / len(climb):.2f} ({min(climb):.2f})" in row


def test_who_climbs_where():
    ends = toys.returns(toys.Game("climb", "Climb", 11.0))
    usual = [x for name, seeds in ends.items() if name not in (*FOLLOW_THE_CRITIC, "maca-ob") for x in seeds]
    assert set(usual) == {6.0, 7.0}
    assert f"{sum(x == 7 for x in usual)} of {len(usual)} runs" in GUIDE
    assert sorted(ends["maca-ob"]) == [6.0] * 8 + [7.0] * 2
    assert {name: sum(seeds == 11) for name, seeds in ends.items() if (seeds == 11).any()} == {
        "ppo-sum": 1,
        "maca-text": 1,
    }


def test_one_shot_games_with_a_return_end_at_the_best():
    for game in toys.GAMES[:2]:
        for name, seeds in toys.returns(game).items():
            assert name in FOLLOW_THE_CRITIC or (seeds == game.best).all()
    ring = toys.returns(toys.GAMES[1])
    assert [(ring[name] < 12).sum() for name in FOLLOW_THE_CRITIC] == [0, 1, 5]


def test_the_long_ring():
    (game,) = (game for game in toys.GAMES if game.folder == "longring")
    assert {tuple(seeds) for seeds in toys.returns(game).values()} == {(75.0,) * 10}
    passed: dict[str, dict[int, int]] = {name: {} for name in METHODS}
    for point in read_curves(toys.DATA / "toys_longring" / "curves.csv"):
        if point.return_mean >= 71:
            passed[point.method].setdefault(point.seed, point.env_steps)
    steps = {name: np.array([by_seed[seed] for seed in range(10)]) for name, by_seed in passed.items()}
    others = [x for name, x in steps.items() if name not in FOLLOW_THE_CRITIC]
    assert (steps["ppo-mix"] < np.min(others, axis=0)).sum() == 5
    assert (steps["ppo-mix"] <= np.min(others, axis=0)).all()
    assert sum(set(x) == {26_624} for x in others) == 13
    assert sorted(steps, key=lambda name: steps[name].mean())[-2:] == ["maca-released", "maca-text"]
    assert sorted(steps["maca-text"])[-2:] == [30_720, 79_872]
    for name in ("ppo-mix", "ppo-sum", "maca-text", "maca-released"):
        assert f"{steps[name].mean():,.0f}" in GUIDE


def test_the_warehouse():
    (game,) = (game for game in toys.GAMES if game.folder == "practice")
    ends = toys.returns(game)
    order = sorted(ends, key=lambda name: ends[name].mean())
    assert set(order[:3]) == set(FOLLOW_THE_CRITIC)
    assert order[3] == "happo"
    assert order[4] == "ippo"
    means = {name: f"{values.mean():.2f}" for name, values in ends.items()}
    assert f"at {means['ippo']} it is lower than all of them but HAPPO" in GUIDE
    assert f"not told from MAPPO (p = {p_value(ends['ippo'], ends['mappo'])})" in GUIDE
    assert f"MACA ends at {means['maca']} on average of ten seeds and MAPPO at {means['mappo']}" in GUIDE
    lead_of = ends["maca"] - ends["mappo"]
    early = p_value(ends["maca"][:7], ends["mappo"][:7])
    assert f"After seven seeds the lead was {lead_of[:7].mean():.1f} and p {early}." in GUIDE
    assert f"there MAPPO was ahead, by {-lead_of[7:].mean():.1f}".replace("0.", ".") in GUIDE
    assert f"MACA's critic, ends at {ends['maca-jnt'].mean():.2f}" in GUIDE
    assert {len(seeds) for seeds in ends.values()} == {10}
    assert f"does not tell them apart (p = {p_value(ends['maca'], ends['mappo'])})" in GUIDE
    before: dict[tuple[str, int], float] = {}
    for point in read_curves(toys.DATA / "practice" / "curves.csv"):
        if point.env_steps <= 204_800:
            before[point.method, point.seed] = point.return_mean
    mappo, maca = (np.mean([x for (name, _), x in before.items() if name == which]) for which in ("mappo", "maca"))
    assert f"it was ahead, too, by {mappo - maca:.1f} after".replace("0.", ".") in GUIDE


def p_value(a: np.ndarray, b: np.ndarray) -> str:
    """Welch's, as the guide prints it."""
    return f"{ttest_ind(a, b, equal_var=False).pvalue:.2f}".removeprefix("0")


def test_how_far_advantages_deviate_in_climb():
    rows = read_measured(toys.DATA / "toys_climb" / "measured.csv")
    ours, plain = (
        np.mean([row.means["advantage_std"] for row in rows if row.method == name]) for name in ("maca-ob", "maca-ind")
    )
    assert f"deviate {ours / plain:.1f} times as far" in GUIDE


def test_own_means_in_climb():
    folder = toys.DATA / "toys" / "climb_own"
    ends = {name: [row.return_mean for row in read_final(folder / "final.csv") if row.method == name] for name in OWN}
    assert [ends[name].count(7.0) for name in OWN] == [6, 10, 10, 10]
    curves: dict[str, list[float]] = {name: [] for name in OWN}
    for point in read_curves(folder / "curves.csv"):
        curves[point.method].append(point.return_mean)
    assert curves["maca-ob-own"] == curves["maca-ind-own"]
    plain, own = (np.reshape(curves[name], (10, -1)).mean(axis=1) for name in ("maca-ob", "maca-ob-own"))
    found = lead(own, plain)
    assert f"return {own.mean():.2f} on average over training; maca-ob as it is, six times and" in GUIDE
    assert f"six times and {plain.mean():.2f}, a difference" in GUIDE
    said = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]".replace("0.", ".")
    assert f"a difference of {said}" in GUIDE


def test_nothing_subtracted_in_climb():
    folder = toys.DATA / "toys" / "climb_raw"
    ends: dict[str, list[float]] = {}
    for row in read_final(folder / "final.csv"):
        ends.setdefault(row.method, []).append(row.return_mean)
    assert 7.0 not in ends["maca-ob-raw"]
    assert ends["maca-ob-own"] == [7.0] * 10
    curves: dict[str, list[float]] = {}
    for point in read_curves(folder / "curves.csv"):
        curves.setdefault(point.method, []).append(point.return_mean)
    means = {name: np.reshape(x, (10, -1)).mean(axis=1) for name, x in curves.items()}
    slow, raw = means["maca-ob"], means["maca-ob-raw"]
    assert f"as slow as before, {slow.mean():.2f} and {raw.mean():.2f}" in GUIDE
    assert abs(raw.mean() - slow.mean()) < 0.2  # predicted
    assert means["maca-ob-own"].mean() - raw.mean() > 0.3
    lost = lead(means["maca-ind"], means["maca-ind-raw"])
    assert f"It loses {lost.value:.2f} [{lost.low:.2f}, {lost.high:.2f}]".replace("0.", ".") in GUIDE


def test_the_best_baseline_of_an_agent_in_climb():
    """Both agents play (1, 2) but for 3 in 100; the numbers that the guide prints."""
    table = climb_v0.game().payoff()
    pi_a, pi_b = np.array([0.015, 0.97, 0.015]), np.array([0.015, 0.015, 0.97])
    for policy, q, plain, best in ((pi_b, pi_a @ table, 5.4, -10.9), (pi_a, table @ pi_b, 5.4, 2.4)):
        weight = policy * squared_scores(policy)
        assert round(float(policy @ q), 1) == plain
        assert round(float(weight @ q / weight.sum()), 1) == best
