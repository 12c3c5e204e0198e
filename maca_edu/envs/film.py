"""Films of episodes: .gif, or .mp4 where the package imageio-ffmpeg is installed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from maca_edu.checks import check_integer
from maca_edu.envs import mpe, options, pettingzoo, pictures, smax
from maca_edu.envs.smax_scenarios import KINDS
from maca_edu.files import whole_file
from maca_edu.installing import install_command
from maca_edu.team_env import View
from maca_edu.training.loop import Run

LONG_FILM = 25  # an episode of so many pictures or more is shown fast
SLOW, FAST, HOLD = 700, 140, 1600  # milliseconds: between steps of short and of long episodes, and at the end


class Shown(NamedTuple):
    """What a stage's step returns; arrays have no batch axis."""

    view: View
    reward: float
    over: bool  # the episode has ended
    won: bool | None  # None where there is no winning


class Stage(Protocol):
    """One copy of an environment that can be drawn."""

    def reset(self, seed: int) -> View:
        """Begin an episode, decided by the seed."""

    def step(self, action: np.ndarray) -> Shown:
        """Play a joint action, `[n]` or `[n, A]`. The next episode begins with `reset` only."""

    def draw(self) -> np.ndarray | Image.Image:
        """A picture of what is now, or of how the episode ended. Raises ValueError where the game gives none."""

    def close(self) -> None:
        """Give everything back."""


class SingleStage:
    """One copy of a PettingZoo game. paint(single) draws it; None: the game draws itself."""

    def __init__(self, single: pettingzoo.ParallelSingle, paint: Callable | None = None):
        self.single, self.paint = single, paint

    def reset(self, seed: int) -> View:
        """Begin an episode."""
        return self.single.reset(seed)

    def step(self, action: np.ndarray) -> Shown:
        """Play a joint action."""
        step = self.single.step(action)
        return Shown(step.view, step.reward, step.terminated or step.truncated, step.won)

    def draw(self) -> np.ndarray | Image.Image:
        """A picture. Raises ValueError where the game gives none."""
        picture = self.single.render() if self.paint is None else self.paint(self.single)
        if picture is None:
            raise ValueError("the game draws nothing with render_mode='rgb_array'")
        return picture

    def close(self) -> None:
        """Give everything back."""
        self.single.close()


class SmaxStage:
    """One battle of SMAX."""

    def __init__(self, name: str):
        bare, chosen = options.split(name)
        query = "&".join(f"{key}={json.dumps(value)}" for key, value in {**chosen, "state": "raw"}.items())
        self.env = smax.make(f"{bare}?{query}", 1)  # the pictures need the raw state, which policies do not see

    def reset(self, seed: int) -> View:
        """Begin a battle."""
        view, self.shots = self.env.reset(seed), []
        self.units = units_in(view.state[0])
        return View(*(x[0] for x in view))

    def step(self, action: np.ndarray) -> Shown:
        """Play a joint action, and note who shoots at whom."""
        allies = self.env.n_agents
        self.shots = [(i, allies + a - smax.MOVES) for i, a in enumerate(action) if a >= smax.MOVES]
        step = self.env.step(action[None])
        self.units = units_in(step.final.state[0], self.units)
        over = bool(step.terminated[0] or step.truncated[0])
        return Shown(View(*(x[0] for x in step.final)), float(step.reward[0]), over, bool(step.won[0]))

    def draw(self) -> Image.Image:
        """A picture of the units."""
        return pictures.battle(self.units, self.env.n_agents, self.shots, KINDS)

    def close(self) -> None:
        """Give everything back."""
        self.env.close()


def units_in(state: np.ndarray, before: smax.Units | None = None) -> smax.Units:
    """The units of one battle, from JaxMARL's raw world state.

    state: [s], of u units: ten numbers of each (health, x, y, ...), then u teams, then u kinds. It does not say where
    the dead are: they stay where they were `before`. Returns arrays without a batch axis.
    """
    count = len(state) // 12
    each = state[: 10 * count].reshape(count, 10)
    position, health = each[:, 1:3].copy(), each[:, 0]
    if before is not None:
        position[health <= 0] = before.position[health <= 0]
    return smax.Units(position, health, state[11 * count :].astype(np.int64))


def stage(name: str) -> Stage:
    """The stage on which the environment called `name` is played and drawn. Raises ValueError where it cannot be."""
    bare, chosen = options.split(name)
    family, _, game = bare.partition("/")
    if family == "smax":
        return SmaxStage(name)
    if family == "mpe":
        return SingleStage(mpe.single(name), lambda single: pictures.particles(single.env.game.world))
    if family == "pettingzoo":
        return SingleStage(pettingzoo.single(name, render_mode="rgb_array"))
    if family == "toy":
        drawn = pettingzoo.build(name, f"toy_envs.{game}_v0", "parallel_env", chosen | {"render_mode": "rgb_array"})
        return SingleStage(pettingzoo.ParallelSingle(drawn))
    raise ValueError(f"env={name!r} cannot be filmed; films are made of toy/..., mpe/..., smax/... and pettingzoo/...")


class Page(NamedTuple):
    """A picture of a film."""

    picture: Image.Image
    milliseconds: int  # how long it stands


def record(player, env: str, path, episodes: int = 1, seed: int = 0) -> Path:
    """Film episodes of a player.

    player: a `loop.Run`, or a function player(view, first) that returns actions, `[1, n]` or `[1, n, A]`. The view has
        a batch of one; first, bool `[1]`, says whether an episode begins.
    env: the environment's name. path: a file that ends in .gif or .mp4; an old one is replaced.
    seed: decides all that is random in the game.
    Returns the path. Raises ValueError where the path ends otherwise, a package is missing or the environment cannot be
    drawn.
    """
    path, episodes = Path(path), check_integer("episodes", episodes, 1)
    write = writer(path)
    act = player.policy if isinstance(player, Run) else player
    played = stage(env)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_file(path) as temporary:
            write(temporary, pages(act, played, env, episodes, seed))
    finally:
        played.close()
    return path


def pages(act: Callable, played: Stage, name: str, episodes: int, seed: int) -> Iterator[Page]:
    """The pages of a film: for each episode its beginning and every step."""
    for episode, its_seed in enumerate(np.random.SeedSequence(seed).generate_state(episodes)):
        title = name if episodes == 1 else f"{name}   episode {episode + 1} of {episodes}"
        shots = list(play_episode(act, played, title, int(its_seed)))
        wait = SLOW if len(shots) < LONG_FILM else FAST
        for shot in shots[:-1]:
            yield Page(shot, wait)
        yield Page(shots[-1], HOLD)


def play_episode(act: Callable, played: Stage, title: str, seed: int) -> Iterator[Image.Image]:
    """Play an episode: pictures of its beginning and of every step, with the title and the return so far."""
    view, first = played.reset(seed), np.array([True])
    total, steps, over = 0.0, 0, False
    yield pictures.titled(played.draw(), title, "start")
    while not over:
        action = act(View(*(x[None] for x in view)), first)[0]
        view, reward, over, won = played.step(np.asarray(action))
        total, steps, first = total + reward, steps + 1, np.array([False])
        words = f"step {steps}   return {_signed(total)}"
        if over and won is not None:
            words += "   won" if won else "   not won"
        yield pictures.titled(played.draw(), title, words)


def _signed(number: float) -> str:
    """The number with two digits after the point, and with a true minus sign, not a hyphen."""
    return f"{number:.2f}".replace("-", "\N{MINUS SIGN}")


def writer(path: Path) -> Callable:
    """The function that writes films of the path's ending. Raises ValueError where that is neither .gif nor .mp4."""
    if path.suffix == ".gif":
        return write_gif
    if path.suffix != ".mp4":
        raise ValueError(f"out={str(path)!r}; allowed are names that end in .gif or .mp4")
    try:
        importlib.import_module("imageio_ffmpeg")
    except ModuleNotFoundError:
        command = install_command("film")
        raise ValueError(f"out={str(path)!r}: an .mp4 needs imageio-ffmpeg; {command}; or write a .gif") from None
    return write_mp4


def write_gif(path: Path, film: Iterator[Page]) -> None:
    """Write an animated .gif that plays for ever."""

    def frames():
        for picture, wait in film:
            frame = picture.quantize(128, dither=Image.Dither.NONE)
            frame.info["duration"] = wait
            yield frame

    rest = frames()
    first = next(rest)
    first.save(path, save_all=True, append_images=rest, duration=None, loop=0)


def write_mp4(path: Path, film: Iterator[Page], rate: int = 25) -> None:
    """Write an .mp4 of `rate` pictures a second."""
    import imageio_ffmpeg

    movie = None
    for picture, wait in film:
        if movie is None:
            movie = imageio_ffmpeg.write_frames(str(path), picture.size, fps=rate, macro_block_size=2)
            movie.send(None)
        for _ in range(max(round(wait * rate / 1000), 1)):
            movie.send(np.asarray(picture).tobytes())
    movie.close()
