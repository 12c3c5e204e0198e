"""A chunk of T steps through the GRU is the same as T single steps, episodes that end in the middle included."""

import pytest
import torch

from maca_edu.networks import Actor, ComaCritic, Encoding, MacaCritic, UtilityCritic, VCritic, expected_action

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
    "maca": ("obs", lambda: MacaCritic(OBS, N, A)),
}


def run(network, args, hidden, start):
    if isinstance(network, Actor):
        distribution, hidden = network(*args, hidden=hidden, start=start)
        return expected_action(distribution), hidden
    out, hidden = network(*args, hidden=hidden, start=start)
    return (out.state if isinstance(out, Encoding) else out), hidden


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
    with pytest.raises(ValueError, match="7 samples are not whole steps of the 4 environments in hidden"):
        VCritic(STATE)(torch.randn(7, STATE), torch.zeros(4, 128))
