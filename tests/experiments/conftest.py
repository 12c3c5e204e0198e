"""One thread, so that sums add up in the same order."""

import torch

torch.set_num_threads(1)
