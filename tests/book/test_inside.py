"""The guide "Inside the learner" shows what the learner does today, and its example does what the text says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
GUIDE = BOOK / "guides" / "inside_the_learner.md"
sys.path.insert(0, str(BOOK))

import inside  # noqa: E402


@pytest.fixture(scope="module")
def walked():
    trainer = inside.make_trainer()
    return trainer, inside.walk(trainer)


def test_the_walk_is_the_update(walked):
    updated = inside.make_trainer()
    rollout, _, _ = updated.collect()
    updated.learner.update(rollout)
    assert inside.same_networks(walked[0], updated)
    assert not inside.same_networks(walked[0], inside.make_trainer())  # something was learned


def test_the_committed_records_are_what_the_walk_prints(walked):
    committed = {path.stem: path.read_text().rstrip("\n") for path in (BOOK / "data" / "inside").glob("*.txt")}
    assert committed == walked[1]


def test_the_guide_shows_every_piece(walked):
    shown = re.findall(r"\{literalinclude\} \.\./data/inside/(\w+)\.txt", GUIDE.read_text())
    assert shown == list(walked[1])


def test_an_advantage_of_your_own(tmp_path):
    """The guide's example prints what the guide says, and the message it shows is the one that comes."""
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL).group(1)
    example = tmp_path / "example.py"
    example.write_text(code)
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, cwd=BOOK.parent)
    assert done.stdout == "5.0\n", done.stderr
    other = code.replace("Maca\n", "ValueCritic\n").replace("critic=Maca", "critic=ValueCritic")
    example.write_text(other)
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, cwd=BOOK.parent)
    (message,) = re.findall(r"```text\n(advantage=.*?)\n```", GUIDE.read_text())
    assert message in done.stderr


def test_a_critic_of_your_own(tmp_path):
    """The guide's example prints what the guide says, and the message it shows is the one that comes."""
    _, code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    example = tmp_path / "example.py"
    example.write_text(code)
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, cwd=BOOK.parent)
    assert done.stdout == "5.0\n", done.stderr
    column = code.replace("(self.net(x.state).squeeze(-1),)", "(self.net(x.state),)")
    column = column.replace("denormalise(self.predict(x)[0])", "denormalise(self.predict(x)[0].squeeze(-1))")
    column = column.replace("CriticWords(self.predict(x),", "CriticWords((self.predict(x)[0].squeeze(-1),),")
    example.write_text(column)
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, cwd=BOOK.parent)
    (message,) = re.findall(r"```text\n(critic=.*?)\n```", GUIDE.read_text())
    assert message in done.stderr
