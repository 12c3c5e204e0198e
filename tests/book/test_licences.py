"""The page of licences names every pinned package, in the pinned version."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

import licences


def test_every_pin_has_its_row():
    assert {name: version for name, (version, _) in licences.rows().items()} == licences.pins()


def test_no_licence_is_empty():
    assert all(words for _, words in licences.rows().values())


@pytest.mark.parametrize("package", ["numpy", "pytest", "jupyterlab"])
def test_what_an_installed_package_says_stands_there(package):
    assert licences.rows()[package][1] == licences.licence(package).replace("|", "/")
