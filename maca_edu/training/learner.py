"""A team that learns: its policies, its critic, and the update that a rollout makes of both.

One trunk for all methods; only what a row of `methods.METHODS` names differs. `Learner.update` is the whole of it, a
recipe of six steps. A GRU's memory is kept where a rollout begins; what it was at every later step is found again in
one pass over the rollout.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from maca_edu.networks import action_std, draw_action, draw_noise, expected_action, greedy
from maca_edu.team_env import View
from maca_edu.training import rng
from maca_edu.training.advantages import Advantage, apply_row, batch_of
from maca_edu.training.config import Config
from maca_edu.training.corrected import CorrectedMaca
from maca_edu.training.critics import Critic, ValueCritic
from maca_edu.training.diagnostics import Facts, PolicyGradients, PolicyInput, join, measure
from maca_edu.training.feature_norm import Features, hidden_by_layer_norm
from maca_edu.training.judging import Judgement, judge
from maca_edu.training.methods import Method
from maca_edu.training.ppo import Descent, critic_batch, improve_critic, policy_batch, take_in
from maca_edu.training.processes import OneProcess, Processes
from maca_edu.training.psi_search import PsiSearch, load_head
from maca_edu.training.psi_squares import PsiSquares
from maca_edu.training.records import (
    CriticInput,
    CriticWords,
    JudgedBatch,
    Memory,
    Rollout,
    Seen,
    Sizes,
    as_seen,
    as_tensor,
    in_columns,
    in_one_row,
)
from maca_edu.training.returns import correction_columns, critic_targets, rollout_returns
from maca_edu.training.team import Team
from maca_edu.training.trying import make_critic, try_critic

ADAM_EPSILON = 1e-5  # Table 7


class Update(NamedTuple):
    """What an update leaves behind, beside better networks."""

    log: dict[str, float]  # columns of the run's metrics
    critic_memory: Tensor | None  # [B, ...], what the critic's GRU remembers after the rollout


class Learner:
    """Everything that training changes, but for the environment; all that is random follows from the seed.

    device: where networks and numbers live. processes: who learns together.
    Raises ValueError where the method's critic does not fit what is asked: a Q(s, a) for advantage="critic", or
    continuous actions.
    """

    def __init__(
        self,
        sizes: Sizes,
        method: Method,
        seed: int,
        config: Config,
        device: torch.device | str = "cpu",
        processes: Processes | None = None,
    ):
        check_fit(sizes, method, config)
        self.sizes, self.method, self.config = sizes, method, config
        self.device, self.processes = torch.device(device), OneProcess() if processes is None else processes
        streams = rng.streams(seed, *rng.STREAMS)
        # Chance comes from the CPU whatever the device, so that a run can move from one to the other.
        self.draws, shuffles = rng.torch_stream(streams["actions"]), rng.torch_stream(streams["minibatches"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(streams["networks"].integers(2**63)))
            self.actor = Team(sizes, config, shared=not (method.separate or config.separate)).to(self.device)
            self.critic = make_critic(sizes, method, config).to(self.device)
        check_critic_fits(self.critic, method, config)
        actor_optimiser = torch.optim.Adam(self.actor.parameters(), config.lr, eps=ADAM_EPSILON, fused=True)
        self.actor_descent = Descent(actor_optimiser, config, shuffles, self.processes)
        self.critic_descent = Descent(critic_optimiser(self.critic, config), config, shuffles, self.processes)
        self.features = Features(sizes.obs, sizes.state) if config.feature_norm == "running" else None
        self.search = psi_search(config, int(streams["psi"].integers(2**31))) if method.psi == "search" else None
        self.squares = PsiSquares(sizes.n_agents, config.psi_per_agent) if method.psi == "squares" else None

    def parts(self) -> dict:
        """What a checkpoint holds."""
        parts = dict(
            actor=self.actor, critic=self.critic, draws=self.draws, shuffles=self.actor_descent.shuffles,
            actor_optimiser=self.actor_descent.optimiser, critic_optimiser=self.critic_descent.optimiser,
        )  # fmt: skip
        for output in self.critic.outputs:
            parts[f"norm_{output.name}"] = output.norm
        if self.features is not None:
            parts |= dict(norm_of_obs=self.features.obs, norm_of_state=self.features.state)
        if isinstance(self.critic, CorrectedMaca):
            parts["shrinkage"] = self.critic.shrinkage
        of_psi = {"search": self.search, "squares": self.squares}
        return parts | {name: part for name, part in of_psi.items() if part is not None}

    # -----------------------------------------------------------------------------------------------------------------
    # Playing

    def blank_memory(self, batch: int) -> Memory:
        """The memory of B environments before anything was seen."""
        return Memory(self.actor.blank_memory(batch, self.device), self.critic.blank_memory(batch, self.device))

    @torch.no_grad()
    def act(self, view: View, memory: Tensor | None, first: Tensor | None, best: bool = False):
        """Actions `[B, n]` (continuous: `[B, n, A]`) in what a `TeamEnv` shows, and the actor's next memory.

        Drawn from the policy, or with best the likeliest ones. memory: what the last call returned, None at the
        beginning. first: bool `[B]`, where an episode begins.
        """
        seen = self.read(view)
        distribution, memory = self.actor(seen.obs, seen.available, memory, first)
        if best:
            return greedy(distribution), memory
        return draw_action(distribution, self.chance(1, len(view.obs))[0]), memory

    def policy(self, obs: Tensor, available: Tensor, memory: Tensor | None, first: Tensor | None):
        """What `actor` says, asked with observations as the game shows them: distributions, and the memory after."""
        return self.actor(self.read_obs(obs), available, memory, first)

    def read_obs(self, obs: Tensor) -> Tensor:
        """Observations `[..., d]` as the networks read them, see `feature_norm`."""
        return obs if self.features is None else self.features.obs.normalise(obs)

    def read(self, view: View) -> Seen:
        """What a `TeamEnv` shows as the networks read it, see `feature_norm`."""
        seen = as_seen(view, self.device)
        return seen if self.features is None else self.features.read(seen)

    def chance(self, steps: int, batch: int) -> Tensor:
        """Chance for actions in B environments, `[steps, B, n, A]`: this process's columns of everybody's."""
        processes, sizes = self.processes, self.sizes
        everybodys = (steps, processes.count * batch, sizes.n_agents, sizes.n_actions)
        noise = draw_noise(self.draws, everybodys, sizes.continuous)
        mine = slice(processes.rank * batch, (processes.rank + 1) * batch)
        return noise[:, mine].to(self.device)

    def chance_beyond(self, steps: int, batch: int) -> Tensor | None:
        """Chance for actions after a rollout of T steps, `[T + 1, B, n, A]`; None where the critic asks for none.

        Where its outputs learn from themselves, Q(s', a') is a target, so an action is drawn for every critic. The
        same numbers are drawn whatever happened, so that all processes stay in step.
        """
        asked = self.critic.needs_action or self.config.critic_targets != "shared"
        return self.chance(steps + 1, batch) if asked else None

    # -----------------------------------------------------------------------------------------------------------------
    # Learning

    def update(self, rollout: Rollout, eta=None, diagnose: bool = False) -> Update:
        """Learn from a rollout.

        eta: what CMA-ES proposes for psi's head, `[3, 1]` or `[3, Z + 1]`; None: the head stays as it is.
        diagnose: measure the gradients' noise, too, see `diagnostics`.
        """
        if eta is not None:
            load_head(self.critic.net.psi_head, eta)

        played = rollout  # as the game showed it
        if self.features is not None:
            rollout = self.features.read_rollout(played)

        # 1. Judge. What do policy and critic think of the S = T B samples, before anything is learned from them?
        judgement = judge(self.actor, self.critic, rollout)

        # 2. Returns. What was each step worth, and what should the critic have said?
        returns = rollout_returns(rollout, judgement, self.config)  # [S], or [S, n] for each agent
        targets = critic_targets(rollout, judgement, returns, self.config)  # the same for each output of the critic

        # 3. Advantages. A row of Table 1: here, and in the critic, the methods part.
        words, x = judgement.critic, judgement.x
        batch = batch_of(words, in_columns(returns), x.action, x.policy, in_one_row(rollout.alive))
        if self.squares is not None:
            batch = self.squares.weigh(batch)  # psi from earlier rollouts
        estimate = words.q if self.config.advantage == "critic" else batch.target  # of Q(s, a)
        advantage = Advantage(self.method.advantage, batch._replace(target=estimate), self.processes)

        # 4. Measure. How much of the gradient is noise, and does the critic know what actions do?
        log = self.measure(rollout, judgement, batch, advantage.raw, diagnose)
        log |= correction_columns(rollout, judgement, returns, self.config, self.processes)

        # 5. Policies. PPO's epochs, for all agents at once or one after the other.
        policy_steps = policy_batch(rollout, judgement, self.config.chunk)
        log |= self.method.update(self.actor, policy_steps, advantage, self.actor_descent)._asdict()

        # 6. Critic. Regression of all that it predicts.
        log |= take_in(targets, judgement, self.critic, self.processes)
        critic_steps = critic_batch(rollout, judgement, self.critic, targets, self.config.chunk)
        log["critic_loss"] = improve_critic(self.critic, critic_steps, self.critic_descent)
        if self.features is not None:  # only now: until here all has been read as it was when the actions were drawn
            self.features.take_in(played, self.processes)
        if self.squares is not None:
            self.squares.take_in(advantage.batch, self.processes)  # for psi in later rollouts
        return Update(log, judgement.memory_after.critic)

    @torch.no_grad()
    def try_method(self, view: View) -> None:
        """Ask the critic about what is seen now, and evaluate the method's row on it, before a run begins.

        Raises ValueError where the critic or the row is wrong.
        """
        seen, memory = self.read(view), self.blank_memory(len(view.obs))
        first = torch.ones(len(view.obs), dtype=torch.bool, device=self.device)
        distribution, _ = self.actor(seen.obs, seen.available, memory.actor, first)
        action, policy = greedy(distribution), expected_action(distribution)
        std = action_std(distribution)
        x = CriticInput(seen.obs, seen.state, action, policy, first, memory.critic, std)
        words = try_critic(self.critic, x, self.config)
        check_words_suffice(words, self.method, self.config)
        target = words.q if self.config.advantage == "critic" else in_columns(words.bootstrap.clone())
        batch = batch_of(words, target, action, policy, as_tensor(view.alive).to(self.device))
        if self.squares is not None:
            batch = self.squares.weigh(batch)
        apply_row(self.method.advantage, batch)

    def measure(
        self, rollout: Rollout, judgement: Judgement, batch: JudgedBatch, advantage: Tensor, diagnose: bool
    ) -> dict[str, float]:
        """What `diagnostics.measure` says of the samples of all processes, in process 0; {} in the others.

        diagnose: with what is costly, the gradients' noise and the critic's levels.
        """
        x, (T, B) = judgement.x, rollout.shape
        # What other processes need not know stays here.
        batch = batch._replace(psi=batch.psi if self.method.psi else None, attention=None)
        read = PolicyInput(x.obs, x.first, in_one_row(rollout.available), rollout.memory.actor)
        facts = Facts(
            batch,
            advantage,
            judgement.policy.entropy,
            levels=self.critic.levels(x) if diagnose else None,
            partners=None if rollout.partners is None else in_one_row(rollout.partners),
            read=read if diagnose else None,
        )
        everyones = self.processes.gather(facts)
        if everyones is None:
            return {}
        facts, B = join(everyones, (T, B)), B * self.processes.count
        gradients = PolicyGradients.of(self.actor, facts.read, facts.batch.action, (T, B)) if diagnose else None
        return {"advantage_std": facts.advantage.std().item()} | measure(facts, B, gradients)

    def hidden(self, rollout: Rollout) -> str | None:
        """One sentence where LayerNorm hides most of what varies in a rollout, see `feature_norm`; None elsewhere."""
        if self.config.feature_norm != "layer":
            return None
        hidden = hidden_by_layer_norm("observations", rollout.obs[rollout.alive])
        if hidden is None and isinstance(self.critic, ValueCritic) and not self.critic.per_agent:
            hidden = hidden_by_layer_norm("states", rollout.state)
        return hidden

    def set_critic_rate(self, done: int, total: int) -> None:
        """The critic's learning rate for the update after `done` of `total` (Table 10, and the authors' code)."""
        for group in self.critic_descent.optimiser.param_groups:
            group["lr"] = self.config.lr * rate_factor(done, total, self.config)


def check_learning(sizes: Sizes, method: Method, config: Config, environments: int) -> None:
    """ValueError where a training in so many environments would be refused before its first step."""
    check_minibatches(config, environments)
    check_fit(sizes, method, config)
    _, critic = blueprint(sizes, method, config)
    check_critic_fits(critic, method, config)


def blueprint(sizes: Sizes, method: Method, config: Config) -> tuple[Team, nn.Module]:
    """The team and the critic without memory, on torch's device "meta": their shapes alone."""
    with torch.device("meta"):
        return Team(sizes, config, shared=not (method.separate or config.separate)), make_critic(sizes, method, config)


def check_minibatches(config: Config, environments: int) -> None:
    """ValueError where a rollout of so many environments cannot be divided into as many minibatches."""
    chunk = config.chunk if config.recurrent else 1
    chunks = config.rollout // chunk * environments
    if config.minibatches > chunks:
        raise ValueError(f"minibatches={config.minibatches}; allowed are 1 to {chunks}")


def check_fit(sizes: Sizes, method: Method, config: Config) -> None:
    """ValueError where the method cannot do what the settings or the environment ask of it."""
    if config.advantage == "critic" and not method.own_q:
        raise ValueError(f"advantage='critic' is not for method={method.name!r}; allowed are coma and all of maca")
    if sizes.continuous and not method.continuous:
        raise ValueError(
            f"method={method.name!r} needs a few actions to choose from, so they cannot be continuous; take maca or "
            "another method, or the environment with ?continuous=false"
        )


def check_critic_fits(critic: Critic, method: Method, config: Config) -> None:
    """ValueError where the critic lacks what corrected returns or the search for psi need."""
    if config.returns == "corrected" and not isinstance(critic, CorrectedMaca):
        raise ValueError(
            f"returns='corrected' is not for method={method.name!r}, whose critic has no Q that is linear in each "
            "action; allowed are maca and all that begin with maca-, but for maca-dec, maca-text and maca-released"
        )
    head = getattr(getattr(critic, "net", None), "psi_head", None)
    if method.psi == "search" and not isinstance(head, nn.Linear):
        raise ValueError(
            f"psi='search' is not for method={method.name!r}, whose critic has no psi head to search for; allowed are "
            "critics.Maca and critics of your own with a linear layer net.psi_head"
        )


def check_words_suffice(words: CriticWords, method: Method, config: Config) -> None:
    """ValueError where the critic does not say what psi by least squares, or its own Q for the return, need."""
    if method.psi == "squares" and words.baselines is None:
        raise ValueError(f"psi='squares' is not for method={method.name!r}, whose critic has no baselines to weigh")
    if config.advantage == "critic" and words.q is None:
        raise ValueError(f"advantage='critic' is not for method={method.name!r}, whose critic has no q")


def psi_search(config: Config, seed: int) -> PsiSearch:
    """The search for psi that the settings describe."""
    return PsiSearch(
        config.psi_mode,
        seed,
        features=config.z_size,
        design=config.psi_design,
        population=config.psi_population,
        step=config.psi_step,
        adapt=config.psi_adapt,
        hold=config.psi_hold,
    )


def rate_factor(done: int, total: int, config: Config) -> float:
    """What the critic's learning rate is multiplied by: it grows from 0 over critic_warmup updates, then is constant,
    or falls to a tenth along half a cosine."""
    if done < config.critic_warmup:
        return (done + 1) / config.critic_warmup
    if config.critic_schedule == "constant":
        return 1.0
    passed = (done - config.critic_warmup) / max(total - config.critic_warmup, 1)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * min(passed, 1.0)))


def critic_optimiser(critic: nn.Module, config: Config) -> torch.optim.AdamW:
    """AdamW, which is Adam where nothing decays; only matrices decay, not biases and LayerNorms (Table 10)."""
    trained = [p for p in critic.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": config.critic_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, config.lr, betas=config.critic_betas, eps=config.critic_epsilon, fused=True)
