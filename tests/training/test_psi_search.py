"""The search for psi: finds a known optimum and keeps it, stays bounded under noise, says how much signal it had,
survives NaN and flat fitness, touches nobody's generator, resumes exactly."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from maca_edu.networks import MacaCritic
from maca_edu.networks.critic import Encoding
from maca_edu.training.psi_search import PsiSearch, load_head

BEST = np.array([0.6, 0.1, 0.3])
NOISE = 0.082  # sd of a measured return
DRIFT = 0.015  # the return's rise by each update, whatever psi
Z = 256


def softmax(logits):
    """psi of logits `[..., 3]`, clamped as in `MacaCritic.psi`."""
    e = np.exp(np.clip(logits, -MacaCritic.LOGIT_BOUND, MacaCritic.LOGIT_BOUND))
    return e / e.sum(axis=-1, keepdims=True)


def weights(eta):
    """psi `[3]` of three biases, `[3, 1]`."""
    return softmax(eta[:, -1])


def quality(psi, best=BEST):
    """1 at the best psi `[..., 3]`, 0 on average at 1/3 each."""
    return 1 - np.mean(((psi - best) ** 2).sum(axis=-1)) / ((1 / 3 - best) ** 2).sum()


def train(search, updates, effect, noise=NOISE, psi_of=weights, seed=1, best=BEST, drift=DRIFT):
    """A run whose true return is known and whose measured return is noisy; an update gains effect * quality(psi)."""
    rng, R = np.random.default_rng([seed, 1]), 0.0  # not the stream of the search
    search.tell(R + rng.normal(0, noise))
    for _ in range(updates):
        R += drift + effect * quality(psi_of(search.ask()), best)
        search.tell(R + rng.normal(0, noise))
    return search


def train_pairs(search, comparisons, effect, noise, seed=1):
    rng = np.random.default_rng([seed, 1])
    for _ in range(comparisons):
        plus, minus = (effect * quality(weights(eta)) + rng.normal(0, noise) for eta in search.ask_pair())
        search.tell_pair(plus, minus)
    return search


def error(search, best=BEST):
    return np.abs(weights(search.mean) - best).max()


DESIGNS = [
    dict(),
    dict(adapt=True),
    dict(design="shuffled"),
    dict(design="shuffled", adapt=True),
    dict(population=8, hold=4),
]


@pytest.mark.parametrize("options", DESIGNS)
@pytest.mark.parametrize(("seed", "best"), [(0, (0.6, 0.1, 0.3)), (1, (0.05, 0.05, 0.9))])
def test_the_optimum_without_noise_is_found_and_kept(options, seed, best):
    """After 640, 2,560 and 10,000 updates, with drift: steps that collapse lose what they have found."""
    search = PsiSearch(seed=seed, **options)
    for updates in (640, 1920, 7440):
        assert error(train(search, updates, 0.25, noise=0.0, best=np.array(best)), best) < 0.05
    assert search.strategy.stds.min() > 0.99 * 0.45 / 3
    assert search.strategy.sigma > 0.99 * 0.45 / 3


def test_a_forked_search_finds_and_keeps_the_optimum_without_noise():
    search = PsiSearch(design="paired")
    for comparisons in (320, 960, 3720):
        assert error(train_pairs(search, comparisons, effect=0.25, noise=0.0)) < 0.05


def test_the_optimum_under_noise():
    """2,560 updates; the best psi's effect is three times the noise of a return."""
    errors = [error(train(PsiSearch(seed=seed), 2560, effect=3 * NOISE, seed=seed)) for seed in range(4)]
    assert np.median(errors) < 0.05


def test_a_forked_search_under_noise():
    """1,280 comparisons of two copies, 2,560 updates, the same effect and noise."""
    for seed in range(3):
        search = PsiSearch(seed=seed, design="paired", step=0.3)
        assert error(train_pairs(search, 1280, 3 * NOISE, NOISE, seed)) < 0.05


def test_the_linear_map_without_noise():
    """1,280 updates, 257 columns, z of length about 16; the best psi depends on z or does not."""
    z = np.random.default_rng(9).normal(size=(32, Z))

    def psi_of(eta):
        return softmax(z @ eta[:, :-1].T + eta[:, -1])

    for best in (BEST, np.where(z[:, :1] > 0, BEST, BEST[[2, 0, 1]])):
        search = PsiSearch("linear", features=Z)
        assert search.mean.shape == (3, Z + 1)
        assert_allclose(psi_of(search.mean), 1 / 3)
        before = ((1 / 3 - best) ** 2).sum(axis=-1).mean()
        train(search, 1280, 0.25, 0.0, psi_of, best=best)
        after = ((psi_of(search.mean) - best) ** 2).sum(axis=-1).mean()
        assert after < 0.3 * before


@pytest.mark.parametrize("options", [dict(), dict(adapt=True, population=8, step=1.0)])
def test_noise_alone_leaves_no_weight_below_a_hundredth(options):
    """2,560 updates of a linear map: through the critic, in every state, of the mean and of candidates."""
    search = train(PsiSearch("linear", features=Z, **options), 2560, effect=0.0)
    critic = MacaCritic(obs_size=2, n_agents=2, n_actions=2, z_size=Z)
    z = Encoding(torch.randn(2000, Z, generator=torch.Generator().manual_seed(0)), None, ())
    unclamped = []
    for eta in (search.mean, search.ask()):
        load_head(critic.psi_head, eta)
        assert (critic.psi(z) >= 0.01).all()
        unclamped.append(critic.psi_head(z.state).softmax(dim=-1).min())
    if not options:
        assert unclamped[0] > 0.01  # by the default, the mean does not even get there
    else:
        assert unclamped[1] < 0.01  # this one needs the clamp


def test_noise_for_long_does_not_carry_the_mean_away():
    """2,000 generations; without the drawing back, the mean of a random walk is at a distance of about 4."""
    for seed in range(3):
        search, rng = PsiSearch(seed=seed), np.random.default_rng([seed, 1])
        for fitness in rng.normal(size=2000 * 16):
            search.record_fitness(fitness)
        assert np.linalg.norm(search.mean) < 2.5


def test_logits_sum_to_zero():
    for mode in ("bias", "linear"):
        search = PsiSearch(mode, features=5)
        for _ in range(40):
            eta = search.ask()
            assert_allclose(eta.sum(axis=0), 0, atol=1e-12)
            search.tell(np.sin(100 * eta[0, 0]))
        assert_allclose(search.mean.sum(axis=0), 0, atol=1e-12)
        assert np.abs(search.mean).max() > 0


def test_the_fitness_of_a_candidate_is_the_gain_after_its_update():
    search, returns = PsiSearch(population=4, memory=2), [1.0, 2.0, 5.0, 4.0, 4.5]
    search.tell(returns[0])
    served = []
    for now in returns[1:4]:
        served.append(search.ask())
        search.tell(now)
    # gains 1, 3, -1; the trend before each: 0, then 1/2, then 1/2 + (3 - 1/2)/2 = 7/4
    assert_allclose(search.fitness, [1 - 0, 3 - 0.5, -1 - 1.75])
    served.append(search.ask())
    search.tell(returns[4])
    assert_allclose(search.generations, [[1, 2.5, -2.75, 0.5 - 0.375]])
    served.append(search.ask())
    assert len({eta.tobytes() for eta in served}) == 5


def test_an_update_whose_return_is_missing_is_shared():
    """Two updates by the same candidate, then a return: the fitness is the gain by one of them."""
    search = PsiSearch()
    search.tell(1.0)
    assert_array_equal(search.ask(), search.ask())
    search.tell(4.0)
    assert search.fitness == [1.5]
    search.tell(9.0)  # nobody was asked: the change is no candidate's
    search.ask()
    search.tell(10.5)
    assert_allclose(search.fitness, [1.5, 1.5 - 1.5 / 32])


def test_a_held_candidate_serves_several_updates():
    search = PsiSearch(hold=3)
    search.tell(0.0)
    first = search.ask()
    for now in (1.0, 5.0):
        search.tell(now)
        assert_array_equal(search.ask(), first)
    search.tell(6.0)
    assert search.fitness == [2.0]
    assert not np.allclose(search.ask(), first)


@pytest.mark.parametrize(("hold", "share"), [(1, 0.33), (2, 0.62), (4, 0.81)])
def test_how_much_of_a_candidates_gain_reaches_its_fitness(hold, share):
    """Rollouts of 32 steps, episodes of 50: the newest policy played t of the 50 steps of an episode that ends at t."""
    t, age = np.arange(1, 33), np.arange(hold + 2)[:, None]
    played_since = np.minimum((32 * age + t) / 50, 1).mean(axis=1)  # [hold + 2], by policies not older than `age`
    kernel = np.diff(played_since, prepend=0)  # of the measured return, by the age of the policy
    assert_allclose(kernel[:3].sum(), 1)
    search, rng = PsiSearch(population=2000, hold=hold, memory=1e9), np.random.default_rng(0)
    gains, R = [], np.zeros(hold + 2)  # true returns, the newest first
    search.tell(0.0)
    while len(search.fitness) < 1900:
        gains.append(rng.normal())
        for _ in range(hold):
            search.ask()
            R = np.concatenate([[R[0] + gains[-1]], R[:-1]])
            search.tell(kernel @ R)
    slope = np.dot(gains, search.fitness) / np.dot(gains, gains)
    assert_allclose(slope, share, atol=0.03)


@pytest.mark.parametrize("design", ["shuffled", "mirrored", "paired"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.8])
def test_the_share_of_the_signal(design, share):
    """fitness = a . step + noise, and the share of a . step in its variance is known. 40 generations of 16."""
    found = []
    for seed in range(8):
        search, rng = PsiSearch(seed=seed, design=design), np.random.default_rng([seed, 1])
        a = rng.normal(size=2)
        a *= np.sqrt(share) / np.linalg.norm(a)
        for _ in range(7):
            tell_generation(search, a, share, rng)
        assert np.isnan(search.signal_share)
        for _ in range(33):
            tell_generation(search, a, share, rng)
        found.append(search.signal_share)
    assert_allclose(np.mean(found), share, atol=0.08)


def tell_generation(search, a, share, rng):
    steps = (search.candidates - search.strategy.mean) / 0.45
    noise = np.sqrt(1 - share) * rng.normal(size=len(steps))
    if search.settings.design == "paired":  # half a difference has half the variance of noise
        noise[1::2] = -noise[::2]
    for fitness in steps @ a + noise:
        search.record_fitness(fitness)


def test_the_share_of_the_signal_of_a_linear_map_and_of_a_run():
    noise_only = [
        train(PsiSearch("linear", s, features=Z), 640, 0.0, psi_of=lambda eta: weights(eta), seed=s).signal_share
        for s in range(4)
    ]
    assert abs(np.mean(noise_only)) < 0.1
    assert train(PsiSearch(), 256, effect=3 * NOISE).signal_share > 0.1
    assert abs(train(PsiSearch(), 640, effect=0.0).signal_share) < 0.03


def test_mirrored_candidates_come_in_pairs_and_paired_ones_together():
    search = PsiSearch(seed=5, design="paired")
    plus, minus = search.ask_pair()
    assert_allclose(plus, -minus)
    search.tell_pair(1.0, 0.5)
    assert_allclose(search.fitness, [0.25, -0.25])
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
    search = PsiSearch(seed=2)
    search.tell(1.0)
    for _ in range(160):
        search.ask()
        search.tell(1.0)
    assert_array_equal(search.mean, 0)
    assert search.strategy.countiter == 0
    assert len(search.generations) == 10
    assert np.isnan(search.signal_share)
    assert error(train(search, 640, effect=0.25, noise=0.0)) < 0.05


def test_the_global_generator_and_the_folder_stay_untouched(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.random.seed(12)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    one, other = (train(PsiSearch(seed=4, adapt=True), 40, 0.25).mean for _ in range(2))
    train(PsiSearch("linear", seed=4), 40, 0.25)
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    assert_array_equal(one, other)
    assert not np.allclose(one, train(PsiSearch(seed=5, adapt=True), 40, 0.25).mean)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


OPTIONS = [dict(), dict(adapt=True), dict(design="shuffled", hold=3), dict(mode="linear", features=5, adapt=True)]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("updates", [0, 21, 72])
def test_resumes_identically(options, updates):
    search = train(PsiSearch(seed=6, population=8, **options), updates, 0.25)
    search.ask()  # saved while a candidate serves
    other = PsiSearch(seed=1)
    other.load_state_dict(search.state_dict())
    assert_array_equal(search.signal_share, other.signal_share)
    for one in (search, other):
        rng = np.random.default_rng(0)
        for _ in range(100):
            one.tell(rng.normal())
            one.ask()
    assert_array_equal(search.ask(), other.ask())
    assert_array_equal(search.mean, other.mean)
    assert_array_equal(search.signal_share, other.signal_share)
    state, resumed = search.state_dict(), other.state_dict()
    for name in ("settings", "fitness", "trend", "return_before", "updates_served"):
        assert state[name] == resumed[name]
    state["mean"] = state["mean"] + 0.1
    with pytest.raises(ValueError, match="another mean"):
        other.load_state_dict(state)


def test_a_proposal_is_written_into_the_head():
    head = nn.Linear(2, 3)
    load_head(head, np.arange(9.0).reshape(3, 3))
    assert head.weight.tolist() == [[0, 1], [3, 4], [6, 7]]
    assert head.bias.tolist() == [2, 5, 8]
    load_head(head, np.array([[1.0], [2.0], [3.0]]))
    assert not head.weight.any()
    assert head.bias.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=r"eta has the shape \(3, 2\); allowed are \(3, 1\) and \(3, 3\)"):
        load_head(head, np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mode="full"), "mode='full'; allowed are bias, linear"),
        (dict(design="both"), "design='both'; allowed are shuffled, mirrored, paired"),
        (dict(population=7), "population=7; allowed are even numbers from 4"),
        (dict(step=0.0), r"step=0\.0; allowed are positive numbers"),
        (dict(hold=0), "hold=0; allowed are integers from 1"),
        (dict(design="paired", adapt=True), "adapt=True; a paired search"),
        (dict(design="paired", hold=2), "hold=2; a paired search"),
    ],
)
def test_wrong_arguments_of_a_search_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        PsiSearch(**options)


def test_pairs_need_a_paired_search():
    for call in (lambda: PsiSearch().ask_pair(), lambda: PsiSearch().tell_pair(1.0, 2.0)):
        with pytest.raises(ValueError, match="design='mirrored'; pairs need design='paired'"):
            call()
