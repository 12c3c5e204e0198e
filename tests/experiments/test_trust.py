"""A stranger's run imports nothing that the user has not named, and writes nowhere else."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import maca_edu
from maca_edu.cli import main
from maca_edu.experiments import trust
from maca_edu.experiments.watch import watch
from maca_edu.training.config import Config

GAME = """
from pathlib import Path
from toy_envs import xor_v0
Path(__file__).with_name("it_ran").touch()
def parallel_env(**options):
    return xor_v0.parallel_env(n_agents=2, **options)
"""


@pytest.fixture(scope="module")
def own_run(tmp_path_factory):
    """A run in a game of the user's own, and the folder with the game's module."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "evil_game.py").write_text(GAME)
    sys.path.insert(0, str(folder))
    try:
        config = Config(rollout=4, actor_sizes=(8,), critic_sizes=(8,), diagnose_every=0)
        maca_edu.train("pettingzoo/evil_game", "mappo", 16, batch=2, config=config, out=folder / "run", processes=1)
        yield folder
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def strangers(own_run):
    """The same, as somebody else's: nothing of it is imported yet."""
    sys.modules.pop("evil_game", None)
    (own_run / "it_ran").unlink(missing_ok=True)
    return own_run


def test_no_module_that_only_the_run_names_is_imported(strangers, capsys, tmp_path):
    run, film = strangers / "run", tmp_path / "film.gif"
    for use in (maca_edu.load, maca_edu.evaluate, lambda run: watch(run, film)):
        with pytest.raises(ValueError, match=r"module 'evil_game' would be imported.*trust_env='evil_game'"):
            use(run)
    credit = ["credit", str(run), "--out", str(tmp_path / "credit")]
    for words in (["evaluate", str(run)], ["watch", str(run), "--out", str(film)], credit):
        capsys.readouterr()
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "--trust-env evil_game" in line
        assert "pip install" not in line
        assert main([*words, "--trust-env", "another_game"]) == 2
        assert main([*words, "--trust-env", "pettingzoo"]) == 2
    assert not (strangers / "it_ran").exists()
    assert "evil_game" not in sys.modules
    assert not film.exists()


@pytest.mark.parametrize("word", ["evil_game", "pettingzoo/evil_game"])
def test_a_module_that_the_user_names_is_imported(strangers, capsys, tmp_path, word):
    run, film = str(strangers / "run"), str(tmp_path / "film.gif")
    assert main(["evaluate", run, "--episodes", "2", "--trust-env", word]) == 0
    assert main(["watch", run, "--out", film, "--trust-env", word]) == 0
    assert (strangers / "it_ran").exists()
    loaded = maca_edu.load(run, trust_env=word)
    assert maca_edu.evaluate(loaded, 2)["return_std"] >= 0  # a run in hand needs no second word


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ("pettingzoo/antigravity", None),
        ("pettingzoo/venv.__main__", None),
        ("pettingzoo/os", None),
        ("pettingzoo/", None),
        ("pettingzoo/mpe2", None),
        ("pettingzoo/mpe2.simple_spread_v3.evil", None),
        ("pettingzoo/toy_envs.adapter", None),
        ("pettingzoo/evil?n=1", "pettingzoo/evil?n=2"),
        ("toy/ring?n_agents=1000000000", None),
        ("toy/ring?n_agents=1e300", None),
        ("toy/fridge?x=[[1e9]]", None),
    ],
)
def test_what_is_not_trusted(env, word):
    with pytest.raises(ValueError, match="the run's environment is"):
        trust.trusted(env, word)
    assert trust.trusted(env, env) == env


def test_what_needs_no_word():
    for env in ("toy/ring?n_agents=8", "mpe/simple_spread", "smax/2s3z", "smac/3m", "pettingzoo/toy_envs.fridge_v0"):
        assert trust.trusted(env, None) == env
    assert trust.trusted("pettingzoo/mpe2.simple_spread_v3?reward=sum&N=3", None)
    with pytest.raises(ValueError, match="env='os/path'"):
        trust.trusted("os/path", "path")


def test_a_film_and_a_log_follow_no_link(tmp_path, capsys):
    """`watch --out run/film.gif`, where the stranger has put links for it."""
    run = tmp_path / "run"
    maca_edu.train("toy/xor?n_agents=2", "mappo", 64, batch=2, out=run, processes=1)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (run / "film.gif").symlink_to(victim)
    assert main(["watch", str(run), "--out", str(run / "film.gif")]) == 0
    assert victim.read_text() == "mine"
    assert (run / "film.gif").read_bytes().startswith(b"GIF89a")

    log = tmp_path / "sweep" / "toy-xor-n_agents=2" / "mappo" / "0.log.txt"
    log.parent.mkdir(parents=True)
    log.symlink_to(victim)
    words = ["sweep", "--out", str(tmp_path / "sweep"), "--envs", "toy/xor?n_agents=2", "--methods", "mappo"]
    assert main([*words, "--steps", "256", "--seeds", "1", "--processes", "1"]) == 2
    assert "0.log.txt' is not a plain file" in capsys.readouterr().err
    assert victim.read_text() == "mine"


def test_a_run_loaded_in_an_environment_of_ones_own_names_that(own_run, tmp_path):
    """Not the one in the stranger's config.json, which `evaluate` would make."""
    from maca_edu.envs import make
    from maca_edu.training import loop

    run = Path(shutil.copytree(own_run / "run", tmp_path / "run"))
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(settings | {"env": "pettingzoo/another"}))
    loaded = loop.load(make("toy/xor?n_agents=2", 1), run)
    assert loaded.settings["env"] == "toy/xor?n_agents=2"
    assert maca_edu.evaluate(loaded, 2)["return_std"] >= 0


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ("toy/fridge", ""),
        ("pettingzoo/toy_envs.xor_v0", ""),
        ("pettingzoo/my_game", " --trust-env my_game"),
        ("pettingzoo/my_package.my_game?size=3", " --trust-env my_package.my_game"),
        ("toy/ring?n_agents=200000", " --trust-env ring"),
    ],
)
def test_the_word_that_a_printed_command_needs(env, word):
    assert trust.word_of_trust(env) == word
    assert trust.trusted(env, word.removeprefix(" --trust-env ") or None) == env


def test_the_command_that_training_prints_can_be_typed(capsys, tmp_path):
    out = tmp_path / "my runs"
    assert (
        main(["train", "--env", "pettingzoo/toy_envs.xor_v0", "--method", "mappo", "--steps=2048", f"--out={out}"]) == 0
    )
    assert f"maca-edu evaluate '{out}'\n" in capsys.readouterr().out
