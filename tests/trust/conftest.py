"""The programs of this folder import each other, and two test modules of the experiments, by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
sys.path.insert(0, str(Path(__file__).parent))
