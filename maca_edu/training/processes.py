"""Learning in several processes that share one update: each has some of the environments and the same networks.

Every process plays and learns in its own environments with one thread. They meet where a number must be that of all
environments: at each minibatch's gradient, at the advantages' mean and deviation, and at the statistics of ValueNorm.
Contributions are added in the order of the processes, so every process gets the same bits, and the networks stay equal
without ever being sent. With one process nothing is sent at all.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

import torch
from torch import Tensor, distributed

NO_VARIANCE = 1e-8  # of returns, in squared units of the reward: less is rounding
A_LONG_TIME = timedelta(days=30)  # a process may wait so long: another one is evaluating, or its game is slow


class Processes(Protocol):
    """The processes that learn together, as one of them sees them."""

    rank: int  # which one this is, from 0; process 0 writes what is written
    count: int

    def average(self, x: Tensor, weight: Tensor) -> Tensor:
        """The mean of x over all processes, weighed by each one's `weight`, a number; x's shape."""

    def average_gradients(self, parameters: list[Tensor], numbers: Tensor, weight: Tensor) -> Tensor:
        """Replace each parameter's gradient by its mean over all processes, weighed by each one's `weight`.

        Returns the mean of `numbers`, `[k]`, which travel along.
        """

    def gather(self, x: Any) -> list | None:
        """What every process brought, in their order, in process 0; None in the others."""

    def from_first(self, x: Any) -> Any:
        """In every process what process 0 brought."""


class OneProcess:
    """Nobody to meet."""

    rank, count = 0, 1

    def average(self, x: Tensor, weight: Tensor) -> Tensor:
        """x."""
        return x

    def average_gradients(self, parameters: list[Tensor], numbers: Tensor, weight: Tensor) -> Tensor:
        """The gradients are what they should be, and so are the numbers."""
        return numbers

    def gather(self, x: Any) -> list:
        """x alone."""
        return [x]

    def from_first(self, x: Any) -> Any:
        """x."""
        return x


class ManyProcesses:
    """One of several processes on this machine, which meet over loopback connections by the library gloo.

    rank, count: which one, of how many. meeting: a path where all of them find each other, in a folder that exists; a
    new path for every training. Waiting costs no processor time. Where a process is gone, the others' next meeting
    raises RuntimeError.
    """

    def __init__(self, rank: int, count: int, meeting: str):
        self.rank, self.count = rank, count
        with loopback_only():
            store = distributed.FileStore(meeting, count)
            self.group = distributed.ProcessGroupGloo(store, rank, count, A_LONG_TIME)

    def average(self, x: Tensor, weight: Tensor) -> Tensor:
        """The mean of x over all processes, weighed by each one's `weight`, a number; x's shape."""
        packed = torch.cat([(x * weight).flatten(), weight.to(x)[None]])
        total = self._sum(packed)
        return (total[:-1] / total[-1].clamp(min=1)).view_as(x)

    def average_gradients(self, parameters: list[Tensor], numbers: Tensor, weight: Tensor) -> Tensor:
        """Replace each parameter's gradient by its mean over all processes, weighed by each one's `weight`.

        Returns the mean of `numbers`, `[k]`, which travel along. A parameter without a gradient counts as 0 where
        another process has one; where none has, it stays without, so that the optimiser leaves it alone.
        """
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        moved = torch.tensor([p.grad is not None for p in parameters], device=numbers.device)
        packed = torch.cat([*(g.flatten() for g in gradients), numbers.to(gradients[0]), moved.to(gradients[0])])
        mean = self.average(packed, weight.to(packed))
        *pieces, numbers, moved = mean.split([g.numel() for g in gradients] + [len(numbers), len(parameters)])
        for parameter, piece, has_moved in zip(parameters, pieces, moved.tolist(), strict=True):
            parameter.grad = piece.view_as(parameter) if has_moved else None
        return numbers

    def gather(self, x: Any) -> list | None:
        """What every process brought, in their order, in process 0; None in the others."""
        brought = self._exchange(x)
        return [pickle.loads(words) for words in brought] if self.rank == 0 else None

    def from_first(self, x: Any) -> Any:
        """In every process what process 0 brought."""
        brought = self._exchange(x if self.rank == 0 else None)
        return pickle.loads(brought[0])

    def _sum(self, x: Tensor) -> Tensor:
        """x added up over all processes, in a fixed order: every process gets the same bits."""
        total = x.detach().cpu().contiguous()
        self.group.allreduce([total]).wait()
        return total.to(x.device)

    def _exchange(self, x: Any) -> list[bytes]:
        """What every process brought, pickled: these are this program's own processes."""
        words = pickle.dumps(x)
        lengths = [torch.zeros(1, dtype=torch.long, device="cpu") for _ in range(self.count)]
        self.group.allgather([lengths], [torch.tensor([len(words)], device="cpu")]).wait()
        longest = max(int(length) for length in lengths)
        mine = torch.zeros(longest, dtype=torch.uint8, device="cpu")
        mine[: len(words)] = torch.frombuffer(bytearray(words), dtype=torch.uint8)
        everyones = [torch.empty_like(mine) for _ in range(self.count)]
        self.group.allgather([everyones], [mine]).wait()
        return [x[:length].numpy().tobytes() for x, length in zip(everyones, map(int, lengths), strict=True)]


def variances(x: Tensor, processes: Processes) -> list[float]:
    """The variance of each of k quantities over the samples of all processes; x: `[k, S]`, this process's samples."""
    x = x.double()
    moments = torch.stack([x.mean(dim=1), x.square().mean(dim=1)])  # [2, k]
    mean, square = processes.average(moments, torch.tensor(x.shape[1], device=x.device))
    return (square - mean.square()).tolist()


@contextlib.contextmanager
def loopback_only() -> Iterator[None]:
    """Have gloo listen to this machine only, while it makes its connections."""
    before = os.environ.get("GLOO_SOCKET_IFNAME")
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    try:
        yield
    finally:
        if before is None:
            del os.environ["GLOO_SOCKET_IFNAME"]
        else:
            os.environ["GLOO_SOCKET_IFNAME"] = before
