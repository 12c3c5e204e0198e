"""Wrong answers to the exercises of lab 13, each with a piece of the message it must get."""

MUTANTS = {
    "recombine": [
        ("follows the worst", ("np.argsort(losses)", "np.argsort(-losses)"), "the worst half"),
        (
            "equal weights",
            ("return weights @ candidates[best]", "return candidates[best].mean(axis=0)"),
            "weigh the better half equally",
        ),
        ("mean of all", ("return weights @ candidates[best]", "return candidates.mean(axis=0)"), "selects nothing"),
        ("not normalised", ("    weights = weights / weights.sum()\n", ""), "do not sum to 1"),
        ("weights reversed", ("weights @", "weights[::-1] @"), "in the wrong order"),
        ("forgets to sort", ("np.argsort(losses)[:half]", "np.arange(half)"), "Sort by loss"),
        ("the best alone", ("return weights @ candidates[best]", "return candidates[best[0]]"), "One lucky draw"),
        (
            "weights for all",
            """def my_recombine(candidates, losses):
    L = len(losses)
    weights = np.log((L + 1) / 2) - np.log(np.arange(1, L + 1))
    return weights / weights.sum() @ candidates[np.argsort(losses)]
""",
            "You give all candidates a weight",
        ),
        (
            "weights for all, not normalised",
            """def my_recombine(candidates, losses):
    L = len(losses)
    weights = np.log((L + 1) / 2) - np.log(np.arange(1, L + 1))
    return weights @ candidates[np.argsort(losses)]
""",
            "Then divide by the sum",
        ),
        ("L of the better half", ("(len(losses) + 1) / 2", "(half + 1) / 2"), "L counts all candidates"),
        (
            "places taken for ranks",
            ("candidates[best]", "candidates[np.argsort(losses) < half]"),
            "it is not each candidate's rank",
        ),
        (
            "the better half as it comes",
            ("candidates[best]", "candidates[np.sort(best)]"),
            "in the order in which it comes",
        ),
        ("ranks from 0", ("np.arange(1, half + 1)", "np.arange(1, half + 1) - 0.5"), "of the new mean is"),
        (
            "sorts its argument",
            ("    best =", "    candidates[:] = candidates[np.argsort(losses)]\n    best ="),
            "writes into its argument `candidates`",
        ),
    ],
    "plane": [
        ("no projection", ("return logits - logits.mean()", "return logits"), "Subtract their mean"),
        ("moves the weights", ("np.log(psi)", "psi"), "not the logits"),
        ("subtracts the first", ("logits.mean()", "logits[0]"), "Subtract their mean"),
        ("subtracts all", ("logits - logits.mean()", "logits - logits"), "All your logits are equal"),
        (
            "divides by the length",
            ("return logits - logits.mean()", "x = logits - logits.mean()\n    return x / np.linalg.norm(x)"),
            "of the logits' softmax should be",
        ),
        ("base two", ("np.log(psi)", "np.log2(psi)"), "of the logits' softmax should be"),
        (
            "wrong shape",
            ("return logits - logits.mean()", "return (logits - logits.mean())[:2]"),
            "an array of shape (3,)",
        ),
    ],
    "comparisons": [
        ("one more than the whole part", ("np.ceil(", "1 + np.floor("), "is not the least whole number"),
        ("one return's noise", ("(2 * variance / plays)", "(variance / plays)"), "twice the variance"),
        ("forgets the plays", ("(2 * variance / plays)", "(2 * variance)"), "a mean of several plays"),
        ("multiplies by the plays", ("variance / plays", "variance * plays"), "too large by the square of `plays`"),
        ("divides the effect, too", ("effect**2", "(effect / plays) ** 2"), "nor divide `effect`"),
        ("root of the variance", ("(2 * variance / plays)", "(2 * np.sqrt(variance) / plays)"), "a variance already"),
        (
            "does not square",
            ("z**2 * (2 * variance / plays) / effect**2", "z * np.sqrt(2 * variance / plays) / effect"),
            "Square the ratio",
        ),
        ("z not squared", ("z**2", "z"), "square the effect and not z"),
        ("effect not squared", ("effect**2", "effect"), "square z and not the effect"),
        ("rounds down", ("np.ceil", "np.floor"), "Round"),
        (
            "not whole",
            ("int(np.ceil(z**2 * (2 * variance / plays) / effect**2))", "z**2 * 2 * variance / plays / effect**2"),
            "Round",
        ),
    ],
    "order": [
        ("one after the other", "my_order = (1, -1, 1, -1, 1, -1, 1, -1)\n", "A straight drift"),
        ("first all pluses", "my_order = (1, 1, 1, 1, -1, -1, -1, -1)\n", "A straight drift"),
        ("there and back", "my_order = (1, -1, -1, 1, 1, -1, -1, 1)\n", "a bent one does not"),
        ("mirrored in the middle", "my_order = (1, 1, -1, -1, -1, -1, 1, 1)\n", "a bent one does not"),
        ("more pluses", "my_order = (1, -1, 1, 1, -1, 1, 1, -1)\n", "Both signs need four"),
        ("steps of other sizes", "my_order = (1, -3, 3, -1, -1, 3, -3, 1)\n", "A turn is +1 or −1"),
        ("four turns", "my_order = (1, -1, -1, 1)\n", "has 4 turns; eight"),
        ("seven turns", "my_order = [1, -1, -1, 1, -1, 1, 1]\n", "has 7 turns; eight"),
        ("a table", "my_order = [[1, -1]] * 8\n", "an array of shape (8,)"),
        ("zeros", "my_order = (1, -1, -1, 0, 0, 1, 1, -1)\n", "A turn is +1 or −1"),
    ],
    "psi": [
        (
            "no bounds",
            "def my_psi(G):\n    x = np.linalg.solve(G, np.ones(3))\n    return x / x.sum()\n",
            "a weight is negative",
        ),
        (
            "clips and scales",
            "def my_psi(G):\n    x = np.linalg.solve(G, np.ones(3))\n"
            "    x = np.clip(x / x.sum(), 0, None)\n    return x / x.sum()\n",
            "you cut negative weights off",
        ),
        ("the diagonal", "def my_psi(G):\n    x = 1 / np.diag(G)\n    return x / x.sum()\n", "G's diagonal alone"),
        ("the best corner", ("[0, 1], [0, 2], [1, 2], [0, 1, 2]", ""), "the best corner"),
        ("no inner point", (", [0, 1, 2]", ""), "psi' G psi is least at"),
        ("forgets an edge", ("[0, 2], ", ""), "psi' G psi is least at"),
        ("does not divide by the sum", ("solved / solved.sum()", "solved"), "the sum of the weights must be"),
        ("the largest", ("psi @ G @ psi < best", "psi @ G @ psi > best"), "psi' G psi is least at"),
        (
            "uses the library",
            "def my_psi(G):\n    return best_psi(G)\n",
            "Your function uses `maca_edu.training`",
        ),
        (
            "a grid",
            "def my_psi(G):\n    grid = triangle_grid(100)\n"
            "    return grid[((grid @ G) * grid).sum(axis=1).argmin()]\n",
            "A grid or a search only comes near",
        ),
        (
            "a search that uses the lab's softmax",
            "def my_psi(G):\n    psi = softmax(np.random.default_rng(0).normal(size=(20_000, 3)))\n"
            "    return psi[((psi @ G) * psi).sum(axis=1).argmin()]\n",
            "A grid or a search only comes near",
        ),
    ],
}
