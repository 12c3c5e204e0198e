"""Wrong answers to the exercises of lab 10, each with a piece of the message it must get."""

MUTANTS = {
    "attention": [
        ("not scaled", (" / q.shape[-1] ** 0.5", ""), "did not divide"),
        ("scaled by the width", ("q.shape[-1] ** 0.5", "q.shape[-1]"), "Divide by its root"),
        ("scaled by the whole width", ("q.shape[-1] ** 0.5", "query.shape[-1] ** 0.5"), "only E / heads numbers"),
        ("roles swapped", ("q @ k.transpose(0, 2, 1)", "k @ q.transpose(0, 2, 1)"), "roles are swapped"),
        ("columns sum to 1", ("e.sum(axis=-1, keepdims=True)", "e.sum(axis=1, keepdims=True)"), "not every column"),
        (
            "no softmax",
            ("    return e / e.sum(axis=-1, keepdims=True)\n", "    return products\n"),
            "before the softmax",
        ),
        (
            "columns of heads mixed",
            ("x.reshape(n, heads, -1).transpose(1, 0, 2)", "x.reshape(n, -1, heads).transpose(2, 0, 1)"),
            "stand side by side",
        ),
        (
            "one head for all",
            ("    return e /", "    e = 0 * e + e[:1]\n    return e /"),
            "All your heads are the same",
        ),
        (
            "the first row's largest",
            (
                "products - products.max(axis=-1, keepdims=True)",
                "(products - products[:, :1].max(axis=-1, keepdims=True))",
            ),
            "overflows",
        ),
        ("cut off", ("    e = np.exp", "    products = products.clip(-700, 700)\n    e = np.exp"), "gives agent"),
        ("overflows", ("products - products.max(axis=-1, keepdims=True)", "products"), "overflows"),
        ("uses the library", "from maca_edu.networks.encoder import softmax as my_attention\n", "Your function uses"),
    ],
    "rollout": [
        ("wrong order", ("mean @ result", "result @ mean"), "the wrong order"),
        ("not halved", ("(mean + np.eye(n)) / 2", "mean + np.eye(n)"), "Halve it"),
        ("ignores residual", ("if residual:", "if False:"), "You ignore `residual`"),
        ("always residual", ("if residual:", "if True:"), "though residual is False"),
        (
            "residual once",
            "def my_rollout(attentions, residual):\n    n = attentions[0].shape[-1]\n    result = np.eye(n)\n"
            "    for weights in attentions:\n        result = weights.mean(axis=0) @ result\n"
            "    return (result + np.eye(n)) / 2 if residual else result\n",
            "You add the residual once",
        ),
        ("adds heads", ("weights.mean(axis=0)", "weights.sum(axis=0)"), "add the heads up"),
        ("first head", ("weights.mean(axis=0)", "weights[0]"), "the first head alone"),
        ("last block", ("in attentions:", "in attentions[-1:]:"), "the last block alone"),
        ("first block", ("in attentions:", "in attentions[:1]:"), "the first block alone"),
        ("transposed", ("return result", "return result.T"), "is transposed"),
        ("uses the library", "from maca_edu.credit import attention_rollout as my_rollout\n", "Your function uses"),
    ],
    "score": [
        ("with itself", ("j != i and ", ""), "The agent itself is among your pairs"),
        ("ties wrong", ("0.5 * (d == 0)", "0.0"), "count a tie as wrong"),
        ("ties right", ("0.5 * (d == 0)", "(d == 0)"), "count a tie as right"),
        (
            "pooled",
            ("shares.append(np.mean((d > 0) + 0.5 * (d == 0)))", "shares.extend(np.ravel((d > 0) + 0.5 * (d == 0)))"),
            "You pool the pairs",
        ),
        (
            "loners as zero",
            ("        if d.size == 0:\n            continue\n", "        d = d if d.size else -1\n"),
            "Agents without any pair",
        ),
        ("agent 0 is the loner", ("in range(n):", "in range(1, n):"), "the score is"),
        (
            "only those without a partner left out",
            ("        if d.size == 0:", "        if not near:"),
            "nothing to compare",
        ),
        ("loners not left out", ("        if d.size == 0:\n            continue\n", ""), "nothing to compare"),
        ("transposed", ("n = len(attention)", "n, attention = len(attention), attention.T"), "You read columns"),
        ("reversed", ("d > 0", "d < 0"), "how often a partner gets LESS"),
        (
            "first place",
            "def my_score(attention, partners):\n    n = len(attention)\n"
            "    x = np.where(np.eye(n) == 1, -1, attention)\n"
            "    return partners[np.arange(n), x.argmax(axis=1)].mean()\n",
            "the first place only",
        ),
        (
            "writes into it",
            ("n = len(attention)", "n = len(attention)\n    attention[0, 0] = 0"),
            "writes into its argument",
        ),
    ],
    "reader": [
        (
            "the old one",
            "def my_reader(reader, attention, other, W):\n    return reader\n",
            "You return the old reader",
        ),
        (
            "coefficients",
            "def my_reader(reader, attention, other, W):\n    return reader + attention.T @ reader @ W\n",
            "The reader sees tokens",
        ),
        (
            "forgets the old attention",
            ("wanted = reader + attention.T @ reader @ W", "wanted = reader"),
            "First work out",
        ),
        (
            "swapped",
            ("    n, size", "    attention, other = other, attention\n    n, size"),
            "The two attentions are swapped",
        ),
        (
            "attention not transposed",
            ("    n, size", "    attention, other = attention.T, other.T\n    n, size"),
            "An attention is not transposed",
        ),
        ("W transposed", ("    n, size", "    W = W.T\n    n, size"), "W is transposed"),
        (
            "no residual",
            "def my_reader(reader, attention, other, W):\n    system = np.kron(other.T, W.T)\n"
            "    wanted = attention.T @ reader @ W\n"
            "    return np.linalg.solve(system, wanted.ravel()).reshape(reader.shape)\n",
            "forgot the residual",
        ),
        ("wrong shape", (".reshape(n, size)", ""), "is needed"),
    ],
    "unheard": [
        ("understood", ("return 1 - ", "return "), "The error is what is left"),
        ("own weight", ("np.delete(weights, agent)", "weights"), "take its own weight out"),
        (
            "no scale",
            "def my_unheard(weights, agent, partner):\n    others = np.delete(weights, agent)\n"
            "    w = weights[partner]\n    return (others**2).sum() - w**2 + (1 - w) ** 2\n",
            "The best reader may scale it",
        ),
        (
            "the weight",
            "def my_unheard(weights, agent, partner):\n    return 1 - weights[partner]\n",
            "squared weights",
        ),
        ("not squared", ("weights[partner] ** 2", "weights[partner]"), "Square the partner's weight"),
        ("divides by zero", ("if total == 0:", "if False:"), "Do not divide by zero"),
        (
            "shares",
            "def my_unheard(weights, agent, partner):\n    total = np.delete(weights, agent).sum()\n"
            "    return 1.0 if total == 0 else 1 - weights[partner] / total\n",
            "squared weights",
        ),
    ],
}
