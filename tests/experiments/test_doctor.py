"""What `maca-edu doctor` and `maca-edu doctor starcraft` say, in every state of a machine."""

import importlib.util
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from maca_edu.envs import starcraft
from maca_edu.envs.starcraft_configs import MAPS, SCENARIOS, map_file
from maca_edu.experiments import doctor


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine where everything is there; its parts are taken away by the tests."""
    packages = dict(smacv2="1.0.0", pysc2="4.0.0", s2clientprotocol="5.0.17.98310.0", protobuf="3.20.3")
    outcome = SimpleNamespace(returncode=0, stderr="")
    there = set(packages)
    monkeypatch.setattr(doctor, "installed", packages.get)
    monkeypatch.setattr(doctor, "find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: outcome)
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.delenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", raising=False)
    program = tmp_path / "Versions" / "Base75689" / "SC2_x64"
    maps = tmp_path / "Maps" / "SMAC_Maps"
    for folder in (program.parent, maps):
        folder.mkdir(parents=True)
    program.touch(0o755)
    for task in (*MAPS, *SCENARIOS):
        (maps / map_file(task)).touch()
    return SimpleNamespace(packages=packages, there=there, outcome=outcome, program=program, maps=maps, home=tmp_path)


def faults():
    """The lines that are not well, and the last one."""
    *lines, last = doctor.starcraft()
    assert all(line.startswith(("ok       ", "missing  ", "wrong    ")) for line in lines)
    return [line for line in lines if not line.startswith("ok")], last


def test_all_is_there(machine):
    wrong, last = faults()
    assert wrong == []
    assert last.startswith("All is there. A first run: maca-edu train --env smacv2/")
    assert any("Base75689 (4.10.0)" in line for line in doctor.starcraft())
    assert any("24 maps in" in line for line in doctor.starcraft())


def test_the_first_run_it_proposes_can_be_asked_for(machine, monkeypatch, tmp_path, capsys):
    """The command line understands it, up to the package that it needs."""
    from maca_edu import cli

    monkeypatch.setitem(sys.modules, "smacv2", None)
    monkeypatch.chdir(tmp_path)
    assert cli.main(doctor.FIRST_RUN.split()[1:]) == 2
    assert "env='smacv2/terran_5_vs_5' needs the package smacv2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda m: (m.packages.pop("pysc2"), m.there.discard("pysc2")), "missing  the package pysc2; get it with"),
        (lambda m: m.packages.update(protobuf="6.33.0"), "wrong    protobuf 6.33.0: .*pip install protobuf==3.20.3"),
        (lambda m: m.packages.pop("protobuf"), "missing  the package protobuf"),
        (
            lambda m: m.outcome.__dict__.update(returncode=1, stderr="Traceback\nModuleNotFoundError: no absl\n"),
            "wrong    smacv2 cannot be imported: ModuleNotFoundError: no absl; install what it names",
        ),
        (lambda m: m.outcome.__dict__.update(returncode=-11), "wrong    smacv2 cannot be imported: exit code -11"),
        (lambda m: m.program.unlink(), "missing  .*SC2_x64, the game's program"),
        (lambda m: m.program.chmod(0o644), r"wrong    .*SC2_x64 may not be run; chmod \+x"),
        (
            lambda m: [m.program.unlink(), m.program.parent.rmdir()],
            "missing  .*Versions holds no version of the game .*unpack Blizzard's Linux package",
        ),
        (lambda m: (m.maps / "3m.SC2Map").unlink(), "missing  3m.SC2Map in .*SMAC_Maps.zip"),
        (
            lambda m: [path.unlink() for path in m.maps.iterdir()],
            "missing  10m_vs_11m.SC2Map, 1c3s5z.SC2Map, 25m.SC2Map and 21 more in",
        ),
    ],
)
def test_one_thing_is_wrong(machine, harm, message):
    harm(machine)
    wrong, last = faults()
    assert len(wrong) == 1
    assert re.match(message, wrong[0])
    assert last.startswith("1 to mend, in this order; ")
    assert "book/guides/starcraft.md" in last


def test_nothing_is_there(machine, monkeypatch):
    machine.packages.clear(), machine.there.clear()
    machine.packages["smac"] = "1.0"
    monkeypatch.setenv("SC2PATH", str(machine.home / "nowhere"))
    wrong, last = faults()
    assert len(wrong) == 6
    assert "the package named smac is something else" in wrong[0]
    assert wrong[4].startswith(f"missing  StarCraft II in {machine.home / 'nowhere'} (SC2PATH); unpack")
    assert last.startswith("6 to mend")
    monkeypatch.delenv("SC2PATH")
    assert any("SC2PATH is not set" in line for line in doctor.starcraft())


def test_a_copy_without_a_version_and_slow_messages_are_fine(machine, monkeypatch):
    machine.packages.pop("smacv2")
    machine.packages["protobuf"] = "5.29.1"
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    assert faults()[0] == []


def test_the_newest_version_counts(machine):
    for base in ("Base9999", "Base80949"):
        (machine.home / "Versions" / base).mkdir()
        (machine.home / "Versions" / base / "SC2_x64").touch(0o755)
    assert faults()[0] == []
    assert any("Base80949; SMACv2's published results were made with 4.10.0" in line for line in doctor.starcraft())


def test_an_import_that_hangs(machine, monkeypatch):
    def run(*_, **__):
        raise subprocess.TimeoutExpired("python", 120)

    monkeypatch.setattr(doctor.subprocess, "run", run)
    wrong, _ = faults()
    assert len(wrong) == 1
    assert "could not be imported in two minutes" in wrong[0]


def test_this_machine():
    """Whatever is installed here, and agreeing with what making an environment says."""
    wrong, _ = faults()
    package = importlib.util.find_spec("smacv2") is not None
    assert package == (not any("the package smacv2" in line for line in wrong))
    game = (starcraft.game_folder() / "Versions").is_dir()
    assert game or any("StarCraft II" in line for line in wrong)
    assert sys.version.split()[0] in doctor.report()[0]
    assert len(doctor.report()) == len(doctor.PARTS) + 2
