"""Multi-agent credit assignment, from games solved by hand to MACA.

`maca_edu.train`, `maca_edu.load` and `maca_edu.evaluate` train teams, and `maca_edu.load_shipped` loads a run that
comes with the library; torch is imported when one of them is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; whoever runs the program waits until it is asked for
    from maca_edu.experiments.run import evaluate as evaluate
    from maca_edu.experiments.run import load as load
    from maca_edu.experiments.run import train as train
    from maca_edu.experiments.shipped import load_shipped as load_shipped

__version__ = "0.1.0"
LATER = {"train": "run", "load": "run", "evaluate": "run", "load_shipped": "shipped"}  # where in maca_edu.experiments


def __getattr__(name: str):
    if name not in LATER:
        raise AttributeError(f"module 'maca_edu' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"maca_edu.experiments.{LATER[name]}"), name)
