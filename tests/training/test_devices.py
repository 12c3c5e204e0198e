"""Training on a graphics card, as far as it can be tested without one; tests marked `cuda` need one.

On a machine with a card: JAX_PLATFORMS=cuda,cpu python -m pytest -m cuda tests/training/test_devices.py
"""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from small_worlds import Aim, Recall
from stand_in import CARD, StandIn, on_card
from torch.testing import assert_close

import maca_edu
from maca_edu import envs
from maca_edu.training import checkpoint, loop
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.records import as_tensor
from maca_edu.training.trainer import Trainer

SMALL = Config(rollout=6, epochs=2, minibatches=2, chunk=3, diagnose_every=1, actor_sizes=(16,), critic_sizes=(16,))
METHODS = ("mappo", "happo", "coma", "maca", "ppo-mix", "maca-lsq", "maca-ob")
CUDA = pytest.param("cuda", marks=[
    pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no graphics card"),
])  # fmt: skip

# ---------------------------------------------------------------------------------------------------------------------
# Every tensor is created on the device where it is wanted

CREATE = [
    *("torch.zeros", "torch.ones", "torch.empty", "torch.full", "torch.tensor", "torch.as_tensor", "torch.arange"),
    *("torch.linspace", "torch.eye", "torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.normal"),
]
ELSEWHERE = {
    "torch.full((n_actions,), std_x)",  # a module's parameter: `.to(device)` moves it
}


def test_every_tensor_says_where_it_is_created():
    package, seen, silent = Path(maca_edu.__file__).parent, 0, set()
    for path in (path for part in ("training", "credit", "networks") for path in (package / part).rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        creating = [call for call in calls if ast.unparse(call.func) in CREATE]
        seen += len(creating)
        silent |= {ast.unparse(call) for call in creating if "device" not in [word.arg for word in call.keywords]}
    assert silent == ELSEWHERE
    assert seen > 10


# ---------------------------------------------------------------------------------------------------------------------
# No tensor on the CPU meets one on the card: whole trainings on a stand-in for a card


def warehouse():
    """The clock cuts its episodes, and agents are of different kinds."""
    return envs.make("toy/warehouse?preset=tiny&horizon=4", 8)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_training_keeps_to_its_device_and_learns_the_same(method, recurrent):
    config = dataclasses.replace(SMALL, recurrent=recurrent)
    want = loop.train(warehouse(), method, 3 * 6 * 8, config=config)
    with StandIn():
        run = loop.train(warehouse(), method, 3 * 6 * 8, config=config, device=CARD)
        loop.play(run, warehouse(), 0)
    learned = [[*one.learner.actor.parameters(), *one.learner.critic.parameters()] for one in (want, run)]
    assert all(map(on_card, learned[1]))
    assert not any(map(on_card, learned[0]))
    assert all(torch.equal(x, y) for x, y in zip(*learned, strict=True))


@pytest.mark.parametrize("world", [Aim, Recall])
def test_numbers_and_memories_keep_to_their_device(world):
    config = dataclasses.replace(SMALL, recurrent=True)
    with StandIn():
        loop.train(world(8), "maca", 2 * 6 * 8, config=config, device=CARD)


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_v_over_units_keeps_to_its_device(method):
    with StandIn():
        loop.train(Aim(8), method, 2 * 6 * 8, config=dataclasses.replace(SMALL, value="units"), device=CARD)


def test_a_paired_search_keeps_to_its_device():
    config = dataclasses.replace(SMALL, psi_design="paired")
    with StandIn():
        loop.train(warehouse(), "maca", 2 * 6 * 8, config=config, device=CARD, spare=warehouse())


def test_the_stand_in_sees_what_a_card_would_refuse():
    with StandIn():
        here, there = torch.ones(3, device="cpu"), torch.ones(3, device=CARD)
        assert (here.device, there.device) == (torch.device("cpu"), CARD)
        assert on_card(there * 2 + torch.tensor(1.0, device="cpu"))  # a single number may come from the CPU
        assert on_card(here.to(CARD) + there)
        assert not on_card(there.cpu() + here)
        for meet in (lambda: here + there, lambda: torch.cat([here, there]), lambda: there[here.long()]):
            with pytest.raises(RuntimeError, match="a tensor on the CPU meets one on the card"):
                meet()
        with pytest.raises(TypeError, match="no NumPy array"):
            there.numpy()
        with pytest.raises(RuntimeError, match="generator"):
            there.normal_(generator=torch.Generator())
        trainer = Trainer(warehouse(), loop.find("mappo"), 0, SMALL)
        rollout = trainer.collect()[0]  # on the CPU
        learner = Learner(trainer.learner.sizes, loop.find("mappo"), 0, SMALL, CARD)
        with pytest.raises(RuntimeError, match="a tensor on the CPU meets one on the card"):
            learner.update(rollout)


# ---------------------------------------------------------------------------------------------------------------------
# Checkpoints


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_a_checkpoint_is_read_to_the_cpu_and_restored_to_the_device(method, tmp_path):
    config = dataclasses.replace(SMALL, recurrent=True)
    with StandIn():
        whole, stopped, resumed = (
            Trainer(warehouse(), loop.find(method), seed, config, 4, device=CARD) for seed in (0, 0, 1)
        )
        for _ in range(2):
            stopped.step()
        checkpoint.save(tmp_path / "run.ckpt", stopped.capture())
        state = checkpoint.load(tmp_path / "run.ckpt")
        assert not any(map(on_card, tensors_of(state)))
        resumed.restore(state)
        learner = resumed.learner
        for descent in (learner.actor_descent, learner.critic_descent):
            moments = tensors_of(descent.optimiser.state_dict()["state"])
            assert len(moments) > 10
            assert all(map(on_card, moments))
        assert all(map(on_card, (*learner.actor.parameters(), *learner.critic.parameters())))
        assert all(map(on_card, (*resumed.memory, resumed.buffer.next_first)))
        for _ in range(2):
            resumed.step()
        for _ in range(4):
            whole.step()
    pairs = zip(learner.critic.parameters(), whole.learner.critic.parameters(), strict=True)
    assert all(torch.equal(x, y) for x, y in pairs)


def tensors_of(x) -> list[torch.Tensor]:
    """All tensors in nested dicts, lists and tuples."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, list | tuple):
        return [tensor for part in x for tensor in tensors_of(part)]
    return [x] if isinstance(x, torch.Tensor) else []


@pytest.mark.parametrize(("first", "then"), [("cpu", "cpu"), *(pytest.param(*pair, marks=CUDA.marks) for pair in (
    ("cuda", "cuda"), ("cpu", "cuda"), ("cuda", "cpu"),
))])  # fmt: skip
def test_a_run_moves_between_devices(first, then, tmp_path):
    """Equal up to rounding to the run that stayed on the CPU."""
    half, whole = 2 * 6 * 8, 4 * 6 * 8
    want = loop.train(warehouse(), "maca", whole, config=SMALL)
    loop.train(warehouse(), "maca", half, config=SMALL, out=tmp_path / "run", device=first)
    run = loop.train(warehouse(), "maca", whole, config=SMALL, out=tmp_path / "run", resume=True, device=then)
    assert {p.device.type for p in run.learner.critic.parameters()} == {then}
    for x, y in zip(run.learner.critic.parameters(), want.learner.critic.parameters(), strict=True):
        assert_close(x.cpu(), y, rtol=1e-3, atol=1e-4)
    read = loop.load(warehouse(), tmp_path / "run", device=then)
    assert loop.play(read, warehouse(), 0) == loop.play(run, warehouse(), 0)


# ---------------------------------------------------------------------------------------------------------------------
# On a card


@pytest.mark.parametrize("method", ["mappo", "maca"])
@pytest.mark.parametrize("device", [CUDA])
def test_a_card_learns_fridge(method, device):
    run = loop.train(envs.make("toy/fridge", 32), method, 10_000, device=device)
    assert loop.play(run, envs.make("toy/fridge", 4), 0).return_mean == 5.0


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_smax_is_played_where_training_computes(device):
    pytest.importorskip("jaxmarl")
    name, rng = "smax/3m?time_limit=19", np.random.default_rng(0)
    there, here = envs.make(name, 8, device), envs.make(name, 8)
    view = there.reset(0)
    if as_tensor(view.obs).device.type != device:
        pytest.skip("JAX sees no graphics card; it must be installed with CUDA, and JAX_PLATFORMS be cuda,cpu")
    for _ in range(30):
        here.load_state_dict(there.state_dict())  # rounding would add up
        available = as_tensor(view.available)
        assert available.data_ptr() == view.available.unsafe_buffer_pointer()
        action = (torch.from_numpy(rng.random((8, 3, 8))).to(device) * available).argmax(dim=-1)
        step, want = there.step(action), here.step(action.cpu().numpy())
        assert_close(as_tensor(step.final.obs).cpu(), torch.from_numpy(want.final.obs), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(step.reward, want.reward, rtol=1e-4, atol=1e-5)
        view = step.view
    run = loop.train(there, "maca", 2 * 6 * 8, config=SMALL, device=device)
    assert np.isfinite(run.metrics["policy_loss"]).all()
