"""What one sees of a run: a progress bar, TensorBoard's curves, and at the end a picture and a summary."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from maca_edu.files import whole_file

PURPOSES = {"return_mean": "return", "greedy_return_mean": "return, greedy", "win_rate": "wins"}
PURPOSES |= {"greedy_win_rate": "wins, greedy"}


class Monitor:
    """Called with every row of metrics.

    out: the run's directory, where TensorBoard's events go, or None. done, steps: environment-steps already taken, and
    to be taken in all. bar: show a progress bar on the error stream.
    """

    def __init__(self, out, done: int, steps: int, bar: bool):
        self.writer, options = None, dict(unit=" steps", unit_scale=True, disable=not bar, dynamic_ncols=True)
        self.bar = tqdm(total=steps, initial=done, **options)
        if out is not None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(Path(out) / "tensorboard"), purge_step=done + 1)

    def __call__(self, row: dict) -> None:
        self.bar.update(row["env_steps"] - self.bar.n)
        seen = {short: row[name] for name, short in PURPOSES.items() if not math.isnan(row.get(name, math.nan))}
        if seen:
            self.bar.set_postfix({short: f"{value:.3g}" for short, value in seen.items()}, refresh=False)
        if self.writer is not None:
            for name, value in row.items():
                if name not in ("update", "env_steps") and not math.isnan(value):
                    self.writer.add_scalar(name, value, row["env_steps"])

    def close(self) -> None:
        """End the bar and the events."""
        self.bar.close()
        if self.writer is not None:
            self.writer.close()


def draw(metrics: dict[str, np.ndarray], title: str, path) -> None:
    """The learning curve as a picture: returns, and wins where there are any, over environment-steps."""
    import matplotlib.style
    from matplotlib.figure import Figure

    wins = "win_rate" in metrics
    with matplotlib.style.context(str(files("maca_edu") / "maca.mplstyle")):
        figure = Figure(figsize=(10 if wins else 6, 4), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, 2 if wins else 1))
        for ax, name, label in zip(
            axes, ("return_mean", "win_rate"), ("return of the team", "share won"), strict=False
        ):
            steps = metrics["env_steps"]
            (line,) = ax.plot(steps, smooth(metrics[name]), label="as it learned, running mean")
            ax.plot(steps, metrics[name], color=line.get_color(), alpha=0.25, linewidth=1)
            if (greedy := metrics.get(f"greedy_{name}")) is not None:
                seen = ~np.isnan(greedy)
                ax.plot(steps[seen], greedy[seen], "o", label="greedy, fresh seeds")
            ax.legend()
            ax.set(xlabel="environment-steps", ylabel=label)
            if name == "win_rate":
                ax.set_ylim(-0.02, 1.02)
        figure.suptitle(title)
        with whole_file(path) as temporary:
            figure.savefig(temporary)


def smooth(x: np.ndarray) -> np.ndarray:
    """The mean over the last twentieth of the entries, those that are not a number left out."""
    width = max(len(x) // 20, 1)
    parts = (x[max(k - width, 0) : k] for k in range(1, len(x) + 1))
    return np.array([np.nanmean(part) if np.isfinite(part).any() else math.nan for part in parts])


def summary(run) -> str:
    """Three lines about a finished run: what it was, what it reached, what it cost."""
    m, s = run.metrics, run.settings
    last = np.nanmean(m["return_mean"][-10:]) if np.isfinite(m["return_mean"][-10:]).any() else math.nan
    reached = f"return {last:.3f}" if math.isfinite(last) else "no episode ended in the last updates"
    if "win_rate" in m and np.isfinite(m["win_rate"][-10:]).any():
        reached += f", won {100 * np.nanmean(m['win_rate'][-10:]):.0f} %"
    spent = {name: m[f"{name}_seconds"].sum() for name in ("env", "act", "learn")}
    total = sum(spent.values())
    shares = ", ".join(f"{100 * seconds / total:.0f} % {name}" for name, seconds in spent.items())
    return "\n".join([
        f"{s['method']} on {s['env']}, seed {s['seed']}: {m['env_steps'][-1]:,} steps, {m['update'][-1]} updates",
        f"last ten updates: {reached}",
        f"{total:,.0f} s, {m['env_steps'][-1] / total:,.0f} steps/s: {shares}",
    ])  # fmt: skip
