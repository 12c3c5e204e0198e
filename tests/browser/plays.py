"""What a reader does with the labs' explorers, and what must then be seen."""

from playwright.sync_api import Locator, expect

# Fridge, one agent after the other: who lifts now, and the team's reward then.
# A's backpack pays 2, the fridge 6 once A, B and C all lift, and every lift costs 1.
FRIDGE = {"A": "+1", "B": "0", "C": "+5", "D": "+4"}


def play_fridge(console: Locator):
    """Let everybody rest, then lift one after the other, by mouse and by keyboard in turn."""
    total = console.locator(".maca-console-total:visible")
    rest, lift = (console.get_by_role("button", name=action) for action in ("rest", "lift"))
    for agent in range(len(FRIDGE)):
        rest.nth(agent).click()
    expect(total).to_have_text("0")
    for agent, reward in enumerate(FRIDGE.values()):
        if agent % 2:
            lift.nth(agent).press("Enter")
        else:
            lift.nth(agent).click()
        expect(total).to_have_text(reward)


def move_frames(frames: Locator):
    """Move the slider from one end to the other; every place has its own label, and the ends their own picture."""
    slider, label = frames.get_by_role("slider"), frames.locator(".maca-frames-label:visible")
    slider.focus()
    slider.press("Home")
    first, picture = label.inner_text(), shown(frames)
    slider.press("ArrowRight")
    expect(label).not_to_have_text(first)
    slider.press("End")
    expect(label).not_to_have_text(first)
    assert shown(frames) != picture
    slider.press("Home")
    expect(label).to_have_text(first)
    assert shown(frames) == picture


def shown(frames: Locator) -> str:
    """The frame that is visible, as HTML."""
    return frames.locator(".widget-html-content:visible").last.inner_html()
