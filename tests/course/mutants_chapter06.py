"""Wrong answers to the exercises of lab 06, each with a piece of the message it must get."""

MUTANTS = {
    "td_errors": [
        ("next value not discounted", ("gamma * values[1:]", "values[1:]"), "You do not discount"),
        ("before and after swapped", ("gamma * values[1:] - values[:-1]", "gamma * values[:-1] - values[1:]"), "swap"),
        (
            "hopes for nothing after the last step",
            ("gamma * values[1:]", "gamma * np.append(values[1:-1], 0.0)"),
            "entry 2 of the TD errors should be",
        ),
        ("one gamma for all", ("gamma * values[1:]", "0.9 * values[1:]"), "the TD errors should be"),
        ("no reward", ("rewards + gamma", "gamma"), "You forget what was paid"),
        ("twice the value after", ("- values[:-1]", "- values[1:]"), "both of yours lie after the step"),
        ("no value after", ("+ gamma * values[1:]", ""), "but not after it"),
        (
            "discounted by time",
            (
                "return rewards + gamma * values[1:] - values[:-1]",
                "return gamma ** np.arange(len(rewards)) * (rewards + gamma * values[1:] - values[:-1])",
            ),
            "You discount by the time of the step as well",
        ),
        ("sign", ("return rewards", "return -rewards"), "entry"),
        ("one too many", ("values[1:] - values[:-1]", "values - values"), "operands could not be broadcast"),
    ],
    "lambda_advantages": [
        ("forwards", ("reversed(range(len(deltas)))", "range(len(deltas))"), "You add up the steps before t"),
        ("no lambda", ("gamma * lam", "gamma"), "You leave lambda out"),
        ("no gamma", ("gamma * lam", "lam"), "You leave gamma out"),
        ("later steps only", ("= ahead\n", "= ahead - deltas[t]\n"), "You forget the step itself"),
        ("an average", ("= ahead\n", "= (1 - gamma * lam) * ahead\n"), "You divide by the sum of the weights"),
        ("one step ahead", ("= ahead\n", "= ahead\n        ahead = deltas[t]\n"), "one step ahead only"),
        ("one weight for all", ("gamma * lam * ahead", "0.54 * ahead"), "the lambda-advantages should be"),
        (
            "seven steps ahead",
            "def my_lambda_advantages(deltas, gamma, lam):\n"
            "    ahead = [deltas[t : t + 7] for t in range(len(deltas))]\n"
            "    return [sum((gamma * lam) ** k * d for k, d in enumerate(few)) for few in ahead]\n",
            "the lambda-advantages should be",
        ),
        ("no weights", ("gamma * lam * ahead", "ahead"), "You do not weigh"),
    ],
    "return_variance": [
        ("not squared", ("(gamma * lam) ** 2", "gamma * lam"), "A variance is a square"),
        ("transposed", ("* P, own", "* P.T, own"), "You go backwards in time"),
        ("current part only", ("np.linalg.solve(np.eye(len(own)) - (gamma * lam) ** 2 * P, own)", "own"), "no more"),
        (
            "one step ahead",
            ("np.linalg.solve(np.eye(len(own)) - (gamma * lam) ** 2 * P, own)", "own + (gamma * lam) ** 2 * P @ own"),
            "You look one step ahead only",
        ),
        ("no lambda", ("(gamma * lam)", "gamma"), "You leave lambda out"),
        ("no gamma", ("(gamma * lam)", "lam"), "You leave gamma out"),
        ("no discount", ("(gamma * lam) ** 2 * P", "P"), "You leave out the discount"),
        ("one weight for all", ("(gamma * lam) ** 2 * P", "0.63**2 * P"), "the variances should be"),
        (
            "twelve steps ahead",
            "def my_return_variance(P, own, gamma, lam):\n"
            "    U = own\n"
            "    for _ in range(12):\n        U = own + (gamma * lam) ** 2 * P @ U\n"
            "    return U\n",
            "the variances should be",
        ),
        ("chances squared", ("* P, own", "* P**2, own"), "Only the amounts are squared"),
    ],
    "episode_share": [
        (
            "endless",
            "def my_episode_share(surprises, gamma, lam):\n    return 1 - (gamma * lam) ** 2\n",
            "An episode begins",
        ),
        ("not squared", ("(gamma * lam) ** 2", "gamma * lam"), "variances need its square"),
        ("off by one", ("range(t + 1)", "range(t)"), "You are off by one"),
        ("weighs all alike", ("surprises[t]", "sum(surprises) / len(surprises)"), "You weigh all times alike"),
        (
            "charged to later steps",
            ("range(t + 1))", "range(len(surprises) - t))"),
            "It enters the advantages of those",
        ),
        ("one weight for all", ("(gamma * lam) ** 2", "0.76**2"), "random surprises the share is"),
        ("charged in full", ("beta**k", "1"), "You charge every surprise in full"),
        ("inverse", ("sum(surprises) / total", "total / sum(surprises)"), "That is its inverse"),
    ],
    "critic_bias": [
        ("critic in full", ("gamma * (1 - lam) *", "gamma *"), "the weight 1 - lambda"),
        ("no first gamma", ("gamma * (1 - lam) *", "(1 - lam) *"), "one step ahead: gamma"),
        ("squared", ("gamma * lam * P", "(gamma * lam) ** 2 * P"), "You square gamma lambda"),
        ("transposed", ("* P, error", "* P.T, error"), "You go backwards in time"),
        ("state reached only", ("* ahead", "* error"), "asked again at every later step"),
        ("one step late", ("* ahead", "* P @ ahead"), "You start one step too late"),
        (
            "what goes on for gamma",
            ("gamma * lam * P", "P.sum(axis=1, keepdims=True) * lam * P"),
            "the biases should be",
        ),
        (
            "thirty steps ahead",
            "def my_critic_bias(P, error, gamma, lam):\n"
            "    ahead = error\n"
            "    for _ in range(30):\n        ahead = error + gamma * lam * P @ ahead\n"
            "    return gamma * (1 - lam) * ahead\n",
            "the biases should be",
        ),
        ("no lambda ahead", ("gamma * lam * P", "gamma * P"), "You leave lambda out of the steps ahead"),
        ("sign", ("return gamma", "return -gamma"), "entry"),
    ],
}
