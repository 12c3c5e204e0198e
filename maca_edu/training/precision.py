"""How exactly matrix products are computed on the processor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def matmul(precision: str) -> Iterator[None]:
    """Within the block, have torch round the factors of float32 products to bf16 ("bf16"), or leave them ("fp32").

    bf16 keeps the range of float32 and 8 of its 24 binary digits; sums are still float32. It saves time only on
    processors that multiply bf16 by themselves (AMX); on others torch goes on in float32, and may even be slower.
    """
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    if precision == "bf16":
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
