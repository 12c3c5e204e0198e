"""Products in bf16 change the last digits, not what is learned; and nothing is left behind."""

import dataclasses

import numpy as np
import pytest
import torch

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.precision import matmul


def test_the_setting_holds_within_the_block_and_is_undone():
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    with matmul("bf16"):
        assert settings.fp32_precision == "bf16"
    assert settings.fp32_precision == before
    with matmul("fp32"):
        assert settings.fp32_precision == before


def test_factors_are_rounded_where_the_processor_can():
    """The relative error of a large product is that of bf16 (2^-9 a factor) or, where bf16 is not used, of float32."""
    torch.manual_seed(0)
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    exact = a.double() @ b.double()
    with matmul("bf16"):
        error = (a @ b - exact).norm() / exact.norm()
    assert error < 2**-8
    assert (a @ b - exact).norm() / exact.norm() < 1e-6  # outside the block: float32


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_learning_agrees(method):
    runs = [
        loop.train(envs.make("toy/fridge", 32), method, 10_000, 0, config=dataclasses.replace(Config(), matmul=name))
        for name in ("fp32", "bf16")
    ]
    for run in runs:
        assert loop.play(run, envs.make("toy/fridge", 4), 0).return_mean == 5.0
    first, second = (run.metrics["critic_loss"][0] for run in runs)
    np.testing.assert_allclose(second, first, rtol=0.02)
