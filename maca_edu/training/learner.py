"""A team that learns: its actors, its critic, and the update that a rollout makes of both.

    rollout -> critic: V, baselines -> lambda-returns -> advantages (Table 1) -> PPO or HAPPO -> critic's regression

One trunk for all methods; only what Table 1 names differs. Samples are `[T, B, ...]` here and `[S, ...]`, S = T B, time
first, in networks and critics. A GRU's memory is kept where a rollout begins; what it was at every later step is found
again in one pass over the rollout, and the epochs learn from chunks that begin with it.
"""

from __future__ import annotations

import inspect
import math

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution

from maca_edu.credit import ROWS
from maca_edu.networks import Actor, Gaussian, expected_action, greedy, sample
from maca_edu.training import diagnostics, losses, psi_search, rng
from maca_edu.training.buffer import RolloutBuffer, minibatches
from maca_edu.training.config import Config
from maca_edu.training.critics import CRITICS, Sizes
from maca_edu.training.methods import Method
from maca_edu.training.returns import lambda_returns, next_values
from maca_edu.training.value_norm import ValueNorm

STREAMS = ("networks", "actions", "minibatches", "psi", "train", "evaluate", "judge")  # the last three: environments'
SEEN = ("obs", "state", "available")
PER_AGENT = ("obs", "available", "alive", "action", "log_prob", "advantage")  # [T, B, n, ...]


class Team(nn.Module):
    """The agents' policies: one network for all, or one for each agent."""

    def __init__(self, sizes: Sizes, config: Config, shared: bool):
        super().__init__()
        options = dict(continuous=sizes.continuous, std_x=config.std_x, std_y=config.std_y, recurrent=config.recurrent)
        count = 1 if shared else sizes.n_agents
        nets = (Actor(sizes.obs, sizes.n_actions, config.actor_sizes, **options) for _ in range(count))
        self.nets = nn.ModuleList(nets)

    def forward(
        self,
        obs: Tensor,
        available: Tensor,
        hidden: Tensor | None = None,
        first: Tensor | None = None,
        agent: int | None = None,
    ) -> tuple[Distribution, Tensor | None]:
        """Distributions `[S, n]` and the GRUs' memory after each sample, `[S, n, H]` or None.

        obs `[S, n, d]`, available `[S, n, A]`, hidden `[B, n, H]`, first `[S]`; of all agents, or with n = 1 of one.
        """
        if len(self.nets) == 1 or agent is not None:
            return self.nets[agent if len(self.nets) > 1 else 0](obs, available, hidden, first)
        seen = [x.split(1, dim=1) for x in (obs, available)]
        memories = [None] * len(self.nets) if hidden is None else hidden.split(1, dim=1)
        each = zip(self.nets, *seen, memories, strict=True)
        distributions, memories = zip(*(net(*own, first) for net, *own in each), strict=True)
        return together(distributions), None if memories[0] is None else torch.cat(memories, dim=1)


def together(distributions: tuple[Distribution, ...]) -> Distribution:
    """The agents' distributions, each `[S, 1]`, as one, `[S, n]`."""
    if isinstance(distributions[0], Categorical):
        return Categorical(logits=torch.cat([d.logits for d in distributions], dim=1), validate_args=False)
    parts = zip(*((d.base_dist.loc, d.base_dist.scale, d.real) for d in distributions), strict=True)
    return Gaussian(*(torch.cat(part, dim=1) for part in parts))


class Learner:
    """Everything that training changes, but for the environment; all that is random follows from the seed.

    Raises ValueError where the method's critic does not fit what is asked: a Q(s, a) for advantage="critic", or
    continuous actions.
    """

    def __init__(self, sizes: Sizes, method: Method, seed: int, config: Config):
        if config.advantage == "critic" and method.critic not in ("coma", "maca"):
            raise ValueError(f"advantage='critic' is not for method={method.name!r}; allowed are coma and all of maca")
        if sizes.continuous and method.critic in ("coma", "sum", "mix"):
            raise ValueError(
                f"method={method.name!r} needs a Q for each action, so actions cannot be continuous; take "
                "mappo, ippo, happo or a maca, or the environment with ?continuous=false"
            )
        self.method, self.config = method, config
        streams = rng.streams(seed, *STREAMS)
        self.draws, self.shuffles = rng.torch_stream(streams["actions"]), rng.torch_stream(streams["minibatches"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(streams["networks"].integers(2**63)))
            self.actor = Team(sizes, config, shared=method.update == "PPO" and not config.separate)
            self.critic = CRITICS[method.critic](sizes, method, config)
        self.norms = {name: ValueNorm() for name in self.critic.weights}
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), config.lr, eps=1e-5, fused=True)
        self.critic_optimiser = critic_optimiser(self.critic, config)
        self.memory = {"actor": None, "critic": None}  # the GRUs' when the rollout began; None: blank
        self.partners = None  # bool [n, n], who earns something with whom, where the environment says so
        self.search = None
        if method.psi == "search":
            options = dict(features=config.z_size, population=config.psi_population, design=config.psi_design)
            self.search = psi_search.PsiSearch(config.psi_mode, int(streams["psi"].integers(2**31)), **options)

    def parts(self) -> dict:
        """What a checkpoint holds."""
        names = ("actor", "critic", "actor_optimiser", "critic_optimiser", "draws", "shuffles", "memory")
        search = {} if self.search is None else {"search": self.search}
        norms = {f"norm_{name}": norm for name, norm in self.norms.items()}
        return {name: getattr(self, name) for name in names} | norms | search

    @torch.no_grad()
    def act(self, view, memory: Tensor | None, first: Tensor | None, best: bool = False):
        """Actions `[B, n]` (continuous: `[B, n, A]`) in what a `TeamEnv` shows, and the actor's next memory.

        Drawn from the policy, or the likeliest ones. memory: what the last call returned, None at the beginning.
        first: bool `[B]`, where an episode begins.
        """
        seen = torch.from_numpy(view.obs), torch.from_numpy(view.available)
        distribution, memory = self.actor(*seen, memory, first)
        return greedy(distribution) if best else sample(distribution, self.draws), memory

    @torch.no_grad()
    def look(self, seen: dict, memory: dict, action: Tensor | None = None) -> dict:
        """Samples with policy, log_prob, entropy, both memories, and all that the critic says.

        seen: obs, state, available, first, `[S, ...]`; memory: {"actor", "critic"} before the first of them. Actions
        are drawn where action is None.
        """
        distribution, actor_memory = self.actor(seen["obs"], seen["available"], memory["actor"], seen["first"])
        action = sample(distribution, self.draws) if action is None else action
        x = seen | {"action": action, "policy": expected_action(distribution), "hidden": memory["critic"]}
        facts = {"log_prob": distribution.log_prob(action), "entropy": distribution.entropy()}  # [S, n]
        judged = self.critic.judge(x, self.norms)
        return x | facts | judged | {"actor_memory": actor_memory, "critic_memory": judged["memory"]}

    def update(self, buffer: RolloutBuffer, last: dict, eta=None, diagnose: bool = False) -> dict:
        """Learn from a full rollout; returns what to log.

        last: obs, state, available after the last step, `[B, ...]`. eta: what CMA-ES proposes for psi's head.
        diagnose: measure the gradients' noise, too, see `diagnostics`.
        """
        if eta is not None:
            psi_search.load_head(self.critic.net.psi_head, eta)
        facts = self.look_back(buffer)
        returns = self.returns(buffer, facts, last)  # [T, B] or [T, B, n]
        facts["target"] = returns.flatten(0, 1) if returns.dim() == 3 else returns.flatten().unsqueeze(-1)
        facts["advantage"] = self.advantage(facts)  # [S, n]
        row = {"advantage_std": facts["advantage"].std().item()} | self.diagnose(buffer, facts, diagnose)
        facts["advantage"] = losses.normalise_advantage(facts["advantage"], facts["alive"])
        row |= self.improve_team(*self.episodes(buffer, facts, ("first", *PER_AGENT), "actor"))
        row |= self.improve_critic(buffer, facts, returns)
        self.memory["critic"] = after_last(facts["critic_memory"], buffer.shape)
        return row

    def look_back(self, buffer: RolloutBuffer) -> dict:
        """What `look` says of a whole rollout, and who was alive; before the first one the memories are made, blank."""
        names = (*SEEN, "first")
        if self.config.recurrent and self.memory["critic"] is None:
            first_step = {name: buffer[name][0] for name in names}
            facts = self.look(first_step, {"actor": None, "critic": None}, buffer["action"][0])
            self.memory = {name: torch.zeros_like(facts[f"{name}_memory"]) for name in self.memory}
        x = {name: buffer[name].flatten(0, 1) for name in (*names, "action", "alive")}
        return self.look({name: x[name] for name in names}, self.memory, x["action"]) | {"alive": x["alive"]}

    def returns(self, buffer: RolloutBuffer, facts: dict, last: dict) -> Tensor:
        """Lambda-returns, `[T, B]` or `[T, B, n]`, in the units of the reward."""
        value = facts["bootstrap"].unflatten(0, buffer.shape)
        final = torch.zeros_like(value)
        after = {name: facts[f"{name}_memory"] for name in self.memory}
        if buffer["truncated"].any():
            rows = buffer.final_rows()
            now = rows["time"] * buffer.shape[1] + rows["env"]
            memory = {name: None if x is None else x[now] for name, x in after.items()}
            seen = {name: rows[name] for name in SEEN} | {"first": torch.zeros(len(now), dtype=torch.bool)}
            final = buffer.spread_final(self.look(seen, memory)["bootstrap"])
        memory = {name: after_last(x, buffer.shape) for name, x in after.items()}
        next_value = self.look(last | {"first": buffer.first}, memory)["bootstrap"]
        following = next_values(value, next_value, final, buffer["truncated"])
        ends = (buffer["terminated"], buffer["truncated"])
        c = self.config
        return lambda_returns(buffer["reward"], value, following, *ends, c.gamma, c.lam, c.time_limits).returns

    def advantage(self, facts: dict) -> Tensor:
        """The method's row of Table 1, `[S, n]`; HAPPO's factor comes later, agent by agent."""
        row = ROWS[self.method.name]
        facts = facts | {"factor": torch.ones(())}
        if self.config.advantage == "critic":
            facts["target"] = facts["own"]
        advantage = row(**{name: facts[name] for name in inspect.signature(row).parameters})
        return advantage.expand_as(facts["log_prob"])

    def diagnose(self, buffer: RolloutBuffer, facts: dict, gradients: bool) -> dict[str, float]:
        """What `diagnostics.measure` says of the rollout; with `gradients` also what is costly."""
        facts = facts | ({} if self.partners is None else {"partners": self.partners})
        if not self.method.psi:
            facts.pop("psi", None)
        if not gradients:
            return diagnostics.measure(facts, buffer.shape[1])
        if hasattr(self.critic, "levels") and self.method.head != "decoder":
            with torch.no_grad():
                facts["levels"] = self.critic.levels(facts, self.norms)

        def log_prob(envs: Tensor) -> Tensor:
            names = ("obs", "available", "action", "first")
            x = {name: facts[name].unflatten(0, buffer.shape)[:, envs].flatten(0, 1) for name in names}
            hidden = None if self.memory["actor"] is None else self.memory["actor"][envs]
            distribution, _ = self.actor(x["obs"], x["available"], hidden, x["first"])
            return distribution.log_prob(x["action"]).unflatten(0, (buffer.shape[0], len(envs)))

        return diagnostics.measure(facts, buffer.shape[1], log_prob, self.actor.parameters())

    def episodes(self, buffer: RolloutBuffer, facts: dict, names, network: str) -> tuple[dict, dict]:
        """The named facts as `[T, B, ...]`, and the memory of "actor" or "critic" before each step, {} without."""
        steps = {name: facts[name].unflatten(0, buffer.shape) for name in names}
        if not self.config.recurrent:
            return steps, {}
        after = facts[f"{network}_memory"].unflatten(0, buffer.shape)  # [T, B, ...]
        return steps, {"hidden": torch.cat([self.memory[network][None], after[:-1]])}

    def improve_team(self, steps: dict, hidden: dict) -> dict:
        """PPO for all agents at once, or HAPPO: one after the other, each allowing for those before it."""
        if self.method.update == "PPO":
            return self.improve_policy(steps, hidden)
        factor, rows = torch.ones_like(steps["log_prob"][:, :, :1]), []
        agents = steps["log_prob"].shape[-1]
        for i in losses.agent_order(agents, self.shuffles):
            own = {name: steps[name][:, :, i : i + 1] for name in PER_AGENT}
            own |= {"advantage": own["advantage"] * factor, "first": steps["first"]}
            memory = {name: h[:, :, i : i + 1] for name, h in hidden.items()}
            rows.append(self.improve_policy(own, memory, i))
            x = {name: tensor.flatten(0, 1) for name, tensor in own.items()}
            with torch.no_grad():
                start = {name: h[0] for name, h in memory.items()}
                distribution = self.actor(x["obs"], x["available"], **start, first=x["first"], agent=i)[0]
            ratio = losses.action_ratio(distribution.log_prob(x["action"]).view_as(factor), own["log_prob"])
            factor = losses.next_factor(factor, ratio, own["alive"])
        return {name: sum(row[name] for row in rows) / agents for name in rows[0]}

    def chunks(self, steps: dict, hidden: dict):
        """Every epoch's minibatches: samples `[S, ...]`, chunks of M environments flattened, hidden `[M, ...]`."""
        c = self.config
        length = c.chunk if hidden else 1
        for _ in range(c.epochs):
            for part in minibatches(steps, hidden, length, c.minibatches, self.shuffles):
                yield {name: x if name == "hidden" else x.flatten(0, 1) for name, x in part.items()}

    def improve_policy(self, steps: dict, hidden: dict, agent: int | None = None) -> dict:
        """PPO's epochs over steps `[T, B, n, ...]`, or with n = 1 for one agent of a team with separate networks."""
        c, log = self.config, []
        for x in self.chunks(steps, hidden):
            distribution, _ = self.actor(x["obs"], x["available"], x.get("hidden"), x["first"], agent)
            ratio = losses.action_ratio(distribution.log_prob(x["action"]), x["log_prob"])
            loss = losses.policy_loss(ratio, x["advantage"], c.clip, x["alive"])
            bonus = c.entropy * losses.masked_mean(distribution.entropy(), x["alive"])
            self.descend(self.actor_optimiser, loss - bonus)
            log.append((loss.item(), losses.clip_fraction(ratio, c.clip, x["alive"]).item()))
        means = (sum(x) / len(log) for x in zip(*log, strict=True))
        return dict(zip(("policy_loss", "clip_fraction"), means, strict=True))

    def improve_critic(self, buffer: RolloutBuffer, facts: dict, returns: Tensor) -> dict:
        """Regression of every prediction of the critic on the returns, each in units of its own."""
        c, row, target = self.config, {}, returns.flatten(0, 1)
        old, targets = facts["predictions"], {}
        for name, norm in self.norms.items():
            row[f"{name}_rmse"] = (norm.denormalise(old[name]) - target).square().mean().sqrt().item()
            norm.update(target)
            targets |= {f"old_{name}": old[name], f"target_{name}": norm.normalise(target)}
        names = ("obs", "state", "action", "policy", "first", *targets)
        log = []
        for x in self.chunks(*self.episodes(buffer, facts | targets, names, "critic")):
            new = self.critic.predict(x)
            terms = (
                weight * losses.value_loss(new[name], x[f"old_{name}"], x[f"target_{name}"], c.clip)
                for name, weight in self.critic.weights.items()
            )
            loss = sum(terms)
            self.descend(self.critic_optimiser, loss)
            log.append(loss.item())
        return row | {"critic_loss": sum(log) / len(log)}

    def descend(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        """One step against the gradient, no longer than max_grad_norm."""
        optimiser.zero_grad()
        loss.backward()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, self.config.max_grad_norm, foreach=True)
        optimiser.step()

    def set_critic_rate(self, done: int, total: int) -> None:
        """The critic's learning rate for the update after `done` of `total` (Table 10, and the authors' code)."""
        for group in self.critic_optimiser.param_groups:
            group["lr"] = self.config.lr * rate_factor(done, total, self.config)


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
    return torch.optim.AdamW(groups, config.lr, betas=config.critic_betas, eps=1e-5, fused=True)


def after_last(memory: Tensor | None, shape: tuple[int, int]) -> Tensor | None:
    """The memory `[B, ...]` after the last of `shape`, T steps of B environments; None without a GRU."""
    return None if memory is None else memory[-shape[1] :].clone()
