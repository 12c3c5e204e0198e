"""Learning in several processes that share one update: each has some of the environments and the same networks.

Every process plays and learns in its own environments with one thread. They meet where a number must be that of all
environments: at each minibatch's gradient, at the advantages' mean and deviation, and at the statistics of ValueNorm.
Contributions are added in the order of the processes, so every process gets the same bits, and the networks stay equal
without ever being sent. With one process nothing is sent at all.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


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
