"""V over units: the same as unit by unit in plain loops; order does not matter, and the dead say nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import relu
from torch.testing import assert_close

from maca_edu.networks import UnitsCritic
from maca_edu.team_env import Entities, Group, Part

S, STATE, E = 9, 21, 6
ALLIES = Group("allies", 3, (Part(0, 2), Part(10, 3)), health_first=True)  # numbers 0 to 5 and 10 to 18
CAMPS = Group("camps", 4, (Part(6, 1),))  # numbers 6 to 9, which have no health; 19 and 20 speak of nobody
ENTITIES = Entities((ALLIES, CAMPS))


def made(n_heads=2, seed=0):
    """A critic with random weights, so that no part of it is invisible."""
    torch.manual_seed(seed)
    critic = UnitsCritic(STATE, ENTITIES, E, n_heads, hidden_sizes=(8,), recurrent=False)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return critic


def states(seed=0):
    """Random states in which about half of the allies are dead."""
    g = torch.Generator().manual_seed(seed)
    state = torch.randn(S, STATE, generator=g)
    state[:, [0, 2, 4]] = torch.rand(S, 3, generator=g) * (torch.rand(S, 3, generator=g) < 0.5)
    return state


def plain(critic, state):
    """The oracle for one state, `[s]`, unit by unit."""
    groups, sizes = [], [3, 4]
    for k, group in enumerate((ALLIES, CAMPS)):
        tokens = []
        for unit in range(group.count):
            numbers = torch.cat([state[p.first + p.width * unit :][: p.width] for p in group.parts])
            if k == 1 or numbers[0] > 0:  # alive
                tokens.append(relu(critic.layer(critic.norm(relu(critic.groups[k].layer(numbers))))))
        groups.append(tokens)
    zero = torch.zeros(E)
    summary = torch.cat([sum(tokens, zero) / size for tokens, size in zip(groups, sizes, strict=True)])
    features = [summary]
    living = [token for tokens in groups for token in tokens]
    for h in range(critic.n_heads):
        query = critic.ask(summary)[h * E : (h + 1) * E]
        weights = torch.stack([query @ token / E**0.5 for token in living]).softmax(0)
        features.append(sum(weight * token for weight, token in zip(weights, living, strict=True)))
    return critic.out(critic.trunk(torch.cat([*features, state[19:]]))[0])


@pytest.mark.parametrize("n_heads", [0, 1, 3])
@torch.no_grad()
def test_it_is_the_same_unit_by_unit(n_heads):
    critic, state = made(n_heads), states()
    values, memory = critic(state)
    assert_close(values, torch.cat([plain(critic, one) for one in state]))
    assert memory is None
    assert values.std() > 0.05


@settings(max_examples=25, deadline=None)
@given(allies=st.permutations(range(3)), camps=st.permutations(range(4)), seed=st.integers(0, 99))
@torch.no_grad()
def test_the_order_of_a_groups_units_does_not_matter(allies, camps, seed):
    critic, state = made(), states(seed)
    permuted = state.clone()
    for group, order in ((ALLIES, allies), (CAMPS, camps)):
        where = torch.from_numpy(group.where())
        permuted[:, where] = state[:, where[list(order)]]
    assert_close(critic(permuted)[0], critic(state)[0], atol=1e-5, rtol=1e-4)
    tokens, alive = critic.tokens(state)
    order = torch.tensor([*allies, *(3 + k for k in camps)])
    assert_close(critic.tokens(permuted)[0], tokens[:, order])
    assert torch.equal(critic.tokens(permuted)[1], alive[:, order])


@torch.no_grad()
def test_units_of_different_groups_are_not_alike():
    critic, state = made(), states()
    changed = state.clone()
    changed[:, [6, 19]] = state[:, [19, 6]]
    assert (critic(changed)[0] - critic(state)[0]).abs().max() > 0.01


@torch.no_grad()
def test_the_dead_say_nothing_and_the_living_do():
    critic, state = made(), states()
    where = torch.from_numpy(ALLIES.where())
    state[:, where[1, 0]] = 0  # unit 1 is dead, unit 2 alive
    state[:, where[2, 0]] = 0.5
    for unit, matters in ((1, False), (2, True)):
        changed = state.clone()
        changed[:, where[unit, 1:]] += 1
        difference = (critic(changed)[0] - critic(state)[0]).abs()
        assert (difference.max() > 0.01) if matters else (difference == 0).all()


def test_where_all_are_dead_value_and_gradient_are_numbers():
    entities = Entities((ALLIES,))
    critic, state = UnitsCritic(STATE, entities, E, 2, (8,), recurrent=False), torch.zeros(2, STATE)
    values, _ = critic(state)
    values.sum().backward()
    assert values.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


def test_sizes():
    """Embeddings of 5 and of 1 number; the layer of a token; two queries; a trunk of 2 + 2 tokens and 2 numbers."""
    linear = [(5, 6), (1, 6), (6, 6), (12, 12), (26, 8), (8, 1)]
    norms = 2 * (6 + 26 + 8)
    assert sum(p.numel() for p in made().parameters()) == sum(a * b + b for a, b in linear) + norms
    for wrong in (dict(embed=0), dict(n_heads=-1)):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}; allowed"):
            UnitsCritic(STATE, ENTITIES, **wrong)
