"""Wrong answers to the exercises of lab 08, each with a piece of the message it must get."""

HEAD = "def my_best_sum(q, policy):\n    parts = exact.credit_spectrum(q, policy)\n"

MUTANTS = {
    "best_sum": [
        ("forgets the mean", ("len(group) < 2", "len(group) == 1"), "The mean V is missing"),
        ("keeps pairs", ("len(group) < 2", "len(group) < 3"), "You kept the pairs"),
        (
            "adds up the means",
            "def my_best_sum(q, policy):\n"
            "    n = q.ndim\n"
            "    others = [[j for j in range(n) if j != i] for i in range(n)]\n"
            "    return sum(exact.baseline(q, policy, group) for group in others)\n",
            "Take it off all but once",
        ),
        (
            "weighs alike",
            ("exact.credit_spectrum(q, policy)", "exact.credit_spectrum(q, np.full_like(policy, 1 / policy.shape[1]))"),
            "use the policy",
        ),
        ("returns what is missed", ("return sum(", "return q - sum("), "Return the sum itself"),
        ("returns q", "def my_best_sum(q, policy):\n    return q\n", "it has components of two or more agents"),
        (
            "forgets an agent",
            HEAD + "    return parts[()] + sum(parts[(i,)] for i in range(q.ndim - 1))\n",
            "the best misses by",
        ),
        ("returns a number", "def my_best_sum(q, policy):\n    return exact.value(q, policy)\n", "an array of shape"),
    ],
    "is_monotone": [
        (
            "keeps the order of the table",
            "def my_is_monotone(q):\n    return all(bool((np.diff(q, axis=axis) >= 0).all()) for axis in (0, 1))\n",
            "Numbers of actions have no order",
        ),
        ("looks at rows only", ("(q, q.T)", "(q,)"), "Look at the columns, too"),
        ("looks at columns only", ("(q, q.T)", "(q.T,)"), "Agent 0 prefers"),
        ("forbids ties", ("(d >= 0).all() or (d <= 0).all()", "(d > 0).all() or (d < 0).all()"), "equal is allowed"),
        (
            "asks for a sum",
            "def my_is_monotone(q):\n"
            "    return bool(np.allclose(q, q.mean(0) + q.mean(1, keepdims=True) - q.mean()))\n",
            "a mix need not be a sum",
        ),
        (
            "compares neighbours",
            "def my_is_monotone(q):\n"
            "    return all(\n"
            "        bool((d >= 0).all() or (d <= 0).all())\n"
            "        for table in (q, q.T)\n"
            "        for d in np.diff(table, axis=0)\n"
            "    )\n",
            "Compare every two actions",
        ),
        (
            "square tables only",
            "def my_is_monotone(q):\n"
            "    n = len(q)\n"
            "    for c in range(n):\n"
            "        for d in range(n):\n"
            "            for x in (q[c] - q[d], q[:, c % q.shape[1]] - q[:, d % q.shape[1]]):\n"
            "                if (x > 0).any() and (x < 0).any():\n"
            "                    return False\n"
            "    return True\n",
            "You say True",
        ),
        ("says the opposite", ("return False", "return True"), "You say True"),
        ("returns a word", "def my_is_monotone(q):\n    return 'yes'\n", "True or False is needed"),
    ],
    "price": [
        ("forgets the half", ("/ 2", "/ 1"), "You forgot the half"),
        ("looks at rows only", ("(q, q.T)", "(q,)"), "Both may change their minds"),
        ("takes the larger", ("min(d.max(), -d.min())", "max(d.max(), -d.min())"), "chooses the cheaper one"),
        ("adds up", ("min(d.max(), -d.min())", "(max(d.max(), 0) + max(-d.min(), 0))"), "only one of the two gaps"),
        (
            "does not cut at zero",
            "def my_price(q):\n"
            "    return max(\n"
            "        min(d.max(), -d.min()) / 2\n"
            "        for table in (q, q.T)\n"
            "        for c, row in enumerate(table)\n"
            "        for d in row - table[c + 1 :]\n"
            "    )\n",
            "Cut x and y at 0",
        ),
        (
            "takes the cheapest pair",
            "def my_price(q):\n"
            "    return min(\n"
            "        max(min(d.max(), -d.min()), 0) / 2\n"
            "        for table in (q, q.T)\n"
            "        for c, row in enumerate(table)\n"
            "        for d in row - table[c + 1 :]\n"
            "    )\n",
            "the largest counts",
        ),
        ("three actions each", ("in (q, q.T)", "in (q[:3], q.T[:3])"), "the price is"),
        ("returns a table", "def my_price(q):\n    return q\n", "one number is needed"),
    ],
    "stale_gradient": [
        (
            "uses the present partners",
            ("exact.baseline(q, fitted,", "exact.baseline(q, policy,"),
            "That is the true gradient",
        ),
        ("acts by the old policy", ("pi = policy[agent]", "pi = fitted[agent]"), "weigh its actions by `policy`"),
        ("subtracts the old mean", ("pi @ utility", "fitted[agent] @ utility"), "not under `fitted`"),
        ("returns advantages", ("pi * (utility", "(utility"), "as often as it is played"),
        ("subtracts nothing", ("- pi @ utility", ""), "add up to zero"),
        ("descends", ("return pi", "return -pi"), "The sign is wrong"),
        (
            "the last entry",
            ("    return pi *", "    utility = utility + 1e-4 * np.eye(len(pi))[-1]\n    return pi *"),
            "of the gradient is",
        ),
    ],
    "misled": [
        ("Climb", "misled = climb", "what may stand where two good ones meet"),
        ("a sum", "misled = np.add.outer([0, 1, 2], [0, 1, 2])", "what may stand where two good ones meet"),
        ("a constant", "misled = np.ones((3, 3))", "two greedy joint actions"),
        ("another pays as little", "misled = np.array([[0, 9, 9], [9, 0, 0], [9, 0, 0]])", "Make it the only one"),
        ("wrong shape", "misled = np.ones((2, 2))", "an array of shape (3, 3)"),
    ],
}
