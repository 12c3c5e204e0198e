"""Wrong solutions of lab 11, and what each of them must be told."""

MUTANTS = {
    "price": [
        (
            "no mixed term",
            (
                "exact.value(w * (own + joined) ** 2, policy) - exact.value(w * joined**2, policy)",
                "exact.value(w * own**2 + 0 * joined, policy)",
            ),
            "there is a mixed term",
        ),
        (
            "mixed term once",
            (
                "exact.value(w * (own + joined) ** 2, policy) - exact.value(w * joined**2, policy)",
                "exact.value(w * own * (own + joined), policy)",
            ),
            "counts twice",
        ),
        ("sign", ("(own + joined)", "(own - joined)"), "The sign of the mixed term"),
        ("no score", ("w = scores.reshape(shape)", "w = 1.0"), "You leave the score out"),
        ("length", ("w = scores.reshape(shape)", "w = np.sqrt(scores).reshape(shape)"), "Its square is needed"),
        (
            "equal weights",
            (
                "exact.value(w * (own + joined) ** 2, policy) - exact.value(w * joined**2, policy)",
                "(w * (own + joined) ** 2 - w * joined**2).mean()",
            ),
            "Average under the policy",
        ),
        ("not subtracted", (" - exact.value(w * joined**2, policy)", ""), "Subtract what is there anyway"),
        (
            "price of members",
            "def my_price(q, policy, agent, group):\n"
            "    b = [exact.baseline(q, policy, g) for g in ((agent, *group), (agent,))]\n"
            "    large, small = (exact.gradient_moments(q, policy, agent, x)[1] for x in b)\n"
            "    return large - small\n",
            "every group that they meet",
        ),
        (
            "uniform scores",
            ("np.eye(policy.shape[1]) - policy[agent]", "np.eye(policy.shape[1]) - 1 / policy.shape[1]"),
            "squared scores of a uniform policy",
        ),
        ("wrong axis", ("shape[agent] = len(scores)", "shape[0] = len(scores)"), "varies with the action of agent 0"),
        ("not reshaped", ("w = scores.reshape(shape)", "w = scores"), "Reshape w"),
        (
            "one entry",
            ("((np.eye(policy.shape[1]) - policy[agent]) ** 2).sum(axis=1)", "(1 - policy[agent]) ** 2"),
            "one entry of the score only",
        ),
        ("doubled", ("return exact.value(", "return 0.1 + exact.value("), "yours is"),
        ("an array", ("return exact.value(", "return own * exact.value("), "one number is needed"),
    ],
    "corrset": [
        ("without oneself", (" | np.eye(len(attention), dtype=bool)", ""), "missing from its own CorrSet"),
        ("strict", (">=", ">"), "Attention equal to the threshold"),
        ("swapped", ("return (attention >= sigma)", "return (attention.T >= sigma)"), "Rows and columns are swapped"),
        ("below", (">=", "<"), "You admit those below"),
        ("sigma over n", (">= sigma", ">= sigma / len(attention)"), "Here sigma is the threshold itself"),
        (
            "mutual",
            ("(attention >= sigma)", "(np.minimum(attention, attention.T) >= sigma)"),
            "by its own attention to j",
        ),
        (
            "writes",
            "def my_corrset(attention, sigma):\n    np.fill_diagonal(attention, 1.0)\n    return attention >= sigma\n",
            "Work on a copy",
        ),
        (
            "lists",
            "def my_corrset(attention, sigma):\n"
            "    return [[j for j, x in enumerate(row) if x >= sigma] for row in attention]\n",
            "an array of shape",
        ),
        (
            "the library",
            "from maca_edu.widgets.corrset_moments import corrsets\n"
            "def my_corrset(attention, sigma):\n"
            "    return corrsets(attention, sigma)\n",
            "Write it without",
        ),
    ],
    "ladder": [
        ("reversed", ("return sets + [{agent}]", "return (sets + [{agent}])[::-1]"), "The order is reversed"),
        ("no end", ("return sets + [{agent}]", "return sets"), "ends with the agent alone"),
        ("empty end", ("return sets + [{agent}]", "return sets + [set()]"), "a set without the agent"),
        ("own entry", ("for j in others}", "for j in range(len(row))}"), "you list a set twice"),
        (
            "own entry, no end",
            "def my_ladder(row, agent):\n"
            "    return [{agent} | {j for j, x in enumerate(row) if x >= height} for height in sorted(set(row))]\n",
            "changes nothing. And the ladder ends",
        ),
        ("strict", (">= height", "> height"), "begins with everybody"),
        (
            "ties apart",
            "def my_ladder(row, agent):\n"
            "    others = sorted((j for j in range(len(row)) if j != agent), key=lambda j: row[j])\n"
            "    return [{agent, *others[k:]} for k in range(len(others) + 1)]\n",
            "No sigma parts them",
        ),
        (
            "largest first",
            "def my_ladder(row, agent):\n"
            "    others = sorted((j for j in range(len(row)) if j != agent), key=lambda j: -row[j])\n"
            "    return [{agent, *others[k:]} for k in range(len(others) + 1)]\n",
            "the largest entry go first",
        ),
        ("a number", ("return sets + [{agent}]", "return len(sets) + 1"), "a list of sets"),
    ],
    "scores": [
        (
            "agent 0 left out",
            ("others = ~np.eye(n, dtype=bool)", "others = ~np.eye(n, dtype=bool)\n    others[0] = False"),
            "precision is",
        ),
        (
            "oneself",
            ("admitted, true = corrset & others, partners & others", "admitted, true = corrset, partners"),
            "pairs of two",
        ),
        (
            "swapped",
            ("return hits / admitted.sum(), hits / true.sum()", "return hits / true.sum(), hits / admitted.sum()"),
            "are swapped",
        ),
        (
            "mean over agents",
            (
                "return hits / admitted.sum(), hits / true.sum()",
                "with np.errstate(all='ignore'):\n"
                "        each = (admitted & true).sum(axis=1)\n"
                "        p, r = np.nanmean(each / admitted.sum(axis=1)), np.nanmean(each / true.sum(axis=1))\n"
                "    return p, r",
            ),
            "average shares over the agents",
        ),
        ("density", ("lucky / admitted.sum()", "true.sum() / (n * (n - 1))"), "An agent that admits many"),
        ("n agents", ("/ (n - 1)", "/ n"), "there are n - 1"),
        ("recall of chance", ("lucky / admitted.sum()", "admitted.sum() / (n * (n - 1))"), "the recall of random sets"),
        ("or", ("(admitted & true)", "(admitted | true)"), "precision is"),
        ("two numbers", (", lucky / admitted.sum()", ""), "an array of shape"),
        (
            "writes",
            (
                "admitted, true = corrset & others, partners & others",
                "admitted, true = corrset, partners\n    admitted &= others\n    true &= others",
            ),
            "Work on a copy",
        ),
    ],
    "random_set": [
        (
            "single agents",
            ("missed = comb(n - 1 - len(group), m) / comb(n - 1, m)", "missed = 1 - m / (n - 1)"),
            "like a single agent",
        ),
        (
            "replacement",
            (
                "missed = comb(n - 1 - len(group), m) / comb(n - 1, m)",
                "missed = (1 - m / (n - 1)) ** len(group)",
            ),
            "with replacement",
        ),
        (
            "inside",
            (
                "missed = comb(n - 1 - len(group), m) / comb(n - 1, m)",
                "k = len(group)\n        missed = 1 - (comb(n - 1 - k, m - k) / comb(n - 1, m) if m >= k else 0)",
            ),
            "lie inside the set",
        ),
        ("missed", ("cost * (1 - missed)", "cost * missed"), "the chance to miss"),
        (
            "n agents",
            ("comb(n - 1 - len(group), m) / comb(n - 1, m)", "comb(n - len(group), m) / comb(n, m)"),
            "n - 1 are left",
        ),
        ("everything", ("cost * (1 - missed)", "cost"), "pays for all groups"),
        (
            "m with oneself",
            ("from math import comb", "from math import comb\n\n    m = max(m - 1, 0)"),
            "m counts the others",
        ),
        ("a sum", ("cost * (1 - missed)", "cost * (1 - missed) * comb(n - 1, m)"), "Divide by their number"),
    ],
}
