"""The numbers on the page "What we found" are those of the committed data."""

import csv
import re
from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
PAGE = " ".join((BOOK / "guides" / "what_we_found.md").read_text(encoding="utf-8").split())
BEHIND = ("ippo", "happo", "ppo-sum", "ppo-mix")
MAPS = ("smacv2_5_units", "protoss_5_vs_5")


def rows(name: str) -> list[dict[str, str]]:
    lines = (BOOK / "data" / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def won(folder: str) -> dict[str, list[float]]:
    """Per cent of battles won in greedy play, by method."""
    found = defaultdict(list)
    for row in rows(f"{folder}/final.csv"):
        found[row["method"]].append(100 * float(row["win_rate"]))
    return found


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def test_the_lead_of_maca():
    leads, pairs = [], []
    for place in MAPS:
        scores = won(f"table2/{place}")
        for method in BEHIND:
            leads.append(mean(scores["maca"]) - mean(scores[method]))
            pairs += [ours > theirs for ours, theirs in product(scores["maca"], scores[method])]
    assert f"by {min(leads):.0f} to {max(leads):.0f} points, in all {len(pairs)} pairs of runs" in PAGE
    assert all(pairs)


@pytest.mark.parametrize("place", MAPS)
def test_the_four_lead(place):
    scores = {method: mean(numbers) for method, numbers in won(f"table2/{place}").items()}
    assert min(scores[method] for method in ("coma", "mappo", "maca-multilinear", "maca")) > max(
        map(scores.get, BEHIND)
    )


def test_table_3():
    means = [mean(numbers) for numbers in won("table3/smacv2_5_units").values()]
    assert len(means) == 7
    assert f"MACA and its six ablations lie between {min(means):.0f} and {max(means):.0f} per cent" in PAGE


def test_corrsets_against_chance():
    """Every run of MACA's family in a battle counts once, also where two folders of data hold it."""
    shares: dict[str, set[tuple[str, str, float, float]]] = defaultdict(set)
    for path in (BOOK / "data").glob("**/measured.csv"):
        for row in rows(str(path.relative_to(BOOK / "data"))):
            right, chance = row.get("corrset_precision"), row.get("corrset_precision_chance")
            if row["env"].startswith("smax/") and right and chance:
                place = row["env"].removeprefix("smax/").partition("?")[0]
                shares[place].add((row["method"], row["seed"], float(right), float(chance)))
    times = {place: [right / chance for *_, right, chance in runs] for place, runs in shares.items()}
    above = {place: sum(x > 1 for x in ratios) for place, ratios in times.items()}
    assert (
        f"{mean(times['smacv2_5_units']):.2f} times as often on `smacv2_5_units`, "
        f"in {above['smacv2_5_units']} of {len(times['smacv2_5_units'])} runs" in PAGE
    )
    for place in ("protoss_5_vs_5", "2s3z"):
        words = f"{mean(times[place]):.2f} times on `{place}` ({above[place]} of {len(times[place])}"
        assert words in PAGE
    assert f"on `5m_vs_6m` {above['5m_vs_6m']} of {len(times['5m_vs_6m'])} runs are above chance" in PAGE
    with_units = [run for runs in shares.values() for run in runs if "value=units returns=corrected" in run[0]]
    below = [run for run in with_units if run[2] < run[3]]
    assert f"{len(below)} of {len(with_units)} runs are below chance (all three remedies, three maps)" in PAGE
    percent = [100 * mean([run[k] for run in shares["smacv2_5_units"]]) for k in (2, 3)]
    assert f"{percent[0]:.1f} per cent of the members are partners where chance has {percent[1]:.1f}" in PAGE


def test_the_text_and_ours():
    def greedy(method):
        return mean([float(row["win_rate"]) for row in rows("deviations/methods/final.csv") if row["method"] == method])

    said = "It wins {:.0f} per cent of the battles, our default {:.0f}"
    assert said.format(100 * greedy("maca-text"), 100 * greedy("maca")) in PAGE


def test_the_growth():
    growth = {(row["estimator"], row["n_agents"]): float(row["variance"]) for row in rows("credit_bench/growth.csv")}
    joint, thirds, alone, squares = (growth[name, "64"] for name in ("mappo", "maca", "coma", "maca-lsq"))
    assert f"the joint baseline has {joint:.0f} times the least variance, equal thirds {thirds:.0f} times" in PAGE
    assert f"the individual baseline alone {alone:.1f} times, the mixture by least squares {squares:.1f} times" in PAGE
    against_joint = "equal thirds are {:.0f} times and least squares {:.0f} times quieter"
    assert against_joint.format(joint / thirds, joint / squares) in PAGE
    assert f"equal thirds are {thirds / alone:.0f} times noisier and least squares a fifth quieter" in PAGE
    assert 0.75 < squares / alone < 0.85


def test_the_budget_of_a_battle():
    shares = defaultdict(list)
    for row in rows("budget_2s3z/budget.csv"):
        shares[row["owner"]].append(100 * float(row["share"]))
    assert (
        "[single agents' actions own {:.1f} and {:.1f} per cent of it]".format(*shares["joint action, level 1"]) in PAGE
    )
    assert "the critic's error owns {:.0f} and {:.0f}".format(*shares["critic's error"]) in PAGE
    assert "later actions {:.0f} and {:.0f}".format(*shares["later actions"]) in PAGE


def test_other_pages_say_the_same_of_corrsets():
    said = {place: re.search(rf"([\d.]+) times(?: as often)? on `{place}`", PAGE)[1] for place in (*MAPS, "2s3z")}
    pages = ("what_was_learned", "true_credit")
    others = {name: (BOOK / "guides" / f"{name}.md").read_text(encoding="utf-8") for name in pages}
    assert f"{min(said.values())} to {max(said.values())} times as often as random sets" in others["what_was_learned"]
    assert f"hold partners {said['2s3z']} times as often" in others["true_credit"]
