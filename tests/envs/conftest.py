"""One thread, so that sums add up in the same order; and what the tests of this folder may be marked with."""

import torch

torch.set_num_threads(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "starcraft: drives the real package smacv2, where it is installed")
