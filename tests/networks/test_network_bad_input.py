"""Every network refuses what has a wrong type, shape or number, in one sentence that names the argument."""

import numpy as np
import pytest
import torch
from torch import nn

from maca_edu import networks
from maca_edu.networks.critic import Coefficients
from maca_edu.team_env import Entities, Group, Part

S, n, A, OBS, STATE = 4, 3, 2, 5, 6
NAN = float("nan")
COUNTS = (0, -1, 1.5, True, "x", None, NAN)
TRUTHS = (1, "yes", None)
POSITIVE = (0, -1.0, NAN, float("inf"), "x", None, True)
WIDTHS = ((), (0,), (1.5,), 64, None, "x", (4, True))
SIZES = dict.fromkeys(("obs_size", "state_size", "in_size", "n_agents", "n_actions", "embed", "z_size"), COUNTS)
SIZES |= dict.fromkeys(("rank", "n_layers", "size", "hyper"), COUNTS)
KINDS = SIZES | dict.fromkeys(("recurrent", "feature_norm", "continuous", "centred"), TRUTHS)
KINDS |= dict(std_x=POSITIVE, std_y=POSITIVE, hidden_sizes=WIDTHS, head=("linear", 3, None, ["additive"]))
ENTITIES = Entities((Group("all", 2, (Part(0, 3),)),))
BUILD = {  # a constructor, and arguments that are right
    networks.Actor: dict(obs_size=OBS, n_actions=A, hidden_sizes=(4,), recurrent=False, continuous=False)
    | dict(std_x=1.0, std_y=0.5, feature_norm=True),
    networks.Attention: dict(size=4, n_heads=2),
    networks.Encoder: dict(obs_size=OBS, embed=4, n_layers=1, n_heads=1, recurrent=False, feature_norm=True),
    networks.MacaCritic: dict(obs_size=OBS, n_agents=n, n_actions=A, head="additive", rank=2, centred=False, embed=4)
    | dict(z_size=4, n_layers=1, n_heads=1, recurrent=False, feature_norm=True),
    networks.VCritic: dict(in_size=OBS, hidden_sizes=(4,), recurrent=False, feature_norm=True),
    networks.ComaCritic: dict(state_size=STATE, n_agents=n, n_actions=A, hidden_sizes=(4,), recurrent=False)
    | dict(continuous=False),
    networks.UtilityCritic: dict(obs_size=OBS, n_actions=A, hidden_sizes=(4,), recurrent=False, feature_norm=True)
    | dict(continuous=False),
    networks.QMixer: dict(n_agents=n, state_size=STATE, embed=4, hyper=4),
    networks.UnitsCritic: dict(state_size=STATE, entities=ENTITIES, embed=4, n_heads=2, hidden_sizes=(4,))
    | dict(recurrent=False),
}
OTHER_KINDS = {
    (networks.UnitsCritic, "entities"): (None, 3, "units", ()),
    (networks.UnitsCritic, "n_heads"): (-1, 1.5, True, None),
}


def built(kind, **changes):
    torch.manual_seed(0)
    return kind(**(BUILD[kind] | changes))


def wrong_arguments():
    for kind, arguments in BUILD.items():
        for name in arguments:
            for value in OTHER_KINDS.get((kind, name), KINDS.get(name, COUNTS)):
                yield pytest.param(kind, name, value, id=f"{kind.__name__}-{name}-{value!r}")


def says(call, name: str):
    """Whether a call raises ValueError with one sentence that names the argument."""
    with pytest.raises(ValueError, match=rf"^[^\n]*\b{name.replace('.', '[.]')}\b[^\n]*$"):
        call()


@pytest.mark.parametrize("kind", BUILD)
def test_right_arguments_build(kind):
    assert isinstance(built(kind), nn.Module)


@pytest.mark.parametrize(("kind", "name", "value"), wrong_arguments())
def test_wrong_arguments_of_a_constructor_are_named(kind, name, value):
    says(lambda: built(kind, **{name: value}), name)


def floats(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def spoiled(x: torch.Tensor):
    """What could stand for a tensor by mistake: other types, another shape, other numbers."""
    yield from (None, 3, "x", x.tolist(), x.numpy(), x.unsqueeze(0).unsqueeze(0).unsqueeze(0))
    yield torch.cat([x, x], dim=-1)
    if x.dtype == torch.bool:
        yield from (x.float(), x.long())
    elif x.dtype == torch.long:
        yield from (x.float(), x + 100, x - 100)
    else:
        yield from (x.long(), x.bool(), x.to(torch.complex64))
        for number in (NAN, float("inf"), -float("inf")):
            worse = x.clone()
            worse.flatten()[-1:].fill_(number)
            yield worse


POLICY, ACTION = floats(S, n, A).softmax(-1), torch.eye(A)[torch.zeros(S, n).long()]
GAUSSIAN = networks.Gaussian(floats(S, n, A), floats(A))


def with_z(method: str):
    """A call of a critic's method with the encoding of some observations."""
    critic = built(networks.MacaCritic, head="multilinear", centred=True)
    z, _ = critic(floats(S, n, OBS))
    return lambda **named: getattr(critic, method)(z, **named)


def calls():
    """Calls with arguments that are right: {name: (function, {argument: value})}; None in its place is right too."""
    obs, state, first = floats(S, n, OBS), floats(S, STATE), torch.zeros(S, dtype=torch.bool)
    legal, corrset = torch.ones(S, n, A, dtype=torch.bool), torch.eye(n, dtype=torch.bool)
    recurrent = dict(recurrent=True)
    memory, each = dict(memory=floats(S, n, 4), first=first), dict(action=ACTION, policy=POLICY)
    of_state = memory | dict(memory=floats(S, 4))
    spectrum = Coefficients(floats(S), floats(S, n, A), floats(S, n, A, 2), floats(S, 2))
    yield "actor", built(networks.Actor, **recurrent), dict(obs=obs, available=legal) | memory
    yield "gaussian actor", built(networks.Actor, continuous=True), dict(obs=obs, available=legal)
    yield "attention", built(networks.Attention), dict(x=floats(S, n, 4), context=floats(S, 2, 4))
    yield "encoder", built(networks.Encoder, **recurrent), dict(obs=obs) | memory
    yield "critic", built(networks.MacaCritic, **recurrent), dict(obs=obs) | memory
    yield "q", with_z("q"), dict(joint=ACTION, policy=POLICY)
    yield "baselines", with_z("baselines"), each | dict(corrset=corrset)
    yield "with_own_action", with_z("with_own_action"), dict(own=POLICY) | each
    yield "level_spectrum of a critic", with_z("level_spectrum"), each
    yield "level_spectrum", lambda **named: networks.level_spectrum(spectrum, **named), each
    yield "VCritic", built(networks.VCritic, **recurrent), dict(x=floats(S, OBS)) | of_state
    yield "ComaCritic", built(networks.ComaCritic, **recurrent), dict(state=state, action=ACTION) | memory
    yield "UtilityCritic", built(networks.UtilityCritic, **recurrent), dict(obs=obs) | memory
    yield "QMixer", built(networks.QMixer), dict(utilities=floats(S, n), state=state)
    yield "UnitsCritic", built(networks.UnitsCritic, **recurrent), dict(state=state) | of_state
    yield "vdn", networks.vdn, dict(utilities=floats(S, n))
    yield "draw_action", lambda noise: networks.draw_action(networks.Choice(POLICY.log()), noise), dict(noise=POLICY)
    yield "draw of a Gaussian", lambda noise: networks.draw_action(GAUSSIAN, noise), dict(noise=POLICY)


FITS_TOO = {"attention": {(1, 1, 1, S, n, 4), (1, 1, 1, S, 2, 4)}, "vdn": {(S, 2 * n)}}  # where shapes are free
OPTIONAL = {"memory", "first", "available", "context"}


@pytest.mark.parametrize(("title", "call", "arguments"), [pytest.param(*case, id=case[0]) for case in calls()])
def test_wrong_tensors_are_named(title, call, arguments):
    call(**arguments)
    for name, right in arguments.items():
        for wrong in spoiled(right):
            fits = tuple(getattr(wrong, "shape", ())) in FITS_TOO.get(title, ())
            if not fits and (wrong is not None or name not in OPTIONAL):
                says(lambda changed=arguments | {name: wrong}: call(**changed), name)


@pytest.mark.parametrize("method", ["value", "psi"])
def test_what_is_no_encoding_is_refused(method):
    critic = built(networks.MacaCritic)
    z, _ = critic(floats(S, n, OBS))
    for wrong in (None, 3, z.state, tuple(z)):
        says(lambda wrong=wrong: getattr(critic, method)(wrong), "z")
    for wrong in spoiled(z.state.detach()):
        says(lambda wrong=wrong: getattr(critic, method)(z._replace(state=wrong)), "z.state")


NOT_FINITE = torch.full((S, n, A), NAN)
OTHERS = [
    (lambda: networks.Choice(None), "logits"),
    (lambda: networks.Choice(floats(3)), "logits"),
    (lambda: networks.Gaussian(floats(3), floats(3)), "mean"),
    (lambda: networks.Gaussian(floats(S, n, A), floats(A + 1)), "std"),
    (lambda: networks.Gaussian(floats(S, n, A), floats(A), floats(S, n, A)), "real"),
    (lambda: networks.greedy(POLICY), "distribution"),
    (lambda: networks.greedy(networks.Choice(NOT_FINITE)), "distribution"),
    (lambda: networks.expected_action(POLICY), "distribution"),
    (lambda: networks.action_std(POLICY), "distribution"),
    (lambda: networks.draw_action(networks.Choice(NOT_FINITE), POLICY), "distribution"),
    (lambda: networks.draw_action(networks.Gaussian(NOT_FINITE, floats(A)), POLICY), "distribution"),
    (lambda: networks.draw_noise(None, (2, 2), False), "generator"),
    (lambda: networks.draw_noise(np.random.default_rng(0), (2, 2), False), "generator"),
    (lambda: networks.draw_noise(torch.Generator(), 3, False), "shape"),
    (lambda: networks.draw_noise(torch.Generator(), (2, -1), False), "shape"),
    (lambda: networks.draw_noise(torch.Generator(), (2, 2), None), "continuous"),
    (lambda: networks.together([]), "distributions"),
    (lambda: networks.together(GAUSSIAN), "distributions"),
    (lambda: networks.together([networks.Choice(POLICY), GAUSSIAN]), "distributions"),
    (lambda: networks.together([None]), "distributions"),
    (lambda: networks.count_parameters(3), "model"),
    (lambda: networks.count_parameters(nn.Linear(2, 2), frozen=None), "frozen"),
    (lambda: networks.level_spectrum(None, POLICY, ACTION), "c"),
]


@pytest.mark.parametrize(("call", "name"), OTHERS)
def test_other_wrong_arguments_are_named(call, name):
    says(call, name)


def test_networks_can_be_stacked_with_vmap():
    """Many networks of one kind at once: no check may ask for a number there."""
    nets = [networks.QMixer(3, 2) for _ in range(4)]
    parameters, _ = torch.func.stack_module_state(nets)
    played, state = torch.randn(5, 3), torch.randn(5, 2)
    together = torch.vmap(lambda p: torch.func.functional_call(nets[0], p, (played, state)))(parameters)
    utilities = torch.randn(4, 5, 3)
    each = torch.vmap(lambda p, u: torch.func.functional_call(nets[0], p, (u, state)))(parameters, utilities)
    for k, net in enumerate(nets):
        torch.testing.assert_close(together[k], net(played, state))
        torch.testing.assert_close(each[k], net(utilities[k], state))
