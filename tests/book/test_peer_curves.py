"""The tables of "As fast as its peers?" are made of the runs, and the sentences about its curves are theirs, too."""

import math

import numpy as np
import peer_curves as peers
import peer_smax
import pytest
from peer_curves import CHANGED, EARLY, RETURN, WON, Part, lead, scores

PAGE = " ".join((peers.BOOK / "guides" / "peers.md").read_text(encoding="utf-8").split())
SEEDS = [2100, 2101, 2102, 2103, 2104]
LATER = [2110, 2111, 2112, 2113, 2114]  # with HARL's published settings
PAIRS = {"spread": ("HARL's", RETURN), "spread_long": ("HARL's", RETURN), "smax": ("JaxMARL's", RETURN + WON)}


@pytest.mark.parametrize("name", PAIRS)
def test_the_tables_are_made_of_the_data(name):
    assert (peers.DATA / f"{name}.md").read_text(encoding="utf-8") == peers.table(name, *PAIRS[name]) + "\n"
    assert (peers.BOOK / "_static" / f"peers_{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", PAIRS)
def test_five_seeds_a_side_over_the_same_steps(name):
    both = [peers.curves(name, side, "return_mean") for side in (PAIRS[name][0], "ours")]
    np.testing.assert_array_equal(both[0].steps, both[1].steps)
    for side in (PAIRS[name][0], "ours"):
        seeds = [run.seed for run in peers.read_runs(name) if run.side == side]
        assert seeds == (LATER if name == "spread_long" else SEEDS)


def found(name: str, measure: peers.Measure) -> peers.Interval:
    return lead(scores(name, "ours", measure), scores(name, PAIRS[name][0], measure))


def test_spread():
    over_all = found("spread", RETURN[0])
    assert all(peers.verdict(found("spread", measure)) == "undecided" for measure in RETURN)
    assert abs(over_all.value) < 0.15
    assert "They are .1 apart" in PAGE
    assert f"more than {over_all.high:.1f} over training, or of HARL's of more than {-over_all.low:.1f}" in PAGE
    gained = [
        curve.values[:, -5:].mean() - curve.values[:, :5].mean()
        for curve in (peers.curves("spread", side, "return_mean") for side in ("HARL's", "ours"))
    ]
    assert all(6 < x < 8 for x in gained)


def test_spread_with_published_settings():
    whole, late, greedy = (found("spread_long", measure) for measure in RETURN)
    assert {peers.verdict(x) for x in (whole, late, greedy)} == {"undecided"}
    excluded = f"of ours of more than {whole.high:.1f} over training, or of HARL's of more than {-whole.low:.1f}"
    assert excluded.replace("0.", ".") in PAGE
    both = [peers.curves("spread_long", side, "return_mean").values for side in ("HARL's", "ours")]
    assert all(13 < x[:, -1].mean() - x[:, 0].mean() < 14 for x in both)
    ends = " and ".join(f"−{-scores('spread_long', side, RETURN[1]).mean():.1f}" for side in ("HARL's", "ours"))
    assert f"it lies at {ends}." in PAGE
    assert all(round(scores("spread_long", side, RETURN[2]).mean()) == -58 for side in ("HARL's", "ours"))


def test_a_choice_by_hand():
    """Probabilities 0, 1/4 and 3/4: entropy log 4 - 3/4 log 3; an illegal action adds nothing."""
    jnp = pytest.importorskip("jax").numpy
    choice = peer_smax.Choice(jnp.array([[-1e10, 0.0, math.log(3)]]))
    np.testing.assert_allclose(choice.log_prob(jnp.array([2])), [math.log(3 / 4)], rtol=1e-6)
    np.testing.assert_allclose(choice.entropy(), [math.log(4) - 3 / 4 * math.log(3)], rtol=1e-6)


def test_what_the_script_reports_is_counted():
    """Two steps of two battles: one ends, won, after a return of 1.5."""
    rows, ended = [], np.zeros((2, 2, 5), dtype=bool)
    ended[1, 0] = True
    metric = dict(returned_episode=ended, returned_episode_returns=1.5 * ended, returned_won_episode=1.0 * ended)
    peer_smax.report_to(rows, lambda note, result, metric: note(metric), None, None, metric | {"update_steps": 3})
    assert rows == [Part(4 * peer_smax.COPIES * peer_smax.ROLLOUT, 1, 1.5, 1.0)]


def said(interval: peers.Interval) -> str:
    """As the page writes a difference: +.03 [−.07, +.13]."""
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]".replace("0.", ".").replace("-", "−")


def test_a_battle():
    whole, late, greedy, *won = [found("smax", measure) for measure in RETURN + WON]
    assert peers.verdict(whole) == "ahead"
    assert {peers.verdict(x) for x in (late, greedy, *won)} == {"undecided"}
    assert "by " + said(whole).replace("+", "") in PAGE
    ours, theirs = (peers.curves("smax", side, "return_mean") for side in ("ours", "JaxMARL's"))
    assert ours.steps[4] == 20480
    reached = f"still stand at {theirs.values[:, 4].mean():.2f}, and ours have reached {ours.values[:, 4].mean():.2f}"
    assert reached.replace("0.", ".") in PAGE
    assert f"from −{-100 * won[2].low:.0f} to +{100 * won[2].high:.0f} points" in PAGE


def test_why():
    assert (peers.DATA / "smax_why.md").read_text(encoding="utf-8") == peers.why((EARLY, RETURN[0])) + "\n"
    normed, plain = CHANGED
    as_it_is = [scores("smax", "JaxMARL's", measure) for measure in (EARLY, RETURN[0])]
    changed = {side: [scores("smax", side, measure) for measure in (EARLY, RETURN[0])] for side in CHANGED}
    assert f"changes by {said(lead(changed[normed][1], as_it_is[1]))} over training" in PAGE
    assert f"over JaxMARL's is {said(lead(changed[plain][0], as_it_is[0]))}" in PAGE
    assert f"ours still has {said(lead(changed[plain][1], as_it_is[1])).replace('+', '', 1)} over" in PAGE
    ours = [scores("smax", "ours", measure) for measure in (EARLY, RETURN[0])]
    early, lost = ours[0].mean() - as_it_is[0].mean(), lead(ours[0], changed[plain][0])
    assert f"of {early:.2f} in the first fifth {lost.value:.2f} are gone".replace("0.", ".") in PAGE
    assert f"it costs {said(lead(ours[1], changed[plain][1])).replace('+', '')}" in PAGE
    assert peers.verdict(lead(ours[1], changed[plain][1])) == "undecided"


def test_a_run_in_parts_by_hand():
    rows = [Part(10, 1, 2.0, 0.0), Part(20, 3, 6.0, 1.0), Part(30, 0, math.nan, math.nan), Part(40, 0, math.nan)]
    first, last = peers.in_parts(rows, 2)
    assert first == Part(20, 4, 5.0, 0.75)
    assert last[:2] == (40, 0)
    assert math.isnan(last.return_mean)


def test_a_lead_by_hand():
    """Means 3 and 1, variances 1 and 1 over three seeds: error sqrt(2 / 3), 4 degrees of freedom, t 2.776."""
    got = lead(np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0]))
    assert got == pytest.approx((2, 2 - 2.776 * math.sqrt(2 / 3), 2 + 2.776 * math.sqrt(2 / 3)), abs=1e-3)
    words = [peers.verdict(x) for x in (got, peers.Interval(2, 1, 3), peers.Interval(-2, -3, -1))]
    assert words == ["undecided", "ahead", "behind"]
