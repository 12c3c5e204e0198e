"""What is compared runs alternately, and is reported as ratios of times; a redraw is reported in milliseconds."""

import pytest

from maca_edu.experiments.bench.report import ratio_words
from maca_edu.experiments.bench.timing import alternate, ratio, repeat

ROUNDS, REPEATS = 9, 5
FOUND = pytest.StashKey[list[str]]()
TIMES = pytest.StashKey[list[str]]()


@pytest.fixture
def compare(benchmark, request):
    """compare(name, above, below) reports the ratio of the times of two tasks; skipped unless benchmarks are on."""

    def measure(name, above, below):
        times = benchmark.pedantic(alternate, (ROUNDS, repeat(above, REPEATS), repeat(below, REPEATS)), rounds=1)
        request.config.stash.setdefault(FOUND, []).append(f"{ratio_words(ratio(*times))}  {name}")

    return measure


@pytest.fixture
def clock(benchmark, request):
    """clock(name, task) reports how long a task takes; skipped unless benchmarks are on."""

    def measure(name, task, rounds=ROUNDS):
        benchmark.pedantic(task, rounds=rounds)
        stats = benchmark.stats.stats
        line = f"{1e3 * stats.median:6.0f} ms ({1e3 * stats.q1:.0f} to {1e3 * stats.q3:.0f})  {name}"
        request.config.stash.setdefault(TIMES, []).append(line)

    return measure


def pytest_terminal_summary(terminalreporter, config):
    for key, title in ((FOUND, "ratios of times: median (quartiles)"), (TIMES, "times: median (quartiles)")):
        lines = config.stash.get(key, [])
        if lines:
            terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
