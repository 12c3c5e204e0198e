"""The examples of "Tables, figures and verdicts" are what the commands print, and its sentences are true of them."""

import re
import sys
from pathlib import Path

import pytest

from maca_edu.experiments.reports.comparison import compare, parse_arm

BOOK = Path(__file__).parents[2] / "book"
sys.path.insert(0, str(BOOK))
import reports  # noqa: E402

GUIDE = (BOOK / "guides" / "reports.md").read_text(encoding="utf-8")
RESULTS = (BOOK / "guides" / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", reports.PRINTED)
def test_examples_are_what_the_commands_print(name):
    assert (BOOK / "data" / "reports" / name).read_text(encoding="utf-8") == reports.printed(reports.PRINTED[name])


def test_the_guide_shows_examples_and_pictures_that_are_there():
    shown = set(re.findall(r"\.\./data/reports/(\S+)", GUIDE))
    assert shown <= set(reports.PRINTED)
    pictures = set(re.findall(r"\.\./_static/(reports_\w+\.png)", GUIDE))
    results = set(re.findall(r"\.\./_static/(results_\w+\.png)", RESULTS))
    assert set(reports.DRAWN) | {"reports_attention.png"} == pictures | results
    assert all((BOOK / "_static" / name).stat().st_size > 10_000 for name in pictures | results)


def test_claims_of_the_guide():
    """What its sentences say of the examples."""
    data = BOOK / "data"
    (fridge,) = compare(parse_arm(f"{data}/fridge:maca"), parse_arm(f"{data}/fridge:ppo-sum"), margin=0.5)
    assert fridge.improvement == pytest.approx(0.65)
    (fridge,) = compare(parse_arm(f"{data}/fridge:maca"), parse_arm(f"{data}/fridge:ppo-mix"), margin=0.5)
    assert fridge.improvement == pytest.approx(0.55)
    (battle,) = compare(parse_arm(f"{data}/smax_2s3z:maca"), parse_arm(f"{data}/smax_2s3z:mappo"))
    assert battle.verdict.word == "equivalent"
    assert [sample.seeds for sample in battle.samples] == [5, 5]
