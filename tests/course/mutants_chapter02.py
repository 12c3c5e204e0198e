"""Wrong answers to the exercises of lab 2, each with a fragment of the message it must get."""

MUTANTS = {
    "score": [
        ("no minus", ("score = -pi", "score = 0 * pi"), "The minus is missing"),
        ("sign", ("return score", "return -score"), "sign is turned round"),
        ("gradient of the probability", ("return score", "return pi[action] * score"), "gradient of its logarithm"),
        (
            "derivative by the probability",
            "def my_score(pi, action):\n    return np.eye(len(pi))[action] / pi\n",
            "derivative by the probabilities",
        ),
        ("one minus pi", ("score = -pi", "score = 1 - pi"), "the score is"),
        ("one number", ("return score", "return score[action]"), "one number"),
        ("complex", ("return score", "return score + 3j"), "complex numbers; real numbers are needed"),
        ("texts", ("return score", "return [str(x) for x in score]"), "texts; real numbers are needed"),
        (
            "one entry left",
            ("return score", "return [*score[:-1], None]"),
            "Entry 1 of what your function returned is None",
        ),
        ("writes into pi", ("score = -pi", "score = np.negative(pi, out=pi)"), "writes into its argument `pi`"),
    ],
    "exact_gradient": [
        ("V is missing", ("(mean - pi @ mean)", "mean"), "V is missing"),
        ("no probability", ("pi * (mean", "(mean"), "The factor pi_i(c) is missing"),
        ("plain mean of the actions", ("pi @ mean", "mean.mean()"), "plain mean over actions"),
        ("divided by n", ("pi * (mean - pi @ mean)", "pi * (mean - pi @ mean) / len(policy)"), "number of agents"),
        (
            "others weighed alike",
            ("mean = np.tensordot(mean, policy[j], axes=(j, 0))", "mean = mean.mean(axis=j)"),
            "weigh the others' actions all alike",
        ),
        ("agent 0 for everybody", ("mean = q\n", "mean, agent = q, 0\n"), "agent 0's gradient"),
        ("averages its own action", ("if j != agent", "if j != 0"), "the gradient is"),
        ("keeps everybody", ("if j != agent", "if False"), "array of shape"),
        (
            "asks the library",
            "def mean_of(q, policy, agent):\n"
            "    return exact.gradient_moments(q, policy, agent, 0.0)[0]\n"
            "def my_exact_gradient(q, policy, agent):\n"
            "    return mean_of(q, policy, agent)\n",
            "uses `maca_edu.exact`",
        ),
        (
            "three agents only",
            "def my_exact_gradient(q, policy, agent):\n"
            "    j, k = (i for i in range(3) if i != agent)\n"
            "    mean = np.einsum('abc,b,c->a', np.moveaxis(q, agent, 0), policy[j], policy[k])\n"
            "    return policy[agent] * (mean - policy[agent] @ mean)\n",
            "raised ValueError",
        ),
        (
            "asks the library inside",
            "def my_exact_gradient(q, policy, agent):\n"
            "    import maca_edu.exact as e\n"
            "    return e.gradient_moments(q, policy, agent, 0.0)[0]\n",
            "uses `maca_edu.exact`",
        ),
        (
            "asks the library by its full name",
            "import maca_edu.exact\n"
            "def my_exact_gradient(q, policy, agent):\n"
            "    return maca_edu.exact.gradient_moments(q, policy, agent, 0.0)[0]\n",
            "uses `maca_edu.exact`",
        ),
        (
            "asks the library through a partial",
            "from functools import partial\n"
            "def asks(q, policy, agent, times):\n"
            "    return exact.gradient_moments(q, policy, agent, 0.0)[0] * times\n"
            "my_exact_gradient = partial(asks, times=1)\n",
            "uses `maca_edu.exact`",
        ),
        (
            "asks the library through a default",
            "def my_exact_gradient(q, policy, agent, *, moments=exact.gradient_moments):\n"
            "    return moments(q, policy, agent, 0.0)[0]\n",
            "uses `maca_edu.exact`",
        ),
        (
            "asks the library, entry by entry",
            "def my_exact_gradient(q, policy, agent):\n"
            "    return (x for x in exact.gradient_moments(q, policy, agent, 0.0)[0])\n",
            "uses `maca_edu.exact`",
        ),
        (
            "asks the library by another name",
            "from maca_edu.exact import gradient_moments as moments\n"
            "def my_exact_gradient(q, policy, agent):\n"
            "    return (lambda: moments(q, policy, agent, 0.0))()[0]\n",
            "uses `maca_edu.exact`",
        ),
    ],
    "sampled_gradient": [
        ("sum", (".mean(axis=0)", ".sum(axis=0)"), "sum over the batch"),
        ("divided by n", (".mean(axis=0)", ".mean(axis=0) / len(policy)"), "number of agents"),
        ("baseline ignored", ("(q - baseline)", "q"), "baseline is not used"),
        ("baseline added", ("q - baseline", "q + baseline"), "Subtract it"),
        ("one-hot instead of score", (" - policy[agent]", ""), "Weigh the score"),
        ("two means", ("(weight[:, None] * score).mean(axis=0)", "weight.mean() * score.mean(axis=0)"), "two means"),
        ("another agent's action", ("actions[:, agent]", "actions[:, agent - 1]"), "Is the score that of this agent"),
        ("mean baseline", ("(q - baseline)", "(q - baseline.mean())"), "looked up at the joint action"),
        (
            "score of two actions",
            "def my_sampled_gradient(q, policy, agent, actions, baseline):\n"
            "    weight, chance = (q - baseline)[tuple(actions.T)], policy[agent][actions[:, agent]]\n"
            "    taken = actions[:, agent, None] == np.arange(policy.shape[1])\n"
            "    score = np.where(taken, 1 - chance[:, None], chance[:, None] - 1)\n"
            "    return (weight[:, None] * score).mean(axis=0)\n",
            "and a batch of 5 the estimate is",
        ),
        ("divided by 8", (".mean(axis=0)", ".sum(axis=0) / 8"), "and a batch of 5 the estimate is"),
        ("forgets to average", (".mean(axis=0)", ""), "array of shape (8, 2)"),
    ],
    "is_legal": [
        ("needs three actions", ("take([0]", "take([2]"), "raised IndexError"),
        ("always", ("np.isclose(baseline, first).all()", "True"), "the own action"),
        ("never", ("np.isclose(baseline, first).all()", "False"), "You turned down a constant"),
        ("wrong axis", ("axis=agent", "axis=agent - 1"), "depends on the others' actions"),
        ("only constants", ("baseline.take([0], axis=agent)", "baseline.flat[0]"), "depends on the others' actions"),
        ("exact comparison", ("np.isclose(baseline, first)", "(baseline == first)"), "rounding errors"),
        (
            "two actions only",
            ("np.isclose(baseline,", "np.isclose(baseline.take([1], axis=agent),"),
            "differs in one entry",
        ),
        (
            "means only",
            "def my_is_legal(baseline, agent):\n"
            "    others = tuple(j for j in range(baseline.ndim) if j != agent)\n"
            "    mean = baseline.mean(axis=others)\n"
            "    return bool(np.isclose(mean, mean[0]).all())\n",
            "plain mean",
        ),
        (
            "turned round",
            ("bool(np.isclose(baseline, first).all())", "not np.isclose(baseline, first).all()"),
            "constant",
        ),
        ("any instead of all", (".all()", ".any()"), "let through"),
        (
            "first and last action only",
            ("np.isclose(baseline,", "np.isclose(baseline.take([-1], axis=agent),"),
            "differs in one entry",
        ),
        (
            "first company only",
            "def my_is_legal(baseline, agent):\n"
            "    along = np.moveaxis(baseline, agent, -1)[(0,) * (baseline.ndim - 1)]\n"
            "    return bool(np.isclose(along, along[0]).all())\n",
            "let through",
        ),
        (
            "only others' first actions may matter",
            "def my_is_legal(baseline, agent):\n"
            "    rows = np.moveaxis(baseline, agent, 0).reshape(baseline.shape[agent], -1)\n"
            "    return bool(np.isclose(rows, rows[0]).all() and np.isclose(rows[0, -1], rows[0, -2]))\n",
            "You turned down",
        ),
        (
            "forgives too much",
            "def my_is_legal(baseline, agent):\n    return bool(np.ptp(baseline, axis=agent).max() < 0.009)\n",
            "That is no rounding error",
        ),
        (
            "array of answers",
            ("bool(np.isclose(baseline, first).all())", "np.isclose(baseline, first)"),
            "True or False",
        ),
    ],
    "samples_needed": [
        ("another default", ("z=2", "z=3"), "Where z is left out it is 2"),
        ("no default", ("z=2", "z"), "raised TypeError"),
        ("z not squared", ("z**2", "z"), "Square z"),
        ("always two", ("z**2", "4"), "z = 2 always"),
        ("root", ("z**2 * variance / (mean @ mean)", "z * np.sqrt(variance / (mean @ mean))"), "root of the answer"),
        ("deviation", ("z**2 * variance", "z**2 * np.sqrt(variance)"), "A square is missing"),
        ("length not squared", ("(mean @ mean)", "np.sqrt(mean @ mean)"), "A square is missing"),
        ("mean of the entries", ("(mean @ mean)", "mean.mean() ** 2"), "average the entries"),
        ("mean of the squares", ("(mean @ mean)", "(mean**2).mean()"), "average the entries"),
        ("three actions only", ("(mean @ mean)", "(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)"), "raised IndexError"),
        ("vector", ("(mean @ mean)", "mean**2"), "one number is needed"),
        ("the course's own", "my_samples_needed = plays_to_see\n", "`maca_edu.course`, which has the solution"),
        (
            "calls the course's own",
            "def my_samples_needed(mean, variance, z=2):\n    return z**2 / 4 * plays_to_see(mean, variance)\n",
            "`maca_edu.course`, which has the solution",
        ),
    ],
}
