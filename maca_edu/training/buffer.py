"""The rollout buffer: T steps of B environments, and the chunks of them that a recurrent network learns from.

    steps    obs, action, reward, ...   [T, B, ...]     written step by step, overwritten by the next rollout
    first    bool                       [T, B]          step t is the first of an episode: memory starts at 0
    finals   obs, ...                   [E, ...]        the observation on which each of E episodes ended; the
                                                        environment has replaced it by the next episode's first one

A GRU is trained on chunks of consecutive steps of one environment, begun with the hidden state that the rollout had
there (truncated backpropagation through time); chunk = 1 serves a network without memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch


class RolloutBuffer:
    """Fixed tensors `[T, B, ...]`, one for each named field, filled by `add` and read as `buffer["reward"]`.

    fields: name -> (shape of one environment's entry, dtype), such as obs=((n, d), torch.float32), reward=((),
    torch.float32). Two bool fields, terminated and truncated, and first are always there. Hidden states are fields
    like others: the state that step t was begun with, 0 where first.
    """

    def __init__(self, steps: int, batch: int, **fields: tuple[tuple[int, ...], torch.dtype]):
        for name, value in (("steps", steps), ("batch", batch)):
            if value < 1:
                raise ValueError(f"{name}={value}; allowed are integers from 1")
        self.shape = (steps, batch)
        fields |= {name: ((), torch.bool) for name in ("terminated", "truncated", "first")}
        self.tensors = {name: torch.zeros(steps, batch, *shape, dtype=dtype) for name, (shape, dtype) in fields.items()}
        self.first = torch.ones(batch, dtype=torch.bool)  # [B] the coming step is the first of an episode
        self.clear()

    def clear(self) -> None:
        """Begin the next rollout where this one stopped: episodes under way go on."""
        self.t, self.finals = 0, []

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def add(self, **values) -> None:
        """Write one step, a tensor `[B, ...]` for each field but first. Raises ValueError where one is missing."""
        if self.t == self.shape[0]:
            raise ValueError(f"the buffer is full after {self.t} steps; clear() it first")
        wrong = values.keys() ^ (self.tensors.keys() - {"first"})
        if wrong:
            raise ValueError(f"fields {sorted(wrong)} are missing or unknown; allowed are {sorted(self.tensors)}")
        for name, value in values.items():
            if tuple(value.shape) != tuple(self[name].shape[1:]):
                raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(self[name].shape[1:])}")
            self[name][self.t] = value
        self["first"][self.t] = self.first
        self.first = values["terminated"] | values["truncated"]
        self.t += 1

    def keep_final(self, **values) -> None:
        """After `add`: of values `[B, ...]` keep the rows of the episodes which that step ended.

        Usually the true final observation, and the hidden state that a recurrent critic reads it with.
        """
        ended = self.first.nonzero().squeeze(-1)
        if len(ended):
            time = torch.full_like(ended, self.t - 1)
            self.finals.append(dict(time=time, env=ended) | {name: x[ended].clone() for name, x in values.items()})

    def final_rows(self) -> dict[str, torch.Tensor]:
        """What was kept of the E episodes that ended: each name `[E, ...]`, with `time` and `env`; {} where E = 0."""
        return {name: torch.cat([row[name] for row in self.finals]) for name in (self.finals or [{}])[0]}

    def spread_final(self, values: torch.Tensor) -> torch.Tensor:
        """Numbers of the ended episodes, `[E, ...]`, put at their last steps, `[T, B, ...]`; 0 elsewhere.

        With V of the final observations this is the `final_value` of `returns.next_values`.
        """
        spread = torch.zeros(*self.shape, *values.shape[1:], dtype=values.dtype)
        if self.finals:
            rows = self.final_rows()
            spread[rows["time"], rows["env"]] = values
        return spread


def minibatches(
    steps: dict[str, torch.Tensor], hidden: dict[str, torch.Tensor], chunk: int, count: int, generator: torch.Generator
) -> Iterator[dict[str, torch.Tensor]]:
    """One epoch: every step once, in `count` minibatches of M chunks, the chunks in random order.

    steps: tensors `[T, B, ...]`, which come back as `[chunk, M, ...]`. hidden: tensors `[T, B, ...]`, which come back
    as `[M, ...]`, their entries at the chunks' starts. Raises ValueError where T does not divide into chunks, or
    there are fewer chunks than minibatches.
    """
    T, B = next(iter(steps.values())).shape[:2]
    if chunk < 1 or T % chunk:
        divisors = ", ".join(str(c) for c in range(1, T + 1) if T % c == 0)
        raise ValueError(f"chunk={chunk}; for {T} steps allowed are {divisors}")
    if not 1 <= count <= T // chunk * B:
        raise ValueError(f"count={count}; allowed are 1 to {T // chunk * B}, the number of chunks")
    shuffled = torch.randperm(T // chunk * B, generator=generator)
    for part in shuffled.tensor_split(count):
        start, env = part // B * chunk, part % B  # [M]
        time = start + torch.arange(chunk)[:, None]  # [chunk, M]
        yield {name: x[time, env] for name, x in steps.items()} | {name: h[start, env] for name, h in hidden.items()}
