"""Wrong answers to the exercises of lab 5, and what each must be told."""

MUTANTS = {
    "best_baseline": [
        ("individual baseline", ("weights = pi * w / (pi @ w)", "weights = pi"), "That is the individual baseline"),
        ("squared score alone", ("weights = pi * w / (pi @ w)", "weights = w / w.sum()"), "squared score alone"),
        ("not divided", ("pi * w / (pi @ w)", "pi * w"), "Divide by E[w]"),
        ("swap for any number of actions", ("weights = pi * w / (pi @ w)", "weights = pi[::-1]"), "reverse the"),
        ("length instead of square", ("** 2).sum(axis=1)", "** 2).sum(axis=1) ** 0.5"), "length of the score"),
        (
            "depends on the own action",
            ("return np.broadcast_to(np.expand_dims(average, agent), q.shape)", "return q"),
            "depends on the agent's own action",
        ),
        (
            "three agents only",
            (
                "np.tensordot(q, weights, axes=(agent, 0))",
                "np.einsum(['abc,a->bc', 'abc,b->ac', 'abc,c->ab'][agent], q, weights)",
            ),
            "raised ValueError",
        ),
        ("axis lost", ("np.broadcast_to(np.expand_dims(average, agent), q.shape)", "average"), "an array of shape"),
        ("wrong axis", ("axes=(agent, 0)", "axes=(0, 0)"), "the best baseline at"),
    ],
    "price": [
        ("no squared score", ("(1 - (policy[agent] ** 2).sum()) * ", ""), "the mean squared score E[w]"),
        ("plain mean", ("exact.value(gap**2, policy)", "(gap**2).mean()"), "Weigh each by its probability"),
        ("square of the mean", ("exact.value(gap**2, policy)", "exact.value(gap, policy) ** 2"), "mean of the squared"),
        (
            "the whole variance",
            "def my_price(q, policy, agent, baseline):\n"
            "    return exact.gradient_moments(q, policy, agent, baseline)[1]\n",
            "That is the whole variance",
        ),
        (
            "distance to the individual baseline",
            ("exact.minimum_variance_baseline(q, policy, agent, (agent,))", "exact.baseline(q, policy, (agent,))"),
            "the price is",
        ),
    ],
    "knobs": [
        ("swapped", ("return u, v", "return v, u"), "in the wrong order"),
        ("clipped", ("return u, v", "return np.clip([u, v], 0, 1)"), "You have clipped"),
        ("sign", ("gap = ind - exact", "gap = -ind + exact"), "The sign is wrong"),
        (
            "not divided",
            (
                "    u = exact.value(gap * near, policy) / exact.value(near**2, policy)\n"
                "    v = exact.value(gap * far, policy) / exact.value(far**2, policy)\n",
                "    u, v = exact.value(gap * near, policy), exact.value(gap * far, policy)\n",
            ),
            "Divide each by",
        ),
        ("far from the individual", ("cor - exact.value(q, policy)", "ind - exact.value(q, policy)"), "far part is"),
        (
            "first partner only",
            (
                "exact.baseline(q, policy, corrset)",
                "exact.baseline(q, policy, (agent, next(j for j in corrset if j != agent)))",
            ),
            "the knobs are",
        ),
        ("mean of squares forgotten", ("near**2", "abs(near)"), "the knobs are"),
    ],
    "weights": [
        ("no pooling", ("if v > u:", "if False:"), "Turn both together"),
        ("no clipping", ("u, v = np.clip(u, 0, 1), np.clip(v, 0, 1)", ""), "a weight is negative"),
        ("order", ("return v, 1 - u, u - v", "return 1 - u, v, u - v"), "the order is not"),
        ("plain mean", ("(c + d) / (s + t)", "(u + v) / 2"), "one common place"),
        (
            "clipped too early",
            ("(c + d) / (s + t)", "(s * np.clip(u, 0, 1) + t * np.clip(v, 0, 1)) / (s + t)"),
            "one common place",
        ),
        ("do not sum to 1", ("return v, 1 - u, u - v", "return v, 1 - u, u"), "must sum to 1"),
    ],
    "joint_game": [
        (
            "the rope",
            "payoff = np.zeros((2, 2, 2))\npayoff[1, 1, 1] = 1\nmy_joint_game = (payoff, np.array([[0.1, 0.9]] * 3))\n",
            "a mixture beats Jnt",
        ),
        (
            "almost all weight",
            "payoff = np.zeros((2, 2, 2))\n"
            "payoff[:, :, 1] = np.array([[0.0], [1.0]]) - 0.9 + 0.8 / 0.9995\n"
            "my_joint_game = (payoff, np.array([[0.1, 0.9], [0.5, 0.5], [0.5, 0.5]]))\n",
            "a mixture beats Jnt",
        ),
        ("undecided A", ("[0.1, 0.9]", "[0.5, 0.5]"), "Jnt must be the least"),
        ("A surely acts", ("[0.1, 0.9]", "[0.0, 1.0]"), "No baseline leaves any noise"),
        ("no distribution", ("[0.1, 0.9]", "[0.9, 0.9]"), "no game with a policy"),
        ("payoff alone", ("my_joint_game = (payoff, ", "my_joint_game = (payoff, 0.5, "), "Give a pair"),
        (
            "a hasty table",
            ("np.zeros((2, 2, 2))\npayoff[:, :, 1] = np.array([[-1.0], [1.0]])", "np.eye(2)"),
            "an array of shape (2, 2, 2)",
        ),
    ],
}
