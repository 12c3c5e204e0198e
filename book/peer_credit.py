"""Other libraries' advantages, as functions of a batch for the credit bench: EPyMARL's, HARL's and TorchRL's.

    PYTHONPATH=book:HARL:epymarl/src maca-edu credit-bench --seed 0 --out runs/peers \
        peer_credit:epymarl_coma peer_credit:harl_mappo peer_credit:torchrl_mappo

HARL and epymarl here are folders with copies of their repositories; `pip install torchrl` has the third. A function
needs only the library that it is named after. The command of all rows is in book/data/credit_bench/README.

What makes an advantage of a value is the library's own code. Around it stand the simplest things that it can work
with: critics that say what the batch says, buffers that hold it, one-step episodes that pay `batch.returns`. Where an
advantage never leaves the library, it is read off the gradient of the library's loss.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from maca_edu.credit_bench import CreditBatch

# How an advantage is read off a gradient ----------------------------------------------------------------------------


def first_logits(batch: CreditBatch) -> Tensor:
    """Logits `[S, n, A]` of the batch's policies, for a loss to be derived by."""
    return torch.log(torch.as_tensor(batch.policy)).requires_grad_()


def advantage_of(slope: Tensor, batch: CreditBatch) -> Tensor:
    """`[S, n]`, from the slope `[S, n, A]` by the logits of a loss that is the mean of -A_i log pi_i(a_i).

    The slope of a row and an agent is -A_i (onehot(a_i) - pi_i) / (S n), so A_i is its projection on the bracket.
    """
    S, n, A = batch.policy.shape
    policy = torch.as_tensor(batch.policy)
    score = nn.functional.one_hot(torch.as_tensor(batch.action), A) - policy  # [S, n, A]
    return -(slope * score).sum(-1) / score.square().sum(-1) * S * n


# EPyMARL ------------------------------------------------------------------------------------------------------------


def epymarl_coma(batch: CreditBatch) -> Tensor:
    """`COMALearner.train`, rewards not standardised, without its entropy bonus."""
    from learners.coma_learner import COMALearner
    from modules.critics import REGISTRY

    _, n, A = batch.policy.shape
    logits = first_logits(batch)
    REGISTRY["said"] = lambda scheme, args: Said(torch.as_tensor(batch.q_values))
    settings = dict(
        common_reward=True, n_agents=n, n_actions=A, critic_type="said", lr=0.0, use_cuda=False, q_nstep=1, gamma=1.0,
        standardise_returns=False, standardise_rewards=False, entropy_coef=0.0, grad_norm_clip=float("inf"),
        learner_log_interval=10**9, target_update_interval_or_tau=10**9, add_value_last_step=False,
    )  # fmt: skip
    learner = COMALearner(Players(logits), None, None, SimpleNamespace(**settings))
    learner.log_stats_t = 0  # it has logged just now
    learner.train(OneStep(batch), t_env=0, episode_num=0)
    return advantage_of(logits.grad, batch)


class Players:
    """EPyMARL's controller of agents whose logits are given."""

    def __init__(self, logits: Tensor):
        self.logits = logits

    def parameters(self) -> list[Tensor]:
        """What is learned."""
        return [self.logits]

    def init_hidden(self, batch_size: int) -> None:
        """They remember nothing."""

    def forward(self, batch: OneStep, t: int) -> Tensor:
        """Probabilities `[S, n, A]`."""
        return torch.softmax(self.logits, dim=-1)


class Said(nn.Module):
    """EPyMARL's critic, which says Q `[S, n, A]`, at the step and at the one after the end."""

    def __init__(self, q_values: Tensor):
        super().__init__()
        self.q_values = nn.Parameter(q_values)

    def forward(self, batch: OneStep) -> Tensor:
        """`[S, 2, n, A]`."""
        return torch.stack([self.q_values] * 2, dim=1)


class OneStep(dict):
    """EPyMARL's batch of S episodes of one step; entries `[S, 2, ...]`, the second step is after the end."""

    def __init__(self, batch: CreditBatch):
        self.batch_size, self.max_seq_length = len(batch.returns), 2
        twice = {
            "reward": batch.returns[:, None],  # [S, 1]
            "actions": batch.action[:, :, None],  # [S, n, 1]
            "terminated": np.ones_like(batch.returns)[:, None],
            "filled": np.ones_like(batch.returns)[:, None],
            "avail_actions": batch.legal,
        }
        super().__init__({name: torch.as_tensor(np.stack([x, x], axis=1)) for name, x in twice.items()})


# HARL ---------------------------------------------------------------------------------------------------------------


def harl_mappo(batch: CreditBatch) -> np.ndarray:
    """`OnPolicyMARunner.train`, an actor shared by all, one V for all."""
    return harl(batch, repeated(batch), shared=True)


def harl_apart(batch: CreditBatch) -> np.ndarray:
    """The same with an actor for each agent."""
    return harl(batch, repeated(batch), shared=False)


def harl_valuenorm(batch: CreditBatch) -> np.ndarray:
    """As `harl_mappo`, with a critic that speaks in the units of HARL's `ValueNorm`, which has seen the returns."""
    from harl.common.valuenorm import ValueNorm

    norm = ValueNorm(1)
    norm.update(batch.returns[:, None])
    return harl(batch, repeated(batch), shared=True, norm=norm)


def harl_fp_individual(batch: CreditBatch) -> np.ndarray:
    """As `harl_mappo`, with a value for each agent (HARL's state type "FP"): its individual baseline."""
    return harl(batch, batch.baselines[1], shared=True, own_values=True)


def repeated(batch: CreditBatch) -> np.ndarray:
    """V for each agent, `[S, n]`."""
    return np.repeat(batch.value[:, None], batch.action.shape[1], axis=1)


def harl(batch: CreditBatch, values: np.ndarray, shared: bool, own_values: bool = False, norm=None) -> np.ndarray:
    """What HARL's runner hands to its actors' first minibatch, `[S, n]`. values: `[S, n]`; norm: HARL's ValueNorm."""
    from harl.runners.on_policy_ma_runner import OnPolicyMARunner

    S, n = batch.action.shape
    seen: list[np.ndarray] = []
    runner = OnPolicyMARunner.__new__(OnPolicyMARunner)  # without the game and the networks that its __init__ makes
    runner.num_agents, runner.share_param, runner.value_normalizer = n, shared, norm
    runner.state_type = "FP" if own_values else "EP"
    runner.actor_buffer = [Alive(S) for _ in range(n)]
    runner.actor = [taking(seen)] * n
    runner.critic = SimpleNamespace(train=lambda buffer, norm: {})
    width = n if own_values else 1
    returns = np.repeat(batch.returns[:, None], width, axis=1)
    said = values[:, :width] if norm is None else norm.normalize(values[:, :width]).numpy()
    runner.critic_buffer = SimpleNamespace(returns=as_harl(returns, own_values), value_preds=as_harl(said, own_values))
    runner.train()
    return np.concatenate(seen).reshape(n, S).T  # one agent after the other


def as_harl(x: np.ndarray, own_values: bool) -> np.ndarray:
    """`[S, n]` as `[2, S, n, 1]`, or `[S, 1]` as `[2, S, 1]`: one step of S games, and what comes after."""
    x = x[..., None] if own_values else x
    return np.stack([x, np.zeros_like(x)])


class Alive:
    """HARL's buffer of one agent, alive in one step of S games."""

    def __init__(self, S: int):
        self.active_masks = np.ones((2, S, 1))

    def feed_forward_generator_actor(self, advantages: np.ndarray, minibatches: int):
        """All rows in order, as the one minibatch; of its eight parts only the advantages are looked at."""
        rows = advantages.reshape(-1, 1)
        yield (rows, rows, rows, rows, rows, rows, rows, None)


def taking(seen: list[np.ndarray]):
    """An actor of HARL's MAPPO that writes the advantages of its minibatches down, and learns nothing."""
    from harl.algorithms.actors.mappo import MAPPO

    class Taking(MAPPO):
        def update(self, sample):
            seen.append(sample[6][:, 0])
            return torch.tensor(0.0), torch.tensor(0.0), 0.0, torch.tensor(1.0)

    actor = Taking.__new__(Taking)
    actor.ppo_epoch = actor.actor_num_mini_batch = 1
    actor.use_recurrent_policy = actor.use_naive_recurrent_policy = False
    return actor


# TorchRL ------------------------------------------------------------------------------------------------------------


def torchrl_mappo(batch: CreditBatch) -> Tensor:
    """`MultiAgentGAE` and `MAPPOLoss`, one V for all, without its entropy bonus."""
    return torchrl(batch, repeated(batch))


def torchrl_raw(batch: CreditBatch) -> Tensor:
    """The same, advantages not normalised."""
    return torchrl(batch, repeated(batch), normalize_advantage=False)


def torchrl_own_values(batch: CreditBatch) -> Tensor:
    """As `torchrl_mappo`, with a value for each agent: its individual baseline."""
    return torchrl(batch, batch.baselines[1])


def torchrl_own_values_raw(batch: CreditBatch) -> Tensor:
    """The same, advantages not normalised."""
    return torchrl(batch, batch.baselines[1], normalize_advantage=False)


def torchrl(batch: CreditBatch, values: np.ndarray, **told) -> Tensor:
    """The advantage in TorchRL's loss. values: `[S, n]`. told: to `MAPPOLoss`."""
    from tensordict import TensorDict
    from tensordict.nn import TensorDictModule
    from torchrl.modules import ProbabilisticActor
    from torchrl.objectives.multiagent import MAPPOLoss
    from torchrl.objectives.value import MultiAgentGAE

    logits = first_logits(batch)
    S, n, _ = logits.shape
    ended = torch.ones(S, 1, 1, dtype=torch.bool)
    value = torch.as_tensor(values)[:, None, :, None]  # [S, 1, n, 1]: one step
    played = torch.as_tensor(batch.action)
    chance = logits.detach().gather(-1, played[..., None])[..., 0]  # [S, n] log pi_i(a_i)
    own = dict(given=logits, action=played, action_log_prob=chance)
    paid = torch.as_tensor(batch.returns)[:, None, None]
    after = dict(reward=paid, done=ended, terminated=ended, state_value=0 * value)
    agents = TensorDict({name: x[:, None] for name, x in own.items()}, [S, 1, n])
    data = TensorDict(dict(agents=agents, state_value=value, next=after), [S, 1])
    same = nn.Identity()
    policy = ProbabilisticActor(
        TensorDictModule(same, in_keys=[("agents", "given")], out_keys=[("agents", "logits")]),
        in_keys=[("agents", "logits")],
        out_keys=[("agents", "action")],
        distribution_class=torch.distributions.Categorical,
        return_log_prob=True,
    )
    critic = TensorDictModule(same, in_keys=["state_value"], out_keys=["state_value"])
    gae = MultiAgentGAE(gamma=1.0, lmbda=1.0, value_network=None)
    with torch.no_grad():
        data = gae(data)
    loss = MAPPOLoss(policy, critic, entropy_bonus=False, **told)
    loss.set_keys(action=("agents", "action"), sample_log_prob=("agents", "action_log_prob"))
    (slope,) = torch.autograd.grad(loss(data)["loss_objective"], logits)
    return advantage_of(slope, batch)
