"""The cockpit: a moment of a trained run with all that MACA makes of it, beside the true credit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import ipywidgets as widgets
import numpy as np

from maca_edu.experiments.episode_record import Record, record_episode
from maca_edu.experiments.run import load
from maca_edu.experiments.shipped import NAMES, Shipped, load_shipped
from maca_edu.training.loop import Run
from maca_edu.widgets.cockpit_numbers import Flight, flight, read
from maca_edu.widgets.cockpit_panel import STYLE, numbers_panel, relations_panel, scene_panel
from maca_edu.widgets.frames import Explorer, html_leaves

TRAINED, OWN = "as trained", "own"
MIXTURES = {TRAINED: None, "thirds": (1 / 3, 1 / 3, 1 / 3), "Jnt": (1, 0, 0), "Ind": (0, 1, 0), "Cor": (0, 0, 1)}
FRAMES_SIGMA = (0.5, 0.9, 1.0, 1.1, 2.0)  # in units of 1/n
FRAMES_STEPS = 6  # moments that a page has room for
BESIDE = {"flex": "1 1 300px", "min_width": "0"}  # attention and CorrSets, to the right of the scene


def cockpit(
    run="ring", mode: str = "live", step: int | None = None, sigma: float | None = None, record: Record | None = None
) -> Explorer:
    """A moment of an episode: the scene, attention, CorrSets, psi, the three baselines, advantages and true credit.

    run: the name of a run that comes with the library, one of `shipped.NAMES`; or a `Shipped`, a `loop.Run`, or a run's
        directory, in its game an episode is then recorded with seed 0, which takes a while.
    mode: "live" asks the kernel: a slider for the step, sigma and psi. "frames" holds precomputed panels of at most
        six steps and needs no kernel, as in the book.
    step: the one shown first, from 1; None: the one with the most credit at stake. sigma: the threshold when the
        cockpit opens, in units of 1/n, 0 to 3; None: as trained. record: an episode of the run that you have.
    ValueError where an argument is not one of these, or the run has no attention to show.
    """
    if mode not in ("live", "frames"):
        raise ValueError(f'mode={mode!r}; allowed are "live" and "frames"')
    chosen = flight_of(run, record)
    T = chosen.record.steps
    if step is not None and (isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= T):
        raise ValueError(f"step={step!r}; allowed are 1 to {T}")
    if sigma is not None and (isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= 3):
        raise ValueError(f"sigma={sigma!r}; allowed are numbers from 0 to 3, in units of 1/n")
    first = most_at_stake(chosen) if step is None else step - 1
    sigma = round(chosen.sigma * len(chosen.agents), 2) if sigma is None else float(sigma)
    children = live_controls(chosen, first, sigma) if mode == "live" else framed_panels(chosen, first, sigma)
    text = f"MACA cockpit of {chosen.title}: run this cell to move through the episode, and to set sigma and psi."
    explorer = Explorer([widgets.HTML(STYLE), *children], "maca-cockpit", text)
    if mode == "live":
        explorer.add_class("maca-live")
    return explorer


def flight_of(run, record: Record | None = None) -> Flight:
    """The episode that the cockpit shows of a run, see `cockpit`. Raises ValueError as there."""
    if isinstance(run, str) and run in NAMES:
        run = load_shipped(run)
    if isinstance(run, Shipped):
        return flight(run.run, run.record if record is None else record, run.name)
    if not isinstance(run, Run):
        run = load_directory(run)
    return flight(run, record_episode(run) if record is None else record, run.settings["env"])


def load_directory(path) -> Run:
    """The run in a directory. ValueError where there is none, which also names the runs that come with the library."""
    try:
        return load(path)
    except (TypeError, ValueError) as error:
        allowed = ", ".join(map(repr, NAMES))
        raise ValueError(f"run={path!r}; allowed are {allowed}, or a run or its directory ({error})") from None


def most_at_stake(flight: Flight) -> int:
    """The step in which somebody's action mattered most."""
    return int(np.abs(flight.credit).max(axis=1).argmax())


# ---------------------------------------------------------------------------------------------------------------------
# Live


def live_controls(opened: Flight, first: int, sigma: float) -> list[widgets.Widget]:
    """Menus, sliders and three panels; a panel is written anew when something that it shows has changed."""
    look = {"style": {"description_width": "6em"}, "layout": {"width": "24em"}}
    titles = list(dict.fromkeys([opened.title, *NAMES]))
    runs = widgets.Dropdown(options=titles, value=opened.title, description="run", **look)
    step = widgets.IntSlider(first + 1, min=1, max=opened.record.steps, description="step", **look)
    play = widgets.Play(value=first + 1, min=1, max=opened.record.steps, interval=1000, show_repeat=False)
    threshold = widgets.FloatSlider(sigma, min=0, max=3, step=0.05, description="σ in 1/n", **look)
    mixture = widgets.Dropdown(options=[*MIXTURES, OWN], value=TRAINED, description="ψ", **look)
    jnt, cor = (widgets.FloatSlider(0.33, min=0, max=1, step=0.01, description=f"ψ {name}", **look)
                for name in ("Jnt", "Cor"))  # fmt: skip
    scene, relations, numbers = html_leaves(["", "", ""])
    flights = {opened.title: opened}
    pictures = {}  # of (run, step)

    def own() -> tuple[float, float, float]:
        return jnt.value, max(0.0, 1 - jnt.value - cor.value), cor.value

    def draw(change=None) -> None:
        now, at = flights[runs.value], step.value - 1
        n = len(now.agents)
        psi = own() if mixture.value == OWN else MIXTURES[mixture.value]
        reading = read(now, at, min(threshold.value / n, 1.0), psi)
        numbers.value = numbers_panel(now, at, reading)
        relations.value = relations_panel(now, at, reading)
        if (runs.value, at) not in pictures:  # last, for it takes longest
            pictures[runs.value, at] = scene_panel(now, at)
        scene.value = pictures[runs.value, at]

    def change_run(change) -> None:
        if runs.value not in flights:
            flights[runs.value] = flight_of(runs.value)
        now = flights[runs.value]
        with quiet(draw, step, threshold):
            step.value, step.max = 1, now.record.steps
            play.max = step.max
            step.value = most_at_stake(now) + 1
            threshold.value = round(now.sigma * len(now.agents), 2)
        draw()

    def change_weight(change) -> None:  # the weights must not sum to more than 1: raising one lowers the other
        other = cor if change["owner"] is jnt else jnt
        with quiet(draw, mixture), quiet(change_weight, other):
            mixture.value = OWN
            other.value = min(other.value, round(1 - change["new"], 2))
        draw()

    runs.observe(change_run, "value")
    for control in (step, threshold, mixture):
        control.observe(draw, "value")
    for control in (jnt, cor):
        control.observe(change_weight, "value")
    widgets.jslink((play, "value"), (step, "value"))
    draw()
    row = {"flex_flow": "row wrap", "align_items": "center"}
    relations.layout = widgets.Layout(**BESIDE)
    controls = widgets.Box([runs, step, play, threshold, mixture, jnt, cor], layout=row)
    return [controls, widgets.Box([scene, relations], layout=row), numbers]


@contextlib.contextmanager
def quiet(listener: Callable, *controls: widgets.Widget) -> Iterator[None]:
    """While this lasts, a function does not hear of changes of some controls."""
    for control in controls:
        control.unobserve(listener, "value")
    try:
        yield
    finally:
        for control in controls:
            control.observe(listener, "value")


# ---------------------------------------------------------------------------------------------------------------------
# Frames


def framed_panels(flight: Flight, first: int, sigma: float) -> list[widgets.Widget]:
    """Sliders for step and sigma, buttons for psi, and a panel for every choice, linked in the browser.

    The scene depends on the step; attention and CorrSets on step and sigma; the numbers on all three. Each is a Stack,
    of Stacks where it depends on more than one.
    """
    steps = frame_steps(flight.record.steps, first)
    thresholds = sorted({*FRAMES_SIGMA, sigma})
    look = {"style": {"description_width": "initial"}, "layout": {"width": "21em", "max_width": "100%"}}
    chosen = widgets.SelectionSlider(
        options=[str(t + 1) for t in steps], index=steps.index(first), description="step", **look
    )
    sigmas = widgets.SelectionSlider(
        options=[f"{x:.2f}" for x in thresholds], index=thresholds.index(sigma), description="σ in 1/n", **look
    )
    buttons = widgets.ToggleButtons(options=list(MIXTURES), description="ψ", style={"button_width": "6.5em"})
    n = len(flight.agents)

    def numbers(t: int, threshold: float) -> widgets.Stack:
        readings = [read(flight, t, min(threshold / n, 1.0), psi) for psi in MIXTURES.values()]
        return stack([numbers_panel(flight, t, reading) for reading in readings], buttons)

    def relations(t: int) -> widgets.Stack:
        readings = [read(flight, t, min(threshold / n, 1.0)) for threshold in thresholds]
        return stack([relations_panel(flight, t, reading) for reading in readings], sigmas)

    scene = stack([scene_panel(flight, t) for t in steps], chosen)
    related = stack([relations(t) for t in steps], chosen)
    counted = stack([stack([numbers(t, x) for x in thresholds], sigmas) for t in steps], chosen)
    row = {"flex_flow": "row wrap", "align_items": "center"}
    related.layout = widgets.Layout(**BESIDE)
    return [widgets.Box([chosen, sigmas], layout=row), buttons, widgets.Box([scene, related], layout=row), counted]


def frame_steps(steps: int, first: int) -> list[int]:
    """Which of T steps get a frame, from 0: all, or the first shown and others spread evenly."""
    if steps <= FRAMES_STEPS:
        return list(range(steps))
    spread = {round(x) for x in np.linspace(0, steps - 1, FRAMES_STEPS)}
    nearest = min(spread, key=lambda t: abs(t - first))
    return sorted(spread - {nearest} | {first})


def stack(leaves: list, control) -> widgets.Stack:
    """A Stack that shows the leaf of the control's index, in the browser; leaves: widgets or HTML texts."""
    if isinstance(leaves[0], str):
        leaves = html_leaves(leaves)
    made = widgets.Stack(leaves, selected_index=control.index)
    widgets.jslink((control, "index"), (made, "selected_index"))
    return made
