"""What a reader does with the labs' explorers, and what must then be seen."""

import re

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


def drag(page, explorer: Locator, number: int, share: float):
    """Drag a slider's handle with the mouse to a share of its track."""
    track = explorer.locator(".noUi-target").nth(number)
    track.scroll_into_view_if_needed()
    handle, place = track.locator(".noUi-handle").bounding_box(), track.bounding_box()
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(place["x"] + share * place["width"], y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)  # the last of the moves reaches the kernel and comes back


def read_sliders(explorer: Locator) -> list[float]:
    """The numbers that the sliders themselves show."""
    return [float(text) for text in explorer.locator(".widget-readout").all_inner_texts()]


def play_psi(explorer: Locator):
    """Choose the optimum: it has the least variance at every sharpness, and the mean does not depend on psi."""
    variance, least, mean = (
        explorer.locator(f".maca-psi-{what}:visible").first for what in ("variance", "least", "mean")
    )
    slider = explorer.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    explorer.get_by_role("button", name="Jnt", exact=True).click()
    joint, gradient = float(variance.inner_text()), mean.inner_text()
    explorer.get_by_role("button", name="best").click()
    expect(variance).to_have_text(least.inner_text())
    expect(mean).to_have_text(gradient)
    assert float(variance.inner_text()) < joint
    slider.press("End")
    expect(mean).not_to_have_text(gradient)
    expect(variance).to_have_text(least.inner_text())


def play_sigma(explorer: Locator, members: dict[str, str]):
    """Press keys on the slider of sigma, and read who is in the CorrSet; then scrub to the end of the training."""
    shown = explorer.locator(".maca-sigma-members:visible")
    sigma, learned = explorer.get_by_role("slider").all()
    for key, group in members.items():
        sigma.focus()
        sigma.press(key)
        expect(shown).to_have_text(group)
    variance = explorer.locator(".maca-sigma-variance:visible")
    before = variance.inner_text()
    learned.focus()
    learned.press("End")
    expect(variance).not_to_have_text(before)


def play_replay(player: Locator):
    """Scrub to the end and back, by keyboard and by mouse, then let it run."""
    slider, caption = player.get_by_role("slider"), player.locator(".maca-replay-caption:visible")
    slider.focus()
    slider.press("Home")
    expect(caption).to_contain_text("Step 0 of")
    slider.press("End")
    steps = int(re.search(r"Step (\d+) of \1\.", caption.inner_text())[1])
    slider.press("Home")
    slider.press("ArrowRight")
    expect(caption).to_contain_text(f"Step 1 of {steps}.")
    slider.press("Home")
    drag(player.page, player, 0, 0.6)
    (step,) = map(int, read_sliders(player))
    assert 0 < step < steps
    expect(caption).to_contain_text(f"Step {step} of {steps}.")
    slider.focus()
    slider.press("Home")
    play = player.get_by_role("button").first
    play.click()
    expect(caption).to_contain_text("Step 2 of", timeout=10_000)
    play.click()
    paused = caption.inner_text()
    player.page.wait_for_timeout(1_500)
    assert caption.inner_text() == paused
