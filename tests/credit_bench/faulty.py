"""Estimators with a known misconception: what the bench has to find, and what it has to leave alone."""

import numpy as np

from maca_edu.credit_bench import CreditBatch


def everyone(x: np.ndarray, batch: CreditBatch) -> np.ndarray:
    return np.repeat(x[:, None], batch.action.shape[1], axis=1)


def played(x: np.ndarray, batch: CreditBatch) -> np.ndarray:
    return np.take_along_axis(x, batch.action[:, :, None], axis=2)[:, :, 0]


def individual(batch: CreditBatch) -> np.ndarray:
    return batch.returns[:, None] - (batch.policy * batch.q_values).sum(axis=2)


def others_out(batch: CreditBatch) -> np.ndarray:
    """Q - E[Q | a_i]: averages over the others and keeps its own action."""
    return batch.returns[:, None] - played(batch.utilities, batch)


def half_own(batch: CreditBatch) -> np.ndarray:
    """A baseline that is half right: its mean gradient is half of the true one, which looks like a scale."""
    return batch.returns[:, None] - 0.5 * played(batch.utilities, batch) - 0.5 * batch.value[:, None]


def greedy_next_to_mine(batch: CreditBatch) -> np.ndarray:
    """Q less the best that the agent could have done, but only where it did not do it."""
    best = batch.q_values.max(axis=2)
    return np.where(best > batch.returns[:, None] + 1e-9, batch.returns[:, None] - best, batch.returns[:, None])


def normalised_return_only(batch: CreditBatch) -> np.ndarray:
    return everyone((batch.returns - batch.returns.mean()) / batch.returns.std() - 0.1 * batch.value, batch)


def reshaped(batch: CreditBatch) -> np.ndarray:
    """[n, S] as [S, n] without a transpose."""
    return individual(batch).T.reshape(batch.action.shape)


def downhill(batch: CreditBatch) -> np.ndarray:
    return -individual(batch)


def neighbours(batch: CreditBatch) -> np.ndarray:
    return np.roll(individual(batch), 2, axis=1)


def backwards(batch: CreditBatch) -> np.ndarray:
    return individual(batch)[:, ::-1]


def two_exchanged(batch: CreditBatch) -> np.ndarray:
    a = individual(batch)
    return np.concatenate([a[:, 1::-1], a[:, 2:]], axis=1)


def leak(batch: CreditBatch) -> np.ndarray:
    """A hundredth of its own action is in the baseline."""
    return individual(batch) - 0.01 * played(batch.utilities, batch)


def clipped(batch: CreditBatch) -> np.ndarray:
    return np.clip(individual(batch), -10, 10)


def each_agents_deviation(batch: CreditBatch) -> np.ndarray:
    a = individual(batch)
    return a / a.std(axis=0)


def doubled_first(batch: CreditBatch) -> np.ndarray:
    return individual(batch) * np.where(np.arange(batch.action.shape[1]) == 0, 2.0, 1.0)


def third(batch: CreditBatch) -> np.ndarray:
    return individual(batch) / 3


def normalised(batch: CreditBatch) -> np.ndarray:
    a = individual(batch)
    return (a - a.mean()) / (a.std() + 1e-5)


def one_step(batch: CreditBatch) -> np.ndarray:
    """Forgets what the step leads to."""
    n, rows = batch.action.shape[1], np.arange(len(batch.action))
    mean = np.zeros(batch.action.shape)
    for i in range(n):
        for c in range(batch.policy.shape[2]):
            action = batch.action.copy()
            action[:, i] = c
            mean[:, i] += batch.policy[:, i, c] * batch.simulate(rows, action)
    return batch.reward[:, None] - mean


def paid_now(batch: CreditBatch) -> np.ndarray:
    return everyone(batch.reward, batch)


def paid_now_summed(batch: CreditBatch) -> np.ndarray:
    """A sum over agents in the place of a mean: on one-shot games a scale."""
    return batch.action.shape[1] * paid_now(batch)


def paid_now_tenfold(batch: CreditBatch) -> np.ndarray:
    return 10 * paid_now(batch)


def paid_now_normalised(batch: CreditBatch) -> np.ndarray:
    return everyone((batch.reward - batch.reward.mean()) / batch.reward.std(), batch)


def paid_now_over_its_deviation(batch: CreditBatch) -> np.ndarray:
    return paid_now(batch) / batch.reward.std()


def paid_twice_normalised(batch: CreditBatch) -> np.ndarray:
    """Drawn rows are too noisy to show that it is turned."""
    return everyone((batch.returns + batch.reward - batch.returns.mean()) / batch.returns.std(), batch)


def paid_twice(batch: CreditBatch) -> np.ndarray:
    """The step's payment is in the return, and is added to it."""
    return everyone(batch.returns + batch.reward, batch) - batch.baselines[1]


def paid_half_later(batch: CreditBatch) -> np.ndarray:
    return 0.5 * everyone(batch.returns + batch.reward, batch) - batch.baselines[1]


def over_value(batch: CreditBatch) -> np.ndarray:
    """In units of the state's own value."""
    value = batch.baselines[0]
    return (batch.returns[:, None] - value) / (abs(value) + 1e-6)


def over_states_deviation(batch: CreditBatch) -> np.ndarray:
    """In units of the state's own deviation."""
    own = batch.utilities - (batch.policy * batch.utilities).sum(axis=2, keepdims=True)
    deviation = np.sqrt((batch.policy * own**2).sum(axis=(1, 2)))
    return (batch.returns[:, None] - batch.baselines[0]) / (deviation[:, None] + 1e-8)


def times_value(batch: CreditBatch) -> np.ndarray:
    """More where more is at stake."""
    return individual(batch) * (batch.value / batch.value.mean())[:, None]


def noisy_payment(batch: CreditBatch) -> np.ndarray:
    """One step, and so much noise that no reason can be found."""
    return paid_now(batch) + batch.rng.normal(size=batch.action.shape)


def nothing(batch: CreditBatch) -> np.ndarray:
    return np.zeros(batch.action.shape)


def value_alone(batch: CreditBatch) -> np.ndarray:
    """A baseline without the return."""
    return everyone(-batch.value, batch)


def noise(batch: CreditBatch) -> np.ndarray:
    return batch.rng.normal(size=batch.action.shape)


def batch_mean(batch: CreditBatch) -> np.ndarray:
    return everyone(batch.returns - batch.returns.mean(), batch)


def value_without_units(batch: CreditBatch) -> np.ndarray:
    """The return in the units of the reward, V as the network says it."""
    return everyone(batch.returns - (batch.value - batch.value.mean()) / 7 - batch.value.mean() / 7 - 1.0, batch)


def running_sum(batch: CreditBatch) -> np.ndarray:
    """A lambda-return over rows that do not follow each other."""
    return everyone(np.convolve(batch.returns - batch.value, [1.0, 0.9, 0.81])[: len(batch.returns)], batch)


def constant(batch: CreditBatch) -> np.ndarray:
    return everyone(batch.returns - 1.0, batch)


def saturated(batch: CreditBatch) -> np.ndarray:
    """The squashed value of the state: a network's guess that does not grow with the payments."""
    return everyone(batch.returns - np.tanh(batch.value), batch)


def running_mean(batch: CreditBatch) -> np.ndarray:
    """Less the mean of the rows before."""
    before = np.cumsum(batch.returns) - batch.returns
    return everyone(batch.returns - before / np.maximum(np.arange(len(before)), 1), batch)


def running_mean_normalised(batch: CreditBatch) -> np.ndarray:
    return running_mean(batch) / batch.returns.std()


def return_over_its_deviation(batch: CreditBatch) -> np.ndarray:
    """As loud as it gets: in the warehouse no drawn row tells where it points."""
    return everyone(batch.returns, batch) / batch.returns.std()


def third_and_a_constant(batch: CreditBatch) -> np.ndarray:
    return third(batch) - 1.0


def half_and_noise(batch: CreditBatch) -> np.ndarray:
    return individual(batch) / 2 + batch.rng.normal(size=batch.action.shape)


WRONG = {
    others_out: "own-action", half_own: "own-action", greedy_next_to_mine: "own-action", leak: "own-action",
    normalised_return_only: "units", clipped: "nonlinear",
    reshaped: "axes",
    downhill: "sign", neighbours: "agents", backwards: "agents", two_exchanged: "agents",
    each_agents_deviation: "agent-scale", doubled_first: "agent-scale",
    one_step: "own-step", paid_now: "own-step", paid_now_summed: "own-step", paid_now_tenfold: "own-step",
    paid_now_normalised: "own-step", paid_now_over_its_deviation: "own-step", paid_twice_normalised: "own-step",
    paid_twice: "own-step", paid_half_later: "own-step",
    over_value: "state-scale", over_states_deviation: "state-scale", times_value: "state-scale",
    noisy_payment: "biased",
    nothing: "no-gradient", value_alone: "no-gradient", noise: "no-gradient",
}  # fmt: skip
SCALED = (
    third, normalised, running_mean_normalised, third_and_a_constant, half_and_noise, return_over_its_deviation,
)  # fmt: skip
NOTED = {
    value_without_units: "units", constant: "units", saturated: "units",
    running_mean: "order", running_sum: "order",
}  # fmt: skip
SOUND = {
    "individual": individual,
    "joint": lambda b: everyone(b.returns - b.value, b),
    "CorrSet": lambda b: b.returns[:, None] - b.baselines[2],
    "a mixture": lambda b: b.returns[:, None] - 0.2 * b.baselines[0] - 0.5 * b.baselines[1] - 0.3 * b.baselines[2],
    "best": lambda b: b.returns[:, None] - b.best,
    "utilities": lambda b: played(b.utilities, b) - (b.policy * b.utilities).sum(axis=2),
    "uniform average": lambda b: b.returns[:, None] - b.q_values.mean(axis=2),
    "the others' names": lambda b: (
        b.returns[:, None] - np.where(np.roll(b.action, 1, axis=1) == 0, 3.0, 1.0) * b.value[:, None]
    ),
    "single precision": lambda b: individual(b).astype(np.float32),
    "none": lambda b: everyone(b.returns, b),
}
