"""Multi-agent credit assignment, from games solved by hand to MACA."""

__version__ = "0.1.0"
