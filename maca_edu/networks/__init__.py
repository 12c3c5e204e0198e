"""The networks: actors, MACA's encoder and critic, the critics of the other methods. Read them in this order.

layers    initialisation, GRU, trunk       Trunk, Recurrence, count_parameters
actor     the policy                       Actor, Choice, Gaussian, draw_action, greedy
encoder   agents attend to one another     Encoder, Attention
critic    V, Q, baselines, psi, levels     MacaCritic, Encoding, Coefficients
values    everybody else's critic          VCritic, ComaCritic, UtilityCritic, vdn, QMixer
units     V by attention over units        UnitsCritic
"""

from maca_edu.networks.actor import (
    Actor,
    Choice,
    Gaussian,
    action_std,
    draw_action,
    draw_noise,
    expected_action,
    greedy,
    together,
)
from maca_edu.networks.critic import Coefficients, Encoding, MacaCritic, level_spectrum
from maca_edu.networks.encoder import Attention, Encoder
from maca_edu.networks.layers import count_parameters
from maca_edu.networks.units import UnitsCritic
from maca_edu.networks.values import ComaCritic, OfChoice, OfNumbers, QMixer, UtilityCritic, VCritic, vdn

__all__ = [
    "Actor",
    "Attention",
    "Choice",
    "Coefficients",
    "ComaCritic",
    "Encoder",
    "Encoding",
    "Gaussian",
    "MacaCritic",
    "OfChoice",
    "OfNumbers",
    "QMixer",
    "UnitsCritic",
    "UtilityCritic",
    "VCritic",
    "action_std",
    "count_parameters",
    "draw_action",
    "draw_noise",
    "expected_action",
    "greedy",
    "level_spectrum",
    "together",
    "vdn",
]
