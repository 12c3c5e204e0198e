"""The rollout buffer: T steps of B environments, written step by step, and overwritten by the next rollout.

An episode's last observation needs care: when the clock cuts an episode, the environment already shows the next one,
but the return must be bootstrapped from what this one would have gone on from (see returns.py). So what was seen last
in such an episode is kept beside the steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.team_env import TeamStep, View
from maca_edu.training.records import Finals, Memory, Rollout, Seen, Sizes, as_seen, as_tensor


class RolloutBuffer:
    """Memory for one rollout of T = `steps` steps of B = `batch` environments; `add` fills it, `rollout` reads it.

    device: where the tensors live. Raises ValueError where steps or batch is below 1.
    """

    def __init__(self, sizes: Sizes, steps: int, batch: int, device: torch.device | str = "cpu"):
        for name, value in (("steps", steps), ("batch", batch)):
            if value < 1:
                raise ValueError(f"{name}={value}; allowed are integers from 1")
        self.steps, self.batch, self.device = steps, batch, torch.device(device)
        n, A = sizes.n_agents, sizes.n_actions

        def empty(*shape: int, dtype: torch.dtype | None = None) -> Tensor:
            return torch.zeros(steps, batch, *shape, dtype=dtype, device=self.device)

        self.obs, self.state = empty(n, sizes.obs), empty(sizes.state)
        self.available, self.alive = empty(n, A, dtype=torch.bool), empty(n, dtype=torch.bool)
        self.action = empty(n, A) if sizes.continuous else empty(n, dtype=torch.long)
        self.reward = empty()
        self.terminated, self.truncated, self.first = (empty(dtype=torch.bool) for _ in range(3))
        self.partners = None  # [T, B, n, n], from the first step that declares its credit
        self.next_first = torch.ones(batch, dtype=torch.bool, device=self.device)  # the coming step begins an episode
        self.clear()

    def clear(self) -> None:
        """Begin the next rollout where this one stopped: episodes under way go on."""
        self.t = 0
        self.finals: list[Finals] = []

    def add(self, view: View, action: Tensor, step: TeamStep) -> None:
        """Write down what was seen, `[B, ...]`, what was done, and what came of it.

        Raises ValueError where the buffer is full or a shape is wrong.
        """
        if self.t == self.steps:
            raise ValueError(f"the buffer is full after {self.t} steps; clear() it first")
        t = self.t
        seen = as_seen(view, self.device)
        _write(self.obs, t, "obs", seen.obs)
        _write(self.state, t, "state", seen.state)
        _write(self.available, t, "available", seen.available)
        _write(self.alive, t, "alive", as_tensor(view.alive))
        _write(self.action, t, "action", action)
        _write(self.reward, t, "reward", torch.from_numpy(step.reward))
        _write(self.terminated, t, "terminated", torch.from_numpy(step.terminated))
        _write(self.truncated, t, "truncated", torch.from_numpy(step.truncated))
        self.first[t] = self.next_first
        self.next_first = self.terminated[t] | self.truncated[t]
        self._keep_final(step.final)
        if step.credit is not None:
            self._keep_partners(torch.from_numpy(step.credit.partners()))
        self.t += 1

    def _keep_final(self, final: View) -> None:
        """Keep what was seen last where the clock cut an episode in the step just written."""
        cut = self.truncated[self.t].nonzero().squeeze(-1)  # [E] environments
        if len(cut):
            seen = as_seen(final, self.device)
            rows = Seen(*(x[cut] for x in seen))
            self.finals.append(Finals(self.t * self.batch + cut, rows))

    def _keep_partners(self, partners: Tensor) -> None:
        """Write down who earned a term with whom in the step just written, `[B, n, n]`."""
        if self.partners is None:
            n = self.alive.shape[-1]
            self.partners = torch.zeros(self.steps, self.batch, n, n, dtype=torch.bool, device=self.device)
        _write(self.partners, self.t, "partners", partners)

    def rollout(self, last: View, memory: Memory, chance: Tensor | None = None) -> Rollout:
        """The record of a full buffer; it shares the buffer's tensors, so it is good until the next `add`.

        last: what is seen now. memory: the GRUs' before the first step. chance: for the actions that the critic asks
        for beyond the rollout, `[T + 1, B, n, A]`: after the last steps, and after each step, of which those are kept
        where an episode was cut. Raises ValueError where steps are missing.
        """
        if self.t < self.steps:
            raise ValueError(f"the buffer holds {self.t} of {self.steps} steps; add() the others first")
        finals = self._joined_finals()
        if chance is not None:
            chance = torch.cat([chance[0], chance[1:].flatten(0, 1)[finals.index]])
        return Rollout(
            self.obs, self.state, self.available, self.alive, self.action, self.reward, self.terminated, self.truncated,
            self.first, finals, as_seen(last, self.device), self.next_first, memory, chance,
            self.partners,
        )  # fmt: skip

    def _joined_finals(self) -> Finals:
        """All that was kept, as one record; of no episode, E = 0, where none was cut."""
        if not self.finals:
            nobody = torch.zeros(0, dtype=torch.long, device=self.device)
            return Finals(nobody, Seen(self.obs[0, nobody], self.state[0, nobody], self.available[0, nobody]))
        index = torch.cat([final.index for final in self.finals])
        columns = zip(*(final.seen for final in self.finals), strict=True)
        return Finals(index, Seen(*(torch.cat(column) for column in columns)))


def _write(to: Tensor, t: int, name: str, value: Tensor) -> None:
    """Copy a step's value into its row. Raises ValueError where its shape is another."""
    if value.shape != to.shape[1:]:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(to.shape[1:])}")
    to[t].copy_(value)  # to the buffer's device, wherever the value is
