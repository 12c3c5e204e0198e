"""Other code bases, measured by hand on the same machine in the same hour, alternately with our trainings.

JaxMARL: run baselines/MAPPO/mappo_rnn_smax.py of its repository with MAP_NAME=5m_vs_6m and otherwise the settings of
its config file, and divide NUM_ENVS * NUM_STEPS by the time between two of its log entries.

HARL: run examples/train.py --algo mappo --env pettingzoo_mpe --scenario simple_spread_v2 --continuous_actions False
--n_rollout_threads 8 --use_recurrent_policy True --hidden_sizes [64,64,64] --ppo_epoch 10 --critic_epoch 10
--cuda False --use_eval False and take the steps per second that it prints.
"""

from __future__ import annotations

from dataclasses import dataclass

CODE_BASES = ("JaxMARL", "HARL")


@dataclass(frozen=True)
class Peer:
    """What another code base reached."""

    name: str
    code_base: str  # one of CODE_BASES
    steps_per_second: float


def read_peer(words: str) -> Peer:
    """A peer from "NAME=NUMBER", where the name says which code base it is. Raises ValueError where it is not that."""
    name, _, number = words.rpartition("=")
    named = [code_base for code_base in CODE_BASES if code_base in name]
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if len(named) != 1 or not 0 < rate < float("inf"):
        raise ValueError(
            f'peer={words!r}; allowed is a name with JaxMARL or HARL, =, and a positive number: "HARL=250"'
        )
    return Peer(name, named[0], rate)
