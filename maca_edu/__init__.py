"""Multi-agent credit assignment, from games solved by hand to MACA.

`maca_edu.train`, `maca_edu.load` and `maca_edu.evaluate` train teams, and `maca_edu.load_shipped` loads a run that
comes with the library; torch is imported when one of them is first used.
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    modules = {"train": "run", "load": "run", "evaluate": "run", "load_shipped": "shipped"}
    if name not in modules:
        raise AttributeError(f"module 'maca_edu' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"maca_edu.experiments.{modules[name]}"), name)
