"""Walk through one update on Fridge and write down every record on the way, for the guide "Inside the learner".

    python book/inside.py

The pieces are written to book/data/inside, and the guide shows them. The walk calls what `Learner.update` calls, in the
same order, and at the end compares its networks with those of `Learner.update` itself.
"""

from pathlib import Path

import torch

from maca_edu import envs
from maca_edu.files import write_whole
from maca_edu.training.advantages import Advantage, batch_of
from maca_edu.training.config import Config
from maca_edu.training.judging import judge
from maca_edu.training.methods import MACA
from maca_edu.training.ppo import critic_batch, improve_critic, policy_batch, take_in
from maca_edu.training.records import in_columns, in_one_row
from maca_edu.training.returns import critic_targets, rollout_returns
from maca_edu.training.trainer import Trainer

OUT = Path(__file__).parent / "data" / "inside"
SMALL = Config(
    rollout=2, epochs=2, minibatches=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, recurrent=True,
    chunk=2,
)  # fmt: skip
BATCH = 3  # environments
WIDTH = 34


def make_trainer() -> Trainer:
    """MACA on Fridge: T = 2 steps of B = 3 environments, n = 4 agents with A = 2 actions."""
    torch.set_num_threads(1)
    return Trainer(envs.make("toy/fridge", BATCH), MACA, seed=0, config=SMALL)


def describe(x) -> str:
    """A field's shape and kind, in a few words."""
    if x is None:
        return "None"
    if isinstance(x, torch.Tensor):
        kind = {torch.float32: "float", torch.int64: "long", torch.bool: "bool"}[x.dtype]
        return f"[{', '.join(map(str, x.shape))}] {kind}"
    if isinstance(x, tuple) and x and isinstance(x[0], torch.Tensor) and not hasattr(x, "_fields"):
        return ", ".join(describe(part) for part in x)
    if isinstance(x, float):
        return "a number"
    if isinstance(x, tuple) and not hasattr(x, "_fields"):
        return str(tuple(x))
    return type(x).__name__


def record(x, indent: str = "") -> list[str]:
    """The lines that tell a record: each field's name and shape, records in it a step further in."""
    lines = [f"{indent}{type(x).__name__}"]
    for name, value in zip(x._fields, x, strict=True):
        if hasattr(value, "_fields"):
            inner = record(value, indent + "    ")
            lines.append(f"{indent}    {name}: {inner[0].strip()}")
            lines += inner[1:]
        else:
            lines.append(f"{indent}    {name:<{WIDTH - len(indent) - 4}}{describe(value)}")
    return lines


def numbers(name: str, x: torch.Tensor) -> str:
    """A tensor of few numbers, rounded so that every machine prints the same."""
    lines = [f"{name} {describe(x)}"]
    for row in x.reshape(-1, x.shape[-1]).tolist():
        words = (f"{y + 0.0:6.2f}" if isinstance(y, float) else f"{int(y):3}" for y in row)
        lines.append("    " + " ".join(words))
    return "\n".join(lines)


def walk(trainer: Trainer) -> dict[str, str]:
    """One update, step by step; returns the pieces of the guide by their names."""
    learner, config, pieces = trainer.learner, trainer.config, {}

    rollout, _, _ = trainer.collect()
    pieces["1_rollout"] = "\n".join(record(rollout))
    pieces["1_actions"] = numbers("rollout.action", rollout.action) + "\n\n" + numbers("rollout.reward", rollout.reward)

    judgement = judge(learner.actor, learner.critic, rollout)
    pieces["2_judgement"] = "\n".join(record(judgement))
    corrset = judgement.critic.corrset[:1]
    pieces["2_corrset"] = numbers("judgement.critic.corrset, first sample", corrset)

    returns = rollout_returns(rollout, judgement, config)
    targets = critic_targets(rollout, judgement, returns, config)
    pieces["3_returns"] = numbers("returns", returns[None]) + f"\n\ntargets: {len(targets)} of {describe(targets[0])}"

    batch = batch_of(
        judgement.critic, in_columns(returns), judgement.x.action, judgement.x.policy, in_one_row(rollout.alive)
    )
    advantage = Advantage(MACA.advantage, batch, learner.processes)
    pieces["4_batch"] = "\n".join(record(batch))
    pieces["4_advantage"] = numbers("advantage.raw", advantage.raw)

    measured = learner.measure(rollout, judgement, batch, advantage.raw, diagnose=True)
    pieces["5_measured"] = "\n".join(measured)

    policy_steps = policy_batch(rollout, judgement, config.chunk)
    policies = MACA.update(learner.actor, policy_steps, advantage, learner.actor_descent)
    pieces["6_policies"] = "\n".join([*record(policy_steps), "", *record(policies)])

    errors = take_in(targets, judgement, learner.critic, learner.processes)
    critic_steps = critic_batch(rollout, judgement, learner.critic, targets, config.chunk)
    improve_critic(learner.critic, critic_steps, learner.critic_descent)
    pieces["7_critic"] = "\n".join([*record(critic_steps), "", "measured: " + ", ".join([*errors, "critic_loss"])])

    proposal, head = learner.search.ask(), learner.critic.net.psi_head
    shape = " x ".join(map(str, proposal.shape))
    pieces["8_psi"] = f"proposal: a table of {shape} logits\npsi's head: bias {describe(head.bias.data)}"
    return pieces


def same_networks(one: Trainer, other: Trainer) -> bool:
    """Whether two trainers' networks are equal to the last bit."""
    pairs = zip(
        [*one.learner.actor.parameters(), *one.learner.critic.parameters()],
        [*other.learner.actor.parameters(), *other.learner.critic.parameters()],
        strict=True,
    )
    return all(torch.equal(a, b) for a, b in pairs)


def main() -> None:
    """Walk, compare with `Learner.update`, and write the pieces."""
    walked, updated = make_trainer(), make_trainer()
    pieces = walk(walked)
    rollout, _, _ = updated.collect()
    updated.learner.update(rollout)
    if not same_networks(walked, updated):
        raise RuntimeError("the walk is no longer what Learner.update does; mend book/inside.py")
    for name, text in pieces.items():
        write_whole(OUT / f"{name}.txt", text + "\n")
        print(f"{name}\n{text}\n")


if __name__ == "__main__":
    main()
