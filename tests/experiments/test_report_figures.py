"""Figures of results: which panels and arms they have, that something is drawn, and that one is drawn again."""

import json
import shlex
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from made_results import battles, write_results

import maca_edu
from maca_edu.cli import main
from maca_edu.experiments.reports import attention, figures
from maca_edu.experiments.reports.results import by_env, curves_of, read_results
from maca_edu.experiments.statistics import t_interval
from maca_edu.team_env import View
from maca_edu.training.config import Config

ROOT = Path(__file__).parents[2]
RERUN = ROOT / "book" / "data" / "reports" / "rerun"


def drawn(path):
    """The pixels of a picture."""
    pixels = matplotlib.image.imread(path)[..., :3]
    assert pixels.std() > 0
    return pixels


@pytest.mark.parametrize(
    ("number", "envs"),
    [(2, ["smax/smacv2_5_units", "smax/protoss_5_vs_5"]), (5, ["smax/5m_vs_6m"]), (3, ["smax/5m_vs_6m"])],
)
def test_a_figure_shows_its_own_tasks(tmp_path, number, envs):
    runs = read_results([battles(tmp_path / "r")])
    said = figures.draw_curves(number, runs, tmp_path / "f.png")
    drawn(tmp_path / "f.png")
    shown = list(dict.fromkeys(line.split(":")[0] for line in said.splitlines()[1:]))
    assert shown == envs
    assert "of 8M steps; 3 of 5 seeds" in said or number == 2


def test_a_figure_without_its_own_tasks_shows_all(tmp_path):
    folder = write_results(tmp_path / "r", {("toy/a", "maca"): [1, 2], ("toy/b", "maca"): [3]}, wins=False)
    said = figures.draw_curves(4, read_results([folder]), tmp_path / "f.png")
    assert [line.split(":")[0] for line in said.splitlines()[1:]] == ["toy/a", "toy/b"]


def test_figure_3_has_a_panel_for_either_kind_of_ablation():
    arms = {name: [] for name in ("maca", "mappo", "maca-jnt", "maca-nojnt", "coma")}
    panels = figures.panels_of(3, {"smax/x": arms})
    assert [list(panel.arms) for panel in panels] == [["maca", "mappo", "maca-jnt"], ["maca", "maca-nojnt"]]
    assert [panel.title for panel in figures.panels_of(2, {"smax/x": arms})] == ["smax/x"]


def test_a_panel_has_means_and_t_intervals(tmp_path):
    runs = read_results([battles(tmp_path / "r", envs=("smax/5m_vs_6m",))])
    (arms,) = by_env(runs).values()
    _, (ax,) = figures.grid(1, 3)
    figures.draw_panel(ax, figures.Panel("smax/5m_vs_6m", "", arms), figures.looks(arms))
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines.keys() == arms.keys()
    for (name, group), band in zip(arms.items(), ax.collections, strict=True):
        steps, values = curves_of(group, "greedy_win_rate")
        np.testing.assert_allclose(lines[name].get_xdata(), steps)
        np.testing.assert_allclose(lines[name].get_ydata(), values.mean(axis=0))
        low, high = t_interval(values)
        ends = band.get_paths()[0].get_extents()
        assert (ends.y0, ends.y1) == pytest.approx((low.min(), high.max()))


def test_arms_are_told_apart():
    looks = figures.looks([str(k) for k in range(21)])
    assert len({(look["color"], look["linestyle"]) for look in looks.values()}) == 21


@pytest.mark.parametrize("which", figures.TOGETHER)
@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_tasks_together(tmp_path, which, ending):
    battles(tmp_path / "r")
    picture = tmp_path / "new" / f"f.{ending}"
    assert main(["figure", which, str(tmp_path / "r"), "--out", str(picture)]) == 0
    assert picture.stat().st_size > 5_000


def test_what_cannot_be_put_together(tmp_path):
    one = write_results(tmp_path / "one", {("smax/3m", "maca"): [0.5], ("smax/3m", "mappo"): [0.5, 0.6]})
    with pytest.raises(ValueError, match="an arm has one seed only"):
        figures.draw_together("profiles", read_results([one]), tmp_path / "f.png")
    games = {("toy/a", "maca"): [1, 2], ("toy/b", "maca"): [3, 4]}
    with pytest.raises(ValueError, match="the tasks cannot be put together"):
        figures.draw_together("profiles", read_results([write_results(tmp_path / "g", games, wins=False)]), "f.png")
    alone = read_results([write_results(tmp_path / "a", {("smax/3m", "maca"): [0.5, 0.6]})])
    with pytest.raises(ValueError, match="no arm beside 'maca'"):
        figures.draw_together("improvement", alone, tmp_path / "f.png")


# ---------------------------------------------------------------------------------------------------------------------
# Figure 6


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run with attention and memory."""
    out = tmp_path_factory.mktemp("run") / "maca"
    maca_edu.train(
        "toy/warehouse?preset=practice", "maca", 64, batch=4, out=out, config=Config(rollout=8, recurrent=True)
    )
    return out


def test_figure_6_is_what_the_critic_says(run):
    """Attention after three steps, with memory, against one pass of the critic over the whole episode."""
    loaded, stage = maca_edu.load(run), attention.film.stage("toy/warehouse?preset=practice")
    moment = attention.moment_of(loaded.learner, stage, 7, 3)
    np.testing.assert_allclose(moment.attention.sum(axis=1), 1, atol=1e-5)
    assert (moment.corrset == ((moment.attention >= 1 / 3) | np.eye(3, dtype=bool))).all()
    view, seen, policy = stage.reset(7), [], loaded.policy
    for step in range(4):
        batched = View(*(x[None] for x in view))
        seen.append(torch.from_numpy(batched.obs))
        view = stage.step(policy(batched, np.array([step == 0]))[0]).view
    critic, first = loaded.learner.critic, torch.tensor([True, False, False, False])
    encoding, _ = critic.net(torch.cat(seen), critic.blank_memory(1, "cpu"), first)
    np.testing.assert_allclose(encoding.attentions[0][-1].mean(dim=0).detach(), moment.attention, atol=1e-5)


def test_figure_6_is_drawn(run, tmp_path, capsys):
    assert main(["figure", "6", str(run), "--out", str(tmp_path / "six.png"), "--step", "2"]) == 0
    drawn(tmp_path / "six.png")
    assert "maca on toy/warehouse?preset=practice, seed 0: step 2 of an episode" in capsys.readouterr().out
    assert main(["figure", "6", str(run), "--out", str(tmp_path / "six.png"), "--step", "1000"]) == 2
    assert "step=1000; the episode is over after" in capsys.readouterr().err


def test_a_critic_without_attention_has_no_figure_6(tmp_path, capsys):
    maca_edu.train("toy/fridge", "mappo", 32, batch=4, out=tmp_path / "run", config=Config(rollout=8))
    assert main(["figure", "6", str(tmp_path / "run"), "--out", str(tmp_path / "six.png")]) == 2
    assert "the critic of 'mappo' has no attention" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# A committed figure, made again


def test_a_committed_figure_is_drawn_again(tmp_path):
    """From the committed data come the committed pixels, but for a few on edges."""
    figures.draw_curves(2, read_results([RERUN]), tmp_path / "again.png")
    before, now = drawn(ROOT / "book" / "_static" / "reports_rerun.png"), drawn(tmp_path / "again.png")
    assert before.shape == now.shape
    assert (np.abs(before - now).max(axis=-1) > 0.1).mean() < 0.01


def test_the_runs_of_a_committed_figure_are_run_again(tmp_path):
    """The command in sweep.json gives the committed curves. Another processor may round differently, and then an action
    is drawn differently, so means over seeds are compared, with room: the curves go from 0 to 5."""
    words = shlex.split(json.loads((RERUN / "sweep.json").read_text())["command"])
    assert words[:2] == ["maca-edu", "sweep"]
    assert main([*words[1:], "--out", str(tmp_path / "again"), "--processes", "1"]) == 0
    before, now = (by_env(read_results([folder]))["toy/fridge"] for folder in (RERUN, tmp_path / "again"))
    assert before.keys() == now.keys()
    for arm in before:
        was, found = (curves_of(runs[arm], "return_mean") for runs in (before, now))
        assert was.steps.tolist() == found.steps.tolist()
        np.testing.assert_allclose(found.values.mean(axis=0), was.values.mean(axis=0), atol=0.5)
