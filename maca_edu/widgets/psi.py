"""The psi explorer: exact gradient variance over the triangle of three baselines, and what a mixture keeps.

A mixture psi = (psi_Jnt, psi_Ind, psi_Cor) is a point of a triangle whose corners are the joint, the individual and the
CorrSet baseline (Eq. 3). With A_m the advantage of baseline m, the mixture's advantage is sum_m psi_m A_m (Eq. 4), so

    E|g|^2 = sum_mk psi_m psi_k M_mk,    M_mk = E[|grad log pi_i|^2 A_m A_k]

and nine numbers M say all about the triangle. The mean of g does not depend on psi (Lemma A.1).
"""

from __future__ import annotations

import base64
import html
import io
from functools import cache, lru_cache
from typing import NamedTuple

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from maca_edu import exact
from maca_edu.exact.baselines import squared_scores
from maca_edu.widgets.console import signed
from maca_edu.widgets.frames import Explorer, html_leaves
from toy_envs import climb_v0, fridge_v0, ring_v0
from toy_envs.core import OneShotGame, RewardTerm

TEAM = "team"
NAMES = ("ψ Jnt", "ψ Ind", "ψ Cor")
CORNERS = np.array([[170.0, 34.0], [30.0, 276.0], [310.0, 276.0]])  # of Jnt, Ind, Cor in the drawing, x and y
WIDTH, HEIGHT = 336, 290  # of the heat map, in pixels
BANDS = 16  # steps of colour: their edges are the contour lines
FRAMES_P = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)


class Setting(NamedTuple):
    """A game with a CorrSet for each agent, and what "decided with probability p" means in it."""

    game: OneShotGame
    corrsets: tuple[tuple[int, ...], ...]
    likely: tuple[int, ...]  # the action of each agent that has probability p; the others share the rest

    def policy(self, p: float) -> np.ndarray:
        """The joint policy `[n, A]`."""
        n, A = self.game.n_agents, self.game.n_actions
        policy = np.full((n, A), (1 - p) / (A - 1))
        policy[range(n), self.likely] = p
        return policy


@cache
def settings() -> dict[str, Setting]:
    """The games of the explorer, by the name that its menu shows."""
    pays = np.zeros((2, 2, 2))
    pays[1, 1, 1] = 1.0
    rope = OneShotGame(3, 2, [RewardTerm("rope", (0, 1, 2), pays)], name="rope", actions=("rest", "pull"))
    ring = tuple(tuple(sorted({(i - 1) % 6, i, (i + 1) % 6})) for i in range(6))
    return {
        "Fridge": Setting(fridge_v0.game(), ((0, 1, 2),) * 3 + ((3,),), (1, 1, 1, 0)),
        "Ring of six": Setting(ring_v0.game(n_agents=6), ring, (1,) * 6),
        "Rope, C overlooked": Setting(rope, ((0, 1), (0, 1), (2,)), (1, 1, 1)),
        "Climb": Setting(climb_v0.game(), ((0, 1), (0, 1)), (0, 0)),
    }


class Triangle(NamedTuple):
    """All about one game, view and p that does not depend on psi."""

    M: np.ndarray  # [3, 3], order Jnt, Ind, Cor; for a team the sum over its agents
    means: dict[int, np.ndarray]  # the mean gradient [A] of every agent in view
    best: np.ndarray  # psi of least variance
    floor: float  # the least variance of any legal baseline (Theorem A.2)

    def variance(self, psi) -> np.ndarray:
        """Exact variance for psi `[..., 3]`, shape `[...]`."""
        psi = np.asarray(psi, dtype=float)
        square = np.einsum("...m,mk,...k->...", psi, self.M, psi)
        return np.maximum(0.0, square - sum(mean @ mean for mean in self.means.values()))


@lru_cache(maxsize=64)
def triangle(name: str, view: str, p: float) -> Triangle:
    """The triangle of one game for an agent by its name, or for the team: one psi for all, variances added."""
    setting = settings()[name]
    q, policy = setting.game.payoff(), setting.policy(p)
    M, means, floor = np.zeros((3, 3)), {}, 0.0
    for i in viewed(setting, view):
        groups = (range(q.ndim), (i,), setting.corrsets[i])
        A = np.stack([exact.advantage(q, policy, group) for group in groups])  # [3, A, ..., A]
        weight = squared_scores(policy[i]).reshape([-1 if j == i else 1 for j in range(q.ndim)])
        M += [[exact.value(weight * x * y, policy) for y in A] for x in A]
        best = exact.minimum_variance_baseline(q, policy, i, (i,))
        means[i], least = exact.gradient_moments(q, policy, i, best)
        floor += least
    return Triangle(M, means, best_mixture(M), floor)


def viewed(setting: Setting, view: str) -> list[int]:
    """The agents in view."""
    return list(range(setting.game.n_agents)) if view == TEAM else [setting.game.agents.index(view)]


def best_mixture(M: np.ndarray) -> np.ndarray:
    """The psi `[3]` of least variance, in closed form.

    With u = psi_Jnt + psi_Cor and v = psi_Jnt the square is M_Ind,Ind + (s u^2 - 2 c u) + (t v^2 - 2 d v): a mixed term
    u v is missing because b_Ind - b_Cor has mean zero given what b_Cor - V depends on. The parabolas are minimised one
    by one; where that breaks v <= u, both weights become one.
    """
    J, I, C = 0, 1, 2
    s, c = M[C, C] - 2 * M[I, C] + M[I, I], M[I, I] - M[I, C]
    t, d = M[J, J] - 2 * M[C, J] + M[C, C], M[I, C] - M[I, J]
    tiny = 1e-12 * abs(M).max()  # a part that is zero up to rounding: any weight does, and we choose 0
    u = c / s if s > tiny else 0.0
    v = d / t if t > tiny else 0.0
    if v > u:
        u = v = (c + d) / (s + t)
    u, v = np.clip([u, v], 0.0, 1.0)
    return np.array([v, 1 - u, u - v])


def psi_explorer(mode: str = "live", game: str = "Fridge", view: str = "B", p: float = 0.7) -> Explorer:
    """A triangle of mixtures, coloured by exact gradient variance, with sliders.

    mode: "live" asks the kernel: menus for game and view, sliders for p and psi. "frames" holds precomputed pictures
        and needs no kernel, as in the book: a slider for p and five choices of psi.
    game: one of "Fridge", "Ring of six", "Rope, C overlooked", "Climb". view: an agent's name, or "team".
    p: how decided the agents are at first; 0.5 to 0.99.
    ValueError where an argument is not one of these.
    """
    check_psi_explorer(mode, game, view, p)
    explorer = live(game, view, p) if mode == "live" else framed(game, view, p)
    explorer.add_class("maca-psi")
    explorer.text = f"Psi explorer of {game}, {view}: run this cell to move the sharpness p and the mixture psi."
    return explorer


def live(name: str, view: str, p: float) -> Explorer:
    """Menus, sliders and one panel, written anew at every step."""
    style, layout = {"description_width": "8em"}, {"width": "25em"}
    games = widgets.Dropdown(options=list(settings()), value=name, description="game", style=style, layout=layout)
    views = widgets.Dropdown(options=views_of(name), value=view, description="view", style=style, layout=layout)
    p, jnt, cor = (
        widgets.FloatSlider(start, min=low, max=high, step=0.01, description=text, style=style, layout=layout)
        for start, low, high, text in (
            (p, 0.5, 0.99, "sharpness p"),
            (0.33, 0, 1, NAMES[0]),
            (0.33, 0, 1, NAMES[2]),
        )
    )
    shown = widgets.HTML()

    def draw(change=None):
        if change and change["owner"] in (jnt, cor):  # psi stays in the triangle: one weight pushes the other down
            other = cor if change["owner"] is jnt else jnt
            other.value = min(other.value, round(1 - change["new"], 2))
        psi = (jnt.value, max(0.0, 1 - jnt.value - cor.value), cor.value)
        shown.value = panel(games.value, views.value, p.value, psi)

    def change_game(change):
        views.unobserve(draw, "value")
        views.options = views_of(games.value)
        views.observe(draw, "value")
        draw()

    games.observe(change_game, "value")
    for control in (views, p, jnt, cor):
        control.observe(draw, "value")
    draw()
    return Explorer([widgets.VBox([games, views, p, jnt, cor]), shown], "maca-live", "")


def framed(name: str, view: str, p: float) -> Explorer:
    """A slider for p and buttons for psi over precomputed panels: a Stack of Stacks, linked in the browser."""
    steps = sorted({*FRAMES_P, p})
    choices = {"thirds": None, "Ind": (0, 1, 0), "Cor": (0, 0, 1), "Jnt": (1, 0, 0), "best": "best"}
    buttons = widgets.ToggleButtons(options=list(choices), index=0, style={"button_width": "6em"})
    slider = widgets.SelectionSlider(
        options=[f"{step:.2f}" for step in steps],
        index=steps.index(p),
        description="sharpness p",
        style={"description_width": "initial"},
        layout={"width": "auto", "max_width": "44em"},
    )
    rows = []
    for step in steps:
        best = triangle(name, view, step).best
        psis = [np.full(3, 1 / 3) if psi is None else best if psi == "best" else psi for psi in choices.values()]
        leaves = html_leaves(panel(name, view, step, psi) for psi in psis)
        leaves[0].layout.width = "100%"  # they share one layout
        rows.append(widgets.Stack(leaves, selected_index=0, layout={"width": "100%"}))
        widgets.jslink((buttons, "index"), (rows[-1], "selected_index"))
    stack = widgets.Stack(rows, selected_index=slider.index, layout={"width": "100%"})
    widgets.jslink((slider, "index"), (stack, "selected_index"))
    return Explorer([slider, buttons, stack], "maca-psi-frames", "")


def panel(name: str, view: str, p: float, psi) -> str:
    """The triangle and beside it the numbers, as HTML."""
    now = triangle(name, view, round(float(p), 4))
    drawing = picture(name, view, round(float(p), 4), now, np.asarray(psi, dtype=float))
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0.5em 1em; align-items: center; line-height: 1.5">'
        f"{drawing}<div>{numbers(name, view, now, psi)}{kept(name, view, psi)}</div></div>"
    )


def numbers(name: str, view: str, now: Triangle, psi) -> str:
    """Mean and variance at psi, and what they are to be compared with."""
    psi, least = np.asarray(psi, dtype=float), float(now.variance(now.best))
    actions, agents = settings()[name].game.actions, settings()[name].game.agents
    actions = [f"action {label}" if label.isdigit() else label for label in actions]
    variance = float(now.variance(psi))
    ratio = f"{variance / least:.2f} × the least" if least > 1e-12 else "the least is 0"
    means = (
        ("" if view != TEAM else f"{agents[i]} ")
        + ", ".join(f"{action} {signed(round(entry, 4))}" for action, entry in zip(actions, mean, strict=True))
        for i, mean in now.means.items()
    )
    rows = [
        ("mean gradient", "<br>".join(f'<span class="maca-psi-mean">{html.escape(text)}</span>' for text in means)),
        ("variance", f'<strong class="maca-psi-variance">{variance:.4f}</strong> ({ratio})'),
        ("ψ, the ring", weights(psi)),
        ("★, the least", f'<span class="maca-psi-least">{least:.4f}</span> at<br>{weights(now.best)}'),
        *((f"all {label[2:]}", f"{now.variance(np.eye(3)[m]):.4f}") for m, label in enumerate(NAMES)),
        ("best legal baseline", f"{now.floor:.4f}"),
    ]
    cell = "padding: 0 0.6em; border: none; background: none; text-align: left; vertical-align: top"
    body = "".join(
        f'<tr style="background: none"><th scope="row" style="{cell}; font-weight: normal">{head}</th>'
        f'<td style="{cell}">{text}</td></tr>'
        for head, text in rows
    )
    table = "border-collapse: collapse; font-variant-numeric: tabular-nums; color: inherit; margin: 0"
    return f'<table style="{table}"><tbody>{body}</tbody></table>'


def weights(psi) -> str:
    """A mixture in words: "Jnt 0.33, Ind 0.33, Cor 0.33"."""
    return ", ".join(f"{label[2:]} {max(0.0, weight):.2f}" for label, weight in zip(NAMES, psi, strict=True))


def kept(name: str, view: str, psi) -> str:
    """The components that occur in the game, in three rows by how much of them the mixture keeps."""
    setting = settings()[name]
    jnt, _, cor = psi
    if view == TEAM:
        rows = [(1.0, "every agent: what it belongs to"), (jnt + cor, "what else meets its CorrSet"), (jnt, "the rest")]
    else:
        (i,) = viewed(setting, view)
        corrset = set(setting.corrsets[i])
        own, near, far = [], [], []  # groups with i, without i but meeting its CorrSet, and the rest
        for H in occurring(name):
            (own if i in H else near if corrset & set(H) else far).append(word(setting, H))
        rows = [(w, ", ".join(names) or "none") for w, names in ((1.0, own), (jnt + cor, near), (jnt, far))]
    lines = "".join(
        '<div style="display: flex; gap: 0.6em; align-items: center">'
        '<span aria-hidden="true" style="flex: none; width: 5em; height: 0.8em; border: 1px solid; opacity: 0.8">'
        f'<span style="display: block; height: 100%; width: {100 * weight:.0f}%; background: #56B4E9"></span></span>'
        f'<span style="flex: none; width: 2.6em">{weight:.2f}</span><span>{html.escape(text)}</span></div>'
        for weight, text in rows
    )
    return f'<div class="maca-psi-kept" style="margin-top: 0.6em">Components kept, and with what weight:{lines}</div>'


@cache
def occurring(name: str) -> list[tuple[int, ...]]:
    """The groups that hold a component of the game: those inside a reward term, small ones first."""
    terms = [set(term.agents) for term in settings()[name].game.reward_terms]
    groups = exact.credit_spectrum(settings()[name].game.payoff(), settings()[name].policy(0.7))
    return [H for H in groups if H and any(set(H) <= term for term in terms)]


def word(setting: Setting, group) -> str:
    """A group as a word: (0, 1) is "AB"."""
    return "".join(setting.game.agents[i] for i in group)


def picture(name: str, view: str, p: float, now: Triangle, psi: np.ndarray) -> str:
    """The triangle as SVG: heat map, optimum (star), psi (ring) and the scale of colours."""
    best, here = now.best @ CORNERS, psi @ CORNERS
    low, high = scale(now)
    alt = (
        f"Gradient variance over all mixtures, {name}, {view}, p = {p:.2f}: from {low:.4g} at the star, "
        f"{weights(now.best)}, to {high:.4g}. The ring, {weights(psi)}, has {now.variance(psi):.4g}."
    )
    text = 'fill="currentColor" font-size="14"'
    outline = " ".join(f"{x:g},{y:g}" for x, y in CORNERS)
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 340 358" '
        'style="flex: 0 1 320px; min-width: 240px; max-width: 320px" font-family="sans-serif">'
        f'<image x="30" y="34" width="280" height="242" href="data:image/png;base64,{heat_map(name, view, p)}"/>'
        f'<polygon points="{outline}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="170" y="22" text-anchor="middle" {text}>Jnt</text>'
        f'<text x="30" y="302" text-anchor="middle" {text}>Ind</text>'
        f'<text x="310" y="302" text-anchor="middle" {text}>Cor</text>'
        f'<text x="{best[0]:.1f}" y="{best[1] + 8:.1f}" text-anchor="middle" font-size="25" fill="#fff" stroke="#000" '
        'stroke-width="1.2">★</text>'
        f'<circle cx="{here[0]:.1f}" cy="{here[1]:.1f}" r="8" fill="none" stroke="#000" stroke-width="5"/>'
        f'<circle cx="{here[0]:.1f}" cy="{here[1]:.1f}" r="8" fill="none" stroke="#fff" stroke-width="2.5"/>'
        f'{colour_scale()}<text x="30" y="352" {text}>{low:.3g}</text>'
        f'<text x="310" y="352" text-anchor="end" {text}>{high:.3g}</text>'
        f'<text x="170" y="352" text-anchor="middle" {text}>variance</text></svg>'
    )


@cache
def colours() -> np.ndarray:
    """The colours of the bands, `[BANDS, 3]`, cividis."""
    rgba = plt.get_cmap("cividis")(np.linspace(0, 1, BANDS))
    return np.round(255 * rgba[:, :3]).astype(np.uint8)


@cache
def colour_scale() -> str:
    """The bands of colour side by side, as SVG."""
    step = 280 / BANDS
    return "".join(
        f'<rect x="{30 + k * step:.2f}" y="318" width="{step + 0.3:.2f}" height="14" fill="rgb({r},{g},{b})"/>'
        for k, (r, g, b) in enumerate(colours())
    )


@cache
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """Which pixels `[HEIGHT, WIDTH]` lie in the triangle, and psi for each of these, `[number, 3]`."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    jnt = 1 - y / HEIGHT
    cor = x / WIDTH - jnt / 2
    psi = np.stack([jnt, 1 - jnt - cor, cor], axis=-1)
    inside = (psi >= -0.003).all(axis=-1)  # half a pixel more, which the outline covers
    return inside, psi[inside]


def scale(now: Triangle) -> tuple[float, float]:
    """The least and the largest variance in the triangle; a quadratic that curves upwards is largest at a corner."""
    return float(now.variance(now.best)), float(now.variance(np.eye(3)).max())


@lru_cache(maxsize=64)
def heat_map(name: str, view: str, p: float) -> str:
    """The triangle's colours as a PNG, base64; the rest is transparent."""
    now, (inside, psi) = triangle(name, view, p), pixels()
    low, high = scale(now)
    span = high - low
    share = (now.variance(psi) - low) / span if span > 1e-12 * (1 + high) else np.zeros(len(psi))
    bands = np.full((HEIGHT, WIDTH), BANDS, dtype=np.uint8)  # one colour more, which is transparent
    bands[inside] = np.clip((share * BANDS).astype(int), 0, BANDS - 1)
    image = Image.fromarray(bands)
    image.putpalette([*colours().ravel().tolist(), 0, 0, 0])
    buffer = io.BytesIO()
    image.save(buffer, format="png", transparency=BANDS)
    return base64.b64encode(buffer.getvalue()).decode()


def views_of(name: str) -> list[str]:
    """What can be looked at in a game: each agent, and the team."""
    return [*settings()[name].game.agents, TEAM]


def check_psi_explorer(mode, game, view, p) -> None:
    """One sentence about what is wrong with the arguments, if anything."""
    if mode not in ("live", "frames"):
        raise ValueError(f'mode={mode!r}; allowed are "live" and "frames"')
    if game not in settings():
        raise ValueError(f"game={game!r}; allowed are {', '.join(map(repr, settings()))}")
    if view not in views_of(game):
        raise ValueError(f"view={view!r}; in {game!r} allowed are {', '.join(map(repr, views_of(game)))}")
    if not isinstance(p, int | float) or not 0.5 <= p <= 0.99:
        raise ValueError(f"p={p!r}; allowed are numbers from 0.5 to 0.99")
