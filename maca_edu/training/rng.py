"""Random numbers: independent streams from one seed, and their states, so that a resumed run draws the same numbers."""

from __future__ import annotations

import numpy as np
import torch

# A run's streams, each for one purpose. The last three give seeds to environments: for training, for evaluation after
# it, and for evaluation during it.
STREAMS = ("networks", "actions", "minibatches", "psi", "train", "evaluate", "trials")


def streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Independent NumPy generators, one for each name, the same for the same seed and names in the same order."""
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: np.random.default_rng(child) for name, child in zip(names, children, strict=True)}


def torch_stream(generator: np.random.Generator) -> torch.Generator:
    """A torch generator on the CPU, seeded by the next number of a NumPy one."""
    return torch.Generator().manual_seed(int(generator.integers(2**63)))


def get_state(generator: np.random.Generator | torch.Generator):
    """The generator's whole state: a tensor of bytes (torch) or a dict of words and whole numbers (NumPy)."""
    return generator.get_state() if isinstance(generator, torch.Generator) else generator.bit_generator.state


def set_state(generator: np.random.Generator | torch.Generator, state) -> None:
    """Continue from a state that `get_state` returned."""
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
