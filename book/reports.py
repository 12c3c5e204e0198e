"""Make what the guides "Tables, figures and verdicts" and "The paper's tables" print from the data in book/data.

    python book/reports.py

Each example is what a command printed or drew: its words stand in PRINTED or DRAWN.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from pathlib import Path

from maca_edu.cli import main as maca_edu
from maca_edu.files import write_whole

ROOT = Path(__file__).parents[1]
OUT = Path("book/data/reports")
PRINTED = {  # file -> command
    "table_6.md": "table 6",
    "table_2.md": "table 2",
    "table_3.md": "table 3",
    "table_16.md": "table 16",
    "table_17.md": "table 17",
    "compare_coma.txt": "compare book/data/table2/smacv2_5_units:coma book/data/table2/smacv2_5_units:mappo",
    "compare_remedies.txt": (
        "compare 'book/data/three_more:maca-ob value=units returns=corrected q-head=multilinear' "
        "book/data/table2/protoss_5_vs_5:mappo"
    ),
    "compare_epochs.txt": (
        "compare 'book/data/table16/protoss_5_vs_5:maca epochs=5 clip=0.1' "
        "'book/data/table16/protoss_5_vs_5:maca epochs=10 clip=0.1'"
    ),
    "compare_ind.txt": "compare book/data/table3:maca-ind book/data/table3:maca",
    "table_5.md": "table 5",
    "compare_ippo.txt": "compare book/data/table5/particles:ippo book/data/table5/particles:happo --margin 1",
    "compare_units.txt": "compare book/data/units/smax_2s3z_units book/data/units/smax_2s3z_mlp --measure curve",
    "compare_2s3z.txt": "compare book/data/smax_2s3z:maca book/data/smax_2s3z:mappo",
    "compare_spread.txt": "compare book/data/spread:maca book/data/spread:mappo --margin 1",
}
CHOSEN = "book/data/fridge --methods maca mappo ppo-mix ppo-sum"
DRAWN = {  # picture -> command
    "reports_rerun.png": "figure 2 book/data/reports/rerun",
    "results_figure_2.png": "figure 2",
    "results_figure_3.png": "figure 3",
    "results_figure_4.png": "figure 4",
    "results_figure_5.png": "figure 5",
    "reports_profiles.png": f"figure profiles {CHOSEN}",
    "reports_improvement.png": f"figure improvement {CHOSEN}",
    "reports_efficiency.png": "figure efficiency book/data/smax_2s3z",
}


def printed(command: str) -> str:
    """What a command prints, called in the project's folder."""
    text = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(text):
        if maca_edu(shlex.split(command)) != 0:
            raise ValueError(f"maca-edu {command} failed")
    return text.getvalue()


def main() -> None:
    """Write every text and every picture."""
    os.chdir(ROOT)
    for name, command in PRINTED.items():
        write_whole(OUT / name, printed(command))
    for name, command in DRAWN.items():
        printed(f"{command} --out book/_static/{name}")


if __name__ == "__main__":
    main()
