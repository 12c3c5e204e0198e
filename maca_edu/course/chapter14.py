"""Chapter 14, MACA assembled: the checks of the lab's exercises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.stats
import torch

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise
from maca_edu.credit import corrset as corrset_of
from maca_edu.networks import MacaCritic, count_parameters
from maca_edu.training.methods import maca
from maca_edu.training.records import JudgedBatch

# ---------------------------------------------------------------------------------------------------------------------
# Counting Figure 1


@exercise("counting Figure 1", difficulty=2, minutes=15)
def check_parameters(candidate):
    """The candidate's number is how many numbers gradient descent trains in MACA's critic, for several sizes."""
    for d, n, A, E, Z in ((9, 3, 4, 8, 16), (20, 4, 2, 32, 48), (124, 5, 12, 64, 256)):
        got = as_number(candidate(d, n, A, E, Z))
        want = count_parameters(MacaCritic(d, n, A, embed=E, z_size=Z))
        if got == want:
            continue
        wrong = {
            "You count psi's head. CMA-ES fills it in; gradient descent leaves it alone.": want + 3 * Z + 3,
            "Your MLP is four times as wide as the tokens. It is as wide as they are.": want + 6 * E * E + 3 * E,
            "Your GRU has one bias for each gate. PyTorch's has two: one beside each product.": want - 3 * E,
            "z is made of all n tokens side by side, and you count one.": want - (n - 1) * E * Z,
            "The Q head reads z and the actions of all n agents; you count those of one.": want - (n - 1) * A * 256,
            "The Q head reads z, too, beside the joint action.": want - Z * 256,
            "You leave the LayerNorm on the observations out.": want - 2 * d,
            "You leave the LayerNorm after the GRU out.": want - 2 * E,
            "You leave two LayerNorms out. There are four around the tokens: one before the block, two in it, one "
            "after it.": want - 4 * E,
            "You leave the GRU out.": want - (6 * E * E + 6 * E + 2 * E),
            "You leave the head of V out.": want - (64 * Z + 64 + 128 + 65),
            "Attention has four maps: query, key, value, and one after them. You count three.": want - (E * E + E),
        }
        for message, answer in wrong.items():
            if got == answer:
                raise Mistake(message)
        if got != round(got):
            raise Mistake(f"You count {got:.10g}, which is not a whole number.")
        side = "more" if got > want else "fewer"
        raise Mistake(
            f"With d = {d}, n = {n}, A = {A}, E = {E}, Z = {Z} there are {want:,}; you count {abs(got - want):,.0f} "
            f"{side}. Does every linear layer have its bias, and every LayerNorm its scale and its shift?"
        )
    return "239,674 at the sizes of 5m_vs_6m, which is the number that the paper prints."


# ---------------------------------------------------------------------------------------------------------------------
# How true the credit is


class Case(NamedTuple):
    """A random game, one of its agents, and what MACA does for it."""

    q: np.ndarray  # (A,) * n
    policy: np.ndarray  # [n, A]
    agent: int
    corrset: tuple[int, ...]
    psi: np.ndarray  # [3]
    known: set  # the groups whose components the critic has


def cases() -> Iterator[Case]:
    """Random games with every agent, several CorrSets, and critics that know all, sums, one group, or nothing."""
    rng = np.random.default_rng(14)
    for n, A in ((3, 3), (4, 2)):
        for agent in range(n):
            q, policy = rng.normal(size=(A,) * n), rng.dirichlet(np.ones(A), size=n)
            groups = set(exact.credit_spectrum(q, policy))
            sums = {group for group in groups if len(group) < 2}
            one = {(), tuple(sorted({agent, (agent + 1) % n}))}
            others = sorted({agent, *(j for j in range(n) if rng.random() < 0.4)})
            for known in (groups, sums, one, {()}):
                for psi in (rng.dirichlet(np.ones(3)), np.array([0.0, 0.0, 1.0])):
                    yield Case(q, policy, agent, tuple(others), psi, known)


def correlated(x: np.ndarray, y: np.ndarray, policy: np.ndarray) -> float:
    """The correlation of two tables under the joint policy."""
    x, y = x - exact.value(x, policy), y - exact.value(y, policy)
    return exact.value(x * y, policy) / np.sqrt(exact.value(x * x, policy) * exact.value(y * y, policy))


@exercise("how true the credit is", difficulty=2, minutes=20)
def check_correlation(candidate):
    """The candidate's number is the correlation that listing all joint actions gives."""
    for case in cases():
        parts = exact.credit_spectrum(case.q, case.policy)
        variance = {group: exact.value(part**2, case.policy) for group, part in parts.items()}
        variance[()] = 0.0
        got = as_number(candidate(variance, case.agent, case.corrset, case.psi, case.known))
        want = listed_correlation(case, parts)
        if not np.isclose(got, want):
            explain_correlation(got, want, variance, case)
    return "The true credit is whole in it, whatever the critic knows. What varies is what is added to it."


def listed_correlation(case: Case, parts: dict) -> float:
    """The same by listing all joint actions."""
    n = case.q.ndim
    critic = sum((part for group, part in parts.items() if group in case.known), np.zeros_like(case.q))
    groups = (range(n), (case.agent,), case.corrset)
    mixture = sum(w * exact.baseline(critic, case.policy, g) for w, g in zip(case.psi, groups, strict=True))
    true = case.q - exact.baseline(case.q, case.policy, (case.agent,))
    return correlated(case.q - mixture, true, case.policy)


def explain_correlation(got: float, want: float, variance: dict, case: Case):
    """Raise the Mistake that fits a wrong answer to the exercise on true credit."""
    jnt, ind, cor = case.psi
    i, C, known = case.agent, set(case.corrset), case.known

    def weight(group):
        return jnt + cor * bool(C & set(group))

    def answer(of_noise, squared=True, of_signal=lambda group: True):
        signal = sum(v for group, v in variance.items() if i in group and of_signal(group))
        left = (v * of_noise(g) ** (2 if squared else 1) for g, v in variance.items() if i not in g)
        return np.sqrt(signal / (signal + sum(left))) if signal > 0 else 0.0

    right = {"of_noise": lambda group: weight(group) if group in known else 1.0}
    wrong = {
        "That is the square of the correlation.": want**2,
        "A variance is weighed by the square of the weight.": answer(**right, squared=False),
        "What the critic does not know it cannot take out: such a component stays with weight 1.": answer(weight),
        "A component that the critic does not know is not gone: the return holds it, with weight 1.": answer(
            lambda group: weight(group) * (group in known)
        ),
        "The weights are those of the baselines. Of a component that meets the CorrSet, Jnt and Cor leave their share, "
        "because they average it to zero, and only Ind takes it out.": answer(
            lambda group: (ind + cor * (not C & set(group))) if group in known else 1.0
        ),
        "The CorrSet's baseline leaves what meets the CorrSet. You have it the other way round.": answer(
            lambda group: (jnt + cor * (not C & set(group))) if group in known else 1.0
        ),
        "You look for components inside the CorrSet. Those that meet it count, with one member already.": answer(
            lambda group: (jnt + cor * (set(group) <= C)) if group in known else 1.0
        ),
        "A component with the agent in it comes with the return, whether or not the critic knows it.": answer(
            **right, of_signal=lambda group: group in known
        ),
        "The agent's credit is made of all components that contain it, not of its own alone.": answer(
            **right, of_signal=lambda group: group == (i,)
        ),
        "That is the correlation with the joint baseline: nothing is taken out.": answer(lambda group: 1.0),
        "You leave the CorrSet's share out.": answer(lambda group: jnt if group in known else 1.0),
    }
    for message, number in wrong.items():
        if np.isclose(got, number) and not np.isclose(number, want):
            raise Mistake(message)
    raise Mistake(
        f"For agent {i} with the CorrSet {case.corrset}, psi = {case.psi.round(2)} and a critic that knows "
        f"{len(known)} components the correlation is {told_apart(got, want)}."
    )


# ---------------------------------------------------------------------------------------------------------------------
# Ablations and intervals


@exercise("a baseline taken out", difficulty=1, minutes=10, without="maca_edu")
def check_without(candidate):
    """The candidate's array is the softmax of the logits that are left."""
    rng = np.random.default_rng(15)
    for S in (3, 2, 1):
        logits = rng.normal(size=(S, 3))
        psi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        for gone in (2, 0, 1):
            got = as_array(candidate(psi, gone), psi.shape)
            kept = np.where(np.arange(3) == gone, 0.0, psi)
            want = kept / kept.sum(axis=1, keepdims=True)
            if np.allclose(got, want):
                continue
            shared = np.where(np.arange(3) == gone, 0.0, psi + psi[:, [gone]] / 2)
            rest = np.exp(kept) * (np.arange(3) != gone)
            wrong = {
                "The weights no longer sum to 1, so the baseline no longer holds V once: divide by what is left.": kept,
                "You give the weight that is free to both alike. The softmax of the two logits keeps their ratio.": (
                    shared
                ),
                "You take the softmax of weights. They are softmaxes already: divide by their sum.": (
                    rest / rest.sum(axis=1, keepdims=True)
                ),
                "Both others get one half. They keep their ratio.": np.where(np.arange(3) == gone, 0.0, 0.5),
                "You divide by the sum over samples. The weights of each sample sum to 1.": (
                    kept / kept.sum(axis=0, keepdims=True).clip(1e-9)
                ),
                "You keep only what was to go.": np.where(np.arange(3) == gone, 1.0, 0.0),
                "You do not change psi.": psi,
            }
            for message, answer in wrong.items():
                if np.allclose(got, answer):
                    raise Mistake(message)
            s, k = worst_place(got, want)
            raise Mistake(
                f"Without weight {gone} of {psi[s].round(3)} weight {k} is {told_apart(got[s, k], want[s, k])}."
            )
    return "Table 3's NoCor, NoInd and NoJnt are this, on the way to the mixture."


@exercise("an interval for a difference", difficulty=1, minutes=15, without="maca_edu")
def check_interval(candidate):
    """The candidate's pair is the 95 % t interval of the mean difference, seed by seed."""
    rng = np.random.default_rng(16)
    for seeds in (10, 5, 2):
        luck = rng.normal(scale=3, size=seeds)
        ours, theirs = luck + rng.normal(size=seeds) + 0.5, luck + rng.normal(size=seeds)
        got = as_array(candidate(ours, theirs), (2,))
        want = interval(ours - theirs)
        if np.allclose(got, want):
            continue
        apart = np.sqrt(ours.var(ddof=1) + theirs.var(ddof=1))
        mean = (ours - theirs).mean()
        quantile = scipy.stats.t.ppf(0.975, seeds - 1)
        pooled = scipy.stats.t.ppf(0.975, 2 * seeds - 2)
        root, deviation = np.sqrt(seeds), (ours - theirs).std(ddof=1)
        wrong = {
            "The runs of one seed belong together: take their differences first. You let each method vary alone.": (
                (mean - quantile * apart / root, mean + quantile * apart / root),
                (mean - pooled * apart / root, mean + pooled * apart / root),
            ),
            "With so few seeds 1.96 is too small. Take the quantile of Student's t with one degree of freedom less "
            "than there are seeds.": ((mean - 1.96 * deviation / root, mean + 1.96 * deviation / root),
                                      (mean - scipy.stats.norm.ppf(0.975) * deviation / root,
                                       mean + scipy.stats.norm.ppf(0.975) * deviation / root)),
            "That is where single differences lie. Their mean varies less, by the root of the number of seeds.": (
                (mean - quantile * deviation, mean + quantile * deviation),
            ),
            "That is one standard error on either side, which holds the truth in two cases of three or fewer.": (
                (mean - deviation / root, mean + deviation / root),
            ),
            "Take the deviation with `ddof=1`: the mean was estimated, too.": (interval(ours - theirs, ddof=0),),
            "Your interval has 90 %: leave two and a half per cent out at each end.": (
                interval(ours - theirs, tail=0.95),
            ),
            "The degrees of freedom are one less than the seeds.": (interval(ours - theirs, freedom=seeds),),
            "The sign is wrong: the difference is ours less theirs.": (interval(theirs - ours),),
            "The lower end comes first.": (want[::-1],),
        }  # fmt: skip
        for message, answers in wrong.items():
            if any(np.allclose(got, answer) for answer in answers):
                raise Mistake(message)
        raise Mistake(
            f"With {seeds} seeds the lower end is {told_apart(got[0], want[0])}; the upper end is "
            f"{told_apart(got[1], want[1])}."
        )
    return "What a seed does to both methods is gone from the difference."


def interval(x: np.ndarray, ddof: int = 1, tail: float = 0.975, freedom: int | None = None) -> np.ndarray:
    """Student's interval of the mean of x `[seeds]`: lower and upper end."""
    width = scipy.stats.t.ppf(tail, freedom or len(x) - 1) * x.std(ddof=ddof) / np.sqrt(len(x))
    return np.array([x.mean() - width, x.mean() + width])


# ---------------------------------------------------------------------------------------------------------------------
# MACA from Table 1 alone


class Batch(NamedTuple):
    """A random team and its critic: what MACA's row of Table 1 is computed from, and an actor to take gradients of."""

    target: np.ndarray  # [S, 1]
    action: np.ndarray  # [S, n] integers
    policy: np.ndarray  # [S, n, A]
    attention: np.ndarray  # [S, n, n]
    sigma: float
    psi: np.ndarray  # [S, 3]
    q: Callable[[np.ndarray], np.ndarray]  # [S, n, A] -> [S]
    baselines: torch.Tensor  # [3, S, n], the library's
    log_prob: torch.Tensor  # [S, n], with gradient
    weights: torch.Tensor  # the actor's


def batches() -> Iterator[Batch]:
    """Random batches, with additive and multilinear heads; in some an agent attends to itself less than sigma."""
    for seed, (n, A, head) in enumerate(((4, 3, "multilinear"), (3, 2, "additive"), (4, 2, "multilinear"))):
        rng, S, sigma = np.random.default_rng(seed), (6, 5, 7)[seed], (1 / n, 0.2, 0.4)[seed]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = MacaCritic(5, n, A, head=head, recurrent=False, embed=8, z_size=16).double()
            weights = torch.randn(5, A, dtype=torch.float64, requires_grad=True)
        obs = torch.from_numpy(rng.normal(size=(S, n, 5)))
        log_probs = (obs @ weights).log_softmax(-1)
        policy = log_probs.exp().detach()
        action = np.array([[rng.choice(A, p=p / p.sum()) for p in row] for row in policy.numpy()])
        attention = rng.dirichlet(np.ones(n), size=(S, n))
        attention[0] = (1 - sigma) / (n - 1)
        attention[0, range(n), np.arange(n) - 1] = sigma  # exactly the threshold
        attention[1] = np.roll(np.eye(n), 1, axis=1) * 0.7 + 0.3 / n  # nobody looks at itself
        psi = rng.dirichlet(np.ones(3), size=S)
        with torch.no_grad():
            z, _ = net(obs)
            one_hot = torch.eye(A, dtype=torch.float64)[torch.from_numpy(action)]
            groups = corrset_of(torch.from_numpy(attention), sigma)
            baselines = net.baselines(z, policy, one_hot, groups)
        log_prob = log_probs.gather(-1, torch.from_numpy(action).unsqueeze(-1)).squeeze(-1)
        q = critic_function(net, z, (S, n, A))
        yield Batch(
            rng.normal(size=(S, 1)), action, policy.numpy(), attention, sigma, psi, q, baselines, log_prob, weights
        )


def critic_function(net: MacaCritic, z, shape: tuple[int, int, int]):
    """The critic as a function of NumPy arrays x `[S, n, A]`, which refuses other shapes."""

    @torch.no_grad()
    def q(x):
        x = np.asarray(x, dtype=float)
        if x.shape != shape:
            raise ValueError(f"q was given an array of shape {x.shape}; it reads one of shape {shape}")
        return net.q(z, torch.from_numpy(x)).numpy()

    return q


def gradient(advantage, batch: Batch) -> torch.Tensor:
    """The policy gradient with this advantage `[S, n]`, by the actor's weights."""
    advantage = torch.as_tensor(np.array(advantage), dtype=torch.float64)
    return torch.autograd.grad((advantage * batch.log_prob).mean(), batch.weights, retain_graph=True)[0]


def library_advantage(batch: Batch) -> np.ndarray:
    """The library's row of Table 1, `[S, n]`."""
    target, psi = torch.from_numpy(batch.target), torch.from_numpy(batch.psi)
    alive = torch.ones(batch.action.shape, dtype=torch.bool)
    record = JudgedBatch(
        target, torch.from_numpy(batch.action), torch.from_numpy(batch.policy), alive, torch.ones_like(target),
        baselines=batch.baselines, psi=psi,
    )  # fmt: skip
    return maca(record).numpy()


@exercise("MACA from Table 1 alone", difficulty=3, minutes=30, without="maca_edu")
def check_maca(candidate):
    """The candidate's advantages give the policy gradient of the library's."""
    for batch in batches():
        got = as_array(
            candidate(batch.target, batch.action, batch.policy, batch.attention, batch.sigma, batch.psi, batch.q),
            batch.action.shape,
        )
        want = library_advantage(batch)
        if not torch.allclose(gradient(got, batch), gradient(want, batch)):
            explain_maca(got, want, batch)
        if not np.allclose(got, want):
            raise Mistake("The gradient agrees by luck, but the advantages differ from Table 1's.")
    return "The gradient of your advantages is the library's, to rounding."


def explain_maca(got: np.ndarray, want: np.ndarray, batch: Batch):
    """Raise the Mistake that fits wrong advantages."""
    n = batch.action.shape[1]
    alone = np.eye(n, dtype=bool)
    near = batch.attention >= batch.sigma
    whole, own, cor = np.ones_like(near), np.broadcast_to(alone, near.shape), near | alone

    def answer(groups=(whole, own, cor), psi=batch.psi, policy=batch.policy):
        baselines = [written_out(batch, group, policy) for group in groups]
        return batch.target - sum(psi[:, [k]] * b for k, b in enumerate(baselines))

    uniform = np.full_like(batch.policy, 1 / batch.policy.shape[2])
    mixture = batch.target - want
    played = batch.q(np.eye(batch.policy.shape[2])[batch.action])[:, None]
    wrong = {
        "The sign is wrong: the advantage is the target less the baseline.": -want,
        "That is the baseline. The advantage is the target less it.": mixture,
        "You take the critic's own Q(s, a). Table 1's Q(s, a) is `target`, the return that was observed.": (
            played - mixture
        ),
        "An agent belongs to its own CorrSet, also where it hardly looks at itself.": answer((whole, own, near)),
        "An attention of exactly sigma is enough: `>=`, not `>`.": answer(
            (whole, own, (batch.attention > batch.sigma) | alone)
        ),
        "C_i holds those whom i looks at: row i of the attention. You take column i.": answer(
            (whole, own, np.swapaxes(cor, 1, 2))
        ),
        "The order of psi is joint, individual, CorrSet.": answer((own, whole, cor)),
        "The order of psi is joint, individual, CorrSet. ": answer((whole, cor, own)),
        "The weights are those of each sample; you use the first one's throughout.": answer(
            psi=np.broadcast_to(batch.psi[:1], batch.psi.shape)
        ),
        "You mix with equal weights. Each sample has its psi.": answer(psi=np.full_like(batch.psi, 1 / 3)),
        "Inside a group stand the policies, outside what was played. You have it the other way round.": answer(
            (~whole, ~own, ~cor)
        ),
        "Agents act again by their policies; you give every action the same weight.": answer(policy=uniform),
        "You leave the CorrSet's baseline out.": answer((whole, own, cor), batch.psi * [1, 1, 0]),
    }
    for message, advantage in wrong.items():
        if np.allclose(got, advantage) and not np.allclose(advantage, want):
            raise Mistake(message.strip())
    s, i = worst_place(got, want)
    raise Mistake(f"For sample {s}, agent {i} the advantage is {told_apart(got[s, i], want[s, i])}.")


def written_out(batch: Batch, group: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Baselines `[S, n]`, agent by agent: the policies of the group `[S, n, n]` in the place of actions."""
    one_hot = np.eye(policy.shape[2])[batch.action]
    rows = [np.where(group[:, i, :, None], policy, one_hot) for i in range(group.shape[1])]
    return np.stack([batch.q(x) for x in rows], axis=1)
