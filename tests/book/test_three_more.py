"""What the guide "The paper's tables" says of three more arms on protoss_5_vs_5."""

from maca_edu.experiments.reports.results import COMMITTED, read_results

ALL_THREE = "maca-ob value=units returns=corrected q-head=multilinear"


def wins(folder: str) -> dict[str, list[int]]:
    """Per cent of games won after training, by arm, in the order of the seeds."""
    runs = sorted(read_results([COMMITTED / folder]), key=lambda run: run.seed)
    return {arm: [round(100 * run.win_rate) for run in runs if run.arm == arm] for arm in {run.arm for run in runs}}


def test_the_wins_of_the_three_arms():
    more = wins("three_more")
    assert more == {"maca-text": [5, 12, 2], "maca-released": [0, 0, 3], ALL_THREE: [54, 37, 47]}


def test_what_was_predicted_of_them():
    more, before = wins("three_more"), wins("table2/protoss_5_vs_5")
    mean = {arm: sum(x) / len(x) for arm, x in (more | before).items()}
    assert mean["maca-text"] < 10
    assert mean["maca-text"] < mean["ppo-sum"]
    assert max(more["maca-released"]) < min(before["maca"])
    assert mean["maca-released"] < 10  # and not 10 to 25, as was predicted
    assert mean[ALL_THREE] - mean["mappo"] == 6
    assert mean[ALL_THREE] == max(mean.values())
