"""Wrong answers to the exercises of lab 9, and what each must be told."""

MUTANTS = {
    "coma": [
        ("no baseline", ("return played - expected", "return played"), "Subtract what the agent's habit is worth"),
        ("the baseline", ("return played - expected", "return expected"), "That is the baseline"),
        ("sign", ("return played - expected", "return expected - played"), "The sign is wrong"),
        ("plain mean", ("(policy * q_values).sum(axis=2)", "q_values.mean(axis=2)"), "You subtract the plain mean"),
        ("best action", ("(policy * q_values).sum(axis=2)", "q_values.max(axis=2)"), "the best action's value"),
        (
            "one for the team",
            ("return played - expected", "return played - expected.mean(axis=1, keepdims=True)"),
            "one number",
        ),
        (
            "only the action played",
            (
                "return played - expected",
                "return played * (1 - np.take_along_axis(policy, action[..., None], axis=2)[..., 0])",
            ),
            "Sum over all actions",
        ),
        ("axis kept", ("[..., 0]", ""), "an array of shape"),
        ("the first sample's policy", ("policy * q_values", "policy[:1] * q_values"), "the advantage of sample"),
    ],
    "bias": [
        (
            "asks the library",
            "def my_bias(error, policy, agent):\n    return exact.gradient_moments(error, policy, agent, 0.0)[0]\n",
            "uses `maca_edu`",
        ),
        (
            "own component",
            ("return pi * (given - pi @ given)", "return given - pi @ given"),
            "the error's own component",
        ),
        ("mean left in", ("(given - pi @ given)", "given"), "Your entries do not sum to 0"),
        ("conditional mean", ("return pi * (given - pi @ given)", "return given"), "That is E[e | a_i = c]"),
        ("sign", ("(given - pi @ given)", "(pi @ given - given)"), "The sign is wrong"),
        ("plain mean over the own action", ("pi @ given)", "given.mean())"), "plain mean over actions"),
        (
            "others toss coins",
            ("average(policy[j], j)", "average(np.full_like(policy[j], 1 / len(pi)), j)"),
            "They have policies",
        ),
        ("as if a baseline", ("return pi * (given - pi @ given)", "return 0 * pi"), "the bias of a wrong baseline"),
    ],
    "harmless": [
        ("zero", ("return error / size", "return 0 * error"), "zero everywhere"),
        ("constant", ("return error / size", "return np.ones_like(error)"), "is a constant"),
        ("centred for coins", ("x - policy[i] @ x", "x - x.mean()"), "in a team that tosses coins"),
        ("not centred", ("x - policy[i] @ x", "x + 1"), "still depends on this agent's action"),
        ("a sum", ("np.multiply.outer(error, ", "np.add.outer(error, "), "still depends on this agent's action"),
        ("not scaled", ("return error / size", "return 3 * error / size"), "must be 1.0000"),
        (
            "scaled without weights",
            ("exact.value(error**2, policy)", "(error**2).mean()"),
            "must be 1.0000",
        ),
        (
            "an agent is left out",
            ("x - policy[i] @ x)", "(x - policy[i] @ x) if i < 2 else 0 * x + 1)"),
            "Let every agent be part of it",
        ),
    ],
    "factors": [
        ("own ratio", ("result[:, i] = so_far", "result[:, i] = so_far * ratios[:, i]"), "the agent's own ratio"),
        ("backwards", ("for i in order", "for i in reversed(order)"), "those who come later"),
        ("by number", ("for i in order", "for i in range(len(order))"), "by number"),
        ("by place", ("return result", "return result[:, list(order)]"), "Column m of your answer"),
        ("last ratio only", ("so_far = so_far * ratios[:, i]", "so_far = ratios[:, i]"), "the last agent only"),
        (
            "the first sample's ratios",
            ("so_far * ratios[:, i]", "so_far * ratios[0, i]"),
            "the factor of agent",
        ),
        ("no factor", ("so_far = so_far * ratios[:, i]", "so_far = so_far"), "an update of all agents at once"),
        ("divided by its mean", ("return result", "return result / result.mean(axis=0)"), "You divide by the mean"),
        (
            "a sum",
            "def my_factors(ratios, order):\n"
            "    result = np.ones_like(ratios)\n"
            "    for place, i in enumerate(order):\n"
            "        if place:\n"
            "            result[:, i] = sum(ratios[:, j] for j in order[:place])\n"
            "    return result\n",
            "probabilities multiply",
        ),
    ],
    "turn": [
        ("at once", ("marginal(q, new, i)", "marginal(q, policy, i)"), "You update all agents at once"),
        ("backwards", ("for i in order", "for i in reversed(order)"), "backwards"),
        ("by number", ("for i in order", "for i in sorted(order)"), "by number"),
        ("worst", (".argmax()", ".argmin()"), "the worst action"),
        ("three agents at most", ("for i in order", "for i in order[:3]"), "the order (2, 0, 3, 1), row 1"),
        ("first only", ("for i in order", "for i in order[:1]"), "You update only the first agent"),
        ("writes into its argument", ("policy.copy()", "policy"), "writes into its argument `policy`"),
        (
            "best joint action",
            ("    return new", "    return np.eye(q.shape[0])[list(np.unravel_index(q.argmax(), q.shape))]"),
            "the best joint action",
        ),
        (
            "half of its best answer",
            ("    return new", "    return (new + policy) / 2"),
            "puts all probability on one action",
        ),
        ("actions", ("    return new", "    return new.argmax(axis=1)"), "an array of shape"),
    ],
}
