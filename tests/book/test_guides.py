"""The guides' commands exist: every option that they name, every environment and every file."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from maca_edu import envs

GUIDES = sorted((Path(__file__).parents[2] / "book" / "guides").glob("*.md"))


@cache
def help_of(command):
    """What the command prints of its options."""
    words = [sys.executable, "-m", "maca_edu", command, "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_options_and_environments_exist(page):
    text = page.read_text()
    commands = ("train", "evaluate", "sweep", "curves", "watch", "credit", "budget", "envs", "doctor", "bench")
    commands += ("table", "figure", "compare", "credit-bench")
    help_texts = {command: help_of(command) for command in commands if f"maca-edu {command}" in text}
    for line in re.findall(r"^.*maca-edu [a-z-]+ .*$", text, re.MULTILINE):
        for command, words in re.findall(r"maca-edu ([a-z-]+)([^`\n#]*)", line):
            assert command in commands, line
            for option in re.findall(r"(?<![\w=\"])--[a-z-]+", words):
                assert option in help_texts[command], f"{option} in: {line}"
    for name in re.findall(r"--envs? ((?:toy|mpe|jaxmpe|smax|smac|smacv2)/\w+)", text):
        assert name in envs.names(), name
    everything = help_texts.get("train", "")
    for option in re.findall(r"^\* `(--[a-z-]+)", text, re.MULTILINE):
        assert option in everything, option
