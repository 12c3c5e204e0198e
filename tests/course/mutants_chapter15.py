"""Wrong solutions of lab 15, and what each of them must be told."""

MUTANTS = {
    "score": [
        ("tau once", ("(a - mean) / std**2", "(a - mean) / std"), "You divide by τ"),
        ("no tau", ("(a - mean) / std**2", "(a - mean)"), "forget to divide by τ²"),
        ("sign", ("(a - mean) / std**2", "(mean - a) / std**2"), "sign of the first number"),
        (
            "the density's slope",
            (
                "(a - mean) / std**2",
                "(a - mean) / std**3 * np.exp(-((a - mean) ** 2) / 2 / std**2) / np.sqrt(2 * np.pi)",
            ),
            "slope of the density",
        ),
        ("no factor", ("std**2 - 1", "std**2"), "forget the factor 1/τ"),
        ("by tau", ("std**2 - 1", "std**3 - 1 / std"), "the slope in τ"),
        ("sign of the second", ("(a - mean) ** 2 / std**2 - 1", "1 - (a - mean) ** 2 / std**2"), "sign of the second"),
        ("half", ("(a - mean) ** 2 / std**2", "(a - mean) ** 2 / std**2 / 2"), "the slope in log τ is"),
    ],
    "average": [
        ("square of the mean", ("bend @ (x**2 + spread**2)", "bend @ x**2"), "feed the mean into the square"),
        ("tau", ("x**2 + spread**2", "x**2 + spread"), "add τ where τ² belongs"),
        ("everybody", ("x[j], spread[j] = mean[j], std[j]", "x, spread = mean, std"), "You average everybody"),
        ("minus", ("x**2 + spread**2", "x**2 - spread**2"), "plus τ², not minus"),
        ("spread of all", ("spread = np.zeros(len(action))", "spread = std.copy()"), "outside the group"),
        ("nobody", ("x[j], spread[j] = mean[j], std[j]", "pass"), "average nobody"),
        (
            "pairs with variance",
            ("+ x @ pair @ x", "+ x @ pair @ x + pair.sum(axis=1) @ spread**2"),
            "no variance in it",
        ),
        ("writes", ("x = action.copy()", "x = action"), "Work on a copy"),
        ("no pairs", (" + x @ pair @ x", ""), "the mean is"),
    ],
    "fresh": [
        (
            "all at once",
            "def my_fresh(q, mean, std, action, i, noise):\n"
            "    x = np.tile(action, (len(noise), 1))\n"
            "    x[:, i] = mean[i] + std[i] * noise\n"
            "    return q(x).mean()\n",
            "it reads one of shape (3,)",
        ),
        ("the one played", ("values = []", "values = [q(action)]"), "count the action played"),
        ("asks once", ("for z in noise:", "for z in [noise.mean()]:"), "Q of the mean is not the mean of Q"),
        ("everybody", ("x[i] = mean[i] + std[i] * z", "x = mean + std * z"), "You draw everybody again"),
        ("around the action", ("mean[i] + std[i] * z", "action[i] + std[i] * z"), "around the policy's mean"),
        ("K - 1", ("np.mean(values)", "np.sum(values) / max(len(values) - 1, 1)"), "You divide by K − 1"),
        ("sum", ("np.mean(values)", "np.sum(values)"), "Divide it by K"),
        ("the first", ("np.mean(values)", "values[0]"), "alone"),
        ("variance", ("std[i] * z", "std[i] ** 2 * z"), "not τ² times"),
        ("writes", ("x = action.copy()", "x = action"), "Work on a copy"),
    ],
    "clipped_score": [
        ("a lower bound below 0", ("if c <= low:", "if c <= low and c < 0:"), "at the lower bound"),
        (
            "as if not clipped",
            "def my_clipped_score(c, mean, std, low, high):\n    return (c - mean) / std**2\n",
            "Φ, not φ",
        ),
        ("nothing to learn", ("-norm.pdf(low, mean, std) / norm.cdf(low, mean, std)", "0.0"), "is not zero"),
        (
            "sign",
            ("-norm.pdf(low, mean, std)", "norm.pdf(low, mean, std)"),
            "lower bound becomes less likely",
        ),
        ("no logarithm", (" / norm.cdf(low, mean, std)", ""), "of its logarithm"),
        ("other side", ("norm.cdf(low, mean, std)", "norm.sf(low, mean, std)"), "probability of the other side"),
        ("tau twice", ("-norm.pdf(low, mean, std)", "-norm.pdf(low, mean, std) / std"), "once too often"),
        (
            "phi without tau",
            ("-norm.pdf(low, mean, std)", "-norm.pdf((low - mean) / std)"),
            "φ(z)/τ, not φ(z)",
        ),
        (
            "drawn again",
            (
                "return (c - mean) / std**2",
                "inside = norm.cdf(high, mean, std) - norm.cdf(low, mean, std)\n"
                "    return (c - mean) / std**2 - (norm.pdf(low, mean, std) - norm.pdf(high, mean, std)) / inside",
            ),
            "draws again",
        ),
        ("tau between", ("(c - mean) / std**2", "(c - mean) / std"), "You divide by τ"),
    ],
}
