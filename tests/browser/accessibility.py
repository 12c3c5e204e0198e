"""axe-core's findings on a page: what it calls serious or critical is a fault.

EXCEPTIONS is for rules that the theme breaks and we cannot mend; none is needed now, for names.js mends what the theme
broke.
"""

EXCEPTIONS: dict[str, str] = {}  # {rule of axe: why it cannot be kept}
# preload: axe would read the style sheets again, by requests that a browser does not allow from disk
RUN = """() => axe.run({resultTypes: ["violations"], preload: false}).then(({violations}) => violations.flatMap(rule =>
    rule.nodes.map(node => ({rule: rule.id, impact: rule.impact, where: node.target.join(" "), html: node.html}))))"""

# Colours that are still changing, as after a change of the theme, would be measured halfway
SETTLE = """() => document.getAnimations().forEach(change => change instanceof CSSTransition && change.finish())"""


def findings(page, axe: str) -> list[str]:
    """A line for each serious or critical finding on the page that is no exception; axe: the text of axe-core."""
    page.evaluate(f"{axe}; 0")
    page.evaluate(SETTLE)
    found = [each for each in page.evaluate(RUN) if each["impact"] in ("serious", "critical")]
    return [
        f"{each['rule']}: {each['where']}: {each['html'][:200]}" for each in found if each["rule"] not in EXCEPTIONS
    ]
