"""What `maca_edu.course` and `maca_edu.widgets` offer refuses wrong types in one sentence that names the argument."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from maca_edu import course, widgets
from maca_edu.course import class_copy, dividends, grade, learned_critic, my_labs, self_test
from maca_edu.widgets import style
from toy_envs import fridge_v0, warehouse_v0

NAN = float("nan")
WRONG = (None, "x", "", "a\nb", NAN, -1, True, 2.5, [], {}, object(), np.ones((2, 2)), np.array([NAN]), b"x")
WORDS = ("x", "", "a\nb")
TABLE = np.ones((2, 2))
GAME, WAREHOUSE = fridge_v0.game(), warehouse_v0.game()


def episode():
    """Two steps of everybody resting in the warehouse: states, actions, payments."""
    state = WAREHOUSE.reset(np.random.default_rng(0), 1)
    actions = np.zeros((2, len(WAREHOUSE.agents)), dtype=int)
    states, payments = [state], []
    for action in actions:
        step = WAREHOUSE.step(states[-1], action[None])
        states.append(step.state)
        payments.append(step.payments)
    return dict(states=np.concatenate(states), actions=actions, payments=np.concatenate(payments))


def figure():
    return plt.figure(figsize=(1, 1))


def exercise(**changes):
    return course.exercise(**dict(title="a", difficulty=1, minutes=2) | changes)


def replay(**changes):
    return widgets.replay(WAREHOUSE, **episode() | changes)


def random_games(**changes):
    return list(course.random_games(**changes))


CASES = [  # a function, the name of its argument, and which of WRONG are right
    (lambda game: widgets.console(game), "game", ()),
    (lambda mode: widgets.console(GAME, mode), "mode", ()),
    (lambda action: widgets.console(GAME, "live", action), "action", (None,)),
    (lambda fig: widgets.figure_frame(fig, "a"), "fig", ()),
    (lambda alt: widgets.figure_frame(figure(), alt), "alt", ("x", "a\nb")),
    (lambda fig: widgets.show(fig, "a"), "fig", ()),
    (lambda name: widgets.show(figure(), "a", name), "name", (None, *WORDS)),
    (lambda pictures: widgets.frames(pictures, [1, 2]), "pictures|labels", ()),
    (lambda labels: widgets.frames(["a", "b"], labels), "labels", ()),
    (lambda description: widgets.frames(["a"], [1], description), "description", WORDS),
    (lambda start: widgets.frames(["a"], [1], "", start), "start", ()),
    (lambda mode: widgets.psi_explorer(mode), "mode", ()),
    (lambda game: widgets.psi_explorer(game=game), "game", ()),
    (lambda view: widgets.psi_explorer(view=view), "view", ()),
    (lambda p: widgets.psi_explorer(p=p), "p", ()),
    (lambda mode: widgets.sigma_explorer(mode), "mode", ()),
    (lambda game: widgets.sigma_explorer(game=game), "game", ()),
    (lambda agent: widgets.sigma_explorer(agent=agent), "agent", (None,)),
    (lambda update: widgets.sigma_explorer(update=update), "update", (None,)),
    (lambda sigma: widgets.sigma_explorer(sigma=sigma), "sigma", (2.5,)),
    (lambda game: widgets.replay(game, **episode()), "game", ()),
    (lambda states: replay(states=states), "states", ()),
    (lambda actions: replay(actions=actions), "actions", ()),
    (lambda payments: replay(payments=payments), "payments", ()),
    (lambda credit: replay(credit=credit), "credit", (None, {})),
    (lambda start: replay(start=start), "start", ()),
    (style.agent_colour, "i", ()),
    (lambda k: style.level_colour(k), "k", ()),
    (lambda n_levels: style.level_colour(1, n_levels), "n_levels", ()),
    (lambda status: course.Verdict(status, ""), "status", ()),
    (lambda message: course.Verdict("correct", message), "message", WORDS),
    (lambda title: exercise(title=title), "title", WORDS),
    (lambda difficulty: exercise(difficulty=difficulty), "difficulty", ()),
    (lambda minutes: exercise(minutes=minutes), "minutes", ()),
    (lambda without: exercise(without=without), "without", WORDS),
    (lambda rng: course.random_game(rng, 2, 2), "rng", ()),
    (lambda n: course.random_game(np.random.default_rng(0), n, 2), "n", ()),
    (lambda A: course.random_game(np.random.default_rng(0), 2, A), "A", ()),
    (lambda count: random_games(count=count), "count", ()),
    (lambda seed: random_games(seed=seed), "seed", ()),
    (lambda name: course.record(name, 1.0), "name", WORDS),
    (lambda value: course.record("a", value), "value", (*WORDS, -1, 2.5)),
    (lambda answer: course.reveal(1, answer), "answer", (*WORDS, NAN, -1, True, 2.5)),
    (lambda because: course.reveal(1, 1, because), "because", WORDS),
    (lambda tolerance: course.reveal(1, 1, "", tolerance), "tolerance", (2.5,)),
    (lambda reason: course.reveal(1, 1, reason=reason), "reason", ("",)),
    (lambda payoff: dividends.anchored_terms(payoff, (0, 0)), "payoff|reference", (WRONG[11],)),
    (lambda reference: dividends.anchored_terms(TABLE, reference), "reference", ()),
    (lambda reference: dividends.dividends_by_group(TABLE, reference), "reference", ()),
    (dividends.all_groups, "n", ()),
    (lambda folder: list(grade.grade(folder)), "folder", ()),
    (lambda seconds: list(grade.grade("nowhere", seconds)), "seconds|folder", ()),
    (lambda out: grade.check_free(out, False), "out", ()),
    (lambda folder: class_copy.class_copy(folder, "nowhere"), "folder|labs", ()),
    (lambda labs: class_copy.class_copy("new", labs), "labs", ()),
    (lambda folder: my_labs.my_labs(folder, "nowhere"), "folder|labs", ()),
    (lambda labs: my_labs.my_labs("new", labs), "labs", ()),
    (self_test.check_part_one, "answers", ({},)),
    (lambda game: learned_critic.measured(game, "value"), "game", ()),
    (lambda column: learned_critic.measured("Ring", column), "column", ()),
]


@pytest.mark.parametrize(("call", "name", "right"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_a_wrong_type_is_named(tmp_path, monkeypatch, call, name, right):
    monkeypatch.chdir(tmp_path)
    for value in WRONG:
        if not any(value is one or (type(value) is type(one) is dict) for one in right):
            with pytest.raises(ValueError, match=rf"^[^\n]*\b({name})\b[^\n]*$"):
                call(value)
    plt.close("all")
    assert not list(tmp_path.iterdir())
