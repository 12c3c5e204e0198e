"""Wrong answers to the exercises of lab 03, each with a piece of the message it must get."""

MUTANTS = {
    "all_groups": [
        ("forgets the agent itself", ("(agent, *chosen)", "chosen"), "does not contain the agent"),
        ("misses the joint group", ("k in range(n)", "k in range(n - 1)"), "Everybody is missing"),
        ("misses the individual group", ("k in range(n)", "k in range(1, n)"), "The agent alone is missing"),
        (
            "lists orders, not groups",
            (
                "combinations(others, k)",
                "__import__('itertools').permutations(others, k)",
            ),
            "is listed twice",
        ),
        (
            "only pairs with one other",
            "def my_all_groups(n, agent):\n    return [(agent,), *((agent, j) for j in range(n) if j != agent)]\n",
            "is missing",
        ),
        ("counts", "def my_all_groups(n, agent):\n    return 2 ** (n - 1)\n", "a list of groups"),
    ],
    "group_baseline": [
        (
            "in rising order only",
            "def my_group_baseline(q, policy, group):\n"
            "    b = q\n"
            "    for gone, i in enumerate(group):\n"
            "        b = np.tensordot(b, policy[i], axes=(max(i - gone, 0), 0))\n"
            "    kept = [1 if i in group else A for i, A in enumerate(q.shape)]\n"
            "    return np.broadcast_to(b.reshape(kept), q.shape)\n",
            "right for (1, 3) and not for (3, 1), which is the same group",
        ),
        ("averages the complement", ("in group:", "in set(range(q.ndim)) - set(group):"), "the other way round"),
        ("uses V for all", ("in group:", "in range(q.ndim):"), "that is the value V"),
        ("averages one agent", ("in group:", "in group[:1]:"), "one agent only"),
        ("plain mean", ("policy[i].reshape(along_i)", "1 / len(policy[i])"), "the same weight"),
        (
            "rows by place in the group",
            (
                "for i in group:",
                "policy = policy.copy()\n    for k, i in enumerate(group):\n        policy[i] = policy.copy()[k]",
            ),
            "wherever i stands in the group",
        ),
        ("returns the advantage", ("return np", "return q - np"), "the average itself"),
        ("loses the axes", ("keepdims=True", "keepdims=False"), "the axes of later agents move up by one"),
        (
            "two actions only",
            "def my_group_baseline(q, policy, group):\n"
            "    for i in group:\n"
            "        p = policy[i][1]\n"
            "        mean = p * q.take([1], i) + (1 - p) * q.take([0], i)\n"
            "        q = np.concatenate([mean, mean], axis=i)\n"
            "    return q\n",
            "an array of shape (3, 3, 3) is needed",
        ),
        ("does not repeat", ("np.broadcast_to(b, q.shape)", "b"), "each stands there once"),
    ],
    "true_corrset": [
        ("forgets the agent", ("return members", "return members - {agent}"), "always belongs to it"),
        ("all terms", ("if agent in term.agents:", "if True:"), "Ask first whether the agent is a member"),
        ("some chains of partners", ("if agent in term.agents:", "if members & set(term.agents):"), "not a chain"),
        (
            "every chain of partners",
            "def my_true_corrset(game, agent):\n"
            "    members = {agent}\n"
            "    for _ in range(game.n_agents):\n"
            "        for term in game.reward_terms:\n"
            "            if members & set(term.agents):\n"
            "                members |= set(term.agents)\n"
            "    return members\n",
            "not a chain of them",
        ),
        (
            "first term only",
            "def my_true_corrset(game, agent):\n"
            "    return next(set(term.agents) for term in game.reward_terms if agent in term.agents)\n",
            "You stop at one term",
        ),
        (
            "a mask",
            ("return members", "return [i in members for i in range(game.n_agents)]"),
            "`np.flatnonzero(mask)` gives those where a mask is True",
        ),
        ("no numbers of agents", ("return members", "return {i + 0.5 for i in members}"), "Agents are whole numbers"),
        ("a number", ("return members", "return len(members)"), "a set of agents"),
        ("names", ("return members", "return {'ABCDEFG'[i] for i in members}"), "names an agent"),
        ("one text", ("return members", "return ''.join('ABCDEFG'[i] for i in members)"), "Agents are numbers here"),
        (
            "starts with nobody",
            "def my_true_corrset(game, agent):\n"
            "    return set().union(*(term.agents for term in game.reward_terms if agent in term.agents))\n",
            "always belongs to it",
        ),
    ],
    "worth": [
        ("averages the coalition", ("not in coalition", "in coalition"), "you let the coalition act again"),
        ("others rest", ("b @ policy[i]", "b[..., 0]"), "you set the others to action 0"),
        ("nobody is worth nothing", ("return b", "return b - exact.value(q, policy)"), "you take V away"),
        ("Q whoever joined", ("not in coalition", "in ()"), "you return Q"),
        ("plain mean", ("b @ policy[i]", "b.mean(axis=-1)"), "the worth at action"),
        (
            "three agents only",
            "def my_worth(q, policy, action, coalition):\n"
            "    return sum(q[a] * np.prod([policy[i][a[i]] for i in range(3) if i not in coalition])\n"
            "        for a in product(range(3), repeat=3) if all(a[i] == action[i] for i in coalition))\n",
            "raised IndexError",
        ),
    ],
    "shapley_three": [
        (
            "last place only",
            "def my_shapley_three(w):\n    return [w[0, 1, 2] - w[1, 2], w[0, 1, 2] - w[0, 2], w[0, 1, 2] - w[0, 1]]\n",
            "as if it joined last",
        ),
        (
            "first place only",
            "def my_shapley_three(w):\n    return [w[i,] - w[()] for i in range(3)]\n",
            "as if it joined first",
        ),
        ("forgets to divide", (" / 6", ""), "Divide by their number"),
        (
            "one order",
            ("values[i] += (", "if order == (0, 1, 2):\n                values[i] += 6 * ("),
            "You use one order of joining",
        ),
        (
            "plain average over coalitions",
            "def my_shapley_three(w):\n"
            "    values = []\n"
            "    for i in range(3):\n"
            "        without = [c for c in w if i not in c]\n"
            "        values.append(sum(w[tuple(sorted((*c, i)))] - w[c] for c in without) / 4)\n"
            "    return values\n",
            "You weigh all coalitions alike",
        ),
        (
            "equal shares",
            "def my_shapley_three(w):\n    return [(w[0, 1, 2] - w[()]) / 3] * 3\n",
            "You share equally",
        ),
        ("sign", ("values[i] += (", "values[i] -= ("), "must their averages"),
    ],
}
