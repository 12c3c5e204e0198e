"""The joint-action console shows, for every joint action, exactly what the game pays: live, and without a kernel."""

import re
from itertools import product

import nbformat
import numpy as np
import pytest

from maca_edu.course import build as builder
from maca_edu.widgets import console
from maca_edu.widgets.console import bar, panel, signed
from toy_envs import OneShotGame, RewardTerm, climb_v0, fridge_v0, ring_v0


def total(text):
    """The number in the panel's last line."""
    cell = re.search(r'class="maca-console-total"[^>]*>([^<]*)<', text)[1]
    return float(cell.replace("−", "-"))


def parts(explorer):
    """The buttons of every agent and what is shown beside them."""
    (beside,) = explorer.children
    column, shown = beside.children
    return [row.children[1] for row in column.children], shown


@pytest.mark.parametrize("game", [fridge_v0.game(), climb_v0.game(), ring_v0.game(n_agents=5)])
def test_live_every_joint_action_shows_its_payoff(game):
    buttons, shown = parts(console(game))
    assert [button.options for button in buttons] == [game.actions] * game.n_agents
    for action in product(range(game.n_actions), repeat=game.n_agents):
        for button, a in zip(buttons, action, strict=True):
            button.index = a
        assert total(shown.value) == pytest.approx(game.payoff()[action])


def test_frames_hold_every_panel_and_follow_the_buttons_without_a_kernel(tmp_path):
    """The stored notebook alone: set the buttons, carry their index along the links, and read the panel on top."""
    source, target = tmp_path / "90_console.md", tmp_path / "90_console.ipynb"
    header = "---\njupytext:\n  text_representation: {extension: .md, format_name: myst}\n---\n\n"
    code = "from maca_edu.widgets import console\nfrom toy_envs import fridge_v0\n"
    code += "console(fridge_v0.game(), mode='frames', action=[1, 1, 1, 0])"
    source.write_text(f"{header}```{{code-cell}} ipython3\n{code}\n```\n")
    builder.build(source, target)
    state = nbformat.read(target, as_version=4).metadata["widgets"][builder.WIDGETS]["state"]
    models = {f"IPY_MODEL_{key}": model for key, model in state.items()}
    links = [model["state"] for model in models.values() if model["model_name"] == "LinkModel"]
    buttons = [key for key, model in models.items() if model["model_name"] == "ToggleButtonsModel"]
    (outer,) = [model for model in models.values() if "maca-console" in model["state"].get("_dom_classes", [])]
    beside = models[outer["state"]["children"][0]]["state"]["children"]
    assert len(buttons) == 4

    def shown():
        top = models[beside[1]]
        while top["model_name"] == "StackModel":
            top = models[top["state"]["children"][top["state"]["selected_index"]]]
        return top["state"]["value"]

    payoff = fridge_v0.game().payoff()
    assert total(shown()) == payoff[1, 1, 1, 0] == 5
    for action in product(range(2), repeat=4):
        for button, a in zip(buttons, action, strict=True):
            models[button]["state"]["index"] = a
        for link in links:
            (source_key, source_name), (target_key, target_name) = link["source"], link["target"]
            models[target_key]["state"][target_name] = models[source_key]["state"][source_name]
        assert total(shown()) == payoff[action]


def test_the_panel_names_every_term_with_its_agents_level_and_payment():
    text = panel(fridge_v0.game(), [1, 1, 1, 1])
    rows = re.findall(r"<tr.*?</tr>", text)[1:-1]
    cells = [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]
    assert cells == [
        ["fridge", "ABC", "3", "+6", ""],
        ["backpack", "A", "1", "+2", ""],
        ["effort_A", "A", "1", "−1", ""],
        ["effort_B", "B", "1", "−1", ""],
        ["effort_C", "C", "1", "−1", ""],
        ["effort_D", "D", "1", "−1", ""],
    ]
    assert total(text) == 4


def test_names_are_escaped():
    game = OneShotGame(1, 2, [RewardTerm("<b>", (0,), [0.0, 1.0])], name="escape")
    assert "&lt;b&gt;" in panel(game, [1])


def test_a_game_that_pays_nothing_can_be_shown():
    game = OneShotGame(2, 2, [RewardTerm("nothing", (0, 1), np.zeros((2, 2)))], name="nothing")
    assert total(panel(game, [1, 0])) == 0


@pytest.mark.parametrize(
    ("number", "text"), [(6.0, "+6"), (-0.25, "−0.25"), (0.0, "0"), (-0.0, "0"), (1 / 3, "+0.3333")]
)
def test_payments_carry_their_sign(number, text):
    assert signed(number) == text


def test_bars_grow_from_the_middle():
    assert "left: 50.0%; width: 25.0%" in bar(3, 6)
    assert "left: 0.0%; width: 50.0%" in bar(-6, 6)


@pytest.mark.parametrize(
    ("game", "options", "message"),
    [
        (ring_v0.game(n_agents=6), {}, "'ring_v0' has 6 agents; the console has room for at most 5"),
        (fridge_v0.game(), {"mode": "film"}, "mode='film'; allowed are live, frames"),
        (fridge_v0.game(), {"action": [0, 1]}, "expected 4 numbers from 0 to 1"),
        (fridge_v0.game(), {"action": [0, 1, 2, 0]}, "expected 4 numbers from 0 to 1"),
        (
            OneShotGame(4, 3, [RewardTerm("t", (0,), np.zeros(3))]),
            {"mode": "frames"},
            "81 joint actions; .* at most 64",
        ),
        ("fridge", {}, "game is a str; the console plays a OneShotGame"),
    ],
)
def test_wrong_arguments_are_one_sentence(game, options, message):
    with pytest.raises(ValueError, match=message):
        console(game, **options)


def test_the_console_says_what_it_is_where_widgets_cannot_be_shown():
    assert repr(console(fridge_v0.game())).startswith("Joint-action console of fridge_v0: run this cell")
