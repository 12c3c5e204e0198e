"""Every folder of results says where it comes from."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "book" / "data"
SWEEPS = sorted(DATA.rglob("sweep.json"))
CLAIMS = (DATA.parent / "claims.md").read_text(encoding="utf-8")

# Made before sweeps wrote down commit, processor and hours. The page "For every claim, its command" says so.
EARLY = {
    "ch14/long_ring", "ch14/ring", "deviations/critics_q", "deviations/expected", "deviations/methods",
    "deviations/one_step", "deviations/raw", "fridge", "fridge_paper", "practice", "smax_2s3z", "spread",
    "table2/smacv2_5_units", "table3/smacv2_5_units", "units/maca_mlp", "units/maca_units", "units/smax_2s3z_apart",
    "units/smax_2s3z_epochs", "units/smax_2s3z_mlp", "units/smax_2s3z_plain", "units/smax_2s3z_plus",
    "units/smax_2s3z_sums", "units/smax_2s3z_units", "units/smax_2s3z_whole",
}  # fmt: skip


def about(folder: str) -> dict:
    return json.loads((DATA / folder / "sweep.json").read_text())


@pytest.mark.parametrize("folder", [str(file.parent.relative_to(DATA)) for file in SWEEPS])
def test_a_sweep_says_where_it_comes_from(folder):
    wanted = {"command", "date", "versions"} | (set() if folder in EARLY else {"commit", "processor", "cpu_hours"})
    known = about(folder)
    assert wanted <= known.keys()
    assert "unknown" not in (known.get("commit"), known.get("processor"))


def test_early_folders_are_named():
    """Those whose commit was found by a run that was made again, and those without any."""
    found = {folder for folder in EARLY if "commit" in about(folder)}
    for folder in found:
        assert "afterwards" in about(folder)["commit_found"]
    families = {folder.split("/")[0] for folder in EARLY - found}
    start = CLAIMS.index("lack the commit, the processor")
    listed = CLAIMS[start : CLAIMS.index("Their code is older")]
    for family in families:
        assert f"`{family}" in listed, family
