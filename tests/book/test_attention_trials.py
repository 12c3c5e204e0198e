"""The experiment of chapter 10: a row says what it names, and the data have every seed of every head."""

import csv
from dataclasses import replace

import partners
import pytest
import torch

from maca_edu.course.partners import DATA, attention_of


def test_a_row_counts_what_moved_and_which_entries_changed():
    before = torch.tensor([[[0.5, 0.4, 0.1], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]]])
    after = torch.tensor([[[0.5, 0.1, 0.4], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]]])
    friends = torch.zeros(1, 3, 3, dtype=torch.bool)
    friends[0, 0, 2] = friends[0, 2, 0] = True
    seen = partners.Moments(torch.zeros(1, 3, 2), friends, torch.ones(1, 3, dtype=torch.bool))
    row = partners.look("additive", 0, "trained", after, before, seen, 1.5)
    assert row.score == pytest.approx((1.0 + 0.5) / 2)  # agent 0 in the right order, agent 2 with a tie
    assert row.moved == pytest.approx(0.3 / 3)  # of three rows one moved, by .3
    assert row.changed == pytest.approx(2 / 6)  # agent 0 dropped one and admitted another
    assert row.precision == 1.0  # the one who is admitted is a friend
    assert row.recall == 0.5


def test_a_run_compares_nets_that_began_alike_in_states_that_declare_partners():
    trial = replace_updates(partners.TRIALS["ring"], 1)
    untrained, trained, seen, _ = partners.train(trial, "additive", 3)
    other, _, _, _ = partners.train(trial, "additive", 3)
    first, again, after = (attention_of(net, seen.obs) for net in (untrained, other, trained))
    assert torch.equal(first, again)
    assert not torch.equal(first, after)
    assert (seen.partners.sum(dim=-1) == 3).all()  # oneself and two mates


def replace_updates(trial, updates):
    return trial._replace(batch=2, updates=updates, config=replace(trial.config, epochs=1))


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.csv") if "_" not in path.stem))
def test_the_data_have_both_nets_of_every_seed(name):
    with (DATA / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    heads = partners.TRIALS[name].heads if name in partners.TRIALS else partners.CONTROLS[name]
    assert [(row["head"], int(row["seed"]), row["net"]) for row in rows] == [
        (head, seed, net) for head in heads for seed in partners.SEEDS for net in ("untrained", "trained")
    ]
