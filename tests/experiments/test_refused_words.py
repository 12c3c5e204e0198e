"""What tyro refuses is one sentence: the option, the value, and what is allowed."""

import pytest

from maca_edu.cli import COMMANDS, main

CASES = [
    (["table"], "maca-edu table needs NUMBER (1, 2, 3, 5, 6, 16, 17); see maca-edu table --help"),
    (["table", "4"], "NUMBER='4'; allowed are 1, 2, 3, 5, 6, 16, 17"),
    (["train", "--out", "new", "--lr", "x"], "--lr='x'; allowed are positive numbers"),
    (["train", "--out", "new", "--lr=x"], "--lr='x'; allowed are positive numbers"),
    (["train", "--out", "new", "--lr", "1", "--lr", "nan nan"], "--lr='nan nan'; allowed are positive numbers"),
    (["train", "--out", "new", "--lr", "-1"], "lr=-1.0; allowed are positive numbers"),
    (["train", "--out", ""], "--out=''; allowed are paths of files and folders"),
    (["train", "--out", "new", "--seed", "2.5"], "--seed='2.5'; allowed are integers"),
    (["train", "--out", "new", "--batch", "y"], "--batch='y'; allowed are integers and None"),
    (["train", "--out", "new", "--save_every", "y"], "--save-every='y'; allowed are integers"),
    (["train", "--out", "new", "--device", "tpu"], "--device='tpu'; allowed are auto, cpu, cuda"),
    (["train", "--out", "new", "--method", "nothing"], "method='nothing'; allowed are "),
    (["train", "--out", "new", "--actor-sizes", "a", "b"], "--actor-sizes=['a', 'b']; allowed are one width or more"),
    (["train", "--out", "new", "--clip"], "--clip lacks a value; allowed are positive numbers"),
    (["train", "--out", "new", "--critic-betas", ".5"], "--critic-betas lacks a value; allowed are 2 of numbers"),
    (
        ["train", "--out", "new", "--lrr", "1"],
        "there is no '--lrr'; allowed are those that maca-edu train --help lists",
    ),
    (["train"], "maca-edu train needs --out (paths of files and folders); see maca-edu train --help"),
    (["sweep", "--out", "new", "--steps", "1"], "envs is missing; name a plan, one of toys,"),
    (
        ["train", "--lrr"],
        "needs --out (paths of files and folders), and there is no '--lrr'; see maca-edu train --help",
    ),
    (["evaluate"], "maca-edu evaluate needs RUN (paths of files and folders); see maca-edu evaluate --help"),
    (["evaluate", ""], "RUN holds the empty word; allowed are paths of files and folders"),
    (["evaluate", "run", "stray"], "there is no 'stray'; allowed are those that maca-edu evaluate --help lists"),
    (["doctor", "x"], "PART='x'; allowed are everything, starcraft"),
    (["trane"], "there is no 'trane'; allowed are those that maca-edu --help lists"),
    ([], "maca-edu needs a command; allowed are class-copy, grade, own-games, own-grades, train"),
]
SWEEP = ["sweep", "--out", "new", "--envs", "toy/xor", "--methods", "maca", "--steps", "512"]
CASES += [
    (
        [*SWEEP, "--options", "--lr 0.1"],
        "--options lacks a value, since '--lr 0.1' begins with --; write --options=\"--lr 0.1\"",
    ),
    ([*SWEEP, "--options"], "--options lacks a value; allowed are words"),
    ([*SWEEP, "--options=--lr x"], "options='--lr x': --lr='x'; allowed are positive numbers"),
    (
        [*SWEEP, "--options=--seed 1"],
        "options='--seed 1': there is no '--seed'; allowed are --batch, --preset, --save-every",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), CASES, ids=lambda case: " ".join(case)[:50])
def test_one_sentence_and_nothing_else(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("maca-edu: ")
    assert sentence in said.err
    assert (len(said.err.splitlines()), said.out) == (1, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [[], *([command] for command in sorted(COMMANDS))], ids=str)
def test_help_remains(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert not stop.value.code
    assert f"usage: maca-edu {' '.join(words)}".strip() in capsys.readouterr().out
