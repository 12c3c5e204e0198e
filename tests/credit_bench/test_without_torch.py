"""The bench works where torch cannot be imported."""

import subprocess
import sys

PROGRAM = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked")

sys.meta_path.insert(0, Blocked())
from maca_edu.credit_bench import check

check(lambda batch: batch.returns[:, None] - batch.baselines[1])
try:
    check(lambda batch: batch.returns[:, None] * 0 + batch.action)
except AssertionError as error:
    print(error)
assert "torch" not in sys.modules
"""


def test_no_torch():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("yours ")
