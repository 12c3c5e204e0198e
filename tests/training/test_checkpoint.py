"""Checkpoints: the run goes on bit-identically, a file is whole or absent, and loading executes nothing."""

import os
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from maca_edu.training import checkpoint, rng
from maca_edu.training.psi_search import PsiSearch
from maca_edu.training.value_norm import ValueNorm


class Regression:
    """A toy run: a network with memory of everything a real one has, which draws from two kinds of generators."""

    def __init__(self, seed):
        generators = rng.streams(seed, "data", "net")
        self.data, self.noise = generators["data"], rng.torch_stream(generators["net"])
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 1))
        for p in self.net.parameters():
            p.data = torch.randn(p.shape, generator=self.noise) / 3
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-2)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, 50)
        self.norm, self.psi, self.steps = ValueNorm(), PsiSearch(seed=seed), 0

    @property
    def parts(self):
        return dict(vars(self))

    def train(self, steps):
        for _ in range(steps):
            x = torch.from_numpy(self.data.normal(size=(16, 3))).float()
            y = x.sum(dim=-1, keepdim=True) + 0.1 * torch.randn(16, 1, generator=self.noise)
            self.norm.update(y)
            loss = (self.net(x) - self.norm.normalise(y)).square().mean() * (1 + float(self.psi.ask()[0, 0]) / 100)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            self.psi.tell(-loss.item())
            self.steps += 1
        return self


def same(a, b):
    """Whether two states are equal to the last bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    if isinstance(a, torch.Tensor | np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    return type(a) is type(b) and a == b


def test_a_resumed_run_ends_bit_identically(tmp_path):
    path = tmp_path / "run.ckpt"
    stopped = Regression(1).train(13)
    checkpoint.save(path, checkpoint.capture(stopped.parts))
    resumed = Regression(2).train(5)  # another seed, already trained: nothing of it may survive
    resumed.steps = checkpoint.restore(resumed.parts, checkpoint.load(path))["steps"]
    want = checkpoint.capture(Regression(1).train(40).parts)
    assert same(checkpoint.capture(resumed.train(27).parts), want)
    assert same(checkpoint.capture(stopped.train(27).parts), want)  # saving disturbed nothing


def test_a_forgotten_part_is_an_error(tmp_path):
    run = Regression(0)
    state = checkpoint.capture(run.parts)
    del state["noise"]
    with pytest.raises(ValueError, match=r"differs in \['noise'\]"):
        checkpoint.restore(run.parts, state)


def test_values_come_back_as_they_were(tmp_path):
    state = {
        "words": ["a", "ä", ""],
        "numbers": (1, -(2**127), 0.1, float("inf"), True, None),
        "nested": {3: {"x": [torch.tensor(2.5)]}, "empty": {}, "none": [], "pair": ((), (1,))},
        "tensors": [torch.arange(6).reshape(2, 3), torch.zeros(0, 4), torch.tensor([True]), torch.ones(2).half()],
        "array": np.array([1, 2], dtype=np.uint8),
    }
    checkpoint.save(tmp_path / "x", state)
    assert same(checkpoint.load(tmp_path / "x"), state)
    for wrong in (lambda: 0, {1, 2}, np.array([object()]), np.array(["a"])):
        with pytest.raises(ValueError, match="cannot be saved"):
            checkpoint.save(tmp_path / "y", {"x": wrong})
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


class Attack:
    """Unpickled, it would make a directory."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    victim, path = tmp_path / "executed", tmp_path / "bad.ckpt"

    def pickled():
        path.write_bytes(pickle.dumps(Attack(victim)))

    def torch_saved():
        torch.save({"x": Attack(victim)}, path)

    def object_array():
        with open(path, "wb") as file:
            np.savez(file, tree=np.array([Attack(victim)]))

    def hidden_member():
        with open(path, "wb") as file:
            np.savez(file, tree=np.frombuffer(b"{}", dtype=np.uint8), x=np.array([Attack(victim)]))

    def text():
        path.write_text("no checkpoint")

    def one_array():
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))

    for write in (pickled, torch_saved, object_array, hidden_member, text, one_array):
        write()
        with pytest.raises(ValueError, match=r"bad\.ckpt' is not a checkpoint"):
            checkpoint.load(path)
        assert not victim.exists(), write
    pickled()
    pickle.loads(path.read_bytes())
    assert victim.exists()  # the attack would have worked


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    checkpoint.save(path, {"steps": 1})

    def dies_halfway(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", dies_halfway)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(path, {"steps": 2})
    monkeypatch.undo()
    assert checkpoint.load(path) == {"steps": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
    path.write_bytes(path.read_bytes()[:-40])  # torn by something else
    with pytest.raises(ValueError, match="not a checkpoint"):
        checkpoint.load(path)
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "absent")


def test_a_reader_of_the_old_file_never_sees_a_mixture(tmp_path):
    path = tmp_path / "run.ckpt"
    checkpoint.save(path, {"steps": 1})
    old = path.read_bytes()
    with open(path, "rb") as reader:
        checkpoint.save(path, {"steps": 2})
        assert reader.read() == old  # the name moved to another file; this one was not written over
    assert checkpoint.load(path) == {"steps": 2}


def test_streams_are_named_independent_and_resumable():
    one, other = rng.streams(7, "env", "policy"), rng.streams(7, "env", "policy")
    assert_array_equal(one["env"].random(4), other["env"].random(4))
    assert one["policy"].random() != other["env"].random()
    for generator, draw in (
        (np.random.default_rng(0), lambda g: g.normal(size=3).tolist()),
        (torch.Generator().manual_seed(0), lambda g: torch.randn(3, generator=g).tolist()),
    ):
        draw(generator)
        state = rng.get_state(generator)
        want = draw(generator)
        assert draw(generator) != want
        rng.set_state(generator, state)
        assert draw(generator) == want
