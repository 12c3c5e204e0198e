"""Wrong answers to the exercises of lab 18, each with a piece of the message it must get."""

MUTANTS = {
    "interval": [
        ("the normal quantile", ("stats.t.ppf(0.975, n - 1)", "stats.norm.ppf(0.975)"), "normal distribution's 1.96"),
        ("divides by n", ("scores.std(ddof=1)", "scores.std()"), "divide by n − 1"),
        ("n degrees of freedom", ("0.975, n - 1", "0.975, n"), "n − 1 are left"),
        ("one end", ("0.975", "0.95"), "leaves 5 % at each end"),
        ("single runs", (" / np.sqrt(n)", ""), "the spread of single runs"),
        ("n for its root", ("/ np.sqrt(n)", "/ n"), "the standard error by √n"),
        ("mean and half", ("scores.mean() - half, scores.mean() + half", "scores.mean(), half"), "Return the two ends"),
        (
            "upper end first",
            ("scores.mean() - half, scores.mean() + half", "scores.mean() + half, scores.mean() - half"),
            "The lower end comes first",
        ),
        ("median", ("scores.mean()", "np.median(scores)"), "not around their median"),
        ("half of it", ("half = ", "half = 0.5 * "), "the lower end is"),
        ("writes into its argument", ("    n =", "    scores -= 1\n    n ="), "writes into its argument `scores`"),
        (
            "uses the library",
            "def my_interval(scores):\n    low, high = t_interval(scores[:, None])\n    return low[0], high[0]\n",
            "Your function uses `maca_edu`",
        ),
    ],
    "seeds": [
        ("one arm's noise", ("2 * (z", "1 * (z"), "one arm's noise"),
        ("no power", (" + stats.norm.ppf(0.8)", ""), "a power of one half"),
        ("one direction", ("0.975", "0.95"), "in one direction only"),
        ("not squared", ("2 * (z * std / difference) ** 2", "2**0.5 * z * std / abs(difference)"), "Square the ratio"),
        ("deviation not squared", ("(z * std / difference) ** 2", "z**2 * std / difference**2"), "not the deviation"),
        (
            "difference not squared",
            ("(z * std / difference) ** 2", "z**2 * std**2 / abs(difference)"),
            "not the difference",
        ),
        ("quantiles not squared", ("(z * std / difference) ** 2", "z * (std / difference) ** 2"), "not the sum"),
        ("power of the test", ("ppf(0.8)", "ppf(0.975)"), "a power of 97.5 %"),
        ("both arms", ("2 * (z", "4 * (z"), "the seeds of both arms"),
        ("rounds down", ("np.ceil", "np.floor"), "Round"),
        ("not whole", ("int(np.ceil(2 * (z * std / difference) ** 2))", "2 * (z * std / difference) ** 2"), "Round"),
        (
            "a negative difference",
            ("    return", "    if difference < 0:\n        return 2\n    return"),
            "A difference of −0.05",
        ),
    ],
    "report": [
        ("the seeds that chose", ("return reporting[best].mean()", "return choosing[best].mean()"), "winner's curse"),
        (
            "the best of the report",
            ("return reporting[best].mean()", "return reporting.mean(axis=1).max()"),
            "these seeds choose as well",
        ),
        (
            "both report",
            ("return reporting[best].mean()", "return np.concatenate([choosing[best], reporting[best]]).mean()"),
            "are in your report, too",
        ),
        (
            "both choose and report",
            "def my_report(choosing, reporting):\n"
            "    return np.concatenate([choosing, reporting], axis=1).mean(axis=1).max()\n",
            "Keep them apart",
        ),
        ("the best run", ("choosing.mean(axis=1)", "choosing.max(axis=1)"), "the best single run"),
        ("the lowest", ("argmax", "argmin"), "You choose the lowest"),
        (
            "the best run of the chosen",
            ("reporting[best].mean()", "reporting[best].max()"),
            "the best run of the chosen",
        ),
        ("nothing is chosen", ("reporting[best].mean()", "reporting.mean()"), "nothing was chosen"),
    ],
    "leave_one_out": [
        (
            "the group's mean",
            ("return rewards - others", "return rewards - rewards.mean(1)[:, None]"),
            "its own baseline",
        ),
        ("the first prompt's", ("return rewards - others", "return rewards - others[:1]"), "the advantage of answer"),
        ("divides by k", ("(k - 1)", "k"), "there are k − 1 of them"),
        ("the sum", (" / (k - 1)", ""), "Divide it by their number"),
        ("the baseline", ("return rewards - others", "return others"), "That is the baseline"),
        ("the sign", ("return rewards - others", "return others - rewards"), "The sign is wrong"),
        (
            "divides by the spread",
            ("return rewards - others", "return (rewards - others) / rewards.std(axis=1, keepdims=True)"),
            "You divide by the spread",
        ),
        (
            "group-relative",
            (
                "return rewards - others",
                "return (rewards - rewards.mean(1)[:, None]) / rewards.std(axis=1, keepdims=True)",
            ),
            "Leave the sample out, and do not divide",
        ),
        ("all prompts", ("return rewards - others", "return rewards - rewards.mean()"), "Answers to other prompts"),
        (
            "leaves one out of all",
            "def my_leave_one_out(rewards):\n    return rewards - (rewards.sum() - rewards) / (rewards.size - 1)\n",
            "Answers to other prompts",
        ),
        (
            "writes into its argument",
            ("    return", "    rewards -= others\n    return"),
            "writes into its argument `rewards`",
        ),
    ],
}
