"""Wrong answers to the exercises of lab 14, each with a piece of the message it must get."""

MUTANTS = {
    "parameters": [
        ("a fraction", ("return embedding", "return 0.25 + embedding"), "which is not a whole number"),
        ("psi's head too", ("return embedding", "return linear(Z, 3) + embedding"), "You count psi's head"),
        (
            "wide MLP",
            ("norm(E) + 2 * linear(E, E)", "norm(E) + linear(E, 4 * E) + linear(4 * E, E)"),
            "four times as wide",
        ),
        ("one bias in the GRU", ("6 * E * E + 6 * E", "6 * E * E + 3 * E"), "has one bias for each gate"),
        ("one token", ("linear(n * E, Z)", "linear(E, Z)"), "you count one"),
        ("one agent's actions", ("linear(Z + n * A, 256)", "linear(Z + A, 256)"), "you count those of one"),
        ("Q without z", ("linear(Z + n * A, 256)", "linear(n * A, 256)"), "reads z, too"),
        ("no feature norm", ("norm(d) + ", ""), "LayerNorm on the observations"),
        ("no norms around", ("norm(E) + norm(E)", "0"), "You leave two LayerNorms out"),
        ("three maps", ("4 * linear(E, E)", "3 * linear(E, E)"), "Attention has four maps"),
        ("no V", (" + v + q", " + q"), "the head of V out"),
        ("no bias", ("return x * y + y", "return x * y"), "Does every linear layer have its bias"),
        ("a list", ("return embedding", "return [embedding], 0"), "one number is needed"),
    ],
    "correlation": [
        ("squared", ("return np.sqrt(signal / (signal + noise))", "return signal / (signal + noise)"), "the square of"),
        ("weight not squared", ("weight**2 * v", "weight * v"), "by the square of the weight"),
        ("knows all", ("if group in known:", "if True:"), "What the critic does not know it cannot take out"),
        ("unknown is gone", ("weight = 1.0", "weight = 0.0"), "is not gone"),
        (
            "the baseline's share",
            (
                "weight = jnt + cor * bool(set(group) & set(corrset))",
                "weight = ind + cor * (not set(group) & set(corrset))",
            ),
            "The weights are those of the baselines",
        ),
        ("other way round", ("bool(set(group) & set(corrset))", "(not set(group) & set(corrset))"), "other way round"),
        ("inside", ("bool(set(group) & set(corrset))", "(set(group) <= set(corrset))"), "inside the CorrSet"),
        (
            "known signal",
            (
                "        if agent in group:\n            signal += v\n",
                "        if agent in group:\n            signal += v * (group in known)\n",
            ),
            "comes with the return",
        ),
        ("own part only", ("signal += v", "signal += v * (group == (agent,))"), "not of its own alone"),
        ("no CorrSet", ("jnt + cor * bool(set(group) & set(corrset))", "jnt"), "CorrSet's share out"),
        (
            "overwrites",
            ("signal = noise = 0.0", "signal = noise = 0.0\n    variance[()] = 1.0"),
            "writes into its argument",
        ),
    ],
    "without": [
        (
            "the first sample's rest",
            ("return kept / kept.sum(axis=1, keepdims=True)", "return kept / kept[:1].sum(axis=1, keepdims=True)"),
            "; yours is",
        ),
        ("not rescaled", ("return kept / kept.sum(axis=1, keepdims=True)", "return kept"), "no longer sum to 1"),
        (
            "half to each",
            (
                "return kept / kept.sum(axis=1, keepdims=True)",
                "return np.where(np.arange(3) == gone, 0.0, psi + psi[:, [gone]] / 2)",
            ),
            "to both alike",
        ),
        (
            "softmax of weights",
            (
                "kept = np.where(np.arange(3) == gone, 0.0, psi)",
                "kept = np.where(np.arange(3) == gone, 0.0, np.exp(psi))",
            ),
            "softmaxes already",
        ),
        (
            "one half each",
            ("return kept / kept.sum(axis=1, keepdims=True)", "return (kept > 0) / 2"),
            "They keep their ratio",
        ),
        (
            "over samples",
            ("kept.sum(axis=1, keepdims=True)", "kept.sum(axis=0, keepdims=True).clip(1e-9)"),
            "over samples",
        ),
        ("kept the wrong one", ("== gone, 0.0, psi", "!= gone, 0.0, psi"), "only what was to go"),
        ("unchanged", ("return kept / kept.sum(axis=1, keepdims=True)", "return psi.copy()"), "You do not change psi"),
        (
            "writes into psi",
            ("kept = np.where(np.arange(3) == gone, 0.0, psi)", "kept = psi\n    kept[:, gone] = 0"),
            "writes into its argument",
        ),
        (
            "the library's",
            "from maca_edu.credit import without\n\n"
            "def my_without(psi, gone):\n    return without(torch.from_numpy(psi), gone).numpy()\n",
            "uses `maca_edu`",
        ),
    ],
    "interval": [
        (
            "not paired",
            "def my_interval(ours, theirs):\n"
            "    m = len(ours)\n"
            "    error = np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / m)\n"
            "    width = scipy.stats.t.ppf(0.975, 2 * m - 2) * error\n"
            "    mean = ours.mean() - theirs.mean()\n"
            "    return mean - width, mean + width\n",
            "belong together",
        ),
        ("normal", ("scipy.stats.t.ppf(0.975, len(x) - 1)", "1.96"), "1.96 is too small"),
        ("of single runs", (" / np.sqrt(len(x))", ""), "That is where single differences lie"),
        ("one standard error", ("scipy.stats.t.ppf(0.975, len(x) - 1) * ", ""), "one standard error"),
        ("ddof 0", ("x.std(ddof=1)", "x.std()"), "ddof=1"),
        ("ninety", ("0.975", "0.95"), "Your interval has 90 %"),
        ("freedom", ("len(x) - 1)", "len(x))"), "degrees of freedom"),
        ("sign", ("ours - theirs", "theirs - ours"), "The sign is wrong"),
        (
            "upper first",
            ("return x.mean() - width, x.mean() + width", "return x.mean() + width, x.mean() - width"),
            "The lower end comes first",
        ),
        ("mean only", ("return x.mean() - width, x.mean() + width", "return x.mean()"), "an array of shape"),
    ],
    "maca": [
        ("sigma of its own", ("attention >= sigma", "attention >= 1 / n"), "the advantage is"),
        ("sign", ("return target - mixture", "return mixture - target"), "The sign is wrong"),
        ("the baseline", ("return target - mixture", "return mixture"), "That is the baseline"),
        ("own Q", ("return target - mixture", "return q(played)[:, None] - mixture"), "the critic's own Q"),
        ("i left out", ("(attention >= sigma) | alone", "attention >= sigma"), "its own CorrSet"),
        ("strict", ("attention >= sigma", "attention > sigma"), "An attention of exactly sigma"),
        (
            "column",
            ("np.stack([everybody, own, near])", "np.stack([everybody, own, np.swapaxes(near, 1, 2)])"),
            "row i of the attention",
        ),
        ("order", ("np.stack([everybody, own, near])", "np.stack([own, everybody, near])"), "The order of psi"),
        ("order 2", ("np.stack([everybody, own, near])", "np.stack([everybody, near, own])"), "The order of psi"),
        ("first psi", ("psi[:, [k]]", "psi[0, k]"), "you use the first one's"),
        ("thirds", ("psi[:, [k]]", "1 / 3"), "You mix with equal weights"),
        ("others act again", (", policy, played)", ", played, policy)"), "the other way round"),
        ("uniform", (", policy, played)", ", 1 / A, played)"), "every action the same weight"),
        (
            "whole pi-bar at once",
            (
                "baseline = np.stack([q(np.where(group[:, i, :, None], policy, played)) for i in range(n)], axis=1)",
                "baseline = q(np.where(group[..., None], policy[:, None], played[:, None]))",
            ),
            "it reads one of shape",
        ),
        (
            "the library's",
            "from maca_edu.credit import corrset\n\n"
            "def my_maca(target, action, policy, attention, sigma, psi, q):\n"
            "    near = corrset(torch.from_numpy(attention), sigma)\n"
            "    return target - near.numpy()[:, 0]\n",
            "uses `maca_edu`",
        ),
    ],
}
