"""Wrong answers to the exercises of lab 12, each with a piece of the message it must get."""

FEW_AT_A_TIME = """def my_may_average(head, n, A):
    from itertools import combinations

    rng = np.random.default_rng(0)
    for size in range(1, min(n, MOST) + 1):
        for group in 3 * list(combinations(range(n), size)):
            x, pi, mean = np.eye(A)[rng.integers(A, size=n)], rng.dirichlet(np.ones(A), size=n), 0.0
            for a in np.ndindex((A,) * size):
                x[list(group)] = np.eye(A)[list(a)]
                mean += np.prod([pi[i, c] for i, c in zip(group, a)]) * head(x)
            x[list(group)] = pi[list(group)]
            if not np.isclose(mean, head(x)):
                return False
    return True
"""

MUTANTS = {
    "group_baseline": [
        (
            "the others act again",
            ("x[list(group)] = policy[list(group)]", "x[others] = policy[others]"),
            "the other way round",
        ),
        ("everybody acts again", ("x[list(group)] = policy[list(group)]", "x = policy"), "that is V"),
        ("nobody acts again", ("    x[list(group)] = policy[list(group)]\n", ""), "nobody was averaged out"),
        ("uniform", ("= policy[list(group)]", "= 1 / A"), "the same weight"),
        ("first rows", ("= policy[list(group)]", "= policy[: len(group)]"), "the first rows"),
        ("one member", ("x[list(group)] = policy[list(group)]", "x[group[0]] = policy[group[0]]"), "one member only"),
        (
            "enumerates",
            "def my_group_baseline(head, action, policy, group):\n"
            "    n, A = policy.shape\n"
            "    q = np.array([head(np.eye(A)[list(a)]) for a in np.ndindex(*(A,) * n)]).reshape((A,) * n)\n"
            "    return exact.baseline(q, policy, group)[tuple(action)]\n",
            "you asked the head",
        ),
        ("action numbers", ("return head(x)", "return head(np.array(action))"), "it reads one of shape"),
    ],
    "may_average": [
        (
            "uniform policies only",
            ("rng.dirichlet(np.ones(A), size=n)", "np.full((n, A), 1 / A)"),
            "at the uniform policy",
        ),
        (
            "one agent at a time",
            "def my_may_average(head, n, A):\n"
            "    rng = np.random.default_rng(0)\n"
            "    for i in range(n):\n"
            "        x = np.eye(A)[rng.integers(A, size=n)]\n"
            "        pi, mean = rng.dirichlet(np.ones(A)), 0.0\n"
            "        for c in range(A):\n"
            "            x[i] = np.eye(A)[c]\n"
            "            mean += pi[c] * head(x)\n"
            "        x[i] = pi\n"
            "        if not np.isclose(mean, head(x)):\n"
            "            return False\n"
            "    return True\n",
            "wrong where all are averaged out",
        ),
        ("one or two agents at a time", FEW_AT_A_TIME.replace("MOST", "2"), "wrong where all are averaged out"),
        ("up to three agents at a time", FEW_AT_A_TIME.replace("MOST", "3"), "wrong where all are averaged out"),
        ("no tolerance", ("not np.isclose(mean, head(policy))", "mean != head(policy)"), "up to rounding"),
        ("the opposite", ("return False", "return True"), "You say True"),
        (
            "actions only",
            "def my_may_average(head, n, A):\n"
            "    return all(np.isfinite(head(np.eye(A)[list(a)])) for a in np.ndindex(*(A,) * n))\n",
            "tanh of a sum",
        ),
        (
            "only a sum may",
            "def my_may_average(head, n, A):\n"
            "    q = np.array([head(np.eye(A)[list(a)]) for a in np.ndindex(*(A,) * n)]).reshape((A,) * n)\n"
            "    parts = exact.credit_spectrum(q, np.full((n, A), 1 / A))\n"
            "    return all(np.allclose(part, 0) for group, part in parts.items() if len(group) > 1)\n",
            "sum of products",
        ),
        (
            "last agent played",
            (
                "policy = rng.dirichlet(np.ones(A), size=n)",
                "policy = rng.dirichlet(np.ones(A), size=n)\n        policy[-1] = np.eye(A)[0]",
            ),
            "last agent",
        ),
        ("a word", "def my_may_average(head, n, A):\n    return 'yes'\n", "True or False is needed"),
    ],
    "component": [
        (
            "divides by a mean",
            (
                "np.where(inside, played - mean, mean).prod()",
                "mean.prod() * np.where(inside, played / mean - 1, 1).prod()",
            ),
            "a finite number is needed",
        ),
        ("not centred", ("played - mean, mean", "played - 1, 1"), "subtract each member's mean"),
        ("others forgotten", ("played - mean, mean", "played - mean, 1"), "You forgot the agents outside"),
        ("others as played", ("played - mean, mean", "played - mean, played"), "not what they played"),
        ("swapped", ("played - mean, mean", "mean, played - mean"), "are swapped"),
        ("equal weights", ("(factor * policy).sum(axis=1)", "factor.mean(axis=1)"), "with equal weights"),
        ("not deflated", ("played - mean, mean", "played, mean"), "components of smaller groups"),
        ("sign", ("played - mean, mean", "mean - played, mean"), "The sign of a deviation"),
        ("whole table", ("return ", "return np.ones(3) * "), "one number is needed"),
    ],
    "levels": [
        (
            "divides by deviations",
            "def my_levels(mean, deviation):\n"
            "    with np.errstate(all='ignore'):\n"
            "        return np.polynomial.polynomial.polyfromroots(-mean / deviation) * deviation.prod()\n",
            "Do not divide by the deviations",
        ),
        ("reversed", ("return levels", "return levels[::-1]"), "The order is reversed"),
        ("means left out", ("new = m * levels", "new = levels.copy()"), "You left the means out"),
        ("adds up", ("return levels", "return np.cumsum(levels)"), "of exactly k agents"),
        (
            "divides",
            "def my_levels(mean, deviation):\n"
            "    with np.errstate(all='ignore'):\n"
            "        levels = np.poly(-deviation / mean) * mean.prod()\n"
            "    return levels\n",
            "Do not divide by the means",
        ),
        (
            "overwrites",
            (
                "new = m * levels\n        new[1:] += d * levels[:-1]\n        levels = new",
                "levels = m * levels\n        levels[1:] += d * levels[:-1]",
            ),
            "Keep the old numbers",
        ),
        ("too short", ("return levels", "return levels[1:]"), "an array of shape"),
        (
            "binomial shares",
            "def my_levels(mean, deviation):\n"
            "    n = len(mean)\n"
            "    return np.full(n + 1, (mean + deviation).prod() / (n + 1))\n",
            "shared out wrongly",
        ),
    ],
    "best_baseline": [
        ("individual", ("weights = policy[agent] * w", "weights = policy[agent]"), "That is the individual baseline"),
        ("score alone", ("weights = policy[agent] * w", "weights = w"), "by their squared score alone"),
        ("not normalised", ("weights / weights.sum()", "weights"), "sum to 1"),
        ("reversed", ("weights = policy[agent] * w", "weights = policy[agent][::-1]"), "You reverse the probabilities"),
        ("length", ("** 2).sum(axis=1)", "** 2).sum(axis=1) ** 0.5"), "Square it"),
        ("never wavers", ("if weights.sum() > 0:", "with np.errstate(all='ignore'):"), "never wavers"),
        (
            "enumerates",
            "def my_best_baseline(head, action, policy, agent):\n"
            "    n, A = policy.shape\n"
            "    q = np.array([head(np.eye(A)[list(a)]) for a in np.ndindex(*(A,) * n)]).reshape((A,) * n)\n"
            "    return exact.minimum_variance_baseline(q, policy, agent, (agent,))[tuple(action)]\n",
            "you asked the head",
        ),
        (
            "weights for everybody",
            "def my_best_baseline(head, action, policy, agent):\n"
            "    w = ((np.eye(policy.shape[1]) - policy[:, None]) ** 2).sum(axis=-1)\n"
            "    x = policy * w\n"
            "    return head(x / x.sum(axis=1, keepdims=True))\n",
            "for every agent",
        ),
    ],
}
