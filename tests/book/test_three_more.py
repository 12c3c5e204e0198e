"""What the guide "The paper's tables" says of three more arms in Table 2's battles."""

from pathlib import Path

import numpy as np
import pytest
from peer_curves import lead
from scipy.stats import ttest_ind

from maca_edu.experiments.decisions import decide
from maca_edu.experiments.reports.results import COMMITTED, read_results
from maca_edu.experiments.statistics import sample

GUIDES = Path(__file__).parents[2] / "book" / "guides"
RESULTS, FOUND, LEARNED, REMEDIES, OVER_UNITS = (
    " ".join((GUIDES / f"{name}.md").read_text(encoding="utf-8").split())
    for name in ("results", "what_we_found", "what_was_learned", "remedies", "units")
)
ALL_THREE = "maca-ob value=units returns=corrected q-head=multilinear"
PROTOSS, UNITS, HARD = "smax/protoss_5_vs_5", "smax/smacv2_5_units", "smax/5m_vs_6m"


def wins(*folders: str) -> dict[str, dict[str, list[int]]]:
    """Per cent of games won after training, by map and arm, in the order of the seeds."""
    runs = sorted(read_results([COMMITTED / folder for folder in folders]), key=lambda run: run.seed)
    won = {}
    for run in runs:
        won.setdefault(run.env, {}).setdefault(run.arm, []).append(round(100 * run.win_rate))
    return won


def mean(numbers) -> float:
    return sum(numbers) / len(numbers)


MORE = wins("three_more", "three_more_maps")
BEFORE = wins("table2/protoss_5_vs_5", "table2/smacv2_5_units", "table2/5m_vs_6m")


def test_the_wins_of_the_three_arms():
    assert MORE == {
        PROTOSS: {"maca-text": [5, 12, 2], "maca-released": [0, 0, 3], ALL_THREE: [54, 37, 47]},
        UNITS: {"maca-text": [10, 4, 4], "maca-released": [13, 5, 9], ALL_THREE: [61, 48, 50]},
        HARD: {"maca-text": [0, 0, 0], "maca-released": [0, 2, 3], ALL_THREE: [0, 2, 0]},
    }


def test_what_was_predicted_of_them():
    for task in (PROTOSS, UNITS):
        more, before = MORE[task], BEFORE[task]
        assert mean(more["maca-text"]) < 10
        assert mean(more["maca-text"]) < mean(before["ppo-sum"])
        for arm in ("maca-text", "maca-released"):
            assert max(more[arm]) < min(before["maca"])
        everybody = more | before
        assert mean(everybody[ALL_THREE]) == max(map(mean, everybody.values()))
        for arm in ("mappo", "maca", "coma"):
            assert ttest_ind(more[ALL_THREE], before[arm], equal_var=False).pvalue > 0.1
    assert mean(MORE[PROTOSS]["maca-released"]) < 10  # and not 10 to 25, as was predicted
    assert mean(MORE[UNITS]["maca-released"]) == 9  # and not below 5, as was predicted then
    assert mean(MORE[PROTOSS][ALL_THREE]) - mean(BEFORE[PROTOSS]["mappo"]) == 6
    assert 6 < mean(MORE[UNITS][ALL_THREE]) - mean(BEFORE[UNITS]["mappo"]) < 8
    assert max(max(won) for won in MORE[HARD].values()) <= 5


def test_the_remedies_and_maca_seed_by_seed():
    gaps = [
        a - b for task in (PROTOSS, UNITS) for a, b in zip(MORE[task][ALL_THREE], BEFORE[task]["maca"], strict=True)
    ]
    assert min(gaps) == 8
    assert max(gaps) == 14


def test_best_checkpoints_of_the_remedies():
    runs = [run for run in read_results([COMMITTED / "three_more_maps"]) if run.arm == ALL_THREE and run.env == UNITS]
    assert sorted(round(400 * run.best_win_rate) for run in runs) == [161, 180, 199]


def scores(folder: str, env: str, measure: str) -> dict[str, list[float]]:
    """Per cent of games won, by arm."""
    runs = read_results([COMMITTED / folder])
    won: dict[str, list[float]] = {}
    for run in sorted((run for run in runs if run.env == env), key=lambda run: run.seed):
        won.setdefault(run.arm, []).append(100 * getattr(run, measure))
    return won


def said(a: list[float], b: list[float]) -> str:
    """The difference of the means with its interval, as the page writes it."""
    found = lead(np.array(a), np.array(b))
    return f"{found.value:+.1f} [{found.low:.1f}, {found.high:.1f}]".replace("-", "−")


FRESH = {
    "`protoss_5_vs_5`, 3 to 9, after training": ("fresh_remedies", PROTOSS, "win_rate"),
    "`smacv2_5_units`, 3 to 9, after training": ("fresh_remedies", UNITS, "win_rate"),
    "`smacv2_5_units`, 10 to 16, best checkpoint": ("fresh_units", UNITS, "best_win_rate"),
}


@pytest.mark.parametrize("words", FRESH)
def test_a_row_of_the_fresh_seeds(words):
    won = scores(*FRESH[words])
    arms = [won.get(arm, []) for arm in (ALL_THREE, "maca", "mappo", "mappo value=units")]
    assert {len(arm) for arm in arms} <= {0, 7}
    cells = [f"{mean(arm):.1f}" if arm else "" for arm in arms] + [said(arms[0], arms[1]), said(arms[0], arms[2])]
    assert f"| {words} | " + " | ".join(cells).replace("|  |", "| |") + " |" in RESULTS


def test_maca_and_mappo_on_fourteen_seeds():
    maca, mappo = (
        [x for folder in ("fresh_remedies", "fresh_units") for x in scores(folder, UNITS, "win_rate")[arm]]
        for arm in ("maca", "mappo")
    )
    assert len(maca) == len(mappo) == 14
    words = f"MACA wins {mean(maca):.1f} per cent after training and MAPPO {mean(mappo):.1f}, fourteen seeds each"
    assert f"{words}: {said(maca, mappo)}" in RESULTS
    assert decide(sample(np.array(maca)), sample(np.array(mappo)), 5.0).word == "equivalent"


def test_what_the_fresh_seeds_say():
    won = scores("fresh_units", UNITS, "best_win_rate")
    remedies, maca, mappo, units = (won[arm] for arm in (ALL_THREE, "maca", "mappo", "mappo value=units"))
    p = [ttest_ind(remedies, other, equal_var=False).pvalue for other in (maca, mappo)]
    assert max(p) < 0.05
    assert min(p) < 0.025  # Holm
    assert f"(p = {p[0]:.3f})".replace("0.", ".") in RESULTS
    assert f"(p = {p[1]:.4f})".replace("0.", ".") in RESULTS
    for page in (RESULTS, FOUND, LEARNED, REMEDIES, OVER_UNITS):
        assert f"6.6 {said(units, mappo).split(' ', 1)[1]}" in page
    for page in (RESULTS, FOUND, LEARNED, REMEDIES):
        assert f"1.4 {said(remedies, units).split(' ', 1)[1]}" in page
    assert round(mean(units) - mean(mappo), 1) == 6.6
    assert round(mean(remedies) - mean(units), 1) == 1.4
    assert f"(p = {ttest_ind(units, mappo, equal_var=False).pvalue:.3f})".replace("0.", ".") in RESULTS
    both = [scores("fresh_remedies", env, "win_rate") for env in (PROTOSS, UNITS)]
    leads = [mean(won[ALL_THREE]) - mean(won["maca"]) for won in both]
    assert f"lead over MACA, {mean(leads):.1f} on average of the two maps" in RESULTS
