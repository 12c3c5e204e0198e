"""Measuring: tasks in rounds, the ratio of two, the memory that a task holds, the arithmetic that it asks for."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from maca_edu.experiments.doctor import installed

Task = Callable[[], object]
PACKAGES = ("maca-edu", "torch", "numpy", "jax", "jaxmarl", "mpe2")


@dataclass(frozen=True)
class Ratio:
    """A ratio of two times over the rounds in which both were measured."""

    median: float
    low: float  # first quartile
    high: float  # third quartile


@dataclass(frozen=True)
class About:
    """When and on what something was measured."""

    date: str
    machine: str
    versions: dict[str, str]  # of Python and of the packages that are installed


def about() -> About:
    """Today, here."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        if installed(name):
            versions[name] = version(name)
    return About(date.today().isoformat(), f"{platform.machine()}, {os.cpu_count()} processors", versions)


def alternate(rounds: int, *tasks: Task) -> list[list[float]]:
    """The seconds that each task took, `[tasks][rounds]`. In a round all run, one after the other.

    A first round is not counted: in it, memory and caches are filled.
    """
    for task in tasks:
        task()
    times = [[] for _ in tasks]
    for _ in range(rounds):
        for task, log in zip(tasks, times, strict=True):
            began = time.perf_counter()
            task()
            log.append(time.perf_counter() - began)
    return times


def repeat(task: Task, times: int) -> Task:
    """The task several times over. Alone, a short one would be measured with the caches that the last one left."""

    def run():
        for _ in range(times):
            task()

    return run


def ratio(above: list[float], below: list[float]) -> Ratio:
    """above / below, where entries at the same place are of the same round."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    if len(ratios) == 1:
        return Ratio(*ratios * 3)
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high)


def peak_bytes(task: Task) -> int:
    """The most memory in tensors that `task` held at once beyond what there was before, by torch's profiler."""
    task()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        task()
    held = peak = 0
    for event in sorted(record.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def arithmetic(task: Task) -> int:
    """How many multiplications and additions the matrix products in `task` take."""
    with FlopCounterMode(display=False) as counter:
        task()
    return counter.get_total_flops()
