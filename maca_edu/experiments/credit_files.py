"""The files of `maca-edu credit`: a run's true and learned credit as tables, a summary and a film.

agents.csv     a row for each step and living agent: what its action was worth, and what the critic says
steps.csv      a row for each step: the reward, and what the joint action was worth
terms.csv      a row for each step and term of the reward: what it paid, and its members
summary.json   `credit.Summary`: how well both agree, for the run's critic and for one that has learned nothing
credit.gif     the episodes as a film, both kinds of credit beside the game
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from maca_edu.experiments.credit import Episode, Summary, credit_of, summary_of
from maca_edu.experiments.credit_film import film_credit
from maca_edu.experiments.run import load
from maca_edu.experiments.sweep_tables import write_csv
from maca_edu.files import write_whole
from maca_edu.training.loop import Run

AGENTS = (
    *("episode", "step", "agent", "action", "measured_advantage", "measured_error", "learned_advantage"),
    *("critic_advantage", "critic_q", "baseline_joint", "baseline_individual", "baseline_corrset"),
    *("corrset", "partners"),
)
STEPS = ("episode", "step", "reward", "measured_q", "measured_error")
TERMS = ("episode", "step", "term", "amount", "members")


def write_credit(
    run,
    out,
    episodes: int = 1,
    seed: int = 0,
    copies: int = 16,
    lookahead: int | None = None,
    trust_env: str | None = None,
) -> tuple[Summary, list[Path]]:
    """Write the files to `out`, a new or an empty folder; returns the summary and the files.

    run: a `loop.Run` or a run's directory. seed, copies, lookahead: see `credit.credit_of`. trust_env: see `run.load`.
    Raises ValueError where `out` holds something, there is no such run, its environment is not trusted, or its game
    declares no terms or cannot be forked.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out={str(out)!r} is in use; name a new or an empty folder, so that nothing is overwritten")
    run = run if isinstance(run, Run) else load(run, trust_env=trust_env)
    played = list(credit_of(run, episodes, seed, copies, lookahead))
    summary = summary_of(run, played, seed, copies, lookahead)
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "agents.csv": (AGENTS, agent_rows(played)),
        "steps.csv": (STEPS, step_rows(played)),
        "terms.csv": (TERMS, term_rows(played)),
    }
    for name, (columns, rows) in tables.items():
        write_csv(out / name, columns, rows)
    as_dict = summary._asdict() | {"learned": summary.learned._asdict(), "untrained": summary.untrained._asdict()}
    write_whole(out / "summary.json", json.dumps(as_dict, indent=2) + "\n")
    film_credit(out / "credit.gif", run.settings["env"], played)
    return summary, [out / name for name in (*tables, "summary.json", "credit.gif")]


def summary_in_words(summary: Summary) -> str:
    """The summary as a table, the run's critic beside one that has learned nothing."""
    rows = [("", "learned", "untrained")]
    for name in ("correlation", "critic_correlation", *summary.learned._fields[4:]):
        pair = (getattr(scores, name) for scores in (summary.learned, summary.untrained))
        rows.append((name, *("-" if number is None else f"{number:.3f}" for number in pair)))
    lines = [f"{name:<26}{one:>9}{other:>11}" for name, one, other in rows]
    lines.append(f"{summary.steps} steps; {100 * summary.measured_noise:.0f} % of the measured advantages' variance is")
    lines.append(f"the measurement's own, so nothing can correlate with them by more than {summary.ceiling:.2f}")
    return "\n".join(lines)


def agent_rows(episodes: list[Episode]) -> list[tuple]:
    """The rows of agents.csv; what the critic does not say is empty."""
    rows = []
    for number, episode in enumerate(episodes, 1):
        partners, true, learned = episode.terms.partners(), episode.measured.advantage, episode.learned
        baselines = [None] * 3 if learned.baselines is None else learned.baselines
        says = (learned.advantage, learned.critic_advantage, learned.q, *baselines)
        for t, i in np.argwhere(episode.alive):
            numbers = [text(x, t, i) for x in (true.mean, true.error, *says)]
            corrset = "" if learned.corrset is None else members(learned.corrset[t, i])
            rows.append((number, t + 1, i, episode.action[t, i], *numbers, corrset, members(partners[t, i])))
    return rows


def step_rows(episodes: list[Episode]) -> list[tuple]:
    """The rows of steps.csv."""
    rows = []
    for number, episode in enumerate(episodes, 1):
        q = episode.measured.q
        for t, reward in enumerate(episode.reward):
            rows.append((number, t + 1, f"{reward:.6g}", f"{q.mean[t]:.6g}", f"{q.error[t]:.6g}"))
    return rows


def term_rows(episodes: list[Episode]) -> list[tuple]:
    """The rows of terms.csv."""
    rows = []
    for number, episode in enumerate(episodes, 1):
        amounts, whose = episode.terms
        for t, k in np.ndindex(amounts.shape):
            rows.append((number, t + 1, episode.names[k], f"{amounts[t, k]:.6g}", members(whose[t, k])))
    return rows


def text(x: np.ndarray | None, t: int, i: int) -> str:
    """The number of agent i in step t, with six digits; empty where there is none."""
    return "" if x is None else f"{x[t, i]:.6g}"


def members(agents: np.ndarray) -> str:
    """Who is marked in `[n]` bool, as "0 2 3"."""
    return " ".join(map(str, np.flatnonzero(agents)))
