"""A chunk of T steps through the GRU is the same as T single steps, episodes that end in the middle included."""

import pytest
import torch
from torch import nn

from maca_edu.networks import (
    Actor,
    ComaCritic,
    Encoding,
    MacaCritic,
    OfChoice,
    OfNumbers,
    UnitsCritic,
    UtilityCritic,
    VCritic,
    expected_action,
)
from maca_edu.networks.layers import GruSteps, first_layer
from maca_edu.team_env import Entities, Group, Part

T, E, N, OBS, STATE, A = 7, 4, 3, 5, 6, 2


def inputs(kind: str):
    torch.manual_seed(3)
    if kind == "state":
        return (torch.randn(T * E, STATE),)
    if kind == "coma":
        return torch.randn(T * E, STATE), torch.eye(A)[torch.randint(0, A, (T * E, N))]
    return (torch.randn(T * E, N, OBS),)


NETWORKS = {
    "actor": ("obs", lambda: Actor(OBS, A, recurrent=True)),
    "mappo": ("state", lambda: VCritic(STATE)),
    "ippo": ("obs", lambda: VCritic(OBS)),
    "coma": ("coma", lambda: ComaCritic(STATE, N, A)),
    "utilities": ("obs", lambda: UtilityCritic(OBS, A)),
    "coma of numbers": ("coma", lambda: ComaCritic(STATE, N, A, continuous=True)),
    "utilities of numbers": ("obs", lambda: UtilityCritic(OBS, A, continuous=True)),
    "units": ("state", lambda: UnitsCritic(STATE, Entities((Group("pairs", 2, (Part(0, 2),)),)))),
    "maca": ("obs", lambda: MacaCritic(OBS, N, A)),
}


def run(network, args, hidden, start):
    if isinstance(network, Actor):
        distribution, hidden = network(*args, memory=hidden, first=start)
        return expected_action(distribution), hidden
    out, hidden = network(*args, memory=hidden, first=start)
    features = {Encoding: "state", OfChoice: "values", OfNumbers: "start"}.get(type(out))
    return (getattr(out, features) if features else out), hidden


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("chunk", [T, 3, 1])
def test_chunks_equal_steps(name, chunk):
    kind, build = NETWORKS[name]
    network, args = build(), inputs(kind)
    start = torch.rand(T * E) < 0.3
    hidden, stepped = None, []
    for t in range(T):  # the oracle: blank the memory by hand, then one step
        now = slice(t * E, (t + 1) * E)
        if hidden is not None:
            hidden = hidden.clone()
            hidden[start[now]] = 0
        out, hidden = run(network, [x[now] for x in args], hidden, None)
        stepped.append(out)
    stepped, last = torch.cat(stepped), hidden
    hidden, chunked = torch.zeros_like(last), []
    for t in range(0, T, chunk):
        now = slice(t * E, min(t + chunk, T) * E)
        out, memory = run(network, [x[now] for x in args], hidden, start[now])
        hidden = memory[-E:]
        chunked.append(out)
    assert torch.allclose(torch.cat(chunked), stepped, atol=1e-5)
    assert torch.allclose(hidden, last, atol=1e-5)


def test_memory_matters_and_starts_forget_it():
    torch.manual_seed(0)
    critic, x = VCritic(STATE), torch.randn(1, STATE)
    blank, remembered = torch.zeros(1, 128), torch.randn(1, 128)
    fresh = critic(x, blank)[0]
    assert not torch.allclose(critic(x, remembered)[0], fresh)
    assert torch.equal(critic(x, remembered, torch.tensor([True]))[0], fresh)


def test_half_a_step_is_an_error():
    with pytest.raises(ValueError, match="7 samples are not whole steps of the 4 environments in memory"):
        VCritic(STATE)(torch.randn(7, STATE), torch.zeros(4, 128))


def plain_gru(gru, x, h, keep):
    """The oracle: nn.GRU step by step."""
    memories = []
    for t in range(len(x)):
        h = gru(x[t : t + 1], (h * keep[t]).unsqueeze(0))[1].squeeze(0)
        memories.append(h)
    return torch.stack(memories)


@pytest.mark.parametrize(("steps", "rows", "size"), [(1, 1, 1), (6, 5, 4), (10, 3, 8)])
def test_the_grus_steps_and_gradients_are_those_of_nn_gru(steps, rows, size):
    torch.manual_seed(1)
    gru = nn.GRU(size, size).double()
    x, h = torch.randn(steps, rows, size).double(), torch.randn(rows, size).double()
    keep = (torch.rand(steps, rows, 1) < 0.6).double()
    found = []
    for way in (plain_gru, gru_steps):
        inputs = [x.clone().requires_grad_(), h.clone().requires_grad_()]
        memory = way(gru, *inputs, keep)
        gradients = torch.autograd.grad((memory**3).sum() + memory[-1].sin().sum(), [*inputs, *gru.parameters()])
        found.append([memory, *gradients])
    for plain, fast in zip(*found, strict=True):
        assert torch.allclose(fast, plain, atol=1e-12)
    assert all(gradient.abs().sum() > 0 for gradient in found[0][3:5])


def gru_steps(gru, x, h, keep):
    return GruSteps.apply(x, h, keep, gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0)


def test_several_gradients_through_the_gru_at_once():
    torch.manual_seed(1)
    gru = nn.GRU(4, 4)
    memory = gru_steps(gru, torch.randn(3, 2, 4), torch.randn(2, 4), torch.ones(3, 2, 1))
    wanted, parameters = torch.randn(5, 3, 2, 4), list(gru.parameters())
    together = torch.autograd.grad(memory, parameters, wanted, retain_graph=True, is_grads_batched=True)
    for k in range(5):
        alone = torch.autograd.grad(memory, parameters, wanted[k], retain_graph=True)
        for one, all_ in zip(alone, together, strict=True):
            assert torch.allclose(all_[k], one, atol=1e-6)


@pytest.mark.parametrize("size", [1, 5])
def test_the_first_layer_and_its_gradients_are_those_of_layer_norm_and_linear(size):
    torch.manual_seed(1)
    norm, layer, x = nn.LayerNorm(size).double(), nn.Linear(size, 3).double(), torch.randn(4, 2, size).double()
    parameters = [*norm.parameters(), *layer.parameters()]
    for parameter in parameters:
        nn.init.normal_(parameter)
    found = []
    for y in (layer(norm(x)), first_layer(x, norm, layer)):
        found.append([y, *torch.autograd.grad((y**3).sum(), parameters)])
    for plain, fast in zip(*found, strict=True):
        assert torch.allclose(fast, plain, atol=1e-11)
