"""What is compared runs alternately; what is reported are ratios of times."""

import pytest

from maca_edu.experiments.bench.report import ratio_words
from maca_edu.experiments.bench.timing import alternate, ratio, repeat

ROUNDS, REPEATS = 9, 5
FOUND = pytest.StashKey[list[str]]()


@pytest.fixture
def compare(benchmark, request):
    """compare(name, above, below) reports the ratio of the times of two tasks; skipped unless benchmarks are on."""

    def measure(name, above, below):
        times = benchmark.pedantic(alternate, (ROUNDS, repeat(above, REPEATS), repeat(below, REPEATS)), rounds=1)
        request.config.stash.setdefault(FOUND, []).append(f"{ratio_words(ratio(*times))}  {name}")

    return measure


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash.get(FOUND, [])
    if lines:
        terminalreporter.section("ratios of times: median (quartiles)")
        for line in lines:
            terminalreporter.write_line(line)
