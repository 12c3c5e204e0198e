"""The page's numbers are those of the data, and the data are what the bench measures."""

import csv
import re
from pathlib import Path

import numpy as np
import peer_credit
import pytest
import torch

from maca_edu.credit_bench import Bench, games
from maca_edu.experiments.credit_bench.choose import shipped
from maca_edu.experiments.credit_bench.tables import number

BOOK = Path(__file__).parents[2] / "book"
DATA = BOOK / "data" / "credit_bench"
PAGE = (BOOK / "guides" / "credit_bench.md").read_text(encoding="utf-8")


def rows(name: str) -> list[dict[str, str]]:
    with open(DATA / name, newline="") as file:
        return list(csv.DictReader(file))


def table(heading: str) -> dict[str, list[str]]:
    """The lines of the table whose first cell is the heading, by their first cells."""
    start = PAGE.index(f"| {heading} |")
    lines = PAGE[start:].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {line[0].strip("`"): line[1:] for line in cells[:1] + cells[2:]}


@pytest.mark.parametrize(("heading", "name"), [("estimator", "summary.csv"), ("peer", "peers.csv")])
def test_the_tables_are_the_data(heading, name):
    shown, data = table(heading), rows(name)
    columns = shown.pop(heading)
    names = [row["estimator"].removeprefix("peer_credit:") for row in data]
    assert list(shown) == names
    for name, row in zip(names, data, strict=True):
        assert shown[name] == [row[column].strip() for column in columns]


def test_the_tables_by_game_size_and_level_are_the_data():
    by_game = {(row["estimator"], row["game"]): row for row in rows("games.csv") if row["critic"] == "exact"}
    shown = table("variance by game")
    columns = shown.pop("variance by game")
    for name, cells in shown.items():
        assert cells == [number(float(by_game[name, game]["variance"])) for game in columns]
    growth = {(row["estimator"], f"n = {row['n_agents']}"): float(row["variance"]) for row in rows("growth.csv")}
    shown = table("ring")
    columns = shown.pop("ring")
    for name, cells in shown.items():
        assert cells == [number(growth[name, size], 1) for size in columns]
    shown = table("correlation")
    columns = [name.strip("`") for name in shown.pop("correlation")]
    for key, cells in shown.items():
        game, level = re.fullmatch(r"(.+), (level \d)", key).groups()
        assert cells == [number(float(by_game[name, game][level])) for name in columns]


def test_the_data_are_what_the_bench_measures():
    names = ("fridge", "climb", "random 103")
    bench = Bench([m for m in games.one_shot_games() if m.name in names], sizes=())
    data = {(row["estimator"], row["game"], row["critic"]): row for row in rows("games.csv")}
    for name in ("mappo", "coma", "maca-lsq", "maca-ob", "ppo-sum", "agent-importance"):
        for result in bench.score(shipped()[name]).results:
            row = data[name, result.game, result.critic]
            measured = result.measures
            assert float(row["variance"]) == pytest.approx(measured.variance, rel=1e-3, abs=1e-4)
            assert float(row["bias"]) == pytest.approx(measured.gradient.bias, abs=1e-4)
            assert float(row["others"]) == pytest.approx(measured.kept.others, abs=1e-4)


def test_every_peer_of_the_table_is_a_function():
    names = {row["estimator"] for row in rows("peers.csv")} | {row["same numbers"] for row in rows("peers.csv")} - {""}
    for name in names:
        assert callable(getattr(peer_credit, name.removeprefix("peer_credit:"))), name


def test_an_advantage_is_read_off_a_gradient():
    bench = Bench([m for m in games.one_shot_games() if m.name == "random 103"], sizes=())
    ((_, batch),) = bench.cases[0].batches(bench.cases[0].exact, drawn=False)
    advantage = torch.as_tensor(batch.returns[:, None] - batch.baselines[1])
    logits = peer_credit.first_logits(batch)
    chance = torch.log_softmax(logits, dim=-1).gather(-1, torch.as_tensor(batch.action)[..., None])[..., 0]
    (slope,) = torch.autograd.grad(-(advantage * chance).mean(), logits)
    assert torch.allclose(peer_credit.advantage_of(slope, batch), advantage)


def test_the_stand_ins_hand_over_the_batch():
    bench = Bench([m for m in games.one_shot_games() if m.name == "random 103"], sizes=())
    ((_, batch),) = bench.cases[0].batches(bench.cases[0].exact, drawn=False)
    steps = peer_credit.OneStep(batch)
    assert steps["reward"].shape == (len(batch.returns), 2, 1)
    assert (steps["actions"][:, 0, :, 0].numpy() == batch.action).all()
    said = peer_credit.Said(torch.as_tensor(batch.q_values))(steps)
    assert (said[:, 0].detach().numpy() == batch.q_values).all()


def test_by_what_torchrl_scales_agents():
    """Advantages with the individual baseline over their deviation, agent by agent, rows drawn by the policies."""
    bench = Bench([games.random_game(101)], sizes=())
    ((_, batch),) = bench.cases[0].batches(bench.cases[0].exact, drawn=False)
    chance = np.take_along_axis(batch.policy, batch.action[..., None], axis=2)[..., 0].prod(axis=1)  # [S], sums to 1
    advantage = batch.q[:, None] - batch.baselines[1]
    said = {"by {:.2f} to {:.2f} on `random 101` (": chance, "by {:.2f} to {:.2f} in the bench": None}
    for words, weights in said.items():
        mean = np.average(advantage, axis=0, weights=weights)
        scale = 1 / np.sqrt(np.average((advantage - mean) ** 2, axis=0, weights=weights))
        assert words.format(scale.min(), scale.max()).replace("0.", ".") in PAGE
