"""The same quantities as `maca_edu.exact` from their definitions, with plain loops and nothing shared with it."""

import itertools
import math


def all_actions(policy):
    """Every joint action."""
    return itertools.product(*(range(len(row)) for row in policy))


def chance(policy, action, agents=None):
    """The probability that the agents (default: all) play their part of the joint action."""
    agents = range(len(policy)) if agents is None else agents
    return math.prod(float(policy[i][action[i]]) for i in agents)


def subsets(agents):
    agents = sorted(agents)
    return [group for k in range(len(agents) + 1) for group in itertools.combinations(agents, k)]


def given(q, policy, action, kept):
    """E[Q | the agents in `kept` play their part of `action`, the others follow the policy]."""
    others = [i for i in range(len(policy)) if i not in kept]
    return sum(
        chance(policy, other, others) * q[other]
        for other in all_actions(policy)
        if all(other[i] == action[i] for i in kept)
    )


def value(q, policy):
    return given(q, policy, None, ())


def baseline(q, policy, action, group):
    return given(q, policy, action, [i for i in range(len(policy)) if i not in group])


def component(q, policy, action, group):
    """A_H(a) by inclusion and exclusion: the sum over K in H of (-1)^(|H| - |K|) E[Q | a_K]."""
    return sum((-1) ** (len(group) - len(K)) * given(q, policy, action, K) for K in subsets(group))


def score(policy, agent, action):
    """grad log pi_i(a_i) with softmax logits."""
    return [(1.0 if x == action[agent] else 0.0) - float(p) for x, p in enumerate(policy[agent])]


def weight(policy, agent, action):
    return sum(s * s for s in score(policy, agent, action))


def gradient_moments(q, policy, agent, baseline):
    mean, square = [0.0] * len(policy[agent]), 0.0
    for a in all_actions(policy):
        g = [(q[a] - baseline[a]) * s for s in score(policy, agent, a)]
        mean = [m + chance(policy, a) * x for m, x in zip(mean, g, strict=True)]
        square += chance(policy, a) * sum(x * x for x in g)
    return mean, square - sum(m * m for m in mean)


def minimum_variance_baseline(q, policy, agent, action, group):
    """Theorem A.2, in one point."""
    numerator = denominator = 0.0
    for part in itertools.product(*(range(len(policy[i])) for i in group)):
        a = list(action)
        for i, x in zip(group, part, strict=True):
            a[i] = x
        p = chance(policy, a, group) * weight(policy, agent, a)
        numerator, denominator = numerator + p * q[tuple(a)], denominator + p
    return numerator / denominator


def shapley_values(payoff, policy, action):
    """The average over all orders in which the agents may join."""
    n = len(policy)
    total = [0.0] * n
    for order in itertools.permutations(range(n)):
        for place, i in enumerate(order):
            total[i] += given(payoff, policy, action, order[: place + 1]) - given(payoff, policy, action, order[:place])
    return [t / math.factorial(n) for t in total]


def reachable(game):
    """Every state that can be reached, as a set of tuples, one game at a time."""
    import numpy as np

    found = {tuple(row) for row in game.initial_states()[0].tolist()}
    waiting = list(found)
    while waiting:
        state = waiting.pop()
        for action in itertools.product(range(len(game.actions)), repeat=len(game.agents)):
            step = game.step(np.array([state]), np.array([action]))
            reached = tuple(step.state[0].tolist())
            if not step.terminated[0] and reached not in found:
                found.add(reached)
                waiting.append(reached)
    return found


def value_iteration(game, policy_of, gamma, sweeps):
    """V by sweeping over the states, as a dict; `policy_of(state)` is `[n, A]`."""
    import numpy as np

    transitions = {}
    for state in reachable(game):
        for action in itertools.product(range(len(game.actions)), repeat=len(game.agents)):
            step = game.step(np.array([state]), np.array([action]))
            after = None if step.terminated[0] else tuple(step.state[0].tolist())
            transitions.setdefault(state, []).append(
                (chance(policy_of(state), action), float(sum(step.payments[0])), after)
            )
    V = dict.fromkeys(transitions, 0.0)
    V[None] = 0.0
    for _ in range(sweeps):
        V = {s: sum(p * (r + gamma * V[after]) for p, r, after in moves) for s, moves in transitions.items()}
        V[None] = 0.0
    return V
