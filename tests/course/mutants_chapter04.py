"""Wrong answers to the exercises of lab 04, each with a piece of the message it must get."""

SUBSETS = (
    "def my_component(q, policy, H):\n"
    "    total = 0.0\n"
    "    for k in range(len(H) + 1):\n"
    "        for G in combinations(H, k):\n"
    "            out = [i for i in range(q.ndim) if i not in G]\n"
    "            total = total + (-1) ** (len(H) - k) * exact.baseline(q, policy, out)\n"
    "    return total\n"
)

MUTANTS = {
    "component": [
        (
            "in rising order only",
            "def my_component(q, policy, H):\n    return exact.credit_spectrum(q, policy)[H]\n",
            "right for (1, 2) and not for (2, 1), which is the same group",
        ),
        (
            "does not average the others",
            ("if i in H else usual", "if i in H else f"),
            "every component that contains H",
        ),
        (
            "conditional mean only",
            ("f - usual if i in H else usual", "f if i in H else usual"),
            "Take away what smaller groups say",
        ),
        ("the other way round", ("if i in H", "if i not in H"), "is the component of the agents outside H"),
        ("averages the members", SUBSETS.replace("not in G", "in G"), "every component that contains H"),
        ("no alternating signs", SUBSETS.replace("(-1) ** (len(H) - k)", "1"), "without alternating signs"),
        ("sign by the wrong power", SUBSETS.replace("len(H) - k)", "k)"), "has the wrong sign"),
        (
            "averages out H",
            "def my_component(q, policy, H):\n    return exact.baseline(q, policy, H)\n",
            "averages out the members of H",
        ),
        (
            "the advantage of H",
            "def my_component(q, policy, H):\n    return exact.advantage(q, policy, H)\n",
            "is the advantage of H",
        ),
        (
            "forgets the groups between",
            "def my_component(q, policy, H):\n"
            "    out = [i for i in range(q.ndim) if i not in H]\n"
            "    return exact.baseline(q, policy, out) - exact.value(q, policy) * (len(H) > 0)\n",
            "not the groups between",
        ),
        (
            "plain mean",
            ("exact.baseline(f, policy, (i,))", "np.broadcast_to(f.mean(axis=i, keepdims=True), q.shape)"),
            "the same weight",
        ),
        (
            "does not repeat",
            ("return f", "return f[tuple(slice(None) if i in H else slice(1) for i in range(q.ndim))]"),
            "each stands there once",
        ),
        (
            "three agents only",
            ("range(q.ndim)", "range(3)"),
            "does not average to zero over each member",
        ),
    ],
    "level_shares": [
        (
            "counts V as a level",
            ("    shares = np.zeros(q.ndim)", "    shares = np.zeros(q.ndim + 1)"),
            "belongs to no level",
        ),
        ("V in the last level", ("        if H:", "        if True:"), "You count V^2 with the last level"),
        ("variances, not shares", ("return shares / shares.sum()", "return shares"), "Divide by their sum"),
        ("divides by the second moment", ("/ shares.sum()", "/ exact.value(q**2, policy)"), "contains V^2"),
        ("plain mean", ("exact.value(f**2, policy)", "(f**2).mean()"), "the same weight"),
        (
            "standard deviations",
            ("exact.value(f**2, policy)", "exact.value(f**2, policy) ** 0.5"),
            "standard deviations",
        ),
        ("absolute values", ("f**2", "abs(f)"), "mean absolute values"),
        ("off by one", ("len(H) - 1]", "len(H) % q.ndim]"), "at the wrong levels"),
        (
            "averages over the groups",
            (
                "return shares",
                "shares = shares / [3, 3, 1] if q.ndim == 3 else shares / [4, 6, 4, 1]\n    return shares",
            ),
            "a level owns what all its groups own",
        ),
    ],
    "kept": [
        ("the baseline's components", ("return bool(", "return not bool("), "the baseline holds"),
        ("all of H", ("bool(set(H) & set(G))", "set(H) <= set(G)"), "all of H act again"),
        ("all of G", ("bool(set(H) & set(G))", "set(G) <= set(H)"), "One shared agent is enough"),
        ("G alone", ("bool(set(H) & set(G))", "set(H) == set(G)"), "every component that meets G"),
        ("keeps V", ("return ", "return not H or "), "the component of nobody"),
        ("by size", ("bool(set(H) & set(G))", "0 < len(H) <= len(G)"), "share no agent"),
        ("a set, not a truth", ("bool(set(H) & set(G))", "set(H) & set(G)"), "True or False is needed"),
    ],
    "maca_weight": [
        ("keeps V", ("    if H:\n", "    if True:\n"), "the component of nobody is V"),
        ("forgets the joint baseline", ("        weight += jnt", "        weight += 0 * jnt"), "all three advantages"),
        (
            "one baseline each",
            "def my_maca_weight(H, agent, corrset, psi):\n"
            "    jnt, ind, cor = psi\n"
            "    if agent in H:\n        return 1.0\n"
            "    return cor if set(H) & set(corrset) else jnt if H else 0.0\n",
            "you forget the joint baseline",
        ),
        ("the order of psi", ("jnt, ind, cor = psi", "ind, jnt, cor = psi"), "you count the individual advantage"),
        ("no CorrSet", ("if set(H) & set(corrset):", "if H:"), "H does not meet the CorrSet"),
        (
            "the weight in the baseline",
            ("    return weight", "    return weight if agent in H or not H else 1 - weight"),
            "its weight in the baseline",
        ),
        ("everything in full", ("    return weight", "    return 1.0 if H else 0.0"), "you keep it in full"),
        ("individual counts twice", ("        weight += ind", "        weight += 2 * ind"), "add up to 1"),
    ],
    "signal": [
        ("without V", ("return q - policy[agent] @ q", "return q"), "Take V away"),
        (
            "the gradient",
            ("return q - policy[agent] @ q", "return policy[agent] * (q - policy[agent] @ q)"),
            "that is the gradient",
        ),
        ("plain mean of the own action", ("policy[agent] @ q", "q.mean()"), "the plain mean over actions"),
        (
            "plain mean of the others",
            ("np.tensordot(q, policy[j], axes=(j, 0))", "q.mean(axis=j)"),
            "the others' actions alike",
        ),
        ("sign", ("return q - policy[agent] @ q", "return policy[agent] @ q - q"), "the sign is wrong"),
        (
            "three agents only",
            "def my_signal(q, policy, agent):\n"
            "    j, k = (i for i in range(3) if i != agent)\n"
            "    mean = np.einsum('abc,b,c->a', np.moveaxis(q, agent, 0), policy[j], policy[k])\n"
            "    return mean - policy[agent] @ mean\n",
            "raised ValueError",
        ),
        (
            "as many actions as agents",
            ("return q - policy[agent] @ q", "return [q[c] - policy[agent] @ q for c in range(len(policy))]"),
            "raised IndexError",
        ),
        ("an agent's wrong neighbour", ("if j != agent", "if j != (agent + 1) % 3"), "the signal is"),
        (
            "own action at the others' rest",
            "def my_signal(q, policy, agent):\n"
            "    own = q[tuple(slice(None) if j == agent else 0 for j in range(q.ndim))]\n"
            "    return own - policy[agent] @ own\n",
            "the signal is",
        ),
    ],
}
