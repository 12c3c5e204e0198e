"""Wrong solutions of lab 16, and what each of them must be told."""

MUTANTS = {
    "partners": [
        ("no diagonal", (" | np.eye(members.shape[1], dtype=bool)", ""), "missing on the diagonal"),
        ("counts", ("return (together > 0) | np.eye(members.shape[1], dtype=bool)", "return together"), "count terms"),
        (
            "busy",
            (
                "together = members.astype(int).T @ members.astype(int)",
                "busy = members.any(axis=0)\n    together = 1 * (busy[:, None] & busy)",
            ),
            "in the same term only",
        ),
        (
            "all terms",
            "def my_partners(members):\n    return (members[:, :, None] == members[:, None]).all(axis=0)\n",
            "One is enough",
        ),
        (
            "others only",
            ("return (together > 0) | np.eye", "return (together > 0) & ~np.eye"),
            "leave out the diagonal",
        ),
        ("two terms", ("together > 0", "together > 1"), "One is enough"),
        ("terms by terms", ("members.astype(int).T @ members.astype(int)", "members @ members.T"), "raised ValueError"),
        (
            "writes",
            ("together =", "members |= False\n    members[0] = True\n    together ="),
            "Work on a copy",
        ),
        (
            "the library",
            "from maca_edu.widgets.battle_record import Moments\n"
            "def my_partners(members):\n"
            "    return Moments(None, np.ones((1, members.shape[1])), members[None], None, None).partners()[0]\n",
            "Write it without",
        ),
    ],
    "differences": [
        (
            "one enemy each",
            "def my_differences(damage, health):\n"
            "    worth = []\n"
            "    for i, e in enumerate(damage.argmax(axis=0)):\n"
            "        others = damage[e].sum() - damage[e, i]\n"
            "        worth.append(min(health[e], others + damage[e, i]) - min(health[e], others))\n"
            "    return np.array(worth)\n",
            "An ally may hit several here",
        ),
        ("no clamp", ("np.minimum(health, shots.sum(axis=1)).sum()", "shots.sum()"), "cannot lose more"),
        (
            "alone",
            "def my_differences(damage, health):\n    return np.minimum(damage, health[:, None]).sum(axis=0)\n",
            "would have done alone",
        ),
        (
            "by damage",
            "def my_differences(damage, health):\n"
            "    dealt = damage.sum(axis=1)\n"
            "    return (damage * (np.minimum(dealt, health) / np.where(dealt > 0, dealt, 1))[:, None]).sum(axis=0)\n",
            "share out what an enemy lost by damage",
        ),
        (
            "in equal parts",
            "def my_differences(damage, health):\n"
            "    hits = damage > 0\n"
            "    lost = np.minimum(damage.sum(axis=1), health)\n"
            "    return (hits * (lost / np.maximum(hits.sum(axis=1), 1))[:, None]).sum(axis=0)\n",
            "in equal parts",
        ),
        ("with it", ("reward(damage) - reward(without)", "reward(damage)"), "Subtract the reward without"),
        ("without it", ("reward(damage) - reward(without)", "reward(without)"), "Subtract it from"),
        ("sign", ("reward(damage) - reward(without)", "reward(without) - reward(damage)"), "comes first"),
        (
            "one pool",
            ("np.minimum(health, shots.sum(axis=1)).sum()", "min(health.sum(), shots.sum())"),
            "Each enemy loses at most its own",
        ),
        ("writes", ("without = damage.copy()", "without = damage"), "Work on a copy"),
        ("rows", ("without[:, i] = 0", "without[i % len(health)] = 0"), "shot was worth"),
    ],
    "dividend": [
        ("earned", ("(-1) ** (len(group) - k)", "(k == len(group))"), "That is what the group earns"),
        (
            "singles only",
            "def my_dividend(damage, health, group):\n"
            "    alone = sum(min(health, damage[i]) for i in group)\n"
            "    return min(health, sum(damage[i] for i in group)) - alone\n",
            "Groups in between",
        ),
        ("no clamp", ("min(health, sum(damage[i] for i in part))", "sum(damage[i] for i in part)"), "has no clamp"),
        (
            "earned by smaller ones",
            ("(-1) ** (len(group) - k)", "(1 if k == len(group) else -1)"),
            "Signs alternate",
        ),
        ("no signs", ("(-1) ** (len(group) - k)", "1"), "Signs do not alternate"),
        ("turned", ("(-1) ** (len(group) - k)", "(-1) ** k"), "counts with plus"),
        ("an array", ("return total", "return total * damage"), "one number is needed"),
        ("everybody", ("combinations(group, k)", "combinations(range(len(damage)), k)"), "the dividend of"),
    ],
    "comparison": [
        ("turned", ("first - second", "second - first"), "first less second"),
        ("swapped", ("paired, apart\n", "apart, paired\n"), "errors are swapped"),
        ("ddof", ("ddof=1", "ddof=0"), "divide by R - 1"),
        ("single copies", (" / R)", ")"), "scatter"),
        ("variances", ("np.sqrt(", "("), "is its root"),
        ("R for its root", ("R = len(first)", "R = len(first) ** 2"), "the R-th part"),
        (
            "independent",
            ("paired = np.sqrt(gap.var(ddof=1) / R)", "paired = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / R)"),
            "copy by copy",
        ),
        (
            "errors add up",
            (
                "np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / R)",
                "(first.std(ddof=1) + second.std(ddof=1)) / np.sqrt(R)",
            ),
            "Their squares do",
        ),
        (
            "variances subtracted",
            (
                "np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / R)",
                "np.sqrt(abs(first.var(ddof=1) - second.var(ddof=1)) / R)",
            ),
            "they add up",
        ),
        ("median", ("gap.mean()", "np.median(gap)"), "The mean difference is"),
        ("two numbers", (", apart\n", "\n"), "an array of shape"),
    ],
}
