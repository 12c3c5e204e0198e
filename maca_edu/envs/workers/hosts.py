"""Who holds copies of a game: what every host offers, and the host in the calling process."""

from __future__ import annotations

from typing import Protocol

from maca_edu.envs.workers.commands import Command
from maca_edu.envs.workers.copies import Copies, Plan, report
from maca_edu.envs.workers.single import Broken


class Host(Protocol):
    """Holds some of the copies. Commands are carried out in two halves, so that all hosts work at the same time."""

    rows: list[int]  # which of the batch's B copies it holds
    failures: int  # how often in a row it was lost; counted by `Vector`

    def begin(self, command: Command) -> None:
        """Start to carry out a command, with new copies if there are none."""

    def finish(self) -> str | None:
        """Wait until it is carried out. Returns why the host is lost, None where all is well.

        Raises RuntimeError where a copy raised an exception that is not `Broken`.
        """

    def say_goodbye(self) -> None:
        """Ask the copies to close; `wait` and `kill` follow."""

    def wait(self, until: float) -> None:
        """Wait for them to close, until `time.monotonic()` is `until`."""

    def kill(self) -> None:
        """Give up the copies and all that belongs to them; the next command makes new ones."""


class LocalHost:
    """The host of copies in the calling process. Nothing can stop a copy that hangs."""

    def __init__(self, plan: Plan):
        self.plan, self.rows, self.failures = plan, plan.rows, 0
        self.copies: Copies | None = None

    def begin(self, command: Command) -> None:
        """Take note of the command; `finish` carries it out."""
        self.command = command

    def finish(self) -> str | None:
        """Carry out the command. Returns why the copies are lost, None where all is well.

        Raises a ValueError of a copy's as it is, any other exception as RuntimeError.
        """
        try:
            if self.copies is None:
                self.copies = Copies(self.plan, before_reset=lambda: None)
            self.copies.carry_out(self.command)
        except Broken as error:
            return str(error)
        except ValueError:  # a wrong option or a wrong game: its sentence is the message
            raise
        except Exception as error:
            raise RuntimeError(report(self.rows, error)) from error
        return None

    def say_goodbye(self) -> None:
        """Nothing: `kill` closes the copies."""

    def wait(self, until: float) -> None:
        """Nothing to wait for."""

    def kill(self) -> None:
        """Close the copies."""
        copies, self.copies = self.copies, None
        if copies is not None:
            copies.close()
