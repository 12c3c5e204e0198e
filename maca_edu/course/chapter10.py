"""Chapter 10, attention between agents: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise

# ---------------------------------------------------------------------------------------------------------------------
# Exercise 1


def attention_weights(query: np.ndarray, key: np.ndarray, heads: int, scale: float | None = None) -> np.ndarray:
    """Attention of each head, `[heads, n, n]`, from queries and keys `[n, E]`; scale: sqrt(E / heads)."""
    n, size = query.shape
    q, k = (x.reshape(n, heads, -1).transpose(1, 0, 2) for x in (query, key))  # [heads, n, E / heads]
    return softmax(q @ k.transpose(0, 2, 1) / (scale or (size / heads) ** 0.5))


def softmax(x: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise("who looks at whom", difficulty=1, minutes=10, without="maca_edu.networks")
def check_attention(candidate):
    """The candidate's weights are those of every head, for random queries and keys, small and huge ones."""
    rng = np.random.default_rng(10)
    for n, size, heads, factor in ((3, 4, 1, 1.0), (4, 6, 2, 1.0), (5, 12, 3, 1.0), (2, 8, 4, 1.0), (3, 4, 2, 40.0)):
        query, key = factor * rng.normal(size=(2, n, size))
        want = attention_weights(query, key, heads)
        try:
            with np.errstate(all="ignore"):
                got = as_array(candidate(query, key, heads), (heads, n, n))
        except Mistake as mistake:
            if factor > 1 and "finite" in str(mistake):
                raise Mistake(
                    "With large products the exponential overflows. Subtract each row's largest product first: that "
                    "changes no weight."
                ) from None
            raise
        if not np.allclose(got, want):
            explain_attention(got, want, query, key, heads)
    return "Every row is one agent's attention, and sums to 1."


def explain_attention(got, want, query, key, heads):
    """Raise the Mistake that fits a wrong answer to the exercise on attention."""
    n, size = query.shape
    width = size // heads
    if np.allclose(got.sum(axis=1), 1) and not np.allclose(got.sum(axis=2), 1):
        raise Mistake("Your softmax runs over the agents who look. Every row must sum to 1, not every column.")
    apart = [x.reshape(n, width, heads).transpose(0, 2, 1).reshape(n, size) for x in (query, key)]
    q, k = (x.reshape(n, heads, width).transpose(1, 0, 2) for x in (query, key))
    wrong = {
        "You did not divide the products by the root of a head's width.": attention_weights(query, key, heads, 1.0),
        "You divide by a head's width. Divide by its root.": attention_weights(query, key, heads, width),
        "The roles are swapped: row i holds agent i's query times everybody's key.": attention_weights(
            key, query, heads
        ),
        "These are the products before the softmax.": q @ k.transpose(0, 2, 1) / width**0.5,
    }
    if heads > 1:
        wrong |= {
            "You divide by the root of the whole width. A head has only E / heads numbers.": attention_weights(
                query, key, heads, size**0.5
            ),
            "A head's numbers stand side by side: the first head has the first E / heads columns.": attention_weights(
                *apart, heads
            ),
            "All your heads are the same. Each has columns of its own.": np.broadcast_to(got[:1], got.shape),
        }
    for message, weights in wrong.items():
        if np.allclose(got, weights) and not np.allclose(weights, want):
            raise Mistake(message)
    h, i, j = worst_place(got, want)
    raise Mistake(f"Head {h} gives agent {i}'s attention to agent {j} as {told_apart(got[h, i, j], want[h, i, j])}.")


# ---------------------------------------------------------------------------------------------------------------------
# Exercise 2


def score(attention: np.ndarray, partners: np.ndarray, tie: float = 0.5, itself: bool = False) -> float:
    """The ranking score by listing all pairs of a partner and another; itself: the agent counts as one of its own."""
    rows = [row for row in row_scores(attention, partners, tie, itself) if row]
    return float(np.mean([np.mean(row) for row in rows]))


def row_scores(attention, partners, tie: float = 0.5, itself: bool = False) -> list[list[float]]:
    """For every agent, 1, 0 or `tie` for each pair of a partner and another agent."""
    n = len(attention)
    rows = []
    for i in range(n):
        others = [j for j in range(n) if itself or j != i]
        near, far = [j for j in others if partners[i, j]], [k for k in others if not partners[i, k]]
        differences = [attention[i, j] - attention[i, k] for j in near for k in far]
        rows.append([1.0 if d > 0 else 0.0 if d < 0 else tie for d in differences])
    return rows


def moments(seed: int):
    """Attention `[n, n]` with ties, and partners `[n, n]`, whose diagonal is drawn, too: nobody should read it."""
    rng = np.random.default_rng(seed)
    for k, n in enumerate((4, 5, 6, 7, 5, 6)):
        attention = rng.integers(1, 5, size=(n, n)).astype(float)
        attention /= attention.sum(axis=1, keepdims=True)
        partners = rng.random((n, n)) < 0.4
        partners |= partners.T
        partners[0, 1:] = partners[1:, 0] = k == 5  # a loner; in the last moment somebody who is with everybody
        partners[1, 2] = partners[2, 1] = True
        partners[1, 3] = partners[3, 1] = False
        order = rng.permutation(n) if k else np.arange(n)
        yield attention[np.ix_(order, order)], partners[np.ix_(order, order)]


@exercise("the ranking score", difficulty=2, minutes=10, without="maca_edu.course.partners")
def check_score(candidate):
    """The candidate's number is the ranking score of random attention with ties, loners and a diagonal of chance."""
    drawn = list(moments(12))
    got, want = [as_answer(candidate, *moment) for moment in drawn], [score(*moment) for moment in drawn]
    if not np.allclose(got, want):
        explain_score(got, want, drawn)
    return "One half is chance, whatever the number of partners."


def as_answer(candidate, attention, partners) -> float:
    """The candidate's number; a Mistake that speaks of loners where it is none."""
    try:
        with np.errstate(all="ignore"):
            return as_number(candidate(attention, partners))
    except Mistake as mistake:
        if "finite" in str(mistake) or "ZeroDivision" in str(mistake):
            raise Mistake(
                "An agent has no partner here, or partners only, so its row holds nothing to compare. Leave such rows "
                "out of the mean."
            ) from None
        raise


def explain_score(got, want, drawn):
    """Raise the Mistake that fits wrong answers to the exercise on the ranking score, one for each moment drawn."""
    wrong = {
        "The agent itself is among your pairs. What it pays to itself says nothing of partners.": [
            score(*moment, itself=True) for moment in drawn
        ],
        "You count a tie as wrong. It is worth one half, or attention that is equal everywhere would score 0.": [
            score(*moment, tie=0.0) for moment in drawn
        ],
        "You count a tie as right. It is worth one half, or attention that is equal everywhere would score 1.": [
            score(*moment, tie=1.0) for moment in drawn
        ],
        "You pool the pairs of all agents. Take each agent's share first, then the mean of the shares.": [
            np.mean(np.concatenate(row_scores(*moment))) for moment in drawn
        ],
        "Agents without any pair count as 0 in your mean. Leave them out.": [
            np.mean([np.mean(row) if row else 0.0 for row in row_scores(*moment)]) for moment in drawn
        ],
        "You read columns. Row i is whom agent i looks at.": [
            score(attention.T, partners) for attention, partners in drawn
        ],
        "Your score says how often a partner gets LESS.": [1 - x for x in want],
        "You look at the first place only. Compare every partner with every other agent.": [
            first_places(*moment) for moment in drawn
        ],
    }
    for message, numbers in wrong.items():
        if np.allclose(got, numbers):
            raise Mistake(message)
    place = int(np.abs(np.subtract(got, want)).argmax())
    n = len(drawn[place][0])
    raise Mistake(f"For {n} agents the score is {told_apart(got[place], want[place], 4)}.")


def first_places(attention, partners) -> float:
    """How many agents look most at a partner, as a share; themselves not counted."""
    first = np.where(np.eye(len(attention)) == 1, -1, attention).argmax(axis=1)
    return partners[np.arange(len(attention)), first].mean()


# ---------------------------------------------------------------------------------------------------------------------
# Exercise 3


def rollout(attentions, residual: bool) -> np.ndarray:
    """Attention from the last tokens to the observations, `[n, n]`, for blocks `[heads, n, n]` from first to last."""
    n = attentions[0].shape[-1]
    result = np.eye(n)
    for weights in attentions:
        mean = weights.mean(axis=0)
        result = ((mean + np.eye(n)) / 2 if residual else mean) @ result
    return result


@exercise("rollout", difficulty=2, minutes=10, without="maca_edu.credit")
def check_rollout(candidate):
    """The candidate's matrix is the rollout of random blocks, with the residual connections and without."""
    rng = np.random.default_rng(11)
    for blocks, heads, n in ((1, 1, 3), (1, 3, 4), (2, 1, 3), (3, 2, 5)):
        attentions = [rng.dirichlet(np.ones(n), size=(heads, n)) for _ in range(blocks)]
        for residual in (False, True):
            got = as_array(candidate(attentions, residual), (n, n))
            if not np.allclose(got, rollout(attentions, residual)):
                explain_rollout(got, attentions, residual)
    return "Rows still sum to 1: it is a matrix of chances, block after block."


def explain_rollout(got, attentions, residual):
    """Raise the Mistake that fits a wrong answer to the exercise on rollout."""
    n, blocks = attentions[0].shape[-1], len(attentions)
    eye, heads = np.eye(n), len(attentions[0])
    means = [weights.mean(axis=0) for weights in attentions]
    plain = rollout(attentions, False)
    wrong = {
        "You take the first head alone. Average the heads.": rollout([w[:1] for w in attentions], residual),
        "You add the heads up. Average them, or a row sums to their number.": heads**blocks
        * rollout(attentions, residual)
        if not residual
        else rollout([heads * w for w in attentions], True),
        "The blocks are multiplied in the wrong order. What the last block reads was made by the one before it, so the "
        "last block stands on the left.": rollout(attentions[::-1], residual),
        "You take the last block alone. It reads tokens, and these are mixtures already.": rollout(
            attentions[-1:], residual
        ),
        "You take the first block alone.": rollout(attentions[:1], residual),
        "Your matrix is transposed: row i says what agent i's token is made of.": rollout(attentions, residual).T,
        "You average the blocks. They follow each other: multiply.": np.mean(
            [(m + eye) / 2 if residual else m for m in means], axis=0
        ),
    }
    if residual:
        doubled = eye
        for mean in means:
            doubled = (mean + eye) @ doubled
        wrong = {
            "You ignore `residual`.": plain,
            "With the identity added, a row sums to 2. Halve it.": doubled,
            "You add the residual once, after all blocks. Every block has its own.": (plain + eye) / 2,
        } | wrong
    else:
        wrong = {"You count the residual connections though residual is False.": rollout(attentions, True)} | wrong
    want = rollout(attentions, residual)
    for message, matrix in wrong.items():
        if np.allclose(got, matrix) and not np.allclose(matrix, want):
            raise Mistake(message)
    i, j = worst_place(got, want)
    raise Mistake(
        f"For blocks: {blocks}, heads: {heads}, residual: {residual}, entry ({i}, {j}) is "
        f"{told_apart(got[i, j], want[i, j])}."
    )


# ---------------------------------------------------------------------------------------------------------------------
# Exercise 4


def tokens(x: np.ndarray, attention: np.ndarray, W: np.ndarray) -> np.ndarray:
    """A block that is linear: each agent's own observation, and what it hears, `[n, E]`."""
    return x + attention @ x @ W.T


def coefficients(reader: np.ndarray, attention: np.ndarray, W: np.ndarray) -> np.ndarray:
    """What sum_i reader_i . tokens_i makes of the observations: sum_j coefficients_j . x_j, `[n, E]`."""
    return reader + attention.T @ reader @ W


def solved(wanted: np.ndarray, attention: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The reader whose coefficients are `wanted`."""
    n, size = wanted.shape
    system = np.eye(n * size) + np.kron(attention.T, W.T)
    return np.linalg.solve(system, wanted.ravel()).reshape(n, size)


@exercise("the same value by another attention", difficulty=3, minutes=15)
def check_reader(candidate):
    """The candidate's reader says the same of every observation, though the tokens were made by another attention."""
    rng = np.random.default_rng(13)
    for n, size in ((3, 2), (2, 3), (5, 2), (4, 4)):
        reader, W = rng.normal(size=(n, size)), rng.normal(size=(size, size))
        W *= 0.9 / abs(np.linalg.eigvals(W)).max()
        attention, other = rng.dirichlet(np.ones(n), size=(2, n))
        got = as_array(candidate(reader, attention, other, W), (n, size))
        want = solved(coefficients(reader, attention, W), other, W)
        if not np.allclose(got, want):
            explain_reader(got, reader, attention, other, W)
    return "No value told the two attentions apart."


def explain_reader(got, reader, attention, other, W):
    """Raise the Mistake that fits a wrong answer to the exercise on readers."""
    wanted = coefficients(reader, attention, W)
    heard_only = np.linalg.solve(
        np.kron(other.T, W.T) + 1e-12 * np.eye(reader.size), (attention.T @ reader @ W).ravel()
    ).reshape(reader.shape)
    wrong = {
        "You return the old reader. It reads other tokens now.": reader,
        "You return the coefficients of the observations. The reader sees tokens: solve for it.": wanted,
        "Your reader has the old reader's numbers for coefficients. First work out what the old reader made of the "
        "observations, through the old attention.": solved(reader, other, W),
        "The two attentions are swapped.": solved(coefficients(reader, other, W), attention, W),
        "An attention is not transposed. What j said is heard by all i: the sum runs over the rows.": solved(
            coefficients(reader, attention.T, W), other.T, W
        ),
        "W is transposed. Agent i adds W times what it hears, so its reader meets W from the other side.": solved(
            coefficients(reader, attention, W.T), other, W.T
        ),
        "You forgot the residual connection: a token is the agent's own observation plus what it hears.": heard_only,
    }
    for message, answer in wrong.items():
        if np.allclose(got, answer, rtol=1e-4, atol=1e-6):
            raise Mistake(message)
    x = np.random.default_rng(0).normal(size=reader.shape)
    old, new = (reader * tokens(x, attention, W)).sum(), (got * tokens(x, other, W)).sum()
    raise Mistake(f"For one observation of all agents the old value is {told_apart(new, old)}.")


# ---------------------------------------------------------------------------------------------------------------------
# Exercise 5


def unheard(weights: np.ndarray, agent: int, partner: int) -> float:
    """The least mean squared error of the partner's sign, by listing all signs and solving for the best reader."""
    signs = np.array(list(np.ndindex((2,) * len(weights)))) * 2.0 - 1  # [2^n, n]
    heard = np.stack([signs[:, agent], signs @ weights], axis=1)  # one's own sign, and the mixture
    best, *_ = np.linalg.lstsq(heard, signs[:, partner], rcond=None)
    return float(np.square(heard @ best - signs[:, partner]).mean())


@exercise("what a row can tell", difficulty=2, minutes=10)
def check_unheard(candidate):
    """The candidate's number is the error of the best reader, also where nothing is heard of the others."""
    rng = np.random.default_rng(14)
    rows = [rng.dirichlet(np.ones(n)) for n in (3, 4, 6, 5)]
    rows += [np.full(6, 1 / 6), np.array([0.2, 0.0, 0.8]), np.array([1.0, 0.0, 0.0])]
    for weights in rows:
        for agent, partner in ((0, 1), (0, 2), (2, 0), (len(weights) - 1, 1), (1, len(weights) - 1)):
            want = unheard(weights, agent, partner)
            try:
                with np.errstate(all="ignore"):
                    got = as_number(candidate(weights, agent, partner))
            except Mistake as mistake:
                if weights.max() == 1 and ("finite" in str(mistake) or "ZeroDivision" in str(mistake)):
                    raise Mistake(
                        "An agent that looks at itself alone hears nothing: the error is 1. Do not divide by zero."
                    ) from None
                raise
            if not np.isclose(got, want):
                explain_unheard(got, want, weights, agent, partner)
    return "Squares: a partner with half of the attention, among many others, is heard well."


def explain_unheard(got, want, weights, agent, partner):
    """Raise the Mistake that fits a wrong answer to the exercise on what a row can tell."""
    others = np.delete(weights, agent)
    w, total = weights[partner], others.sum()
    wrong = {
        "That is the share that is understood. The error is what is left.": 1 - want,
        "Your agent does not know its own sign. It does: take its own weight out of the mixture.": 1
        - w**2 / (weights**2).sum(),
        "You take the mixture for the partner's sign as it is. The best reader may scale it.": ((others**2).sum())
        - w**2
        + (1 - w) ** 2,
        "The weight itself is not the share that is understood. Variances add up with squared weights.": 1 - w,
        "Variances add up with squared weights.": 1 - w / total if total else 1.0,
        "Square the partner's weight, too.": 1 - w / (others**2).sum() if (others**2).sum() else 1.0,
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"For the weights {listed(weights)} the error is {told_apart(got, want)}.")


def listed(numbers) -> str:
    """Numbers with three digits, side by side."""
    return "[" + ", ".join(f"{x:.3f}" for x in np.ravel(numbers)) + "]"
