"""A team that learns: its actors, its critic, and the update that a rollout makes of both.

    rollout -> critic: V, baselines -> lambda-returns -> advantages (Table 1) -> PPO or HAPPO -> critic's regression

One trunk for all methods; only what Table 1 names differs. Samples are `[T, B, ...]` here and `[S, ...]`, S = T B, in
networks and critics.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from maca_edu.credit import ROWS
from maca_edu.networks import Actor, greedy, sample
from maca_edu.training import losses, psi, rng
from maca_edu.training.buffer import RolloutBuffer, minibatches
from maca_edu.training.config import Config
from maca_edu.training.critics import CRITICS, Sizes
from maca_edu.training.methods import Method
from maca_edu.training.returns import lambda_returns, next_values
from maca_edu.training.value_norm import ValueNorm

STREAMS = ("networks", "actions", "minibatches", "psi", "train", "evaluate")  # the last two are for environments
PER_AGENT = ("obs", "available", "alive", "action", "log_prob", "advantage")  # [T, B, n, ...]


class Team(nn.Module):
    """The agents' policies: one network for all, or one for each agent (HAPPO)."""

    def __init__(self, sizes: Sizes, hidden_sizes: tuple[int, ...], shared: bool):
        super().__init__()
        count = 1 if shared else sizes.n_agents
        self.nets = nn.ModuleList(Actor(sizes.obs, sizes.n_actions, hidden_sizes) for _ in range(count))

    def forward(self, obs: Tensor, available: Tensor, agent: int | None = None) -> Categorical:
        """obs `[S, n, d]`, available `[S, n, A]` of all agents, or with n = 1 of one: distributions `[S, n]`."""
        if len(self.nets) == 1 or agent is not None:
            return self.nets[agent if len(self.nets) > 1 else 0](obs, available)[0]
        views = zip(self.nets, obs.split(1, dim=1), available.split(1, dim=1), strict=True)
        logits = [net(own, legal)[0].logits for net, own, legal in views]
        return Categorical(logits=torch.cat(logits, dim=1), validate_args=False)


class Learner:
    """Everything that training changes, but for the environment; all that is random follows from the seed.

    Raises ValueError where the method's critic has no Q(s, a) and advantage="critic" asks for it.
    """

    def __init__(self, sizes: Sizes, method: Method, seed: int, config: Config):
        if config.advantage == "critic" and method.critic not in ("coma", "maca"):
            raise ValueError(f"advantage='critic' is not for method={method.name!r}; allowed are coma and all of maca")
        self.method, self.config = method, config
        streams = rng.streams(seed, *STREAMS)
        self.draws, self.shuffles = rng.torch_stream(streams["actions"]), rng.torch_stream(streams["minibatches"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(streams["networks"].integers(2**63)))
            self.actor = Team(sizes, config.actor_sizes, shared=method.update == "PPO")
            self.critic = CRITICS[method.critic](sizes, method, config)
        self.norms = {name: ValueNorm() for name in self.critic.weights}
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), config.lr, eps=1e-5)
        trained = [p for p in self.critic.parameters() if p.requires_grad]
        self.critic_optimiser = torch.optim.Adam(trained, config.lr, eps=1e-5)
        self.search = None
        if method.psi == "search":
            options = dict(features=config.z_size, population=config.psi_population)
            self.search = psi.PsiSearch(config.psi_mode, int(streams["psi"].integers(2**31)), **options)

    def parts(self) -> dict:
        """What a checkpoint holds."""
        names = ("actor", "critic", "actor_optimiser", "critic_optimiser", "draws", "shuffles")
        search = {} if self.search is None else {"search": self.search}
        norms = {f"norm_{name}": norm for name, norm in self.norms.items()}
        return {name: getattr(self, name) for name in names} | norms | search

    @torch.no_grad()
    def act(self, view, best: bool = False) -> Tensor:
        """Actions `[B, n]` drawn from the policy, or the likeliest ones, in what a `TeamEnv` shows."""
        distribution = self.actor(torch.from_numpy(view.obs), torch.from_numpy(view.available))
        return greedy(distribution) if best else sample(distribution, self.draws)

    @torch.no_grad()
    def look(self, seen: dict, action: Tensor | None = None) -> dict:
        """Samples `[S, ...]` with policy, log_prob and all that the critic says; actions are drawn where None."""
        distribution = self.actor(seen["obs"], seen["available"])
        action = sample(distribution, self.draws) if action is None else action
        x = seen | {"action": action, "policy": distribution.probs, "log_prob": distribution.log_prob(action)}
        return x | self.critic.judge(x, self.norms)

    def update(self, buffer: RolloutBuffer, last: dict, team_return: float | None) -> dict:
        """Learn from a full rollout; returns what to log.

        last: obs, state, available after the last step, `[B, ...]`. team_return: mean return of the episodes that
        ended in the rollout, None where none did.
        """
        if self.search is not None:
            if team_return is not None:
                self.search.tell(team_return)
            self.critic.set_psi(*psi.linear_map(self.search.ask(), self.config.z_size))
        flat = {name: x.flatten(0, 1) for name, x in buffer.tensors.items()}
        facts = self.look({name: flat[name] for name in ("obs", "state", "available")}, flat["action"])
        returns = self.returns(buffer, facts, last)  # [T, B] or [T, B, n]
        facts["target"] = returns.flatten(0, 1) if returns.dim() == 3 else returns.flatten().unsqueeze(-1)
        if self.config.advantage == "critic":
            facts["target"] = facts["own"]
        advantage = self.advantage(facts)  # [S, n]
        normalised = losses.normalise_advantage(advantage, flat["alive"])
        steps = {name: buffer[name] for name in ("obs", "available", "alive", "action")}
        steps |= {"log_prob": facts["log_prob"].unflatten(0, buffer.shape)}
        steps |= {"advantage": normalised.unflatten(0, buffer.shape)}
        row = {"entropy": losses.entropy(facts["policy"], flat["alive"]).item()}
        row |= (
            {"advantage_std": advantage.std().item()} | self.improve_team(steps) | self.improve_critic(facts, returns)
        )
        if self.method.psi:
            weights = facts["psi"].flatten(0, -2).mean(dim=0).tolist()
            row |= dict(zip(("psi_joint", "psi_individual", "psi_corrset"), weights, strict=True))
        if "corrset_size" in facts:
            row["corrset_size"] = facts["corrset_size"].float().mean().item()
        return row

    def returns(self, buffer: RolloutBuffer, facts: dict, last: dict) -> Tensor:
        """Lambda-returns, `[T, B]` or `[T, B, n]`, in the units of the reward."""
        value = facts["bootstrap"].unflatten(0, buffer.shape)
        final = torch.zeros_like(value)
        if buffer["truncated"].any():
            rows = buffer.final_rows()
            final = buffer.spread_final(self.look({k: rows[k] for k in ("obs", "state", "available")})["bootstrap"])
        after = next_values(value, self.look(last)["bootstrap"], final, buffer["truncated"])
        ends = (buffer["terminated"], buffer["truncated"])
        c = self.config
        return lambda_returns(buffer["reward"], value, after, *ends, c.gamma, c.lam, c.time_limits).returns

    def advantage(self, facts: dict) -> Tensor:
        """The method's row of Table 1, `[S, n]`; HAPPO's factor comes later, agent by agent."""
        row = ROWS[self.method.name]
        facts = facts | {"factor": torch.ones(())}
        advantage = row(**{name: facts[name] for name in inspect.signature(row).parameters})
        return advantage.expand_as(facts["log_prob"])

    def improve_team(self, steps: dict) -> dict:
        """PPO for all agents at once, or HAPPO: one after the other, each allowing for those before it."""
        if self.method.update == "PPO":
            return self.improve_policy(steps)
        factor, rows = torch.ones_like(steps["log_prob"][:, :, :1]), []
        agents = steps["log_prob"].shape[-1]
        for i in losses.agent_order(agents, self.shuffles):
            own = {name: steps[name][:, :, i : i + 1] for name in PER_AGENT}
            rows.append(self.improve_policy(own | {"advantage": own["advantage"] * factor}, agent=i))
            flat = {name: x.flatten(0, 1) for name, x in own.items()}
            with torch.no_grad():
                log_prob = self.actor(flat["obs"], flat["available"], i).log_prob(flat["action"])
            ratio = losses.action_ratio(log_prob.view_as(factor), own["log_prob"])
            factor = losses.next_factor(factor, ratio, own["alive"])
        return {name: sum(row[name] for row in rows) / agents for name in rows[0]}

    def improve_policy(self, steps: dict, agent: int | None = None) -> dict:
        """PPO's epochs over steps `[T, B, n, ...]`, or with n = 1 for one agent of a team with separate networks."""
        c, log = self.config, []
        for _ in range(c.epochs):
            for chunk in minibatches(steps, {}, 1, c.minibatches, self.shuffles):
                x = {name: tensor[0] for name, tensor in chunk.items()}  # [M, n, ...]
                distribution = self.actor(x["obs"], x["available"], agent)
                ratio = losses.action_ratio(distribution.log_prob(x["action"]), x["log_prob"])
                loss = losses.policy_loss(ratio, x["advantage"], c.clip, x["alive"])
                bonus = c.entropy * losses.entropy(distribution.probs, x["alive"])
                self.descend(self.actor_optimiser, loss - bonus)
                log.append((loss.item(), losses.clip_fraction(ratio, c.clip, x["alive"]).item()))
        return dict(
            zip(("policy_loss", "clip_fraction"), (sum(x) / len(log) for x in zip(*log, strict=True)), strict=True)
        )

    def improve_critic(self, facts: dict, returns: Tensor) -> dict:
        """Regression of every prediction of the critic on the returns, each in units of its own."""
        c, row = self.config, {}
        x = {name: facts[name] for name in ("obs", "state", "action", "policy")}
        with torch.no_grad():
            old = self.critic.predict(x)
        shape, target = returns.shape[:2], returns.flatten(0, 1)
        for name, norm in self.norms.items():
            row[f"{name}_rmse"] = (norm.denormalise(old[name]) - target).square().mean().sqrt().item()
            norm.update(target)
            x |= {f"old_{name}": old[name], f"target_{name}": norm.normalise(target)}
        steps = {name: tensor.unflatten(0, shape) for name, tensor in x.items()}
        log = []
        for _ in range(c.epochs):
            for chunk in minibatches(steps, {}, 1, c.minibatches, self.shuffles):
                m = {name: tensor[0] for name, tensor in chunk.items()}
                new = self.critic.predict(m)
                terms = (
                    w * losses.value_loss(new[k], m[f"old_{k}"], m[f"target_{k}"], c.clip)
                    for k, w in self.critic.weights.items()
                )
                loss = sum(terms)
                self.descend(self.critic_optimiser, loss)
                log.append(loss.item())
        return row | {"critic_loss": sum(log) / len(log)}

    def descend(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        """One step against the gradient, no longer than max_grad_norm."""
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], self.config.max_grad_norm)
        optimiser.step()
