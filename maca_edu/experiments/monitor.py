"""What a person sees of a run: a progress bar and TensorBoard's curves while it trains, a summary at its end."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from maca_edu.training.findings import FEWEST

# Columns of metrics.csv that stand beside the progress bar, and their short names there.
BESIDE_THE_BAR = {
    "return_mean": "return",
    "greedy_return_mean": "return, greedy",
    "win_rate": "wins",
    "greedy_win_rate": "wins, greedy",
}


class Monitor:
    """Shows the rows of metrics as they come: `monitor(row)` after every update, `close()` at the end.

    out: the run's directory, where TensorBoard's files go; None: none are written. done, steps: environment-steps taken
    so far, and at the end of the run. bar: show a progress bar on the error stream.
    """

    def __init__(self, out: str | Path | None, done: int, steps: int, bar: bool):
        self.events = None
        if out is not None:
            from maca_edu.experiments.events import Events  # imports TensorBoard, which takes a while

            self.events = Events(Path(out) / "tensorboard", done + 1)
        self.bar = tqdm(total=steps, initial=done, unit=" steps", unit_scale=True, disable=not bar, dynamic_ncols=True)

    def __call__(self, row: dict) -> None:
        """Show one row of metrics.csv; it is a dict because every method and environment adds columns of its own."""
        measured = {name: value for name, value in row.items() if not math.isnan(value)}
        self.bar.update(row["env_steps"] - self.bar.n)
        beside = {short: f"{measured[name]:.3g}" for name, short in BESIDE_THE_BAR.items() if name in measured}
        if beside:
            self.bar.set_postfix(beside, refresh=False)
        if self.events is not None:
            self.events.add(row["env_steps"], {x: measured[x] for x in measured if x not in ("update", "env_steps")})

    def close(self) -> None:
        """Finish the progress bar and TensorBoard's file."""
        self.bar.close()
        if self.events is not None:
            self.events.close()


def summary(run) -> str:
    """Three lines about a finished `loop.Run`: what it was, what it reached, and what its time was spent on."""
    metrics, settings = run.metrics, run.settings
    steps, updates = metrics["env_steps"][-1], metrics["update"][-1]
    reached = "no episode ended"
    last_return = mean_of_last_ten(metrics, "return_mean")
    if math.isfinite(last_return):
        reached = f"return {last_return:.3f}"
    last_win_rate = mean_of_last_ten(metrics, "win_rate")
    if math.isfinite(last_win_rate):
        reached += f", won {100 * last_win_rate:.0f} %"
    seconds = {name: metrics[f"{name}_seconds"].sum() for name in ("env", "act", "learn")}
    total = sum(seconds.values())
    shares = ", ".join(f"{100 * part / total:.0f} % {name}" for name, part in seconds.items())
    return "\n".join([
        f"{settings['method']} on {settings['env']}, seed {settings['seed']}: {steps:,} steps, {updates} updates",
        f"last ten updates: {reached}",
        f"{total:,.0f} s, {steps / total:,.0f} steps/s: {shares}",
    ])  # fmt: skip


def noticed(run) -> str:
    """What a finished `loop.Run` noticed about itself, a line each; see the guide "Why does my team not learn?"."""
    if len(run.metrics["update"]) < FEWEST:
        return f"noticed: nothing, because fewer than {FEWEST} updates are too few to tell"
    if not run.findings:
        return "noticed: nothing"
    return "\n".join(f"noticed: {finding.sentence}." for finding in run.findings)


def mean_of_last_ten(metrics: dict[str, np.ndarray], name: str) -> float:
    """The mean of a column over the last ten updates, leaving out NaN; NaN where nothing was measured."""
    last = metrics.get(name, np.array([]))[-10:]
    known = last[~np.isnan(last)]
    return float(known.mean()) if len(known) else math.nan
