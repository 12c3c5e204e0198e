"""The film of `maca-edu credit`: the game on the left, what everybody's action was worth on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from maca_edu.envs import film, pictures
from maca_edu.envs.film import Page
from maca_edu.experiments.credit import Episode
from maca_edu.files import whole_file
from toy_envs.core import agent_names

WIDTH, HEAD, NAMES, MARGIN = 460, 112, 44, 16  # pixels: the panel's width, and the places of its parts
MEASURED, LEARNED, CRITIC = "#009E73", "#0072B2", "#E69F00"  # Okabe and Ito's
MOST_TERMS = 5  # lines of terms below the bars


class Bars(NamedTuple):
    """What is drawn for an agent."""

    label: str
    colour: str
    numbers: np.ndarray  # [T, n]


def film_credit(path: Path, env: str, episodes: list[Episode]) -> None:
    """Film episodes, played again, with their credit beside them; path: a .gif."""
    played = film.stage(env)
    try:
        with whole_file(path) as temporary:
            film.write_gif(temporary, pages(played, env, episodes))
    finally:
        played.close()


def pages(played: film.Stage, name: str, episodes: list[Episode]) -> Iterator[Page]:
    """The pages of the film: for each episode its beginning and every step."""
    for number, episode in enumerate(episodes, 1):
        title = name if len(episodes) == 1 else f"{name}   episode {number} of {len(episodes)}"
        actions, n = iter(episode.action), episode.alive.shape[1]
        agents = agent_names(n) if name.startswith("toy/") else [str(i) for i in range(n)]  # as the pictures call them
        shots = film.play_episode(lambda view, first, actions=actions: next(actions)[None], played, title, episode.seed)
        for t, shot in enumerate(shots):
            last = t == len(episode.reward)
            yield Page(beside(shot, panel(episode, agents, t - 1, shot.height)), film.HOLD if last else film.SLOW)


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures of the same height side by side."""
    sheet = Image.new("RGB", (left.width + right.width, left.height), "white")
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width, 0))
    return sheet


def bars_of(episode: Episode) -> list[Bars]:
    """Which bars an agent has: the measured advantage, the method's, and the one with the critic's Q, if it has one."""
    learned = episode.learned
    bars = [Bars("measured, by copies of the moment", MEASURED, episode.measured.advantage.mean)]
    bars.append(Bars("learned, from the return that followed", LEARNED, learned.advantage))
    if learned.critic_advantage is not None:
        bars.append(Bars("learned, from the critic's Q", CRITIC, learned.critic_advantage))
    return bars


def panel(episode: Episode, agents: Sequence[str], t: int, height: int) -> Image.Image:
    """The credit of step t, `height` pixels high; t = -1: before the first step, the legend only. agents: names."""
    sheet = Image.new("RGB", (WIDTH, height), "white")
    pen, bars = ImageDraw.Draw(sheet), bars_of(episode)
    pen.line((0, 0, 0, height), pictures.LINE)
    bold = pictures.font(14, bold=True)
    pen.text((MARGIN, 14), "advantage of each agent's action", pictures.INK, bold, "lm")
    for k, bar in enumerate(bars):
        top = 28 + 21 * k
        pen.rectangle((MARGIN, top + 3, MARGIN + 14, top + 13), bar.colour)
        pen.text((MARGIN + 22, top + 8), bar.label, pictures.INK, pictures.font(13), "lm")
    if t < 0:
        return sheet
    lines = term_lines(episode, agents, t)
    floor = height - 24 * (len(lines) + 1) - 8
    draw_bars(pen, episode, agents, bars, t, floor)
    pen.text((MARGIN, floor + 14), "paid in this step, and for whom", pictures.INK, bold, "lm")
    for k, line in enumerate(lines):
        pen.text((MARGIN, floor + 14 + 24 * (k + 1)), line, pictures.INK, pictures.font(13), "lm")
    return sheet


def draw_bars(
    pen: ImageDraw.ImageDraw, episode: Episode, agents: Sequence[str], bars: list[Bars], t: int, floor: int
) -> None:
    """A row for each agent between the head and `floor`, its bars on a scale that holds for the whole episode.

    The thin line on the measured bar is two standard errors long, to both sides, as far as there is room.
    """
    n, error = episode.alive.shape[1], episode.measured.advantage.error
    largest = max(float(np.abs(bar.numbers[episode.alive]).max()) for bar in bars) or 1.0
    zero, scale = (NAMES + WIDTH) / 2, (WIDTH - NAMES - 2 * MARGIN) / 2 / largest
    row = (floor - HEAD) / n
    thick = max(min(row / (len(bars) + 1), 14), 2)
    pen.line((zero, HEAD, zero, floor - 4), pictures.FAINT)
    for i in range(n):
        middle = HEAD + row * (i + 0.5)
        ink = pictures.INK if episode.alive[t, i] else pictures.FAINT
        size = pictures.font(int(min(14, max(row * 0.8, 7))), bold=True)
        pen.text((MARGIN, middle), agents[i], ink, size, "lm")
        if not episode.alive[t, i]:
            pen.text((NAMES, middle), "dead", pictures.FAINT, pictures.font(12), "lm")
            continue
        for k, bar in enumerate(bars):
            top, end = middle + thick * (k - len(bars) / 2), zero + scale * float(bar.numbers[t, i])
            pen.rectangle((min(zero, end), top, max(zero, end), top + thick - 2), bar.colour)
            if k == 0:
                reach, y = 2 * scale * float(error[t, i]), top + (thick - 2) / 2
                pen.line((max(end - reach, NAMES), y, min(end + reach, WIDTH - MARGIN), y), pictures.INK)
    pen.text((WIDTH - MARGIN, HEAD - 6), f"{largest:.2g} of reward", pictures.FAINT, pictures.font(11), "rm")
    pen.text((NAMES, HEAD - 6), f"\N{MINUS SIGN}{largest:.2g}", pictures.FAINT, pictures.font(11), "lm")


def term_lines(episode: Episode, agents: Sequence[str], t: int) -> list[str]:
    """The largest terms that paid in step t, in words."""
    amount, whose = episode.terms.amount[t], episode.terms.members[t]
    paid = [k for k in np.argsort(-np.abs(amount), kind="stable") if amount[k]]
    lines = []
    for k in paid[:MOST_TERMS]:
        members = ", ".join(agents[i] for i in np.flatnonzero(whose[k])) or "nobody"
        lines.append(f"{episode.names[k]}   {amount[k]:.3f}   {members}".replace("-", "\N{MINUS SIGN}"))
    if len(paid) > MOST_TERMS:
        lines[-1] = f"and {len(paid) - MOST_TERMS + 1} more"
    return lines or ["nothing"]
