"""What a lab sets for itself ends with its test."""

import pytest
import torch


@pytest.fixture(autouse=True)
def numbers_as_before():
    """The setup cells of some labs ask torch for double precision."""
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)
