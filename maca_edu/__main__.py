"""`python -m maca_edu`, and the command `maca-edu`."""

import sys

from maca_edu import stopping


def main() -> int:
    """Run one command; returns the exit status. A stop that comes while the command line is imported is quiet, too."""
    stopping.listen()
    try:
        from maca_edu import cli

        return cli.main()
    except BaseException:
        if stopping.asked is None:
            raise
        return stopping.status()


if __name__ == "__main__":
    sys.exit(main())
