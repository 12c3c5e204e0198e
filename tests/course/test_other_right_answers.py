"""Right answers that look different from the labs' solutions pass, too: labs 7 to 18."""

import importlib
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch

from maca_edu import exact


def masked_by_a_low_number(logits, legal):
    lifted = np.where(legal, logits, -1e9)
    weights = np.exp(lifted - lifted.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def masked_row_by_row(logits, legal):
    rows = []
    for row, may in zip(logits, legal, strict=True):
        top = max(x for x, ok in zip(row, may, strict=True) if ok)
        weights = [math.exp(x - top) if ok else 0.0 for x, ok in zip(row, may, strict=True)]
        rows.append([w / sum(weights) for w in weights])
    return rows


def masked_by_torch(logits, legal):
    return torch.tensor(logits).masked_fill(~torch.tensor(legal), -torch.inf).softmax(-1)


def returns_by_recursion(reward, value, after, ended, cut, gamma, lam):
    returns, following = np.zeros(len(reward)), after[-1]
    for t in reversed(range(len(reward))):
        ahead = after[t] if cut[t] else (1 - lam) * after[t] + lam * following
        following = returns[t] = reward[t] + (0.0 if ended[t] else gamma * ahead)
    return returns


def loss_by_cases(ratio, advantage, clip, alive):
    kept = np.where(advantage > 0, np.minimum(ratio, 1 + clip), np.maximum(ratio, 1 - clip))
    return -np.mean((kept * advantage)[alive])


def monotone_by_signs(q):
    return all(
        bool((np.sign(c - d) >= 0).all() or (np.sign(c - d) <= 0).all())
        for table in (q.tolist(), q.T.tolist())
        for c in map(np.array, table)
        for d in map(np.array, table)
    )


def best_sum_by_least_squares(q, policy):
    one_hot = np.array([np.eye(policy.shape[1])[list(a)].ravel() for a in np.ndindex(q.shape)])
    chance = np.array([np.prod([pi[c] for pi, c in zip(policy, a, strict=True)]) for a in np.ndindex(q.shape)])
    root = np.sqrt(chance)
    weights, *_ = np.linalg.lstsq(one_hot * root[:, None], q.ravel() * root, rcond=None)
    return (one_hot @ weights).reshape(q.shape)


def harmless_by_chance(policy):
    noise = np.random.default_rng(0).normal(size=(policy.shape[1],) * len(policy))
    error = exact.credit_spectrum(noise, policy)[tuple(range(len(policy)))]
    return error / np.sqrt(exact.value(error**2, policy))


def reader_by_iteration(reader, attention, other, W):
    wanted = result = reader + attention.T @ reader @ W
    for _ in range(2000):
        result = wanted - other.T @ result @ W
    return result


def levels_by_convolution(mean, deviation):
    levels = np.ones(1)
    for pair in zip(mean, deviation, strict=True):
        levels = np.convolve(levels, pair)
    return levels


def plane_in_single_precision(psi):
    logits = np.log(psi.astype(np.float32))
    return logits - logits.mean()


def comparisons_by_trying(effect, variance, plays, z):
    n = 1
    while effect * math.sqrt(n) < z * math.sqrt(2 * variance / plays):
        n += 1
    return n


def fresh_in_one_line(q, mean, std, action, i, noise):
    return sum(q([*action[:i], mean[i] + std[i] * z, *action[i + 1 :]]) for z in noise) / len(noise)


def differences_by_enemy(damage, health):
    dealt, left = damage.sum(axis=1, keepdims=True), health[:, None]
    return (np.minimum(dealt, left) - np.minimum(dealt - damage, left)).sum(axis=0)


def knob_by_search(chance, height, lowest):
    def variance(u):
        return chance @ (height * (u - lowest) ** 2)

    u = scipy.optimize.minimize_scalar(variance, bounds=(0, 1), method="bounded").x
    return u, variance(u) - variance(np.clip(lowest, 0, 1))


def interval_by_scipy(scores):
    return scipy.stats.t.interval(0.95, len(scores) - 1, scores.mean(), scipy.stats.sem(scores))


def advantages_by_factor(rewards):
    k = rewards.shape[1]
    return (rewards - rewards.mean(axis=1, keepdims=True)) * k / (k - 1)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("chapter07.check_masked_policy", masked_by_a_low_number),
        ("chapter07.check_masked_policy", masked_row_by_row),
        ("chapter07.check_masked_policy", masked_by_torch),
        ("chapter07.check_lambda_returns", returns_by_recursion),
        ("chapter07.check_policy_loss", loss_by_cases),
        ("chapter08.check_is_monotone", monotone_by_signs),
        ("chapter08.check_best_sum", best_sum_by_least_squares),
        ("chapter09.check_harmless", harmless_by_chance),
        ("chapter10.check_reader", reader_by_iteration),
        ("chapter12.check_levels", levels_by_convolution),
        ("chapter13.check_plane", plane_in_single_precision),
        ("chapter13.check_comparisons", comparisons_by_trying),
        ("chapter15.check_fresh", fresh_in_one_line),
        ("chapter16.check_differences", differences_by_enemy),
        ("chapter17.check_knob", knob_by_search),
        ("chapter18.check_interval", interval_by_scipy),
        ("chapter18.check_leave_one_out", advantages_by_factor),
    ],
)
def test_another_right_answer_is_correct(check, answer):
    chapter, name = check.split(".")
    verdict = getattr(importlib.import_module(f"maca_edu.course.{chapter}"), name)(answer)
    assert verdict.status == "correct", verdict
