"""Settings have the type and the range that their annotations say."""

import dataclasses
import math

import numpy as np
import pytest

from maca_edu.checks import annotations
from maca_edu.training.config import Config

REFUSED = [
    (dict(epochs=math.inf), "epochs=inf; allowed are integers from 1"),
    (dict(epochs=True), "epochs=True; allowed are integers from 1"),
    (dict(rollout=2.5), r"rollout=2\.5; allowed are integers from 1"),
    (dict(recurrent="no"), "recurrent='no'; allowed are True and False"),
    (dict(recurrent=1), "recurrent=1; allowed are True and False"),
    (dict(critic_betas=(0.9,)), r"critic_betas=\(0\.9,\); allowed are 2 of numbers from 0 to below 1"),
    (dict(critic_betas=3), "critic_betas=3; allowed are 2 of"),
    (dict(critic_betas=(0.9, 1.0)), "critic_betas="),
    (dict(actor_sizes=()), r"actor_sizes=\(\); allowed are one width or more, each an integer from 1"),
    (dict(actor_sizes=(0,)), r"actor_sizes=\(0,\)"),
    (dict(actor_sizes=("a",)), r"actor_sizes=\('a',\)"),
    (dict(actor_sizes=64), "actor_sizes=64"),
    (dict(lr=math.inf), "lr=inf; allowed are positive numbers"),
    (dict(lr=math.nan), "lr=nan"),
    (dict(lr="x"), "lr='x'"),
    (dict(lr=0), "lr=0;"),
    (dict(lr=1j), "lr=1j"),
    (dict(lr=10**400), "lr=1000"),
    (dict(lr=np.array([1.0, 2.0])), "lr=array"),
    (dict(sigma="x"), "sigma='x'; allowed are 0 to 1 and None"),
    (dict(sigma=1.1), r"sigma=1\.1"),
    (dict(psi_mode="x"), "psi_mode='x'; allowed are bias, linear"),
    (dict(psi_population=7), "psi_population=7; allowed are even numbers from 4"),
    (dict(psi_population=2), "psi_population=2"),
    (dict(embed=0), "embed=0; allowed are integers from 1"),
    (dict(z_size=-1), "z_size=-1"),
    (dict(diagnose_every=-1), "diagnose_every=-1; allowed are integers from 0"),
    (dict(entropy=-0.1), r"entropy=-0\.1; allowed are numbers from 0"),
    (dict(recurrent=True, chunk=3), "chunk=3; allowed are with a GRU, divisors of rollout=8"),
    (dict(attention_heads=3), "attention_heads=3; allowed are divisors of embed=32"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=[str(settings)[:40] for settings, _ in REFUSED])
def test_what_is_wrong_is_said(settings, message):
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        Config(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Config)])
def test_no_setting_takes_just_anything(name):
    """New settings are covered, too: their annotations are their checks."""
    numbers = [] if annotations(Config)[name] is bool else [True]
    for wrong in ("no such word", math.nan, 1j, object(), {}, [None], np.zeros((2, 2)), *numbers):
        with pytest.raises(ValueError, match=f"^{name}=.*; allowed are "):
            Config(**{name: wrong})


def test_numpys_numbers_and_lists_become_pythons():
    config = Config(epochs=np.int64(3), lr=np.float64(0.1), recurrent=np.True_, actor_sizes=[8, np.int32(9)])
    assert config == Config(epochs=3, lr=0.1, recurrent=True, actor_sizes=(8, 9))
    assert [type(x) for x in (config.epochs, config.lr, config.recurrent)] == [int, float, bool]
    assert [type(x) for x in (config.actor_sizes, *config.actor_sizes)] == [tuple, int, int]
