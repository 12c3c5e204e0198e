"""Wrong solutions of lab 17, and what each of them must be told."""

MUTANTS = {
    "blind": [
        ("chance alone", ("share = chance * weight", "share = chance"), "by their chance alone"),
        ("weight alone", ("share = chance * weight", "share = weight"), "by `weight` alone"),
        ("plain mean", ("share @ best / share.sum()", "best.mean()"), "equally likely and equally loud"),
        ("not divided", ("share @ best / share.sum()", "share @ best"), "does not add up to 1"),
        ("between states", ("share @ (best - b) ** 2", "share @ (best - b) ** 2 / share.sum()"), "times E[w]"),
        ("loss without weight", ("share @ (best - b) ** 2", "chance @ (best - b) ** 2"), "forgets `weight`"),
        ("loss without chance", ("share @ (best - b) ** 2", "weight @ (best - b) ** 2"), "forgets `chance`"),
        ("root", ("share @ (best - b) ** 2", "np.sqrt(share @ (best - b) ** 2)"), "without a root"),
        ("of nothing", ("(best - b) ** 2", "best**2"), "no baseline at all"),
        ("negative", ("return b, share", "return b, -share"), "is not negative"),
        ("swapped", ("return b, share @ (best - b) ** 2", "return share @ (best - b) ** 2, b"), "comes first"),
        ("a median", ("share @ best / share.sum()", "np.median(best)"), "The best number is"),
        ("writes", ("share = chance * weight", "weight *= chance\n    share = weight"), "Work on a copy"),
    ],
    "knob": [
        (
            "not clipped",
            ("np.clip(share @ lowest / share.sum(), 0, 1)", "share @ lowest / share.sum()"),
            "leaves the range",
        ),
        (
            "clipped first",
            ("share @ lowest / share.sum()", "share @ np.clip(lowest, 0, 1) / share.sum()"),
            "Average the parabolas first",
        ),
        ("chance alone", ("share = chance * height", "share = chance"), "pulls harder"),
        ("height alone", ("share = chance * height", "share = height"), "by `height` alone"),
        ("own not clipped", ("own = np.clip(lowest, 0, 1)", "own = lowest"), "own knobs leave the range"),
        (
            "negative",
            ("(u - lowest) ** 2 - (own - lowest) ** 2", "(own - lowest) ** 2 - (u - lowest) ** 2"),
            "not negative",
        ),
        ("gain without height", ("share @ ((u", "chance @ ((u"), "forgets `height`"),
        ("gain without chance", ("share @ ((u", "height @ ((u"), "forgets `chance`"),
        ("between knobs", ("(u - lowest) ** 2 - (own - lowest) ** 2", "(u - own) ** 2"), "from its *lowest point*"),
        ("divided", ("return u, share @", "return u, 1 / share.sum() * share @"), "in units of the variance"),
        (
            "swapped",
            (
                "return u, share @ ((u - lowest) ** 2 - (own - lowest) ** 2)",
                "return share @ ((u - lowest) ** 2 - (own - lowest) ** 2), u",
            ),
            "The knob comes first",
        ),
        ("one number", ("return u, share", "return share"), "an array of shape"),
        ("nearly", ("return u, share", "return u, 2e-5 + share"), "for all is 0.92262; yours is 0.92264"),
    ],
    "total": [
        ("within", ("return inside + between", "return inside"), "mean of the states' variances"),
        ("between", ("return inside + between", "return between"), "mean gradients alone"),
        ("mean square", ("mean = chance @ means", "mean = 0 * means[0]"), "mean square"),
        (
            "unweighted spread",
            ("chance @ ((means - mean) ** 2).sum(axis=1)", "means.var(axis=0).sum()"),
            "weigh it with `chance`",
        ),
        (
            "all alike",
            ("    inside", "    chance = np.full(len(chance), 1 / len(chance))\n    mean = chance @ means\n    inside"),
            "weigh all states alike",
        ),
        ("over logits", (".sum(axis=1)", ".mean(axis=1)"), "sum over its entries"),
        ("subtracted", ("inside + between", "inside - between"), "add up"),
        ("not squared", ("((means - mean) ** 2)", "np.abs(means - mean)"), "not squared"),
        ("root", ("return inside + between", "return np.sqrt(inside + between)"), "takes no root"),
        ("an array", (".sum(axis=1)", ""), "one number is needed"),
        ("twice", ("inside + between", "inside + 2 * between"), "Within states"),
    ],
    "interaction": [
        ("turned", ("b.mean() - a.mean()", "a.mean() - b.mean()"), "The sign is turned"),
        ("random alone", ("b.mean() - a.mean()", "b.mean()"), "Subtract how far"),
        ("fixed alone", ("b.mean() - a.mean()", "a.mean()"), "It is to be subtracted"),
        ("one method", ("b.mean() - a.mean()", "drawn[:, 0].mean() - fixed[:, 0].mean()"), "first method alone"),
        ("sum", ("b.mean() - a.mean()", "b.mean() + a.mean()"), "add the two"),
        ("median", ("b.mean() - a.mean()", "np.median(b) - np.median(a)"), "difference of the differences is"),
        (
            "unpaired",
            (
                "    return",
                "    every = [*fixed.T, *drawn.T]\n"
                "    half = stats.t.ppf(0.975, 2 * dof) * np.sqrt(sum(x.var(ddof=1) / len(x) for x in every))\n"
                "    return",
            ),
            "seed by seed",
        ),
        ("normal", ("stats.t.ppf(0.975, dof)", "stats.norm.ppf(0.975)"), "Student's quantile is larger"),
        ("one end", ("0.975", "0.95"), "use 0.975"),
        ("dof", ("stats.t.ppf(0.975, dof)", "stats.t.ppf(0.975, dof + 1)"), "two degrees of freedom"),
        ("ddof", ("squares / dof", "squares / (dof + 2)"), "divide the squares by k + m - 2"),
        ("single differences", (" * (1 / len(a) + 1 / len(b))", ""), "Means spread less"),
        (
            "ends turned",
            ("middle - half, middle, middle + half", "middle + half, middle, middle - half"),
            "lower end comes first",
        ),
        ("two numbers", ("middle - half, middle, middle + half", "middle - half, middle + half"), "an array of shape"),
        ("half", ("half = ", "half = 0.5 * "), "The interval's lower end is"),
    ],
}
