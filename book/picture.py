"""Draw the picture of the README and the start page, book/_static/fridge_credit.png: python book/picture.py"""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from maca_edu import exact
from maca_edu.widgets import style
from toy_envs import fridge_v0
from toy_envs.render import draw_one_shot

OUT = Path(__file__).parent / "_static" / "fridge_credit.png"
ACTION = (1, 1, 1, 0)  # A, B and C lift, D rests


def rules(q, policy) -> dict[str, list[float]]:
    """What four rules say each agent earned by ACTION."""
    individual = [exact.advantage(q, policy, [i])[ACTION] for i in range(q.ndim)]
    joint = [exact.advantage(q, policy, range(q.ndim))[ACTION]] * q.ndim
    return {
        "difference reward (against resting)": exact.difference_rewards(q, np.array(ACTION), 0),
        "individual advantage (COMA)": individual,
        "Shapley value": exact.shapley_values(q, policy, np.array(ACTION)),
        "joint advantage (MAPPO)": joint,
    }


def main() -> None:
    style.use()
    game = fridge_v0.game()
    q, policy = game.payoff(), np.full((4, 2), 0.5)
    figure = Figure(figsize=(12, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    draw_one_shot(left, game, np.array(ACTION))
    for k, (name, credit) in enumerate(rules(q, policy).items()):
        right.bar(np.arange(4) + (k - 1.5) * 0.2, credit, 0.18, label=name)
    right.axhline(0, color="black", linewidth=0.8)
    right.set_xticks(range(4), [f"agent {name}" for name in game.agents])
    right.set_ylabel("credit")
    right.set_title("Who earned it? Four rules, four answers")
    right.legend(loc="upper right", fontsize=11)
    figure.savefig(OUT, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
