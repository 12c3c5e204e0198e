"""Multi-agent credit assignment, from games solved by hand to MACA.

`maca_edu.train`, `maca_edu.load` and `maca_edu.evaluate` train teams; torch is imported when one of them is first used.
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    if name not in ("train", "load", "evaluate"):
        raise AttributeError(f"module 'maca_edu' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("maca_edu.experiments.run"), name)
