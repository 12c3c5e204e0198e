"""Wrong answers to the exercises of lab 07, each with a piece of the message it must get."""

MUTANTS = {
    "masked_policy": [
        ("no mask", ("np.where(legal, logits, -np.inf)", "logits"), "You leave the mask out"),
        ("logits of zero", ("np.where(legal, logits, -np.inf)", "logits * legal"), "A logit of 0 forbids nothing"),
        ("upside down", ("np.where(legal, logits, -np.inf)", "np.where(legal, -np.inf, logits)"), "wrong way round"),
        (
            "deleted afterwards",
            """def my_masked_policy(logits, legal):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return legal * weights / weights.sum(axis=1, keepdims=True)
""",
            "no longer sums to 1",
        ),
        ("too high", ("-np.inf)", "logits - 10)"), "It must be exactly 0"),
        ("overflow", ("np.exp(lifted - lifted.max(axis=1, keepdims=True))", "np.exp(lifted)"), "Logits may be large"),
        (
            "largest of illegal ones too",
            """def my_masked_policy(logits, legal):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) * legal
    return weights / weights.sum(axis=1, keepdims=True)
""",
            "subtract the largest legal one of each agent",
        ),
        (
            "largest of all agents",
            """def my_masked_policy(logits, legal):
    weights = np.exp(logits - logits.max()) * legal
    return weights / weights.sum(axis=1, keepdims=True)
""",
            "subtract the largest legal one of each agent",
        ),
        (
            "largest legal one of all agents",
            ("lifted.max(axis=1, keepdims=True)", "lifted.max()"),
            "subtract the largest legal one of each agent",
        ),
        ("not low enough", ("-np.inf)", "logits - 800)"), "It must be exactly 0"),
        ("no lower than -900", ("-np.inf)", "-900.0)"), "It must be exactly 0"),
        ("no logits", ("np.where(legal, logits, -np.inf)", "np.where(legal, 0.0, -np.inf)"), "You forget the logits"),
        ("over agents", ("axis=1", "axis=0"), "You sum over the agents"),
    ],
    "lambda_returns": [
        ("a cut is an end", ("0.0 if ended[t] else", "0.0 if ended[t] or cut[t] else"), "You take a cut for an end"),
        ("a value after an end", ("0.0 if ended[t] else after[t]", "after[t]"), "You add a value after an end"),
        ("never stops", ("if ended[t] or cut[t]:", "if False:"), "Your sum runs on into the next episode"),
        ("past a cut", ("if ended[t] or cut[t]:", "if ended[t]:"), "past a cut"),
        ("past an end", ("if ended[t] or cut[t]:", "if cut[t]:"), "past an end"),
        (
            "the next row's value",
            ("else after[t]", "else (value[t + 1] if t + 1 < len(value) else after[t])"),
            "which is of the next episode",
        ),
        (
            "the next row's value, and 0 beyond",
            ("else after[t]", "else (value[t + 1] if t + 1 < len(value) else 0.0)"),
            "`after` has the value that follows, in every row",
        ),
        (
            "nothing beyond the last row",
            ("if ended[t] else", "if ended[t] or t + 1 == len(value) else"),
            "You put a value of 0 after the last row",
        ),
        (
            "a recursion of returns that begins with 0",
            """def my_lambda_returns(reward, value, after, ended, cut, gamma, lam):
    returns, following = np.zeros(len(reward)), 0.0
    for t in reversed(range(len(reward))):
        if ended[t]:
            returns[t] = reward[t]
        elif cut[t]:
            returns[t] = reward[t] + gamma * after[t]
        else:
            returns[t] = reward[t] + gamma * ((1 - lam) * after[t] + lam * following)
        following = returns[t]
    return returns
""",
            "Your recursion begins with a return of 0",
        ),
        (
            "the last row never ends",
            """def my_lambda_returns(reward, value, after, ended, cut, gamma, lam):
    returns = np.zeros(len(reward))
    returns[-1] = reward[-1] + gamma * after[-1]
    for t in reversed(range(len(reward) - 1)):
        returns[t] = reward[t] + gamma * ((1 - lam) * after[t] + lam * returns[t + 1])
        if cut[t]:
            returns[t] = reward[t] + gamma * after[t]
        if ended[t]:
            returns[t] = reward[t]
    return returns
""",
            "Here the last row is an end",
        ),
        (
            "the first end and cut",
            (
                "    returns, ahead",
                "    ended, cut = (x & (np.arange(len(x)) == x.argmax()) for x in (ended, cut))\n    returns, ahead",
            ),
            "There may be several of each",
        ),
        (
            "five steps ahead",
            """def my_lambda_returns(reward, value, after, ended, cut, gamma, lam):
    T, returns = len(reward), value.copy()
    for t in range(T):
        for k in range(t, min(t + 5, T)):
            following = 0.0 if ended[k] else gamma * after[k]
            returns[t] += (gamma * lam) ** (k - t) * (reward[k] + following - value[k])
            if ended[k] or cut[k]:
                break
    return returns
""",
            "no ends and no cuts",
        ),
        ("gamma of its own", ("    returns, ahead", "    gamma = 0.9\n    returns, ahead"), "with gamma = 0.8"),
        ("lambda of its own", ("    returns, ahead", "    lam = 0.7\n    returns, ahead"), "lambda = 0.5"),
        ("an advantage", ("ahead + value[t]", "ahead"), "That is the lambda-advantage"),
        ("no lambda", ("gamma * lam * ahead", "gamma * ahead"), "You leave lambda out"),
        ("one step", ("delta + gamma * lam * ahead", "delta"), "lambda = 0"),
        ("no gamma", ("gamma * following", "following"), "ends with rows [1] and cuts with rows [3]"),
    ],
    "statistics": [
        ("not debiased", ("w = beta * w + (1 - beta)", "w = 1.0"), "divide by the weight of all seen"),
        ("mean only", ("q / w - mean**2", "q - mean**2"), "but not the mean square"),
        ("mean square", (" - mean**2", ""), "Subtract the square of the mean"),
        (
            "variances of batches",
            ("(x**2).mean()", "x.var()"),
            "entry",
        ),
        (
            "within batches",
            """def my_statistics(batches, beta):
    m = v = w = 0.0
    for x in batches:
        m = beta * m + (1 - beta) * x.mean()
        v = beta * v + (1 - beta) * x.var()
        w = beta * w + (1 - beta)
    return m / w, max(v / w, 0.01) ** 0.5
""",
            "You average the variances of the batches",
        ),
        (
            "all alike",
            """def my_statistics(batches, beta):
    return batches.mean(), max(batches.var(), 0.01) ** 0.5
""",
            "You weigh all batches alike",
        ),
        ("variance", ("** 0.5", ""), "You return the variance"),
        (
            "six samples",
            """def my_statistics(batches, beta):
    m = q = w = 0.0
    for x in batches:
        m = beta * m + (1 - beta) * x.sum() / 6
        q = beta * q + (1 - beta) * (x**2).sum() / 6
        w = beta * w + (1 - beta)
    return m / w, max(q / w - (m / w) ** 2, 0.01) ** 0.5
""",
            "mean and deviation",
        ),
        ("no floor", ("max(q / w - mean**2, 0.01)", "(q / w - mean**2)"), "at least 0.1"),
        (
            "newest",
            """def my_statistics(batches, beta):
    return batches[-1].mean(), max(batches[-1].var(), 0.01) ** 0.5
""",
            "the newest batch only",
        ),
        ("swapped", ("    m = q = w = 0.0", "    beta = 1 - beta\n    m = q = w = 0.0"), "You swap them"),
    ],
    "policy_loss": [
        ("sign", ("return -smaller", "return smaller"), "The sign is wrong"),
        ("no clip", ("ratio.clip(1 - clip, 1 + clip)", "ratio"), "You leave the clip out"),
        ("a clip of its own", ("ratio.clip(1 - clip, 1 + clip)", "ratio.clip(0.8, 1.2)"), "the loss is"),
        ("always clipped", ("np.minimum(ratio * advantage, near * advantage)", "near * advantage"), "You clip always"),
        ("maximum", ("np.minimum", "np.maximum"), "You take the larger product"),
        ("the dead", ("smaller[alive].sum() / alive.sum()", "smaller.mean()"), "The dead are in your loss"),
        ("all entries", ("/ alive.sum()", "/ alive.size"), "Divide by the number of the living"),
        ("a sum", (" / alive.sum()", ""), "Take their mean"),
        (
            "smaller ratio",
            ("np.minimum(ratio * advantage, near * advantage)", "np.minimum(ratio, near) * advantage"),
            "You take the smaller ratio first",
        ),
        (
            "clipped product",
            ("near * advantage)", "(ratio * advantage).clip(1 - clip, 1 + clip))"),
            "You clip the product",
        ),
    ],
    "score_weights": [
        ("no ratio", ("* ratio * advantage", "* advantage"), "You leave the ratio out"),
        (
            "inside only",
            ("(praise | blame)", "(abs(ratio - 1) < clip)"),
            "Outside the interval the slope is not always 0",
        ),
        ("no clip", ("(praise | blame) * ", ""), "You leave the clip out"),
        ("a clip of its own", ("    praise", "    clip = 0.2\n    praise"), "the weight of sample"),
        (
            "wrong side",
            """def my_score_weights(ratio, advantage, clip, alive):
    praise = (advantage > 0) & (ratio > 1 - clip)
    blame = (advantage < 0) & (ratio < 1 + clip)
    return (praise | blame) * ratio * advantage * alive / alive.sum()
""",
            "on the wrong side",
        ),
        ("the dead", ("* alive / alive", "/ alive"), "The dead move nobody's policy"),
        ("the dead, and all entries", ("* alive / alive.sum()", "/ alive.size"), "and you give it the weight"),
        ("all entries", ("/ alive.sum()", "/ alive.size"), "You divide by the number of all entries"),
        ("a sum", (" / alive.sum()", ""), "The loss is a mean"),
        ("sign", ("* ratio * advantage", "* ratio * -advantage"), "The sign is wrong"),
        ("praise only", ("(praise | blame)", "praise"), "the weight of sample"),
    ],
}
