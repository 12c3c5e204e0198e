"""CMA-ES of psi: finds a known optimum, survives NaN and flat fitness, touches nobody's generator, resumes exactly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from maca_edu.training.psi import PsiSearch, linear_map, weights

BEST = np.array([0.6, 0.1, 0.3])
NOISE = 0.082  # of a measured return: the noise of differences of neighbours is sqrt(2) times that, 0.116
DRIFT = 0.015  # the return's rise by each update, whatever psi


def gain(psi, effect):
    """What an update with the weights psi `[..., 3]` gains: effect at the best psi, 0 on average at 1/3 each."""
    return effect * (1 - np.mean(((psi - BEST) ** 2).sum(axis=-1)) / ((1 / 3 - BEST) ** 2).sum())


def train(search, updates, effect, noise=NOISE, psi_of=weights, seed=1):
    """A run whose true return is known and whose measured return is noisy."""
    rng, R = np.random.default_rng(seed), 0.0
    search.tell(R + rng.normal(0, noise))
    for _ in range(updates):
        R += DRIFT + gain(psi_of(search.ask()), effect)
        search.tell(R + rng.normal(0, noise))
    return search


def error(search):
    return np.abs(weights(search.mean) - BEST).max()


@pytest.mark.parametrize("design", ["shuffled", "mirrored"])
def test_the_optimum_without_noise(design):
    """640 updates, with drift."""
    for seed in range(2):
        assert error(train(PsiSearch(seed=seed, design=design), 640, effect=0.25, noise=0.0)) < 0.05


def test_the_optimum_under_noise():
    """2,560 updates with an effect of three times the noise of a return."""
    for seed in range(3):
        search = PsiSearch(seed=seed, population=32, adapt=False)
        assert error(train(search, 2560, effect=0.25, seed=seed)) < 0.05


def test_a_forked_search_under_noise():
    """1,280 comparisons of two copies, 2,560 updates, the same effect and noise."""
    for seed in range(3):
        search, rng = PsiSearch(seed=seed, design="paired", population=32), np.random.default_rng(seed)
        for _ in range(1280):
            plus, minus = (gain(weights(eta), 0.25) + rng.normal(0, NOISE) for eta in search.ask_pair())
            search.tell_pair(plus, minus)
        assert error(search) < 0.05


def test_the_linear_map_without_noise():
    """1,280 updates, 771 numbers, z of norm about 16."""
    z = np.random.default_rng(9).normal(size=(32, 256))

    def psi_of(eta):
        weight, bias = linear_map(eta, 256)
        return np.apply_along_axis(weights, 1, z @ weight.T + bias)

    search = PsiSearch("linear", seed=0, step=0.02)
    assert search.mean.shape == (771,)
    assert_allclose(psi_of(search.mean), 1 / 3)
    train(search, 1280, 0.25, 0.0, psi_of)
    assert gain(psi_of(search.mean), 1.0) > 0.85  # 85 % of what a perfect psi gains over 1/3 each


def test_starts_at_a_third_and_stays_within_bounds():
    search = PsiSearch(seed=3)
    assert_allclose(weights(search.mean), 1 / 3)
    for _ in range(400):
        search.tell(-abs(search.ask() - 50).sum())  # one logit beyond the other: the mean would go on for ever
    assert np.abs(search.mean).max() <= 3


def test_candidate_k_is_judged_by_the_return_after_its_update():
    search, returns = PsiSearch(seed=0, population=4, memory=2), [1.0, 2.0, 5.0, 4.0, 4.5]
    for now in returns[:4]:
        search.tell(now)
        assert_array_equal(search.ask(), search.ask())  # until told, the same candidate
    # gains 1, 3, -1; the trend before each: 0, then 1/2, then 1/2 + (3 - 1/2)/2 = 7/4
    assert_allclose(search.fitness, [-(1 - 0), -(3 - 0.5), -(-1 - 1.75)])
    tried = search.candidates.copy()
    search.tell(returns[4])
    assert len(search.told) == 1
    assert not np.isin(search.candidates, tried).any()


def test_mirrored_candidates_come_in_pairs_and_paired_ones_together():
    search = PsiSearch(seed=5, design="paired")
    plus, minus = search.ask_pair()
    assert_allclose(plus, -minus)
    search.tell_pair(1.0, 0.5)
    assert_allclose(search.fitness, [-0.25, 0.25])
    assert not np.allclose(search.ask_pair()[0], plus)
    candidates = PsiSearch(seed=5, design="mirrored").candidates
    assert_allclose(candidates.mean(axis=0), 0, atol=1e-12)
    assert not np.allclose(PsiSearch(seed=5, design="shuffled").candidates.mean(axis=0), 0, atol=1e-3)


def test_nan_is_refused_and_changes_nothing():
    search, other = PsiSearch(seed=2), PsiSearch(seed=2)
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="team_return="):
            search.tell(wrong)
        with pytest.raises(ValueError, match="minus="):
            PsiSearch(design="paired").tell_pair(1.0, wrong)
    assert_array_equal(train(search, 40, 1.0).mean, train(other, 40, 1.0).mean)


def test_flat_fitness_is_not_told_and_the_search_goes_on():
    search = PsiSearch(seed=2, adapt=True)
    search.tell(1.0)
    for _ in range(80):
        search.ask()
        search.tell(1.0)
    assert_array_equal(search.mean, 0)
    assert search.strategy.countiter == 0
    assert len(search.told) == 10
    assert error(train(search, 640, effect=0.25, noise=0.0)) < 0.05


def test_the_global_generator_and_the_folder_stay_untouched(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.random.seed(12)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    one, other = (train(PsiSearch(mode, seed=4), 40, 0.25).mean for mode in ("bias", "bias"))
    train(PsiSearch("linear", seed=4), 20, 0.25, psi_of=lambda eta: weights(eta[:3]))
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    assert_array_equal(one, other)
    assert not np.allclose(one, train(PsiSearch(seed=5), 40, 0.25).mean)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("options", [dict(), dict(design="shuffled"), dict(mode="linear", features=5)])
@pytest.mark.parametrize("updates", [0, 21, 24])
def test_resumes_identically(options, updates):
    def psi_of(eta):
        return weights(eta[:3])

    search = train(PsiSearch(seed=6, **options), updates, 0.25, psi_of=psi_of)
    search.ask()  # saved with a candidate on trial
    other = PsiSearch(seed=1)
    other.load_state_dict(search.state_dict())
    for one in (search, other):
        rng = np.random.default_rng(0)
        for _ in range(30):
            one.tell(rng.normal())
            one.ask()
    assert_array_equal(search.ask(), other.ask())
    assert_array_equal(search.mean, other.mean)
    assert (search.trend, search.last_return) == (other.trend, other.last_return)
    state = search.state_dict()
    state["mean"] = state["mean"] + 0.1
    with pytest.raises(ValueError, match="another mean"):
        other.load_state_dict(state)


def test_linear_map_of_both_modes():
    weight, bias = linear_map(np.arange(9.0), 2)
    assert weight.tolist() == [[0, 1], [3, 4], [6, 7]]
    assert bias.tolist() == [2, 5, 8]
    weight, bias = linear_map(np.array([1.0, 2.0, 3.0]), 4)
    assert weight.shape == (3, 4)
    assert not weight.any()
    assert bias.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mode="full"), "mode='full'; allowed are bias, linear"),
        (dict(design="both"), "design='both'; allowed are shuffled, mirrored, paired"),
        (dict(population=7), "population=7; allowed are even numbers from 4"),
        (dict(step=0.0), r"step=0\.0; allowed are positive numbers"),
        (dict(design="paired", adapt=True), "adapt=True; a paired search"),
    ],
)
def test_wrong_arguments_of_a_search_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        PsiSearch(**options)


def test_pairs_need_a_paired_search():
    for call in (lambda: PsiSearch().ask_pair(), lambda: PsiSearch().tell_pair(1.0, 2.0)):
        with pytest.raises(ValueError, match="design='mirrored'; pairs need design='paired'"):
            call()
