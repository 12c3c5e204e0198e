"""Where a training computes: on the processor or on a graphics card."""

from __future__ import annotations

import torch

from maca_edu.checks import shown
from maca_edu.training.config import Config

DEVICES = ("auto", "cpu", "cuda")
LARGE = 8_192  # steps in a rollout, of all environments, from which on "auto" takes a card: below, starting its many
# small programs costs more than they save. An estimate, not yet measured on a card.


def choose_device(asked: str, config: Config, batch: int) -> torch.device:
    """The device of a training whose rollouts have `config.rollout` steps of `batch` environments.

    asked: "cpu"; "cuda", which needs a card; "auto": a card where there is one and rollouts are LARGE, otherwise the
    processor. Raises ValueError where another is asked for, or a card where there is none.
    """
    if not isinstance(asked, str) or asked not in DEVICES:
        raise ValueError(f"device={shown(asked)}; allowed are {', '.join(DEVICES)}")
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise ValueError("device='cuda'; torch sees no graphics card here, so allowed are auto and cpu")
    if asked == "auto":
        asked = "cuda" if there and config.rollout * batch >= LARGE else "cpu"
    return torch.device(asked)


def device_of_views(device: torch.device) -> torch.device | None:
    """The device that `envs.make` is told of in a training on `device`: a card; on the processor None.

    There JaxMARL's games would play the same with views that speak DLPack, but DLPack's calls cost more time than the
    copies of NumPy's views: measured, 16 to 23 % of a rollout on small games, nothing on the largest.
    """
    return device if device.type == "cuda" else None
